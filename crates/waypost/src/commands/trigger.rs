//! `waypost trigger`: signed webhooks of a type, from documented bodies.

mod catalogue;
mod job;
mod report;
mod send;

use crate::cli::TriggerArgs;
use crate::config::Environment;
use crate::exit::{Exit, Failure};

use self::job::Job;
use super::serve::runtime;

/// Sends what was asked for, or prints it.
pub(crate) fn run(args: &TriggerArgs) -> Result<Exit, Failure> {
    if args.list {
        return catalogue::list(args.json).map(|()| Exit::Ok);
    }
    let mut job = Job::new(args, &Environment::of_this_process())?;
    if args.dry_run {
        return job.print().map(|()| Exit::Ok);
    }
    runtime()?.block_on(send::run(&mut job, args.json))
}
