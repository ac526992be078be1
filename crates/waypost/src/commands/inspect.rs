//! `waypost inspect`: the events in bodies, as the gateway would see them. Needs no gateway.

mod reader;
mod show;

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use self::reader::Reader;
use self::show::Show;
use crate::cli::InspectArgs;
use crate::exit::{Exit, Failure};
use crate::terminal;

/// Bytes of a file at most: as much as `receive.body_bytes_max` can allow.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

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
        match read(file) {
            Ok(body) => show.body(&reader.events(body.into()))?,
            Err(error) => {
                terminal::tell(&format!("waypost: failed to read {}: {error}", name(file)));
                exit = Exit::Failed;
            }
        }
    }
    show.end()?;
    Ok(exit)
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX + 1;
    let length = if is_standard_input(file) {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)?
    } else {
        std::fs::File::open(file)?.take(limit).read_to_end(&mut bytes)?
    };
    if u64::try_from(length).is_ok_and(|length| length < limit) {
        return Ok(bytes);
    }
    let message = format!("it has more than {FILE_BYTES_MAX} bytes, and no webhook body has");
    Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message))
}

fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn name(file: &Path) -> String {
    if is_standard_input(file) { "standard input".to_owned() } else { file.display().to_string() }
}
