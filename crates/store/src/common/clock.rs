//! The wall clock, for the few times that the seam leaves to the store to note. Nothing is decided by it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix milliseconds.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that asks the system")]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
