//! Connections that read, beside the writer and never in its way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::fault::{Fault, Kind};
use super::open::{self, Paths};
use super::shared::{Shared, lock};
use crate::error::StoreError;

const READERS_MAX: usize = 4;
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The pool.
pub(super) struct Readers {
    paths: Paths,
    permits: Arc<Semaphore>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    idle: Vec<Connection>,
    out: usize,
    /// Connections of an older generation are not taken back.
    generation: u64,
}

/// A connection on loan; it is counted until it comes back.
pub(super) struct Loan<'r> {
    readers: &'r Readers,
    conn: Option<Connection>,
    generation: u64,
}

impl Readers {
    pub(super) fn new(paths: Paths) -> Self {
        Self { paths, permits: Arc::new(Semaphore::new(READERS_MAX)), inner: Mutex::default() }
    }

    /// Drops every connection, those on loan when they come back.
    pub(super) fn drop_all(&self) {
        let mut inner = lock(&self.inner);
        inner.generation += 1;
        inner.idle.clear();
    }

    /// True when no connection is on loan.
    pub(super) fn all_returned(&self) -> bool {
        lock(&self.inner).out == 0
    }

    /// Counts a connection that the caller opens by `open`, so that a reopening waits for its end.
    pub(super) fn lend(&self, open: impl FnOnce(&Paths) -> Result<Connection, Fault>) -> Result<Loan<'_>, Fault> {
        let mut loan = self.count();
        loan.conn = Some(open(&self.paths)?);
        Ok(loan)
    }

    fn count(&self) -> Loan<'_> {
        let mut inner = lock(&self.inner);
        inner.out += 1;
        Loan { readers: self, conn: inner.idle.pop(), generation: inner.generation }
    }

    fn borrow(&self) -> Result<Loan<'_>, Fault> {
        let mut loan = self.count();
        if loan.conn.is_none() {
            loan.conn = Some(open::reader(&self.paths)?);
        }
        Ok(loan)
    }
}

impl Loan<'_> {
    pub(super) fn conn(&self) -> Result<&Connection, Fault> {
        self.conn.as_ref().ok_or_else(Fault::closed)
    }

    /// Closes the connection instead of keeping it for the next.
    pub(super) fn discard(mut self) {
        self.conn = None;
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let conn = self.conn.take();
        let mut inner = lock(&self.readers.inner);
        let keep = inner.generation == self.generation && inner.idle.len() < READERS_MAX;
        match conn {
            Some(conn) if keep => inner.idle.push(conn),
            // Closed before it counts as returned.
            conn => drop(conn),
        }
        inner.out = inner.out.saturating_sub(1);
    }
}

/// Runs a query on a reading connection, on a thread that may block.
pub(super) async fn read<T: Send + 'static>(
    shared: &Arc<Shared>,
    doing: &'static str,
    query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
) -> Result<T, StoreError> {
    read_faulty(shared, query).await.map_err(|fault| fault.doing(doing).to_store_error(shared.folder()))
}

/// The same on a connection that was opened for it, which has nothing in memory of what the file says.
pub(super) async fn read_anew<T: Send + 'static>(
    shared: &Arc<Shared>,
    doing: &'static str,
    query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
) -> Result<T, StoreError> {
    let owner = Arc::clone(shared);
    read(shared, doing, move |_| {
        let loan = owner.readers.lend(open::reader)?;
        let found = query(loan.conn()?);
        loan.discard();
        found
    })
    .await
}

async fn read_faulty<T: Send + 'static>(
    shared: &Arc<Shared>,
    query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    shared.condition.check_open()?;
    let permit = tokio::time::timeout(WAIT_MAX, Arc::clone(&shared.readers.permits).acquire_owned())
        .await
        .map_err(|error| Fault::new(Kind::Internal, "read", error))?
        .map_err(|error| Fault::new(Kind::Closed, "read", error))?;
    let owner = Arc::clone(shared);
    let reading = tokio::task::spawn_blocking(move || {
        let loan = owner.readers.borrow()?;
        let found = query(loan.conn()?);
        drop(loan);
        drop(permit);
        found
    });
    reading.await.map_err(|error| Fault::new(Kind::Internal, "read", error))?
}
