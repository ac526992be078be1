//! Copying the log into the main file, on a connection and a thread of its own, so that no commit pays for it.
//!
//! PASSIVE first, once the log holds enough: it gets in nobody's way and copies what no reader still needs. Under a load
//! that never pauses that does not catch up, and the log would grow. So RESTART then holds the writer for the moment that
//! the last pages need, and the next commit begins the log anew, over what is there (see `log_space`). TRUNCATE gives the
//! disk back after a burst. Copying seldom is what keeps most commits from waiting behind a copy's syncs.
//!
//! The same thread measures the disk, so that nobody who asks for it waits, and writes down how far the store has come.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;

use super::condition::Disk;
use super::fault::Fault;
use super::log_space::LOG_BYTES_ANEW;
use super::mark::Mark;
use super::open;
use super::shared::Shared;

const EVERY: Duration = Duration::from_millis(250);
/// On a full disk the log is copied and begun anew at this, for its own room is needed.
const LOG_BYTES_FULL: u64 = 256 * 1024;
/// A log beyond this is cut, too.
const LOG_BYTES_TRUNCATE: u64 = 256 * 1024 * 1024;
/// Pages that RESTART may have to copy while it holds the writer.
const PAGES_LEFT_MAX: i64 = 1_000;

/// Works until the other end of `stop` is dropped.
pub(super) fn run(shared: &Arc<Shared>, stop: &Receiver<()>) {
    let mut rounds: u32 = 0;
    let mut marked = Mark::default();
    while stop.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        if rounds.is_multiple_of(4) {
            measure(shared);
        }
        rounds = rounds.wrapping_add(1);
        let mark = Mark::of(&shared.ledger());
        if mark != marked {
            mark.write(shared.folder());
            marked = mark;
        }
        if shared.condition.check().is_ok()
            && shared.log_space.used_bytes() >= anew_at(shared)
            && let Err(fault) = round(shared)
        {
            tracing::warn!(reason = fault.sentence(shared.folder()), "failed to copy the log into the main file");
            shared.suspect(&fault);
        }
    }
}

/// The bytes at which the log is copied. What it holds may make the database longer by as much, and when the disk is full
/// that must fit into what was held in reserve.
fn anew_at(shared: &Shared) -> u64 {
    match shared.reserve.bytes(shared.condition.disk().volume_bytes) {
        _ if shared.condition.is_full() => LOG_BYTES_FULL,
        0 => LOG_BYTES_ANEW,
        reserve => LOG_BYTES_ANEW.min(reserve),
    }
}

fn round(shared: &Shared) -> Result<(), Fault> {
    let loan = shared.readers.lend(open::checkpointer)?;
    let outcome = copy(loan.conn()?, shared);
    loan.discard();
    outcome
}

fn copy(conn: &Connection, shared: &Shared) -> Result<(), Fault> {
    let left = checkpoint(conn, "PASSIVE")?;
    if left > PAGES_LEFT_MAX {
        // A long read (a backup) needs the log; waiting for it would hold the writer for nothing.
        return Ok(());
    }
    if log_bytes(shared) > LOG_BYTES_TRUNCATE {
        checkpoint(conn, "TRUNCATE")?;
        shared.log_space.is_cut();
    } else {
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
    // As `df` reckons: what is kept for others (the superuser, a quota) is neither used nor to be had.
    let used = volume.f_blocks.saturating_sub(volume.f_bfree);
    Some((bytes(volume.f_bavail), bytes(used.saturating_add(volume.f_bavail))))
}

#[cfg(not(unix))]
fn volume(_shared: &Shared) -> Option<(u64, u64)> {
    None
}
