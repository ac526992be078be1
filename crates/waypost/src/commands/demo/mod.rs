//! `waypost demo`: gateway, sender and receiving endpoints in one process, over real sockets on loopback.
//!
//! The gateway is the one that `serve` starts. The other two know of it what Meta and a customer would know: an address
//! and a secret. At the end three ledgers are compared that were kept apart: the sender's, the store's and the receiver's.

mod acts;
mod books;
mod receiver;
mod sender;
mod show;
mod stage;
mod summary;
mod verify;

use std::time::Instant;

use crate::cli::DemoArgs;
use crate::config::{Environment, LogFormat, LogSettings};
use crate::exit::{Exit, Failure};
use crate::{logs, terminal};

use super::serve::{runtime, until_told_to_stop};
use show::Show;
use stage::{Home, Stage};

/// Runs the demo. It fails when the books do not agree.
pub(crate) fn run(args: &DemoArgs) -> Result<Exit, Failure> {
    let environment = Environment::of_this_process();
    logs::start(&LogSettings {
        format: LogFormat::Auto,
        filter: environment.get("WAYPOST_LOG").unwrap_or("error").to_owned(),
    });
    let home = Home::new(args.keep.as_deref())?;
    let show = Show::new(!args.quiet && !args.json, environment.get("NO_COLOR").is_none());
    let begun = Instant::now();
    let played = runtime()?.block_on(async {
        let stage = Stage::set(&home, show, args.lose_one).await?;
        let played = tokio::select! {
            books = Box::pin(acts::play(&stage)) => books.map(Some),
            told = until_told_to_stop() => told.map(|()| None),
        };
        stage.clear().await;
        played
    })?;
    let Some(books) = played else {
        terminal::tell("waypost: the demo was stopped before its end; nothing was compared");
        return Ok(Exit::Failed);
    };
    let summary = summary::Summary::new(&books, begun.elapsed(), home.kept());
    if args.json {
        terminal::print_json(&summary)?;
    } else {
        terminal::print(&summary.text(show.colour()))?;
    }
    Ok(if summary.agrees() { Exit::Ok } else { Exit::Failed })
}
