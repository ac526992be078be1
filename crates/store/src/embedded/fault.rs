//! What went wrong inside the engine, before it is told at the seam.
//!
//! A fault can be told to many callers (all jobs of one transaction), so it is cheap to clone; the seam's errors are not.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::error::{CommitError, StoreError};

/// A failure and how much of the store it puts in doubt.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    kind: Kind,
    doing: &'static str,
    cause: Arc<dyn Error + Send + Sync>,
}

/// What the failure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Too much is queued.
    Overloaded,
    /// The store closes.
    Closed,
    /// The disk is full.
    DiskFull,
    /// The disk refused.
    Io,
    /// Another connection is in the way, or memory is short.
    Hindered,
    /// The file is not what it should be.
    Damaged,
    /// The file or folder cannot be written or opened.
    ReadOnly,
    /// Anything else: a fault of this program, or of one job.
    Internal,
}

impl Fault {
    pub(super) fn new(kind: Kind, doing: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let cause: Box<dyn Error + Send + Sync> = cause.into();
        Self { kind, doing, cause: Arc::from(cause) }
    }

    pub(super) fn overloaded() -> Self {
        Self::new(Kind::Overloaded, "queue", "the queue is full or too slow")
    }

    pub(super) fn closed() -> Self {
        Self::new(Kind::Closed, "write", "the store is closed")
    }

    /// The same fault, with words for what was being done.
    pub(super) fn doing(mut self, doing: &'static str) -> Self {
        self.doing = doing;
        self
    }

    /// The same fault, at a COMMIT, after which the connection cannot be trusted whatever the code.
    pub(super) fn at_commit(mut self) -> Self {
        if self.kind == Kind::Internal {
            self.kind = Kind::Io;
        }
        self.doing("commit")
    }

    /// The same fault, at a ROLLBACK: whatever its code, the connection is in a state that nobody knows.
    pub(super) fn doubtful(mut self) -> Self {
        self.kind = Kind::Io;
        self.doing("roll back")
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// True when the connection and what it cached must not be used any further.
    pub(super) const fn distrusts_the_file(&self) -> bool {
        matches!(self.kind, Kind::DiskFull | Kind::Io | Kind::Hindered | Kind::Damaged | Kind::ReadOnly)
    }

    pub(super) fn to_store_error(&self, folder: &Path) -> StoreError {
        let source: Box<dyn Error + Send + Sync> = Box::new(Shown(Arc::clone(&self.cause)));
        let folder = folder.display().to_string();
        let doing = self.doing;
        match self.kind {
            Kind::Overloaded | Kind::Internal => StoreError::Internal { doing, source },
            Kind::Closed => StoreError::Closed,
            Kind::DiskFull => StoreError::DiskFull,
            Kind::Io | Kind::Hindered => StoreError::Io { doing, source },
            Kind::Damaged => StoreError::Damaged { folder, source },
            Kind::ReadOnly => StoreError::ReadOnly { folder, source },
        }
    }

    pub(super) fn to_commit_error(&self, folder: &Path) -> CommitError {
        match self.kind {
            Kind::Overloaded => CommitError::Overloaded,
            Kind::Closed
            | Kind::DiskFull
            | Kind::Io
            | Kind::Hindered
            | Kind::Damaged
            | Kind::ReadOnly
            | Kind::Internal => CommitError::Store(self.to_store_error(folder)),
        }
    }

    /// A sentence for the operator.
    pub(super) fn sentence(&self, folder: &Path) -> String {
        format!("{}: {}", self.to_store_error(folder), self.cause)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let kind = error.sqlite_error_code().map_or(Kind::Internal, kind_of);
        Self::new(kind, "use the database", error)
    }
}

fn kind_of(code: ErrorCode) -> Kind {
    use ErrorCode as Code;
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest are faults of one statement, and the enum may grow")]
    match code {
        Code::DiskFull => Kind::DiskFull,
        Code::DatabaseCorrupt | Code::NotADatabase => Kind::Damaged,
        Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied => Kind::ReadOnly,
        Code::SystemIoFailure | Code::NoLargeFileSupport => Kind::Io,
        Code::DatabaseBusy | Code::DatabaseLocked | Code::FileLockingProtocolFailed | Code::OutOfMemory => {
            Kind::Hindered
        }
        _ => Kind::Internal,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}: {}", self.doing, self.cause)
    }
}

/// A shared cause as an error of its own.
#[derive(Debug)]
struct Shown(Arc<dyn Error + Send + Sync>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Shown {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
