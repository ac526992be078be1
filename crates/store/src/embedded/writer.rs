//! The writer: one thread, one connection, group commit.
//!
//! It takes what has queued up and keeps it in one transaction. After COMMIT it learns (the ledger, the board), and only
//! then answers. A job that fails by its own fault is separated from its companions: the transaction is rolled back and
//! each job is tried alone.
//!
//! After a failed COMMIT, sync or any other refusal of the disk nothing is trusted. All jobs of the transaction fail,
//! every connection is dropped, commits fail fast, and the file is opened anew every half second until that succeeds
//! (see `open`: the log is emptied into the main file first). Then the board is rebuilt from the tables. A transaction
//! whose sync alone failed may be found whole in the log after that; it is then kept whole, with its keys, its bodies and
//! what is owed, and a repeat of it is a duplicate of something durable.
//!
//! A full disk is no such doubt: what does not fit is not written, and the transaction is rolled back. Commits are refused
//! from then on, the reserve is given back, and the other jobs go on with it until there is room again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::fault::{Fault, Kind};
use super::job::{Job, Tx};
use super::ledger::Ledger;
use super::mark::Mark;
use super::names::Names;
use super::queue::Taken;
use super::shared::{Shared, lock};
use super::{checkpoint, open, rebuild};

const IDLE_PATIENCE: Duration = Duration::from_secs(1);
const REOPEN_EVERY: Duration = Duration::from_millis(500);

/// The writer's own state.
pub(super) struct Writer {
    shared: Arc<Shared>,
    conn: Option<Connection>,
    ledger: Ledger,
    names: Names,
    tried_at: Instant,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, conn: Connection, ledger: Ledger) -> Self {
        Self { shared, conn: Some(conn), ledger, names: Names::default(), tried_at: Instant::now() }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        loop {
            let is_well = self.conn.is_some() && !self.shared.condition.is_full();
            let patience = if is_well { IDLE_PATIENCE } else { REOPEN_EVERY };
            let taken = self.shared.queue.take(patience);
            if let Some(fault) = self.shared.take_suspicion() {
                self.distrust(&fault);
            }
            match taken {
                Taken::Jobs(jobs) => {
                    self.group(jobs);
                    self.make_log_space();
                }
                Taken::Nothing => {}
                Taken::Closed => break,
            }
            self.reopen_when_time();
            self.look_for_room_when_time();
        }
        self.shared.condition.closed();
        Mark::of(&self.ledger).write(self.shared.folder());
        if let Some(conn) = self.conn.take() {
            // Only a courtesy to the next opening, which does the same.
            drop(open::empty_the_log(&conn));
        }
    }

    fn group(&mut self, jobs: Vec<Box<dyn Job>>) {
        let now = Instant::now();
        let (expired, mut jobs): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.expired(now));
        self.fail(expired, &Fault::overloaded());
        self.refuse_what_grows(&mut jobs);
        if jobs.is_empty() {
            return;
        }
        match self.transact(&mut jobs) {
            Ok(()) => jobs.into_iter().for_each(|job| job.done(&self.shared)),
            Err(fault) if fault.kind() == Kind::DiskFull => self.no_room(jobs, &fault),
            Err(fault) if fault.distrusts_the_file() => {
                // In this order: whoever hears of the failure finds the store unwritable.
                self.distrust(&fault);
                self.fail(jobs, &fault);
            }
            Err(fault) if jobs.len() == 1 => self.fail(jobs, &fault),
            Err(_) => jobs.into_iter().for_each(|job| self.group(vec![job])),
        }
    }

    /// Runs the jobs in one transaction, and learns what it left.
    fn transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Fault> {
        let Some(conn) = &self.conn else {
            return Err(self.shared.condition.fault());
        };
        let started = Instant::now();
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut tx = Tx::new(conn, self.ledger, &self.shared, &self.names);
        let written = jobs.iter_mut().try_for_each(|job| job.run(&mut tx)).and_then(|()| tx.flush(&self.ledger));
        let Tx { ledger, names_met, gathered, .. } = tx;
        if let Err(fault) = written {
            roll_back(conn)?;
            return Err(fault);
        }
        self.shared.faults.before_commit()?;
        if let Err(error) = commit(conn) {
            let fault = Fault::from(error).at_commit();
            if fault.kind() == Kind::DiskFull {
                roll_back(conn)?;
            }
            return Err(fault);
        }
        #[cfg(feature = "failpoints")]
        testdisk::point("store.committed");
        self.ledger = ledger;
        self.names.learn(names_met);
        if lock(&self.shared.index).learn(&gathered) {
            self.shared.sealer.wake();
        }
        self.shared.committed(&ledger, started.elapsed());
        Ok(())
    }

    fn make_log_space(&self) {
        if self.conn.is_some() {
            self.shared.log_space.make(&self.shared.paths().wal, self.shared.condition.disk().free_bytes);
        }
    }

    /// Commits are not begun on a full disk; what came before that was known is refused here.
    fn refuse_what_grows(&self, jobs: &mut Vec<Box<dyn Job>>) {
        if self.shared.condition.is_full() {
            let (growing, rest) = std::mem::take(jobs).into_iter().partition(|job| job.grows());
            *jobs = rest;
            self.fail(growing, &self.shared.condition.fault());
        }
    }

    /// Refuses what makes the store grow, and tries the rest once more with what was held in reserve.
    fn no_room(&mut self, jobs: Vec<Box<dyn Job>>, fault: &Fault) {
        let is_news = self.shared.no_room(fault);
        self.tried_at = Instant::now();
        let (growing, rest): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.grows());
        self.fail(growing, fault);
        if is_news {
            rest.into_iter().for_each(|job| self.group(vec![job]));
        } else {
            self.fail(rest, fault);
        }
    }

    fn look_for_room_when_time(&mut self) {
        if self.conn.is_some() && self.shared.condition.is_full() && self.tried_at.elapsed() >= REOPEN_EVERY {
            self.tried_at = Instant::now();
            checkpoint::measure(&self.shared);
            self.shared.look_for_room();
        }
    }

    fn fail(&self, jobs: Vec<Box<dyn Job>>, fault: &Fault) {
        jobs.into_iter().for_each(|job| job.failed(fault, &self.shared));
    }

    fn distrust(&mut self, fault: &Fault) {
        if self.conn.take().is_some() {
            let reason = fault.sentence(self.shared.folder());
            tracing::error!(reason, "the store cannot be written; it is opened anew until it can");
            self.shared.distrust(fault);
            self.tried_at = Instant::now();
        }
    }

    fn reopen_when_time(&mut self) {
        if self.conn.is_some() || self.tried_at.elapsed() < REOPEN_EVERY || !self.shared.readers.all_returned() {
            return;
        }
        self.tried_at = Instant::now();
        match self.reopen() {
            Ok((conn, ledger)) => {
                self.conn = Some(conn);
                self.ledger = ledger;
                self.names = Names::default();
                self.shared.trust(&ledger);
                self.shared.hold_reserve();
                tracing::info!("the store can be written again");
            }
            Err(fault) => {
                if fault.kind() == Kind::DiskFull {
                    self.shared.reserve.give_back();
                }
                self.shared.condition.broken(&fault);
            }
        }
    }

    fn reopen(&self) -> Result<(Connection, Ledger), Fault> {
        let mut conn = open::writer(self.shared.paths())
            .map_err(|error| Fault::new(kind_of(&error), "open the store again", error))?;
        self.shared.log_space.watch(&mut conn)?;
        self.shared.faults.limit_pages(&conn)?;
        let ledger = rebuild::load(&conn, &self.shared)?;
        Ok((conn, ledger))
    }
}

