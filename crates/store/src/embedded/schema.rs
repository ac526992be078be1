//! Versioned, forward-only migrations: each in one transaction, so that a crash repeats or keeps the whole step.

use rusqlite::Connection;

use super::fault::{Fault, Kind};

/// Marks the file as Waypost's ("WPst").
pub(super) const APPLICATION_ID: i64 = 0x5750_7374;

/// The steps, oldest first. Step n leads from version n-1 to n.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_first.sql")];

/// The newest version that this program knows.
pub(super) fn newest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// What a file is, told without changing it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An empty file, or one whose creation was cut short before its first table.
    Nothing,
    /// A store of this version.
    Store(u32),
}

/// Looks at a file. A file of somebody else's is a fault, and is left as it was.
pub(super) fn identify(conn: &Connection) -> Result<Found, Fault> {
    let application: i64 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let objects: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application == APPLICATION_ID {
        return Ok(Found::Store(u32::try_from(version).unwrap_or(u32::MAX)));
    }
    if application == 0 && version == 0 && objects == 0 {
        return Ok(Found::Nothing);
    }
    Err(Fault::new(Kind::Damaged, "open the store", "the file belongs to another program"))
}

/// Takes the file from the version found to the newest.
pub(super) fn migrate(conn: &Connection, found: &Found) -> Result<(), Fault> {
    let from = match found {
        Found::Nothing => 0,
        Found::Store(version) => *version,
    };
    for (version, sql) in (1u32..).zip(MIGRATIONS).filter(|(version, _)| *version > from) {
        step(conn, version, sql).map_err(|fault| fault.doing("migrate the store"))?;
        tracing::info!(store.version = version, "the store was taken to a new version");
    }
    Ok(())
}

fn step(conn: &Connection, version: u32, sql: &str) -> Result<(), Fault> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let done = conn
        .execute_batch(sql)
        .and_then(|()| conn.pragma_update(None, "application_id", APPLICATION_ID))
        .and_then(|()| conn.pragma_update(None, "user_version", version))
        .and_then(|()| conn.execute_batch("COMMIT"));
    if let Err(error) = done {
        // The transaction is over either way; what counts is why.
        drop(conn.execute_batch("ROLLBACK"));
        return Err(error.into());
    }
    Ok(())
}
