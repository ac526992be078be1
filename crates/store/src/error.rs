//! What can go wrong at the seam.

use thiserror::Error;

/// Why a batch was not committed. Nothing of the batch is kept, and every key in it is new again.
#[derive(Debug, Error)]
pub enum CommitError {
    /// The queue was full, or the batch waited too long for its turn. Try again shortly.
    #[error("the store is overloaded")]
    Overloaded,
    /// The endpoints changed after the batch was routed. Route again with the endpoints of this version.
    #[error("the endpoints moved on to version {current}")]
    RoutesMoved {
        /// The version that is in force.
        current: u64,
    },
    /// The store could not write.
    #[error("failed to commit")]
    Store(#[from] StoreError),
}

/// Why the store could not do what it was asked. The message is safe to show; the cause is in `source`.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has the store open.
    #[error("the store in {folder} is in use by another process; stop that one, or give this one a folder of its own")]
    InUse {
        /// The store's folder.
        folder: String,
    },
    /// The store was written by a newer Waypost.
    #[error(
        "the store has version {found}, and this program knows versions up to {known}; run the newer program, or restore a backup made before the upgrade"
    )]
    TooNew {
        /// The version in the store.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// The folder or file cannot be written.
    #[error("the store in {folder} cannot be written: make the folder writable for this user, or choose another")]
    ReadOnly {
        /// The store's folder.
        folder: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file is not a store, or is damaged.
    #[error(
        "the store in {folder} is damaged or not a Waypost store: run `waypost store check`, and restore a backup if it confirms the damage"
    )]
    Damaged {
        /// The store's folder.
        folder: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The disk is full.
    #[error("the disk that holds the store is full: free some space, and Waypost goes on by itself")]
    DiskFull,
    /// The disk refused a read, a write or a sync.
    #[error("the disk refused to {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database cannot be reached, or takes no sessions.
    #[error("the database at {server} cannot be reached: {why}")]
    Unreachable {
        /// Where it is: names and ports, never a password.
        server: String,
        /// Why, in a few words.
        why: String,
    },
    /// The database is there, and must not be used as it is.
    #[error("the database cannot be used: {why}")]
    Unfit {
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A copy into the store was cut off, and what is there is a part of one.
    #[error("a copy into {store} is not finished: run the same `waypost store copy` again, or empty it")]
    Unfinished {
        /// Where it is.
        store: String,
    },
    /// A store cannot be copied as it is, or to where it should go.
    #[error("the store cannot be copied: {why}")]
    Copy {
        /// Why not, and what to do.
        why: String,
    },
    /// The database did not say whether it committed: what was written may be there or not. Never a success; to write the
    /// same again is safe, because keys tell what is there.
    #[error("the database did not say whether it committed")]
    OutcomeUnknown,
    /// A conditional update met another version than the caller saw.
    #[error("it was changed by someone else in the meantime: read it again and repeat the change")]
    VersionConflict,
    /// The thing is not there.
    #[error("there is no such {what}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// The place where a page should begin is none that this store gave.
    #[error("the cursor is not one that this store gave: take `next_cursor` of the page before, or begin without one")]
    BadCursor,
    /// A limit was reached.
    #[error("the limit of {limit} {what} is reached")]
    LimitReached {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// The store is closing, or its writer has stopped.
    #[error("the store is closed")]
    Closed,
    /// A fault inside the store.
    #[error("failed to {doing}")]
    Internal {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
