//! R1: SIGKILL at random moments, restarted at once; what was answered 200 arrives, and nothing more comes twice than was
//! in flight.

use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::Outcome;
use crate::args::Args;
use crate::judge::{self, Interruptions};
use crate::report::{Report, say};
use crate::stage::{End, Stage};

/// A gateway must be ready again within this time.
const START_MAX: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let mut stage = Stage::set(args, None)?;
    stage.add(Stage::ring(args.endpoints, &json!({ "policy": { "gaps": ["200ms", "1s"] } })))?;
    let meta = stage.traffic(args)?;
    let mut chance = fastrand::Rng::with_seed(args.seed);
    let mut interruptions = Interruptions::default();
    let mut worst_start = Duration::ZERO;
    for round in 1..=args.rounds {
        std::thread::sleep(Duration::from_millis(chance.u64(200..4_000)));
        worst_start = worst_start.max(stage.restart(End::Kill, &mut interruptions)?);
        if round.is_multiple_of(20) {
            say(&format!("{round} kills"));
        }
    }
    meta.stop()?;
    stage.drain()?;
    let books = stage.books()?;
    let mut report = Report::default();
    judge::basics(&mut report, &books, &stage.endpoints);
    judge::repeats(&mut report, &books, &interruptions, stage.endpoints.len());
    judge::order(&mut report, &books, &interruptions);
    judge::totals(&mut report, &stage.gateway, &books, &stage.endpoints)?;
    let told = format!("worst of {}: {} ms", args.rounds, worst_start.as_millis());
    report.claim("it is ready again within 2 s of a kill", worst_start <= START_MAX, told);
    stage.gateway.stop()?;
    let check = Command::new(stage.home.binary()).args(["store", "check"]).current_dir(stage.home.folder()).output()?;
    report.claim(
        "the store is whole",
        check.status.success(),
        String::from_utf8_lossy(&check.stdout).trim().to_owned(),
    );
    report.figure("kills", args.rounds);
    Ok(report)
}
