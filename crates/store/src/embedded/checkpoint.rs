//! Copying the log into the main file, on a connection and a thread of its own, so that no commit pays for it.
//!
//! PASSIVE, regularly: it gets in nobody's way and copies what no reader still needs. Once that has caught up the next
//! commit begins the log anew by itself; under a load that never pauses it does not, and the log grows. Then RESTART
//! holds the writer for the moment that the last pages need. TRUNCATE gives the disk back after a burst.
//!
//! The same thread measures the disk, so that nobody who asks for it waits.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;

use super::condition::Disk;
use super::fault::Fault;
use super::open;
use super::shared::Shared;

const EVERY: Duration = Duration::from_millis(250);
/// A log below this is left alone.
const LOG_BYTES_MIN: u64 = 4 * 1024 * 1024;
/// A log beyond this is begun anew as soon as few pages are left to copy.
const LOG_BYTES_RESTART: u64 = 64 * 1024 * 1024;
/// A log beyond this is cut, too.
const LOG_BYTES_TRUNCATE: u64 = 256 * 1024 * 1024;
/// Pages that RESTART may have to copy while it holds the writer.
const PAGES_LEFT_MAX: i64 = 1_000;

/// Works until the other end of `stop` is dropped.
pub(super) fn run(shared: &Arc<Shared>, stop: &Receiver<()>) {
    let mut rounds: u32 = 0;
    while stop.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        if rounds.is_multiple_of(4) {
            measure(shared);
        }
        rounds = rounds.wrapping_add(1);
        if shared.condition.check().is_ok()
            && log_bytes(shared) >= LOG_BYTES_MIN
            && let Err(fault) = round(shared)
        {
            tracing::warn!(reason = fault.sentence(shared.folder()), "failed to copy the log into the main file");
            shared.suspect(&fault);
        }
    }
}

fn round(shared: &Shared) -> Result<(), Fault> {
    let loan = shared.readers.lend(open::checkpointer)?;
    let outcome = copy(loan.conn()?, log_bytes(shared));
    loan.discard();
    outcome
}

fn copy(conn: &Connection, log_bytes: u64) -> Result<(), Fault> {
    let left = checkpoint(conn, "PASSIVE")?;
    if left > PAGES_LEFT_MAX {
        // A long read (a backup) needs the log; waiting for it would hold the writer for nothing.
        return Ok(());
    }
    if log_bytes > LOG_BYTES_TRUNCATE {
        checkpoint(conn, "TRUNCATE")?;
    } else if log_bytes > LOG_BYTES_RESTART {
        checkpoint(conn, "RESTART")?;
    }
    Ok(())
}

/// Gives the pages that are left in the log. A checkpoint that meets somebody else does what it can.
fn checkpoint(conn: &Connection, mode: &str) -> Result<i64, Fault> {
    let left = conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        let in_log: i64 = row.get(1)?;
        let copied: i64 = row.get(2)?;
        Ok(in_log - copied)
    })?;
    Ok(left)
}

fn log_bytes(shared: &Shared) -> u64 {
    std::fs::metadata(&shared.paths().wal).map_or(0, |file| file.len())
}

/// Measures the store's files and their volume.
pub(super) fn measure(shared: &Shared) {
    let database = std::fs::metadata(&shared.paths().database).map_or(0, |file| file.len());
    let (free_bytes, volume_bytes) = volume(shared).unwrap_or_default();
    shared.condition.set_disk(Disk {
        store_bytes: database.saturating_add(log_bytes(shared)),
        free_bytes,
        volume_bytes,
    });
}

#[cfg(unix)]
fn volume(shared: &Shared) -> Option<(u64, u64)> {
    let volume = rustix::fs::statvfs(shared.folder()).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(volume.f_frsize);
    Some((bytes(volume.f_bavail), bytes(volume.f_blocks)))
}

#[cfg(not(unix))]
fn volume(_shared: &Shared) -> Option<(u64, u64)> {
    None
}
