//! `waypost emulate`: Meta's side on this machine.

mod job;
mod load;
mod ready;
mod show;
mod tls;

use std::time::Duration;

use emulator::run::{self, RunError, Summary};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::interval;

use self::job::Job;
use self::show::Show;
use super::serve::{runtime, until_told_to_stop};
use crate::cli::EmulateArgs;
use crate::config::Environment;
use crate::exit::{Exit, Failure};
use crate::terminal;

/// Things told that nobody has read yet.
const TOLD: usize = 256;

/// How often what waits is shown anew.
const LOOK: Duration = Duration::from_millis(500);

/// Plays a scenario or makes a load, or prints what there is.
pub(crate) fn run(args: &EmulateArgs) -> Result<Exit, Failure> {
    if args.list {
        return ready::list(args.json).map(|()| Exit::Ok);
    }
    if let Some(name) = &args.show {
        return ready::print(name).map(|()| Exit::Ok);
    }
    let job = Job::new(args, &Environment::of_this_process())?;
    runtime()?.block_on(async {
        match args.load.load {
            Some(rate) => load::run(args, job, rate).await,
            None => play(args, job).await,
        }
    })
}

async fn play(args: &EmulateArgs, job: Job) -> Result<Exit, Failure> {
    let listener = match args.graph {
        Some(at) => {
            let listener = TcpListener::bind(at).await;
            Some(listener.map_err(|source| Failure::Listen { at, setting: "--graph", source })?)
        }
        None => None,
    };
    let graph = listener.as_ref().and_then(|listener| listener.local_addr().ok());
    let mut show = Show::new(args.json, args.speed);
    show.begin(&job, graph)?;
    let (told, mut telling) = mpsc::channel(TOLD);
    let sender = tls::sender(args)?;
    let playing = run::run(job.settings, sender, listener, told, stop(args.length));
    let showing = async {
        let mut looks = interval(LOOK);
        loop {
            tokio::select! {
                told = telling.recv() => match told {
                    Some(told) => show.told(&told)?,
                    None => return Ok::<_, Failure>(()),
                },
                _ = looks.tick() => show.look(),
            }
        }
    };
    tokio::pin!(playing);
    let ended: Result<Summary, RunError> = tokio::select! {
        ended = &mut playing => ended,
        broken = showing => match broken {
            Ok(()) => playing.await,
            Err(failure) => return Err(failure),
        },
    };
    // What was told before the end is shown before the sums.
    while let Ok(told) = telling.try_recv() {
        show.told(&told)?;
    }
    match ended {
        Ok(summary) => show.end(&summary),
        Err(error) => Err(show.not_begun(&error)),
    }
}

/// Told to stop, or after this long.
async fn stop(length: Option<Duration>) {
    let after = async {
        match length {
            Some(length) => tokio::time::sleep(length).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        told = until_told_to_stop() => if told.is_err() {
            terminal::tell("waypost: signals cannot be heard");
        },
        () = after => {}
    }
}
