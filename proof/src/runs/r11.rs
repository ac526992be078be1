//! R11: lanes keep their order while one request in five fails, one in twenty is slow, and the gateway restarts.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::args::Args;
use crate::judge::{self, Interruptions};
use crate::report::{Report, say};
use crate::sink::Mood;
use crate::stage::{End, Stage};

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let mut stage = Stage::set(args, None)?;
    let impatient = json!({ "policy": { "gaps": ["100ms", "300ms", "1s"], "timeout": "5s" } });
    stage.add(Stage::ring(args.endpoints, &impatient))?;
    stage.sink.desk.set_mood(Mood::SHAKY);
    let meta = stage.traffic(args)?;
    let mut chance = fastrand::Rng::with_seed(args.seed);
    let mut interruptions = Interruptions::default();
    let (end, mut restarts) = (Instant::now() + args.lasts, 0);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(chance.u64(2_000..6_000)));
        stage.restart(if chance.bool() { End::Kill } else { End::Stop }, &mut interruptions)?;
        restarts += 1;
    }
    meta.stop()?;
    say(&format!("{restarts} restarts, {} of them by SIGKILL; draining", interruptions.kills_us.len()));
    stage.drain()?;
    let books = stage.books()?;
    let mut report = Report::default();
    judge::basics(&mut report, &books, &stage.endpoints);
    judge::repeats(&mut report, &books, &interruptions, stage.endpoints.len());
    judge::order(&mut report, &books, &interruptions);
    judge::totals(&mut report, &stage.gateway, &books, &stage.endpoints)?;
    report.figure("restarts", restarts);
    report.figure("of them kills", interruptions.kills_us.len());
    Ok(report)
}
