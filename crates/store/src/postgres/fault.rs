//! What can go wrong with a database, told without a value from it: a message may quote a key, which holds people's ids.

use tokio_postgres::error::{DbError, SqlState};

use crate::error::{CommitError, StoreError};

/// What kind of fault it is: what the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No session could be had. Nothing was sent.
    Unreachable,
    /// All sessions are in use, and none came free in time. Nothing was sent.
    Overloaded,
    /// The session was lost, or the server gave it up, before COMMIT was sent. Nothing was kept.
    Lost,
    /// COMMIT was sent, and no answer says what came of it.
    OutcomeUnknown,
    /// Another transaction stood in the way. Nothing was kept; the same again may succeed.
    Conflict,
    /// A statement took too long. Nothing was kept.
    Timeout,
    /// The server is a standby, or takes no writes.
    ReadOnly,
    /// The server's disk is full.
    Full,
    /// A unique index was met.
    Unique,
    /// The database must not be used as it is.
    Unfit,
    /// A fault of ours, or of the schema.
    Other,
}

/// A fault, and its words for the operator.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    kind: Kind,
    words: String,
}

impl Fault {
    /// A fault in our own words.
    pub(super) fn new(kind: Kind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into() }
    }

    /// What the driver says of a statement that is not COMMIT.
    pub(super) fn of_statement(error: &tokio_postgres::Error) -> Self {
        let Some(told) = error.as_db_error() else {
            let kind = if error.is_closed() || is_io(error) { Kind::Lost } else { Kind::Other };
            return Self::new(kind, words_of_driver(error));
        };
        Self::new(kind_of(told.code()), words_of_server(told))
    }

    /// What the driver says of a COMMIT. The server's refusal is certain, unless it was on its way out: it may have
    /// committed and have been told to go while it waited for a standby.
    pub(super) fn of_commit(error: &tokio_postgres::Error) -> Self {
        let Some(told) = error.as_db_error() else {
            return Self::new(Kind::OutcomeUnknown, words_of_driver(error));
        };
        let code = told.code().code();
        let unsure = code.starts_with("08") || code.starts_with("57P") || code == "40003" || code == "XX000";
        let kind = if unsure { Kind::OutcomeUnknown } else { kind_of(told.code()) };
        Self::new(kind, words_of_server(told))
    }

    /// What the driver says when no session could be made.
    pub(super) fn of_connecting(error: &tokio_postgres::Error) -> Self {
        let words = error.as_db_error().map_or_else(|| words_of_driver(error), words_of_server);
        Self::new(Kind::Unreachable, words)
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened, without a value from the database.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// As the seam tells it. `doing` completes "failed to …"; `server` is where the database is.
    pub(super) fn store_error(&self, doing: &'static str, server: &str) -> StoreError {
        let (server, why) = (server.to_owned(), self.words.clone());
        match self.kind {
            Kind::Unreachable | Kind::Lost | Kind::ReadOnly | Kind::Overloaded => {
                StoreError::Unreachable { server, why }
            }
            Kind::OutcomeUnknown => StoreError::OutcomeUnknown,
            Kind::Full => StoreError::DiskFull,
            Kind::Unfit => StoreError::Unfit { why },
            Kind::Conflict | Kind::Timeout | Kind::Unique | Kind::Other => {
                StoreError::Internal { doing, source: why.into() }
            }
        }
    }

    /// As a batch is told. A batch that met another's lock or waited too long may be sent again at once.
    pub(super) fn commit_error(&self, server: &str) -> CommitError {
        match self.kind {
            Kind::Overloaded | Kind::Conflict | Kind::Timeout => CommitError::Overloaded,
            Kind::Unreachable
            | Kind::Lost
            | Kind::OutcomeUnknown
            | Kind::ReadOnly
            | Kind::Full
            | Kind::Unique
            | Kind::Unfit
            | Kind::Other => CommitError::Store(self.store_error("commit", server)),
        }
    }
}

fn kind_of(code: &SqlState) -> Kind {
    match code.code() {
        "40001" | "40P01" | "55P03" => Kind::Conflict,
        "57014" | "25P03" => Kind::Timeout,
        "25006" => Kind::ReadOnly,
        "53100" => Kind::Full,
        "53300" => Kind::Unreachable,
        "23505" => Kind::Unique,
        code if code.starts_with("57P") || code.starts_with("08") => Kind::Lost,
        _ => Kind::Other,
    }
}

/// The server's words where they can quote nothing but names and settings, else the code and what it hit.
fn words_of_server(told: &DbError) -> String {
    let code = told.code().code();
    let quotes_names_only = ["08", "25", "28", "3D", "3F", "42", "53", "55", "57", "58"];
    if quotes_names_only.iter().any(|class| code.starts_with(class)) {
        return format!("{} ({code})", told.message());
    }
    let at = told.constraint().or(told.table());
    at.map_or_else(|| format!("the server says {code}"), |at| format!("the server says {code}, at {at}"))
}

/// The driver's words, with the cause that it keeps in `source`. It quotes no value that was bound.
fn words_of_driver(error: &tokio_postgres::Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}
