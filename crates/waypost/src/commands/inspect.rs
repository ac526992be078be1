//! `waypost inspect`: the events in bodies, as the gateway would see them. Needs no gateway.

mod reader;
mod show;

use std::io::IsTerminal as _;

use self::reader::Reader;
use self::show::Show;
use crate::cli::InspectArgs;
use crate::exit::{Exit, Failure};
use crate::{body_file, terminal};

/// Prints the events of each file, and goes on where one cannot be read.
pub(crate) fn run(args: &InspectArgs) -> Result<Exit, Failure> {
    let mut reader = Reader::new(&args.app, args.group.as_deref());
    let json = args.json || !std::io::stdout().is_terminal();
    let mut show = match (args.summary, json) {
        (true, _) => Show::summary(args.json),
        (false, true) => Show::lines(),
        (false, false) => Show::table(),
    };
    let mut exit = Exit::Ok;
    for file in &args.files {
        match body_file::read(file) {
            Ok(body) => show.body(&reader.events(body.into()))?,
            Err(error) => {
                terminal::tell(&format!("waypost: failed to read {}: {error}", body_file::name(file)));
                exit = Exit::Failed;
            }
        }
    }
    show.end()?;
    Ok(exit)
}
