//! Aimed kills: the gateway ends by SIGKILL at named points, by a build with the feature `failpoints`, and is started
//! again at once. What must hold is what R1 holds.

use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::Outcome;
use crate::args::Args;
use crate::gateway::Setup;
use crate::judge::{self, Interruptions};
use crate::report::{Report, say};
use crate::stage::Stage;

/// A point that does not come by within this time is told as not reached.
const PATIENCE: Duration = Duration::from_secs(20);

/// A place to die.
struct Place {
    name: &'static str,
    /// The order without its count, and what follows the count.
    order: &'static str,
    /// The count is drawn up to this.
    count_max: u64,
}

const fn place(name: &'static str, order: &'static str, count_max: u64) -> Place {
    Place { name, order, count_max }
}

const PLACES: [Place; 10] = [
    place("appended to the log, not synced", "commit-sync log", 200),
    place("half of a commit appended to the log", "write log", 2_000),
    place("synced, SQLite not told", "synced log", 200),
    place("committed, the store has not learned it", "point store.committed", 200),
    place("committed, 200 not sent", "point receive.committed", 200),
    place("answered by the endpoint, not marked", "point deliver.answered", 400),
    place("the log being copied into the database", "write main", 200),
    place("the log copied, the database not synced", "sync main", 2),
    place("the log copied and the database synced", "synced main", 2),
    place("the log about to be begun anew", "begin log", 2),
];

/// Retention begins with a gateway, before it is ready.
const AT_START: Place = place("in a slice of retention", "point retention.sliced", 1);

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    // A store that is soon too large: retention has something to drop. What an endpoint may be owed is a share of it.
    let config = "retention.store_bytes_max = 20000000\n";
    let mut stage = Stage::set_up(args, None, &Setup { failpoints: true, config, volume_bytes: None })?;
    stage.add(Stage::ring(args.endpoints, &json!({ "policy": { "gaps": ["200ms", "1s"] } })))?;
    let meta = stage.traffic(args)?;
    let mut chance = fastrand::Rng::with_seed(args.seed);
    let mut interruptions = Interruptions::default();
    let mut report = Report::default();
    report.row("| killed when | kills | worst start ms |".to_owned());
    report.row("| --- | --- | --- |".to_owned());
    let rounds = args.rounds.div_ceil(u32::try_from(PLACES.len())?).max(1);
    for place in &PLACES {
        let mut starts = Vec::new();
        for _ in 0..rounds {
            let count = chance.u64(1..=place.count_max);
            stage.home.order(&format!("{} {count} kill", place.order))?;
            starts.extend(stage.await_end(PATIENCE, &mut interruptions)?);
        }
        tell(&mut report, place, rounds, &starts);
    }
    let mut starts = Vec::new();
    for _ in 0..rounds {
        stage.gateway.kill()?;
        interruptions.kills_us.push(stage.clock.now_us());
        stage.home.order_later(&format!("{} 1 kill", AT_START.order))?;
        // It may become ready before it gets there.
        let died = match stage.home.start() {
            Ok(gateway) => {
                stage.gateway = gateway;
                stage.await_end(PATIENCE, &mut interruptions)?
            }
            Err(_) => {
                interruptions.kills_us.push(stage.clock.now_us());
                stage.home.order_later("")?;
                stage.gateway = stage.home.start()?;
                Some(Duration::ZERO)
            }
        };
        starts.extend(died);
    }
    tell(&mut report, &AT_START, rounds, &starts);
    stage.home.order("")?;
    meta.stop()?;
    say(&format!("{} kills; draining", interruptions.kills_us.len()));
    stage.drain()?;
    let books = stage.books()?;
    judge::basics(&mut report, &books, &stage.endpoints);
    judge::repeats(&mut report, &books, &interruptions, stage.endpoints.len());
    judge::order(&mut report, &books, &interruptions);
    judge::totals(&mut report, &stage.gateway, &books, &stage.endpoints)?;
    stage.gateway.stop()?;
    let check = Command::new(stage.home.binary()).args(["store", "check"]).current_dir(stage.home.folder()).output()?;
    report.claim(
        "the store is whole",
        check.status.success(),
        String::from_utf8_lossy(&check.stdout).trim().to_owned(),
    );
    report.figure("kills", interruptions.kills_us.len());
    Ok(report)
}

fn tell(report: &mut Report, place: &Place, rounds: u32, starts: &[Duration]) {
    let worst = starts.iter().max().map_or(0, Duration::as_millis);
    report.row(format!("| {} | {} | {worst} |", place.name, starts.len()));
    let reached = u32::try_from(starts.len()).is_ok_and(|count| count == rounds);
    report.claim(format!("it died: {}", place.name), reached, format!("{} of {rounds}", starts.len()));
}
