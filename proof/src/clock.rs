//! Two clocks: the one that ledgers are kept by, which never jumps, and the time of day that bodies bear.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since the run began. Sender and sinks share it, so their lines can be compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now_us(self) -> u64 {
        micros(self.0.elapsed())
    }
}

/// A length of time as the ledgers count it.
pub(crate) fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

/// The time of day in Unix seconds.
#[expect(clippy::disallowed_methods, reason = "bodies bear the present time")]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
