//! What the writer is given to do, and the transaction in which it does it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::fault::Fault;
use super::ledger::Ledger;
use super::lookup::{Gathered, Index};
use super::names::{Met, Names};
use super::shared::Shared;
use crate::error::StoreError;

/// How much of a transaction a job fills.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weight {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

/// One piece of work for the writer. It may share its transaction with others.
pub(super) trait Job: Send {
    /// How much of a transaction it fills.
    fn weight(&self) -> Weight;

    /// How long it may wait for others to share a transaction with.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// True when it waited so long that its caller has given up.
    fn expired(&self, _now: Instant) -> bool {
        false
    }

    /// True when it is not begun on a full disk: it makes the store grow.
    fn grows(&self) -> bool {
        false
    }

    /// Writes. May be called again in another transaction when the first was rolled back.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault>;

    /// Called once, after COMMIT: tells the board, then the caller.
    fn done(self: Box<Self>, shared: &Shared);

    /// Called once when nothing of it was kept.
    fn failed(self: Box<Self>, fault: &Fault, shared: &Shared);
}

/// An open transaction.
pub(super) struct Tx<'c> {
    pub(super) conn: &'c Connection,
    /// A copy that becomes the truth with the COMMIT.
    pub(super) ledger: Ledger,
    /// What events are known by, as of the last COMMIT.
    pub(super) index: &'c Mutex<Index>,
    /// What this transaction adds to it.
    pub(super) gathered: Gathered,
    /// Names of contacts as of the last COMMIT, and those that this transaction met.
    pub(super) names: &'c Names,
    pub(super) names_met: Met,
    /// The disk is full: what can be left out is.
    pub(super) thrifty: bool,
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: &'c Connection, ledger: Ledger, shared: &'c Shared, names: &'c Names) -> Self {
        let (index, thrifty) = (&shared.index, shared.condition.is_full());
        Self { conn, ledger, index, gathered: Gathered::default(), names, names_met: Met::new(), thrifty }
    }

    /// Writes what was gathered for the end of the transaction.
    pub(super) fn flush(&self, before: &Ledger) -> Result<(), Fault> {
        self.gathered.write(self.conn, self.ledger.next_event - 1)?;
        if self.ledger != *before {
            self.ledger.save(self.conn)?;
        }
        Ok(())
    }
}

/// Why a change did not happen.
pub(super) enum Refusal {
    /// The store failed.
    Fault(Fault),
    /// The caller's wish cannot be met; the rest of the transaction goes on.
    Refused(StoreError),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// What a rare change does in its transaction.
pub(super) type Work<T> = Box<dyn FnMut(&mut Tx<'_>) -> Result<T, Refusal> + Send>;
/// What follows from it once it is durable.
pub(super) type After<T> = Box<dyn FnOnce(&T, &Shared) + Send>;

/// A rare change (endpoints, numbers, keys, retention): runs in a savepoint of its own, so that a refusal undoes it alone.
pub(super) struct Change<T> {
    work: Work<T>,
    after: After<T>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send> Change<T> {
    pub(super) fn new(work: Work<T>, after: After<T>) -> (Box<Self>, oneshot::Receiver<Result<T, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        let job = Self { work, after, outcome: None, reply };
        (Box::new(job), answer)
    }
}

impl<T: Send> Job for Change<T> {
    fn weight(&self) -> Weight {
        Weight { events: 100, bytes: 0 }
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let before = tx.ledger;
        tx.conn.execute_batch("SAVEPOINT change")?;
        self.outcome = Some(match (self.work)(tx) {
            Ok(value) => Ok(value),
            Err(Refusal::Fault(fault)) => return Err(fault),
            Err(Refusal::Refused(error)) => {
                tx.ledger = before;
                tx.conn.execute_batch("ROLLBACK TO change")?;
                Err(error)
            }
        });
        tx.conn.execute_batch("RELEASE change")?;
        Ok(())
    }

    fn done(self: Box<Self>, shared: &Shared) {
        let outcome = self.outcome.unwrap_or(Err(StoreError::Closed));
        if let Ok(value) = &outcome {
            (self.after)(value, shared);
        }
        // A caller that went away needs no answer.
        drop(self.reply.send(outcome));
    }

    fn failed(self: Box<Self>, fault: &Fault, shared: &Shared) {
        drop(self.reply.send(Err(fault.to_store_error(shared.folder()))));
    }
}
