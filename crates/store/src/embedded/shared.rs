//! What the threads of one open store share.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::ahead::Ahead;
use super::condition::Condition;
use super::damage::Damage;
use super::fault::{Fault, Kind};
use super::faults::Faults;
use super::fresh::FreshPayloads;
use super::ledger::Ledger;
use super::log_space::LogSpace;
use super::lookup::{Index, Sealer};
use super::open::Paths;
use super::options::EmbeddedOptions;
use super::queue::{Bounds, Queue};
use super::readers::Readers;
use super::reserve::Reserve;
use super::retention::Horizon;
use crate::common::board::{Board, NewlyOwed, Sizes};

/// Jobs other than commits that may be queued at once; more wait for a permit.
const CHANGES_MAX: usize = 256;

/// The shared part.
pub(super) struct Shared {
    paths: Paths,
    pub(super) queue: Queue,
    pub(super) board: Mutex<Board>,
    pub(super) index: Mutex<Index>,
    pub(super) sealer: Sealer,
    pub(super) fresh: Mutex<FreshPayloads>,
    pub(super) ahead: Mutex<Ahead>,
    pub(super) readers: Readers,
    pub(super) wake: Notify,
    pub(super) condition: Condition,
    pub(super) damage: Damage,
    pub(super) reserve: Reserve,
    pub(super) changes: Semaphore,
    pub(super) horizon: Mutex<Horizon>,
    pub(super) faults: Faults,
    pub(super) log_space: Arc<LogSpace>,
    ledger: Mutex<Ledger>,
    last_commit_us: AtomicU64,
    suspicion: Mutex<Option<Fault>>,
    /// Held for as long as anything here lives.
    _lock: File,
}

/// Locks a mutex. A thread that panicked while it held one left nothing half done that a later check does not see.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(paths: Paths, options: &EmbeddedOptions, reserve: Reserve, folder_lock: File) -> Self {
        let bounds = Bounds { jobs: options.queue_jobs_max, bytes: options.queue_bytes_max };
        let board = Board::new(Sizes { window: options.window, lane: options.lane_window, total: options.board_max });
        Self {
            readers: Readers::new(paths.clone()),
            paths,
            queue: Queue::new(bounds),
            board: Mutex::new(board),
            index: Mutex::new(Index::new(options.segment_events)),
            sealer: Sealer::default(),
            fresh: Mutex::new(FreshPayloads::new(options.fresh_bytes_max)),
            ahead: Mutex::default(),
            wake: Notify::new(),
            condition: Condition::default(),
            damage: Damage::default(),
            reserve,
            changes: Semaphore::new(CHANGES_MAX),
            horizon: Mutex::new(Horizon::new(options.retention_step_min)),
            faults: Faults::default(),
            log_space: Arc::default(),
            ledger: Mutex::default(),
            last_commit_us: AtomicU64::new(0),
            suspicion: Mutex::default(),
            _lock: folder_lock,
        }
    }

    pub(super) const fn paths(&self) -> &Paths {
        &self.paths
    }

    pub(super) fn folder(&self) -> &Path {
        &self.paths.folder
    }

    /// The totals as of the last commit.
    pub(super) fn ledger(&self) -> Ledger {
        *lock(&self.ledger)
    }

    pub(super) fn set_ledger(&self, ledger: &Ledger) {
        *lock(&self.ledger) = *ledger;
    }

    /// The writer committed.
    pub(super) fn committed(&self, ledger: &Ledger, took: Duration) {
        self.set_ledger(ledger);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.last_commit_us.store(us, Ordering::Relaxed);
    }

    pub(super) fn last_commit_us(&self) -> u64 {
        self.last_commit_us.load(Ordering::Relaxed)
    }

    /// Shows durable deliveries to whoever claims.
    pub(super) fn owe(&self, owed: &[NewlyOwed]) {
        if !owed.is_empty() {
            lock(&self.board).owe(owed);
            self.wake.notify_one();
        }
    }

    /// The checkpointer met a refusal of the disk: the writer will drop everything. A reader's failure does not count: one
    /// page that cannot be read, or a lack of descriptors, must not stop commits. Nor does a full disk, on which a
    /// checkpoint fails before a commit does.
    pub(super) fn suspect(&self, fault: &Fault) {
        if fault.kind() == Kind::Io {
            lock(&self.suspicion).get_or_insert_with(|| fault.clone());
        }
    }

    pub(super) fn take_suspicion(&self) -> Option<Fault> {
        lock(&self.suspicion).take()
    }

    /// Holds room for the time when there is none. Where there is none now, nothing is taken.
    pub(super) fn hold_reserve(&self) {
        match self.reserve.hold(self.condition.disk().volume_bytes) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                self.no_room(&Fault::new(Kind::DiskFull, "hold room for a full disk", error));
            }
            // A file system that knows no such thing, or a folder that takes no other file: without a reserve, then.
            Err(error) => tracing::warn!(%error, "no room could be held for a full disk"),
            Ok(()) => {}
        }
    }

    /// The disk is full. True when that is news.
    pub(super) fn no_room(&self, fault: &Fault) -> bool {
        let is_news = self.condition.full(fault);
        if is_news {
            let reason = fault.sentence(self.folder());
            tracing::error!(reason, "the disk is full: nothing is taken until there is room; deliveries go on");
            self.reserve.give_back();
        }
        is_news
    }

    /// Looks whether there is room again, with a reserve.
    pub(super) fn look_for_room(&self) {
        let disk = self.condition.disk();
        let free = self.faults.free_bytes(disk.free_bytes);
        if free < self.reserve.bytes(disk.volume_bytes).saturating_mul(2)
            || self.reserve.hold(disk.volume_bytes).is_err()
        {
            return;
        }
        self.condition.well();
        tracing::info!("there is room on the disk again");
    }

    /// Nothing is trusted from here on.
    pub(super) fn distrust(&self, fault: &Fault) {
        self.condition.broken(fault);
        self.readers.drop_all();
    }

    /// The file was opened anew.
    pub(super) fn trust(&self, ledger: &Ledger) {
        self.set_ledger(ledger);
        self.take_suspicion();
        self.condition.well();
        self.wake.notify_one();
    }
}
