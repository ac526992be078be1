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
    let gap_max_ms = u64::try_from(args.gap_max.as_millis())?.max(201);
    let begin_us = stage.clock.now_us();
    for round in 1..=args.rounds {
        std::thread::sleep(Duration::from_millis(chance.u64(200..gap_max_ms)));
        worst_start = worst_start.max(stage.restart(End::Kill, &mut interruptions)?);
        if round.is_multiple_of(20) {
            say(&format!("{round} kills"));
        }
    }
    let took_us = (stage.clock.now_us() - begin_us).max(1);
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
    report.figure("events a second", u64::try_from(books.acked().count())? * 1_000_000 / took_us);
    report.figure(
        "at most so many kills in a hundred lose anything, with 95 % certainty",
        300.0 / f64::from(args.rounds.max(1)),
    );
    let gap_us = gaps(&books);
    report.figure("the longest time without an answer of 200, ms", gap_us / 1_000);
    Ok(report)
}

/// The longest time between two answers of 200.
fn gaps(books: &crate::books::Books) -> u64 {
    let mut ends: Vec<u64> =
        books.asked.iter().filter(|asked| asked.status == 200).map(|asked| asked.ended_us).collect();
    ends.sort_unstable();
    ends.windows(2).map(|pair| pair.iter().copied().fold(0, |before, at: u64| at.abs_diff(before))).max().unwrap_or(0)
}
