//! What a disk remembers.

use std::sync::Arc;

/// One thing that happened, in the order in which things happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Bytes were given to the system.
    Write {
        /// The file's name.
        file: Arc<str>,
        /// Where they begin.
        at: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The file was cut to this length.
    Truncate {
        /// The file's name.
        file: Arc<str>,
        /// Its length from then on.
        length: u64,
    },
    /// A sync began.
    SyncBegan {
        /// The file's name.
        file: Arc<str>,
        /// Tells it from others.
        sync: u64,
    },
    /// That sync is done: what was written to the file before it began is on the disk.
    SyncEnded {
        /// The file's name.
        file: Arc<str>,
        /// Which one.
        sync: u64,
    },
    /// A sync was refused. What was written and not synced is lost, and no later sync brings it back.
    SyncRefused {
        /// The file's name.
        file: Arc<str>,
    },
    /// The file was removed.
    Removed {
        /// The file's name.
        file: Arc<str>,
    },
    /// A line of the test's own ledger.
    Note(u64),
}

/// Everything that happened to the files of a folder, from its first write on.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// In the order in which it happened.
    pub ops: Vec<Op>,
    pub(crate) syncs: u64,
}
