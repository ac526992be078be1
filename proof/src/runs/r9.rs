//! R9: a gateway stands still for longer than its lease and goes on, two of three are killed, all three are rolled.

use std::time::Duration;

use crate::Outcome;
use crate::args::Args;
use crate::cluster::{Cluster, NODES, judge};
use crate::report::{Report, say};

const KINDS: [Kind; 3] = [Kind::Pause, Kind::KillTwo, Kind::Roll];
/// Between two disturbances: what was owned by a gateway that is gone is taken over meanwhile.
const CALM: Duration = Duration::from_secs(8);
/// Longer than a lease.
const PAUSE: std::ops::Range<u64> = 17_000..25_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// SIGSTOP for longer than the lease, then SIGCONT
    Pause,
    /// SIGKILL of two of three; started again when the third has taken over
    KillTwo,
    /// SIGTERM and start, one after the other
    Roll,
}

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let mut cluster = Cluster::set(args)?;
    let meta = cluster.traffic(args)?;
    let mut chance = fastrand::Rng::with_seed(args.seed);
    let mut rolls = Vec::new();
    for round in 0..args.rounds {
        std::thread::sleep(CALM);
        let at = usize::try_from(round)?;
        let kind = KINDS.into_iter().cycle().nth(at).unwrap_or(Kind::Pause);
        let from_us = cluster.clock.now_us();
        match kind {
            Kind::Pause => {
                cluster.pause(at % NODES, Duration::from_millis(chance.u64(PAUSE)))?;
                // The others take over while it stands still, and it takes its share when it goes on.
                let moments_us = vec![from_us, cluster.clock.now_us()];
                cluster.disturbed_at(&format!("Pause in round {}", round + 1), from_us, moments_us);
            }
            Kind::KillTwo => kill_two(&mut cluster, at, round)?,
            Kind::Roll => {
                for n in 0..NODES {
                    cluster.roll(n)?;
                }
                cluster.disturbed(&format!("Roll in round {}", round + 1), from_us);
                rolls.push((from_us, cluster.clock.now_us()));
            }
        }
        say(&format!("round {} of {}: {kind:?}", round + 1, args.rounds));
    }
    std::thread::sleep(2 * CALM);
    meta.stop()?;
    cluster.drain()?;
    let mut report = super::r8::judged(&cluster)?;
    let books = cluster.books()?;
    let (mut refused, mut silent) = (0, 0);
    for (from_us, to_us) in &rolls {
        let told = judge::refused(&books, *from_us, *to_us);
        (refused, silent) = (refused + told.0, silent + told.1);
    }
    let told = format!("{refused} answers in {} rolls; {silent} connections that were closed", rolls.len());
    report.claim("a roll shows the sender nothing but closed connections", refused == 0, told);
    Ok(report)
}

/// From the moment of the second death the one that is left must take over; then the two come back for their share.
fn kill_two(cluster: &mut Cluster, at: usize, round: u32) -> Outcome<()> {
    let (first, second) = (at % NODES, (at + 1) % NODES);
    let from_us = cluster.clock.now_us();
    cluster.kill(first)?;
    cluster.kill(second)?;
    let dead_us = cluster.clock.now_us();
    std::thread::sleep(Duration::from_secs(20));
    cluster.start(first)?;
    cluster.start(second)?;
    let moments_us = vec![dead_us, cluster.clock.now_us()];
    cluster.disturbed_at(&format!("KillTwo in round {}", round + 1), from_us, moments_us);
    Ok(())
}
