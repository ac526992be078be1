//! Versioned steps, forward only. A step is one transaction with the row that records it, run by the one node that holds
//! the lock; a node that is killed in it leaves nothing of it, and the next one does it again.
//!
//! A step must leave the nodes of the release before it working: it adds; what it makes useless is dropped by a step of a
//! later release. `works_from` says which is the oldest program (by the newest step that it knows) that still may start
//! on the database afterwards.

use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::fault::{Fault, Kind};
use super::lock::{self, Held};
use super::pool::Pool;
use super::session::{Sql, cell};
use super::tx::Mode;
use crate::error::StoreError;

/// One step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// The version that it leads to; one more than that of the step before.
    pub(super) version: i32,
    /// What it is for, in a few words.
    pub(super) name: &'static str,
    /// Its statements.
    pub(super) sql: &'static str,
    /// The newest step that a program must know to work with what this one leaves.
    pub(super) works_from: i32,
}

/// The steps, oldest first.
pub(super) const STEPS: &[Step] = &[
    Step { version: 1, name: "tables", sql: include_str!("schema/0001_tables.sql"), works_from: 1 },
    Step {
        version: 2,
        name: "pieces of the ring of keys",
        sql: include_str!("schema/0002_key_pieces.sql"),
        works_from: 2,
    },
];

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Migrated {
    /// The version found; 0 for an empty database.
    pub(super) from: i32,
    /// The version now.
    pub(super) to: i32,
}

const LOCK: &str = "migrations";
const LEASE: Duration = Duration::from_secs(30);
/// Between two looks at a lock that another node holds, or at a database that refused.
const PAUSE: Duration = Duration::from_millis(250);
/// Faults that may pass by themselves, one after the other, before it is given up.
const RETRIES_MAX: u32 = 20;

/// Whoever may not make schemas can have been given one.
const GROUND: &str = "DO $$ BEGIN IF to_regnamespace('waypost') IS NULL THEN CREATE SCHEMA waypost; END IF; END $$; \
    CREATE TABLE IF NOT EXISTS waypost.migrations (version int PRIMARY KEY, name text NOT NULL, \
        works_from int NOT NULL, program text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp()); \
    CREATE TABLE IF NOT EXISTS waypost.locks (name text PRIMARY KEY, holder text NOT NULL, fence bigint NOT NULL, \
        until_at timestamptz NOT NULL)";
static IS_THERE: Sql = Sql::new("SELECT to_regclass('waypost.migrations') IS NOT NULL", &[]);
static VERSIONS: Sql =
    Sql::new("SELECT coalesce(max(version), 0), coalesce(max(works_from), 0) FROM waypost.migrations", &[]);
static RECORD: Sql = Sql::new(
    "INSERT INTO waypost.migrations (version, name, works_from, program) VALUES ($1, $2, $3, $4)",
    &[Type::INT4, Type::TEXT, Type::INT4, Type::TEXT],
);

/// What a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Its version; 0 where nothing was done yet.
    pub(super) version: i32,
    works_from: i32,
    has_ground: bool,
}

/// Looks at the database without changing it.
pub(super) async fn look(pool: &Pool) -> Result<Found, Fault> {
    let mut tx = pool.begin(Mode::Read).await?;
    let has_ground: bool = cell(&tx.query_one(&IS_THERE, &[]).await?, 0)?;
    let (mut version, mut works_from) = (0, 0);
    if has_ground {
        let row = tx.query_one(&VERSIONS, &[]).await?;
        (version, works_from) = (cell(&row, 0)?, cell(&row, 1)?);
    }
    tx.commit().await?;
    Ok(Found { version, works_from, has_ground })
}

/// Takes the database to the newest version, or waits until another node has. `holder` names this node.
///
/// # Errors
///
/// [`StoreError::TooNew`] when a newer program made it what this one no longer understands; it is left as it was.
pub(super) async fn run(pool: &Pool, steps: &[Step], holder: &str) -> Result<Migrated, StoreError> {
    let newest = steps.last().map_or(0, |step| step.version);
    let mut from = None;
    let mut retries = 0;
    let mut told = Instant::now();
    loop {
        let fault = match once(pool, steps, newest, holder, &mut from).await? {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => {
                retries = 0;
                if told.elapsed() > Duration::from_secs(10) {
                    tracing::info!("waiting for another node that migrates the database");
                    told = Instant::now();
                }
                None
            }
            Err(fault) => Some(fault),
        };
        if let Some(fault) = fault {
            retries += 1;
            if !may_pass(&fault) || retries > RETRIES_MAX {
                return Err(pool.tell(&fault, "migrate the database"));
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One look, and the steps that it shows to be missing. None: another node is at it.
async fn once(
    pool: &Pool,
    steps: &[Step],
    newest: i32,
    holder: &str,
    from: &mut Option<i32>,
) -> Result<Result<Option<Migrated>, Fault>, StoreError> {
    let found = match look(pool).await {
        Ok(found) => found,
        Err(fault) => return Ok(Err(fault)),
    };
    if found.works_from > newest {
        let version = |version: i32| u32::try_from(version).unwrap_or_default();
        return Err(StoreError::TooNew { found: version(found.version), known: version(newest) });
    }
    let from = *from.get_or_insert(found.version);
    if found.version >= newest {
        return Ok(Ok(Some(Migrated { from, to: found.version })));
    }
    Ok(go_on(pool, steps, holder, found).await)
}

async fn go_on(pool: &Pool, steps: &[Step], holder: &str, found: Found) -> Result<Option<Migrated>, Fault> {
    if !found.has_ground {
        lay_ground(pool).await?;
    }
    let Some(held) = lock::take(pool, LOCK, holder, LEASE).await? else { return Ok(None) };
    // Looked at again: the one who held it before may have gone further since.
    let done = steps_from(pool, steps, &held).await;
    held.release(pool).await;
    done.map(|()| None)
}

async fn steps_from(pool: &Pool, steps: &[Step], held: &Held) -> Result<(), Fault> {
    let found = look(pool).await?;
    for step in steps.iter().filter(|step| step.version > found.version) {
        take_step(pool, step, held).await?;
        tracing::info!(store.version = step.version, step = step.name, "the database was taken to a new version");
    }
    Ok(())
}

async fn take_step(pool: &Pool, step: &Step, held: &Held) -> Result<(), Fault> {
    let mut tx = pool.begin(Mode::Schema).await?;
    held.guard(&mut tx).await?;
    tx.batch(step.sql).await?;
    let program = env!("CARGO_PKG_VERSION");
    let _one = tx.execute(&RECORD, &[&step.version, &step.name, &step.works_from, &program]).await?;
    // The lease is counted from now: the step may have taken longer.
    held.guard(&mut tx).await?;
    tx.commit().await
}

/// Two nodes may lay it at once; one of them is then refused, and finds it laid.
async fn lay_ground(pool: &Pool) -> Result<(), Fault> {
    let mut tx = pool.begin(Mode::Schema).await?;
    tx.batch(GROUND).await?;
    tx.commit().await
}

/// Whether the same again may succeed. A step whose COMMIT was not answered is looked for, not taken twice.
fn may_pass(fault: &Fault) -> bool {
    matches!(
        fault.kind(),
        Kind::Unreachable | Kind::Overloaded | Kind::Lost | Kind::OutcomeUnknown | Kind::Conflict | Kind::Unique
    )
}
