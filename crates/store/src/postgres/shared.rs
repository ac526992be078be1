//! What the tasks of one open store share.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_postgres::Row;

use super::commit::Queue;
use super::fault::{Fault, Kind};
use super::feed::Feed;
use super::lease::Lease;
use super::payloads::Payloads;
use super::pool::Pool;
use super::session::{Sql, Value};
use super::tuning::PostgresTuning;
use super::tx::Tx;
use crate::common::board::{Board, Sizes};
use crate::error::StoreError;

/// The shared part.
pub(super) struct Shared {
    pub(super) pool: Pool,
    pub(super) tuning: PostgresTuning,
    pub(super) wake: Notify,
    pub(super) queue: Queue,
    /// What this node's endpoints are owed, as far as it is in memory.
    pub(super) board: Mutex<Board>,
    /// Held while the board is told of something that was read.
    pub(super) feed: tokio::sync::Mutex<Feed>,
    /// Something was committed here that the board does not know yet.
    pub(super) dirty: AtomicBool,
    /// Deliveries that ended while a read was under way; None while none is.
    pub(super) ended: Mutex<Option<HashSet<i64>>>,
    pub(super) lease: Mutex<Lease>,
    /// Held from a look at who owns what until the lease has been told: what was read before a change must not undo it.
    pub(super) owning: tokio::sync::Mutex<()>,
    /// The lease should be renewed at once.
    pub(super) lease_bell: Notify,
    /// Days that there are partitions for.
    pub(super) days: Mutex<HashSet<i32>>,
    /// Up to when arrivals in partitions of keys are known to be noted.
    pub(super) arrivals: Mutex<HashMap<i64, i64>>,
    pub(super) payloads: Mutex<Payloads>,
    pub(super) store_bytes: AtomicU64,
    last_commit_us: AtomicU64,
    /// Why it cannot be written at the moment.
    trouble: Mutex<Option<String>>,
    closed: AtomicBool,
    #[cfg(test)]
    pub(super) commits_to_fail: std::sync::atomic::AtomicU32,
    /// Holds the next commit of notifications open.
    #[cfg(test)]
    pub(super) gate: Mutex<Option<std::sync::Arc<Notify>>>,
}

/// Locks a mutex. A task that panicked while it held one left nothing half done that a later check does not see.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(pool: Pool, tuning: PostgresTuning) -> Self {
        let sizes = Sizes { window: tuning.window, lane: tuning.lane_window, total: tuning.board_max };
        Self {
            pool,
            wake: Notify::new(),
            queue: Queue::new(tuning.queue_jobs_max, tuning.queue_bytes_max),
            board: Mutex::new(Board::new(sizes)),
            feed: tokio::sync::Mutex::default(),
            dirty: AtomicBool::new(true),
            ended: Mutex::default(),
            lease: Mutex::new(Lease::new(tuning.lease)),
            owning: tokio::sync::Mutex::default(),
            lease_bell: Notify::new(),
            days: Mutex::default(),
            arrivals: Mutex::default(),
            payloads: Mutex::new(Payloads::new(tuning.payload_bytes_max)),
            store_bytes: AtomicU64::new(0),
            last_commit_us: AtomicU64::new(0),
            trouble: Mutex::default(),
            closed: AtomicBool::new(false),
            #[cfg(test)]
            commits_to_fail: std::sync::atomic::AtomicU32::new(0),
            #[cfg(test)]
            gate: Mutex::default(),
            tuning,
        }
    }

    /// Commits a transaction that wrote.
    pub(super) async fn commit(&self, tx: Tx) -> Result<(), Fault> {
        if self.refuses() {
            tx.rollback().await;
            return Err(refused());
        }
        tx.commit().await
    }

    /// Runs the last statement of a transaction that writes, and commits.
    pub(super) async fn last(&self, tx: Tx, sql: &Sql, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        if self.refuses() {
            tx.rollback().await;
            return Err(refused());
        }
        tx.query_and_commit(sql, values).await
    }

    /// Fails once the store is closed.
    pub(super) fn check_open(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::SeqCst) { Err(StoreError::Closed) } else { Ok(()) }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// There may be something new to claim.
    pub(super) fn ring(&self) {
        self.dirty.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// What a write showed about the database.
    pub(super) fn note(&self, fault: Option<&Fault>) {
        let trouble = match fault {
            None => None,
            Some(fault) if is_trouble(fault.kind()) => {
                Some(format!("the database at {} cannot be written: {}", self.pool.server(), fault.words()))
            }
            Some(_) => return,
        };
        *lock(&self.trouble) = trouble;
    }

    pub(super) fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    pub(super) fn committed_in(&self, took: std::time::Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.last_commit_us.store(us, Ordering::Relaxed);
    }

    pub(super) fn last_commit_us(&self) -> u64 {
        self.last_commit_us.load(Ordering::Relaxed)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "in tests it asks whether a commit shall fail")]
    const fn refuses(&self) -> bool {
        false
    }

    #[cfg(test)]
    fn refuses(&self) -> bool {
        let left = self.commits_to_fail.load(Ordering::SeqCst);
        self.commits_to_fail.store(left.saturating_sub(1), Ordering::SeqCst);
        left > 0
    }
}

const fn is_trouble(kind: Kind) -> bool {
    matches!(kind, Kind::Unreachable | Kind::ReadOnly | Kind::Full | Kind::Unfit)
}

fn refused() -> Fault {
    Fault::new(Kind::Lost, "the session was lost")
}
