//! Failures on demand, for tests. Without them compiled in, nothing here does anything.

use rusqlite::Connection;

use super::fault::Fault;

/// What shall fail.
#[derive(Debug, Default)]
pub(super) struct Faults {
    #[cfg(test)]
    pub(super) commits: std::sync::atomic::AtomicU32,
    #[cfg(test)]
    pub(super) pages_max: std::sync::atomic::AtomicU32,
    #[cfg(test)]
    pub(super) free_bytes: std::sync::atomic::AtomicU64,
}

#[cfg(not(test))]
#[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the same shape as in tests, where it can fail")]
impl Faults {
    pub(super) const fn before_commit(&self) -> Result<(), Fault> {
        Ok(())
    }

    pub(super) const fn limit_pages(&self, _conn: &Connection) -> Result<(), Fault> {
        Ok(())
    }

    pub(super) const fn free_bytes(&self, measured: u64) -> u64 {
        measured
    }
}

#[cfg(test)]
impl Faults {
    /// Fails as a COMMIT does whose sync was refused.
    pub(super) fn before_commit(&self) -> Result<(), Fault> {
        use std::sync::atomic::Ordering;
        let due = self.commits.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match due {
            Ok(_) => Err(Fault::new(super::fault::Kind::Io, "commit", "a refusal made for a test")),
            Err(_) => Ok(()),
        }
    }

    /// What is free, where a test says so.
    pub(super) fn free_bytes(&self, measured: u64) -> u64 {
        match self.free_bytes.load(std::sync::atomic::Ordering::SeqCst) {
            0 => measured,
            said => said,
        }
    }

    /// Makes the disk look full at so many pages.
    pub(super) fn limit_pages(&self, conn: &Connection) -> Result<(), Fault> {
        let pages = match self.pages_max.load(std::sync::atomic::Ordering::SeqCst) {
            0 => i64::from(u32::MAX - 1),
            pages => i64::from(pages),
        };
        conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        Ok(())
    }
}
