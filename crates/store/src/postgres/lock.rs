//! A lock that is a row: who holds it says so with a fence and a time at which it ends by itself. It needs no session, so
//! it holds behind a pooler, and a holder that was stopped for too long finds out inside its next transaction.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::fault::{Fault, Kind};
use super::pool::Pool;
use super::session::{Sql, cell};
use super::tx::{Mode, Tx};

static TAKE: Sql = Sql::new(
    "INSERT INTO waypost.locks AS l (name, holder, fence, until_at) \
     VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond') \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = l.fence + 1, until_at = excluded.until_at \
     WHERE l.until_at < clock_timestamp() OR l.holder = excluded.holder RETURNING fence",
    &[Type::TEXT, Type::TEXT, Type::INT8],
);
static EXTEND: Sql = Sql::new(
    "UPDATE waypost.locks SET until_at = clock_timestamp() + $3 * interval '1 millisecond' \
     WHERE name = $1 AND fence = $2",
    &[Type::TEXT, Type::INT8, Type::INT8],
);
static RELEASE: Sql = Sql::new(
    "UPDATE waypost.locks SET until_at = '-infinity' WHERE name = $1 AND fence = $2",
    &[Type::TEXT, Type::INT8],
);

/// A lock that was taken. Dropping it gives nothing back; it then ends with its lease.
#[derive(Debug)]
pub(super) struct Held {
    name: &'static str,
    fence: i64,
    lease_ms: i64,
}

/// Takes a lock, if nobody holds it. A holder of the same name takes it from itself, so that a restart does not wait.
pub(super) async fn take(
    pool: &Pool,
    name: &'static str,
    holder: &str,
    lease: Duration,
) -> Result<Option<Held>, Fault> {
    let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
    let mut tx = pool.begin(Mode::Durable).await?;
    let row = tx.query_opt(&TAKE, &[&name, &holder, &lease_ms]).await?;
    let fence: Option<i64> = row.as_ref().map(|row| cell(row, 0)).transpose()?;
    tx.commit().await?;
    Ok(fence.map(|fence| Held { name, fence, lease_ms }))
}

impl Held {
    /// Sees that the lock is still held, extends its lease, and keeps everybody from taking it before this transaction
    /// ends. Called first in it, and last where it takes long: what it does is then done by the holder or not at all.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] when another has taken it since.
    pub(super) async fn guard(&self, tx: &mut Tx) -> Result<(), Fault> {
        match tx.execute(&EXTEND, &[&self.name, &self.fence, &self.lease_ms]).await? {
            1 => Ok(()),
            _ => Err(Fault::new(Kind::Conflict, format!("another node took the lock `{}`", self.name))),
        }
    }

    /// Gives it back. A failure is no harm: the lease ends.
    pub(super) async fn release(self, pool: &Pool) {
        let done = async {
            let mut tx = pool.begin(Mode::Durable).await?;
            let _rows = tx.execute(&RELEASE, &[&self.name, &self.fence]).await?;
            tx.commit().await
        };
        if let Err(fault) = done.await {
            tracing::debug!(lock = self.name, why = fault.words(), "a lock was not given back; its lease will end");
        }
    }
}
