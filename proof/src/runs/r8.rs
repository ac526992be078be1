//! R8: the database crashes, its connections are cut after COMMIT was sent, its network falls silent, and its synchronous
//! standby takes over, from a dead primary and from one that does not know; three gateways go on.

use std::time::Duration;

use crate::Outcome;
use crate::args::Args;
use crate::cluster::relay::Mode;
use crate::cluster::{Cluster, judge};
use crate::judge as basics;
use crate::report::{Report, say};

/// Rounds go through these in turn.
const KINDS: [Kind; 6] =
    [Kind::Crash, Kind::CutCommits, Kind::CutAll, Kind::FailOver, Kind::Silence, Kind::ZombiePrimary];
/// Between two disturbances.
const CALM: Duration = Duration::from_secs(6);

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// kill -9 of all of the server's processes, started again on what they left
    Crash,
    /// For a while, one COMMIT in ten is followed by a cut
    CutCommits,
    /// Every connection is cut at once
    CutAll,
    /// The primary is killed, and its synchronous standby promoted
    FailOver,
    /// Nothing moves between gateways and database, and no connection breaks
    Silence,
    /// The standby is promoted while the primary only stands still, and then goes on
    ZombiePrimary,
}

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let mut cluster = Cluster::set(args)?;
    let meta = cluster.traffic(args)?;
    for round in 0..args.rounds {
        std::thread::sleep(CALM);
        let kind = KINDS.into_iter().cycle().nth(usize::try_from(round)?).unwrap_or(Kind::Crash);
        if matches!(kind, Kind::FailOver | Kind::ZombiePrimary) {
            cluster.database.add_standby()?;
        }
        let from_us = cluster.clock.now_us();
        disturb(&mut cluster, kind)?;
        cluster.disturbed(&format!("{kind:?} in round {}", round + 1), from_us);
        say(&format!("round {} of {}: {kind:?}", round + 1, args.rounds));
    }
    std::thread::sleep(2 * CALM);
    meta.stop()?;
    cluster.drain()?;
    let mut report = judged(&cluster)?;
    let cut = cluster.database.relays.iter().map(crate::cluster::relay::Relay::commits_cut);
    let (after, before) = cut.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    report.claim(
        "COMMITs were cut after the server had them, and before",
        after > 0 && before > 0,
        format!("{after} and {before}"),
    );
    Ok(report)
}

fn disturb(cluster: &mut Cluster, kind: Kind) -> Outcome<()> {
    let database = &mut cluster.database;
    match kind {
        Kind::Crash => database.crash(),
        Kind::CutCommits => {
            database.relay().set(Mode::CutCommits(10));
            std::thread::sleep(Duration::from_secs(4));
            database.relay().set(Mode::Through);
            Ok(())
        }
        Kind::CutAll => {
            database.relay().cut_all();
            Ok(())
        }
        Kind::FailOver => database.fail_over(),
        Kind::Silence => {
            database.relay().set(Mode::Silent);
            std::thread::sleep(Duration::from_secs(5));
            database.relay().set(Mode::Through);
            Ok(())
        }
        Kind::ZombiePrimary => database.fail_over_from_a_zombie(Duration::from_secs(3)),
    }
}

/// What holds of every run of a cluster.
pub(super) fn judged(cluster: &Cluster) -> Outcome<Report> {
    let books = cluster.books()?;
    let mut report = Report::default();
    basics::basics(&mut report, &books, &cluster.endpoints);
    judge::repeats(&mut report, &books, &cluster.disturbances, cluster.endpoints.len());
    judge::order(&mut report, &books, &cluster.disturbances);
    judge::recovery(&mut report, &books, &cluster.disturbances, &cluster.endpoints);
    basics::totals(&mut report, cluster.anyone()?, &books, &cluster.endpoints)?;
    report.figure("rounds", cluster.disturbances.len());
    let refused = books.asked.iter().filter(|asked| !matches!(asked.status, 0 | 200)).count();
    report.figure("requests answered otherwise than 200, and sent again", refused);
    Ok(report)
}
