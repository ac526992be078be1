//! How fast time goes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// So many seconds of Meta's in one of ours. Waits get shorter by it; the times in bodies are always the present.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace(f64);

impl Default for Pace {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Pace {
    /// Time goes so many times as fast.
    ///
    /// # Errors
    /// If it is not between a hundredth and a million.
    pub fn new(speed: f64) -> Result<Self, &'static str> {
        if (0.01..=1_000_000.0).contains(&speed) { Ok(Self(speed)) } else { Err("expected 0.01 to 1000000") }
    }

    /// How long this takes us.
    #[must_use]
    pub fn real(self, metas: Duration) -> Duration {
        metas.div_f64(self.0)
    }

    /// How long what took us this took Meta.
    #[must_use]
    pub fn metas(self, real: Duration) -> Duration {
        real.mul_f64(self.0)
    }
}

/// The present in Unix seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the emulator knows nothing of the gateway's clock; bodies bear the present"
)]
pub(crate) fn now_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
