//! Loss of power, replayed: the store runs on a disk that remembers every write and sync; then, for moment after moment,
//! what the disk would hold after a loss of power is opened by the product's own code and compared with what had been
//! answered until then.
//!
//! `WAYPOST_POWER_CUTS` says how many moments (100 when it says nothing), `WAYPOST_POWER_SEED` which.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod judge;
mod rot;
mod work;

use std::fmt::Display;
use std::path::PathBuf;

use fastrand::Rng;
use tempfile::TempDir;
use testdisk::{Call, Cut, Disk, Op, Order, Recording, Then, Which};

use self::judge::{Answered, Found};
use self::work::{Line, Sent};

/// What a run with this disk came to: everything that is not as it must be.
struct Verdict {
    moments: usize,
    faults: Vec<String>,
    events_lost: usize,
}

fn setting(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "how long a test goes on is not for the product's configuration")]
    std::env::var(name).ok()?.parse().ok()
}

/// A folder in memory where there is one: the disk below it is played, and need not be waited for.
fn folder() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap()
}

/// Works on a disk with these orders, and judges so many moments.
async fn run(orders: Vec<Order>, moments: usize) -> Verdict {
    testdisk::install();
    let seed = setting("WAYPOST_POWER_SEED").unwrap_or_else(|| Rng::new().u64(..1_000_000));
    let folder = folder();
    let disk = Disk::at(folder.path()).unwrap();
    disk.record();
    disk.order(orders);
    let sent = work::run(folder.path(), &disk, seed).await;
    let recording = disk.recorded();
    tell(&format!("seed {seed}: {}", shape(&recording)));
    let verdict = judge_all(&recording, &sent, moments, &mut Rng::with_seed(seed)).await;
    for fault in verdict.faults.iter().take(5) {
        tell(&format!("seed {seed}: {fault}"));
    }
    tell(&format!(
        "seed {seed}: {} moments, {} faults, {} events lost",
        verdict.moments,
        verdict.faults.len(),
        verdict.events_lost
    ));
    verdict
}

#[expect(clippy::print_stderr, reason = "the seed must be known when it fails")]
fn tell(text: &dyn Display) {
    eprintln!("{text}");
}

fn shape(recording: &Recording) -> String {
    let count = |is: &dyn Fn(&Op) -> bool| recording.ops.iter().filter(|op| is(op)).count();
    let is_log = |file: &str| file.ends_with("-wal");
    format!(
        "{} ops, {} writes to the log, {} beginnings of the log, {} writes to the database, {} syncs, {} refused, {} lines",
        recording.ops.len(),
        count(&|op| matches!(op, Op::Write { file, .. } if is_log(file))),
        count(&|op| matches!(op, Op::Write { file, at: 0, .. } if is_log(file))),
        count(&|op| matches!(op, Op::Write { file, .. } if !is_log(file))),
        count(&|op| matches!(op, Op::SyncEnded { .. })),
        count(&|op| matches!(op, Op::SyncRefused { .. })),
        count(&|op| matches!(op, Op::Note(_))),
    )
}

async fn judge_all(recording: &Recording, sent: &[Sent], moments: usize, chance: &mut Rng) -> Verdict {
    let mut cut = Cut::of(recording);
    let mut answered = Answered::default();
    let mut verdict = Verdict { moments: 0, faults: Vec::new(), events_lost: 0 };
    let mut next = 0;
    for moment in chosen(recording, moments, chance) {
        while next < moment {
            if let Some(Op::Note(line)) = recording.ops.get(next) {
                answered.learn(Line::read(*line));
            }
            next += 1;
        }
        let held = folder();
        for (name, bytes) in cut.at(moment, chance) {
            std::fs::write(held.path().join(&*name), bytes).unwrap();
        }
        let Found { faults, events_lost } = judge::look(held.path(), sent, &answered, chance).await;
        verdict.moments += 1;
        verdict.events_lost += events_lost;
        verdict.faults.extend(faults.into_iter().map(|fault| format!("at op {moment}: {fault}")));
    }
    verdict
}

/// So many moments: half of them anywhere, half of them where the log is copied or begun anew.
fn chosen(recording: &Recording, moments: usize, chance: &mut Rng) -> Vec<usize> {
    let is_delicate = |op: &Op| match op {
        Op::Write { file, at, .. } => !file.ends_with("-wal") || *at == 0,
        Op::Truncate { .. } | Op::SyncRefused { .. } | Op::Removed { .. } => true,
        Op::SyncEnded { file, .. } => !file.ends_with("-wal"),
        Op::SyncBegan { .. } | Op::Note(_) => false,
    };
    let ops = recording.ops.iter().enumerate();
    let delicate: Vec<usize> = ops.filter(|(_, op)| is_delicate(op)).map(|(at, _)| at).collect();
    let mut chosen: Vec<usize> = (0..moments)
        .map(|n| match chance.choice(&delicate) {
            Some(at) if n.is_multiple_of(2) => (at + chance.usize(..6)).min(recording.ops.len()),
            _ => chance.usize(..=recording.ops.len()),
        })
        .collect();
    chosen.sort_unstable();
    chosen
}

fn moments() -> usize {
    setting("WAYPOST_POWER_CUTS").map_or(100, |cuts| usize::try_from(cuts).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_of_power_at_any_moment_loses_nothing_that_was_answered() {
    let verdict = run(Vec::new(), moments()).await;
    assert_eq!(verdict.faults, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_holds_after_syncs_that_were_refused() {
    let orders = [12, 40, 41, 90, 150].map(|nth| Order::once(Call::Sync, Which::Any, nth, Then::Refuse));
    let verdict = run(orders.to_vec(), moments()).await;
    assert_eq!(verdict.faults, [""; 0]);
}

/// What SQLite does with `synchronous=OFF`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_never_syncs_is_found_out() {
    let verdict = run(vec![Order::forever(Call::Sync, Which::Any, 1, Then::Skip)], moments().min(60)).await;
    assert!(verdict.events_lost > 0, "none of {} moments showed it", verdict.moments);
}

/// What SQLite does with `synchronous=NORMAL`: the log is synced when it is copied, not when something is committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_syncs_its_log_only_when_copying_it_is_found_out() {
    let verdict = run(vec![Order::forever(Call::SyncOfCommit, Which::Log, 1, Then::Skip)], moments().min(60)).await;
    assert!(verdict.events_lost > 0, "none of {} moments showed it", verdict.moments);
}