impl Drop for Writer {
    /// Also on a panic: whoever waits is told, and nobody is told that the store is well.
    fn drop(&mut self) {
        self.shared.queue.close();
        self.shared.condition.closed();
        while let Taken::Jobs(jobs) = self.shared.queue.take(Duration::ZERO) {
            self.fail(jobs, &Fault::closed());
        }
    }
}

fn roll_back(conn: &Connection) -> Result<(), Fault> {
    // SQLite rolls some failures back by itself, after which ROLLBACK has nothing to do.
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK").map_err(|error| Fault::from(error).doubtful())?;
    }
    Ok(())
}

fn commit(conn: &Connection) -> rusqlite::Result<()> {
    conn.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

fn kind_of(error: &crate::error::StoreError) -> Kind {
    use crate::error::StoreError as E;
    match error {
        E::DiskFull => Kind::DiskFull,
        E::ReadOnly { .. } => Kind::ReadOnly,
        E::Damaged { .. } | E::TooNew { .. } => Kind::Damaged,
        E::Io { .. }
        | E::InUse { .. }
        | E::VersionConflict
        | E::NotFound { .. }
        | E::BadCursor
        | E::LimitReached { .. }
        | E::Closed
        | E::Internal { .. }
        | E::Unreachable { .. }
        | E::Unfit { .. }
        | E::OutcomeUnknown
        | E::Unfinished { .. }
        | E::Copy { .. } => Kind::Io,
    }
}
