//! Receiving: closed and open loops beside the yardsticks, and large bodies.

use std::path::Path;
use std::time::Duration;

use crate::bodies::{HUGE, LARGE, SMALL, Shape, USUAL};
use crate::load::{Figures, Ledger, Plan, run};
use crate::report::{ROUNDS, Report};
use crate::servers::{Cores, Server};
use crate::yardsticks::Yardstick;
use crate::{Outcome, machine};

/// The servers of one run, and what Waypost acknowledged.
pub(crate) struct Field {
    pub(crate) servers: Vec<(&'static str, Server)>,
    pub(crate) ledger: Ledger,
}

/// The name of the one whose events are read back.
pub(crate) const WAYPOST: &str = "waypost";

impl Field {
    /// Starts them: bare hyper first, whose rounds are the base.
    pub(crate) fn start(folder: &Path, by_hand: (Option<&Yardstick>, Option<&Yardstick>)) -> Outcome<Self> {
        let mut servers = vec![("bare hyper", Server::bare(Cores::Zero)?), (WAYPOST, Server::waypost(folder, "info")?)];
        for (name, yardstick) in [("Express + better-sqlite3", by_hand.0), ("FastAPI + sqlite3", by_hand.1)] {
            if let Some(yardstick) = yardstick {
                let own = folder.join(name.replace(' ', ""));
                std::fs::create_dir_all(&own)?;
                servers.push((name, Server::by_hand(yardstick, &own)?));
            }
        }
        Ok(Self { servers, ledger: Ledger::default() })
    }

    /// Rounds in which the servers take turns, a line for each server.
    fn rounds(&mut self, report: &mut Report, case: &str, plan: Plan, rounds: usize) -> Outcome<()> {
        let mut all: Vec<Vec<Figures>> = self.servers.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            for ((name, server), figures) in self.servers.iter().zip(&mut all) {
                let mut others = Ledger::default();
                let ledger = if *name == WAYPOST { &mut self.ledger } else { &mut others };
                figures.push(run(server, plan, ledger)?);
            }
        }
        let base = all.first().cloned().unwrap_or_default();
        for ((name, _), figures) in self.servers.iter().zip(&all) {
            report.rounds(case, name, figures, &base);
        }
        Ok(())
    }

    pub(crate) fn waypost(&self) -> Outcome<&Server> {
        let found = self.servers.iter().find(|(name, _)| *name == WAYPOST);
        found.map(|(_, server)| server).ok_or_else(|| "waypost does not run".into())
    }
}

/// Closed loops: connections and sizes.
pub(crate) fn closed(field: &mut Field, report: &mut Report, seconds: u64) -> Outcome<()> {
    report.table("As fast as they are answered", &ROUNDS);
    let sizes: [(Shape, usize, &[usize]); 4] =
        [(USUAL, 3, &[1, 64, 512]), (SMALL, 2, &[1, 64, 512]), (LARGE, 2, &[1, 64, 512]), (HUGE, 2, &[1, 16])];
    for (shape, rounds, all_connections) in sizes {
        for connections in all_connections {
            let plan =
                Plan { connections: *connections, shape, measured: Duration::from_secs(seconds), per_second: None };
            let case = format!("{}, {connections} connections", shape.name);
            field.rounds(report, &case, plan, rounds)?;
        }
    }
    Ok(())
}

/// Open loops: a rate, and how long an answer takes from when the request was due.
pub(crate) fn open(field: &mut Field, report: &mut Report, seconds: u64) -> Outcome<()> {
    report.table("At a steady rate, 2 KB, 64 connections", &ROUNDS);
    for per_second in [1_500.0, 4_000.0] {
        if per_second > 2_000.0 {
            // They cannot hold it, and a queue that only grows has no time to tell.
            field.servers.truncate(2);
        }
        let measured = Duration::from_secs(seconds);
        let plan = Plan { connections: 64, shape: USUAL, measured, per_second: Some(per_second) };
        field.rounds(report, &format!("{per_second:.0}/s"), plan, 2)?;
    }
    Ok(())
}

/// Events that share a sync, as the kernel counted.
pub(crate) fn syncs(field: &mut Field, report: &mut Report, folder: &Path) -> Outcome<()> {
    report.table("Syncs (flushes of the disk, as the kernel counts them for everybody)", &["what", "value"]);
    for connections in [1, 64, 512] {
        let before = (machine::flushes(folder), field.ledger.events());
        let plan = Plan { connections, shape: USUAL, measured: Duration::from_secs(2), per_second: None };
        let mut ledger = Ledger::default();
        run(field.waypost()?, plan, &mut ledger)?;
        let events = ledger.events();
        field.ledger.0.extend(ledger.0);
        let (Some(first), Some(last)) = (before.0, machine::flushes(folder)) else {
            report.text(&format!("{connections} connections"), "the kernel does not count them here");
            continue;
        };
        let flushes = f64::from(u32::try_from(last - first)?);
        let events = f64::from(u32::try_from(events)?);
        report.value(&format!("syncs a second, {connections} connections"), flushes / 2.5, "");
        report.value(&format!("events a sync, {connections} connections"), events / flushes.max(1.0), "");
    }
    Ok(())
}

/// Small requests beside the largest ones, and the memory that these take.
pub(crate) fn beside(field: &mut Field, report: &mut Report) -> Outcome<()> {
    report.table("Small requests beside bodies of 3 MB", &["what", "value"]);
    let server = field.waypost()?;
    report.value("memory before", server.memory_mib().0, "MiB");
    let small = Plan { connections: 64, shape: SMALL, measured: Duration::from_secs(8), per_second: Some(300.0) };
    let huge = Plan { connections: 2, shape: HUGE, measured: Duration::from_secs(8), per_second: None };
    let (mut of_small, mut of_huge) = (Ledger::default(), Ledger::default());
    let (huge, small) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| run(server, huge, &mut of_huge).map_err(|cause| cause.to_string()));
        let small = run(server, small, &mut of_small);
        (beside.join().unwrap_or_else(|_| Err("the other generator broke".to_owned())), small)
    });
    let (huge, small) = (huge?, small?);
    report.value("bodies of 3 MB a second beside", huge.per_second, "");
    report.value("small ones at 300/s, p50", small.p50_ms, "ms");
    report.value("small ones at 300/s, p99", small.p99_ms, "ms");
    report.value("the most memory so far", server.memory_mib().1, "MiB");
    field.ledger.0.extend(of_small.0);
    field.ledger.0.extend(of_huge.0);
    Ok(())
}
