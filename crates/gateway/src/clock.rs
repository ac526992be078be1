//! The clock. Everything that needs the time of day asks here, so that tests can set it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Where the time of day comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system.
    #[default]
    System,
    /// A hand-set time, in Unix milliseconds.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Now, in Unix milliseconds.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .ok()
                .and_then(|since| i64::try_from(since.as_millis()).ok())
                .unwrap_or(0),
            Self::Manual(now) => now.load(Ordering::Relaxed),
        }
    }
}

/// A time as RFC 3339 in UTC with milliseconds. None for a time that no calendar has.
#[must_use]
pub fn rfc3339_ms(unix_ms: i64) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000).ok()?;
    time.format(time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    ))
    .ok()
}

/// A time as RFC 3339 in UTC with whole seconds. None for a time that no calendar has.
#[must_use]
pub fn rfc3339_seconds(unix_seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(unix_seconds).ok()?.format(&Rfc3339).ok()
}

/// The Unix milliseconds of an RFC 3339 time.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

/// The Unix milliseconds of an HTTP date (RFC 9110, 5.6.7).
#[must_use]
pub fn parse_http_date(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_and_read_back() {
        assert_eq!(rfc3339_ms(1_772_359_202_113).as_deref(), Some("2026-03-01T10:00:02.113Z"));
        assert_eq!(rfc3339_seconds(1_772_359_202).as_deref(), Some("2026-03-01T10:00:02Z"));
        assert_eq!(parse_rfc3339("2026-03-01T10:00:02.113Z"), Some(1_772_359_202_113));
        assert_eq!(rfc3339_ms(i64::MAX), None);
    }
}
