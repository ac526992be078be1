//! How full the log (SQLite's WAL) is, and space for it ahead of time.
//!
//! A commit that makes a file longer has the file system write its own journal before the sync returns; one that writes
//! over what is there does not. So the log gets its length once, as zeros, when it turns out to be needed, and is begun
//! anew before it outgrows that (see `checkpoint`). To SQLite, what follows the last frame that its salts and checksums
//! vouch for is not part of the log.

use std::fs::OpenOptions;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::Connection;

use super::fault::Fault;
use super::open::PAGE_BYTES;

/// The log is begun anew at this many bytes.
pub(super) const LOG_BYTES_ANEW: u64 = 32 * 1024 * 1024;
/// Its length ahead of time: what it may hold by then, and what comes while it is copied.
const LOG_BYTES_AHEAD: u64 = LOG_BYTES_ANEW / 2 * 3;
/// A log below this gets none.
const LOG_BYTES_NEEDED: u64 = 4 * 1024 * 1024;
/// A volume with less left keeps it.
const FREE_BYTES_MIN: u64 = 2 * 1024 * 1024 * 1024;

const CHUNK_BYTES: usize = 64 * 1024;

/// What is known of the log's space.
#[derive(Debug, Default)]
pub(super) struct LogSpace {
    used_bytes: AtomicU64,
    is_made: AtomicBool,
}

impl LogSpace {
    /// Has the writer's connection tell how much of the log is in use after each of its commits.
    pub(super) fn watch(self: &Arc<Self>, conn: &mut Connection) -> Result<(), Fault> {
        let space = Arc::clone(self);
        self.is_cut();
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            let bytes = u64::try_from(pages).unwrap_or_default().saturating_mul(PAGE_BYTES.unsigned_abs());
            space.used_bytes.store(bytes, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(())
    }

    /// Bytes from the beginning of the log to its last frame.
    pub(super) fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// The log was cut to nothing.
    pub(super) fn is_cut(&self) {
        self.used_bytes.store(0, Ordering::Relaxed);
        self.is_made.store(false, Ordering::Relaxed);
    }

    /// Makes the log longer when it is time. For the writer's thread alone, between its commits: nobody else writes to
    /// the log. What cannot be had is done without.
    pub(super) fn make(&self, log: &Path, free_bytes: u64) {
        if self.used_bytes() < LOG_BYTES_NEEDED || self.is_made.swap(true, Ordering::Relaxed) {
            return;
        }
        if free_bytes >= FREE_BYTES_MIN
            && let Err(cause) = lengthen(log)
        {
            tracing::debug!(%cause, "the log got no space ahead of time");
        }
    }
}

fn lengthen(log: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(log)?;
    let zeros = vec![0; CHUNK_BYTES];
    let mut at = file.seek(SeekFrom::End(0))?;
    while at < LOG_BYTES_AHEAD {
        file.write_all(&zeros)?;
        at += CHUNK_BYTES as u64;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn a_log_in_use_gets_its_length_once_and_keeps_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        std::fs::write(&log, b"frames").unwrap();
        let space = LogSpace::default();
        space.make(&log, u64::MAX);
        assert_eq!(std::fs::metadata(&log).unwrap().len(), 6, "it is not needed yet");
        space.used_bytes.store(LOG_BYTES_NEEDED, Ordering::Relaxed);
        space.make(&log, u64::MAX);
        let bytes = std::fs::read(&log).unwrap();
        assert!(bytes.starts_with(b"frames") && bytes.len() as u64 >= LOG_BYTES_AHEAD);
        assert!(bytes.iter().skip(6).all(|byte| *byte == 0));
    }

    #[test]
    fn a_volume_with_little_left_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        std::fs::write(&log, b"").unwrap();
        let space = LogSpace::default();
        space.used_bytes.store(LOG_BYTES_NEEDED, Ordering::Relaxed);
        space.make(&log, FREE_BYTES_MIN - 1);
        assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
    }
}
