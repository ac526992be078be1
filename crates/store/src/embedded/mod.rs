//! The embedded engine: SQLite in one folder, one process, one writer.
//!
//! | file | holds |
//! | --- | --- |
//! | `open`, `schema` | the lock, connections and what they promise; migrations |
//! | `queue`, `job`, `writer` | group commit, and what happens when the disk refuses |
//! | `commit`, `dedupe`, `contacts`, `names` | keeping a batch |
//! | `news`, `fresh`, `ahead`, `payloads` | what is learned from it after COMMIT; payloads on their way to their senders |
//! | `lookup` | what events are known by: keys and names, the newest in memory, the others in sealed segments |
//! | `claim`, `settle`, `rebuild` | what is owed, who holds it, what came of it |
//! | `endpoints`, `removal`, `registers`, `labels` | what is set by people |
//! | `replay`, `hand` | what people do again, at once, or no more |
//! | `readers`, `read` | queries beside the writer |
//! | `retention`, `checkpoint`, `log_space`, `reserve` | keeping it small, and what happens when the disk is full |
//! | `backup`, `check`, `checksum`, `damage`, `wal`, `mark`, `loss` | keeping it safe, and knowing when it is not |
//! | `carry` | the folder as one end of a copy into another engine, or out of one |

mod ahead;
mod backlog;
mod backup;
mod carry;
mod check;
mod checkpoint;
mod checksum;
mod claim;
mod commit;
mod condition;
mod contacts;
mod damage;
mod dedupe;
mod endpoints;
mod fault;
mod faults;
mod fresh;
mod hand;
mod job;
mod labels;
mod ledger;
mod log_space;
mod lookup;
mod loss;
mod mark;
mod names;
mod news;
mod open;
mod options;
mod payloads;
#[cfg(test)]
mod power;
mod queue;
mod read;
mod readers;
mod rebuild;
mod registers;
mod removal;
mod replay;
mod reserve;
mod retention;
mod schema;
mod settle;
mod shared;
mod store;
#[cfg(test)]
mod tests;
mod threads;
mod wal;
mod wholes;
mod writer;

use std::sync::{Arc, Mutex};

pub use self::backup::{BackupProgress, backup, restore};
pub(crate) use self::carry::Folder;
pub use self::check::{CheckReport, check};
use self::open::Paths;
pub use self::options::EmbeddedOptions;
use self::reserve::Reserve;
use self::shared::Shared;
use self::threads::Threads;
use self::writer::Writer;
use crate::error::StoreError;

/// A store in one folder. Dropping it stops its threads; what is queued is finished first.
pub struct Embedded {
    shared: Arc<Shared>,
    threads: Arc<Mutex<Threads>>,
}

impl Embedded {
    /// Opens the store in a folder, making it where there is none. Blocks while it reads and syncs.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] when another process has it open, [`StoreError::TooNew`], [`StoreError::Damaged`] or
    /// [`StoreError::ReadOnly`] when the file cannot be used; the file is then left as it was.
    pub fn open(options: EmbeddedOptions) -> Result<Self, StoreError> {
        let paths = Paths::new(&options.folder);
        let folder_lock = open::lock(&paths)?;
        let before = loss::look(&paths);
        let reserve = Reserve::new(&paths.folder, options.reserve_bytes);
        let mut conn = match open::writer(&paths) {
            Err(StoreError::DiskFull) => {
                reserve.give_back();
                open::writer(&paths)?
            }
            opened => opened?,
        };
        carry::must_be_whole(&conn, &options.folder)?;
        let shared = Arc::new(Shared::new(paths, &options, reserve, folder_lock));
        let tell = |fault: fault::Fault| fault.to_store_error(shared.folder());
        shared.log_space.watch(&mut conn).map_err(tell)?;
        let ledger = rebuild::load(&conn, &shared).map_err(tell)?;
        loss::tell(&shared, &before, &ledger);
        checkpoint::measure(&shared);
        shared.hold_reserve();
        let writer = Writer::new(Arc::clone(&shared), conn, ledger);
        let threads = Threads::start(&shared, writer)
            .map_err(|source| StoreError::Internal { doing: "start the store's threads", source: source.into() })?;
        Ok(Self { shared, threads: Arc::new(Mutex::new(threads)) })
    }
}

#[cfg(test)]
impl Embedded {
    /// Makes the next transactions fail as if the disk had refused to sync.
    pub(crate) fn fail_commits(&self, count: u32) {
        let commits = &self.shared.faults.commits;
        commits.store(count, std::sync::atomic::Ordering::SeqCst);
    }

    /// Says how much is free on the volume, whatever is.
    pub(crate) fn say_free_bytes(&self, bytes: u64) {
        self.shared.faults.free_bytes.store(bytes, std::sync::atomic::Ordering::SeqCst);
    }

    /// Makes the disk look full at so many pages; 0 gives the space back.
    pub(crate) async fn limit_pages(&self, pages: u32) {
        let limit = &self.shared.faults.pages_max;
        limit.store(pages, std::sync::atomic::Ordering::SeqCst);
        let shared = Arc::clone(&self.shared);
        let apply = move |tx: &mut job::Tx<'_>| Ok(shared.faults.limit_pages(tx.conn)?);
        let (job, answer) = job::Change::new(Box::new(apply), Box::new(|(), _| ()));
        drop(self.shared.queue.force(job));
        // Fails while the store is broken, and then counts at the next opening.
        drop(answer.await);
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.shared.queue.close();
        shared::lock(&self.threads).join();
    }
}
