//! Which answers count as what.

use std::fmt;
use std::ops::RangeInclusive;

use thiserror::Error;

/// Ranges that one set holds at most.
pub const STATUS_RANGES_MAX: usize = 32;
/// The statuses that HTTP has.
const STATUSES: RangeInclusive<u16> = 100..=599;

/// A set of HTTP statuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusSet(Vec<RangeInclusive<u16>>);

/// A set of statuses that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadStatuses {
    /// Not a status, a range or a class.
    #[error("expected a status (`200`), a range (`200-204`) or a class (`2xx`)")]
    Form,
    /// Outside of what HTTP has.
    #[error("expected statuses from 100 to 599")]
    Outside,
    /// The end comes before the beginning.
    #[error("the range ends before it begins")]
    Backwards,
    /// Too many.
    #[error("expected at most {STATUS_RANGES_MAX} statuses and ranges")]
    TooMany,
}

impl StatusSet {
    /// No status.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// These statuses.
    #[must_use]
    pub fn range(statuses: RangeInclusive<u16>) -> Self {
        Self(vec![statuses])
    }

    /// Reads statuses (`200`), ranges (`200-204`) and classes (`2xx`). What is wrong is told with its position.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, (usize, BadStatuses)> {
        let mut ranges = Vec::new();
        for (at, text) in texts.into_iter().enumerate() {
            if at == STATUS_RANGES_MAX {
                return Err((at, BadStatuses::TooMany));
            }
            ranges.push(range(text.trim()).map_err(|bad| (at, bad))?);
        }
        Ok(Self(ranges))
    }

    /// Whether the status is in it.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }

    /// True when no status is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A status that is in both.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Option<u16> {
        STATUSES.into_iter().find(|status| self.contains(*status) && other.contains(*status))
    }
}

impl fmt::Display for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, range) in self.0.iter().enumerate() {
            let (start, end) = (range.start(), range.end());
            f.write_str(if n == 0 { "" } else { ", " })?;
            if start == end {
                write!(f, "{start}")?;
            } else {
                write!(f, "{start}-{end}")?;
            }
        }
        Ok(())
    }
}

fn range(text: &str) -> Result<RangeInclusive<u16>, BadStatuses> {
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = number(class)?;
        return within(class.saturating_mul(100), class.saturating_mul(100).saturating_add(99));
    }
    let (start, end) = text.split_once('-').unwrap_or((text, text));
    within(number(start.trim_end())?, number(end.trim_start())?)
}

fn number(text: &str) -> Result<u16, BadStatuses> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(BadStatuses::Form)
}

fn within(start: u16, end: u16) -> Result<RangeInclusive<u16>, BadStatuses> {
    if !STATUSES.contains(&start) || !STATUSES.contains(&end) {
        return Err(BadStatuses::Outside);
    }
    if end < start { Err(BadStatuses::Backwards) } else { Ok(start..=end) }
}

/// What an endpoint's answers mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Success.
    pub success: StatusSet,
    /// Refused for good: no further attempt is made.
    pub last: StatusSet,
    /// Tried again, unless `last` names it. What is in none of the three is refused for good.
    pub retry: StatusSet,
    /// Retry-After on 429 and 503 is obeyed.
    pub retry_after: bool,
    /// 410 disables the endpoint.
    pub gone_disables: bool,
}

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Accepted.
    Success,
    /// The endpoint is gone.
    Gone,
    /// Refused for good.
    Refused,
    /// To be tried again.
    Again,
}

impl Answers {
    /// What a status means.
    #[must_use]
    pub fn meaning(&self, status: u16) -> Meaning {
        if self.success.contains(status) {
            Meaning::Success
        } else if status == 410 && self.gone_disables {
            Meaning::Gone
        } else if self.last.contains(status) || !self.retry.contains(status) {
            Meaning::Refused
        } else {
            Meaning::Again
        }
    }

    /// The Retry-After that counts: on 429 and 503, where it is obeyed.
    #[must_use]
    pub fn obeyed(&self, status: u16, retry_after_ms: Option<i64>) -> Option<i64> {
        retry_after_ms.filter(|_| self.retry_after && matches!(status, 429 | 503))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    fn set(texts: &[&str]) -> StatusSet {
        StatusSet::parse(texts.iter().copied()).unwrap()
    }

    #[test]
    fn statuses_ranges_and_classes_are_read_and_written() {
        let some = set(&["200", "300-302", "4xx"]);
        let all: Vec<u16> = (0..=999).filter(|status| some.contains(*status)).collect();
        assert_eq!(all, [200, 300, 301, 302].into_iter().chain(400..=499).collect::<Vec<_>>());
        assert_eq!(some.to_string(), "200, 300-302, 400-499");
        assert_eq!(set(&[]).to_string(), "");
    }

    #[test]
    fn what_is_no_status_is_refused_with_its_position() {
        let cases = [
            ("", BadStatuses::Form),
            ("ok", BadStatuses::Form),
            ("2x", BadStatuses::Form),
            ("xx", BadStatuses::Form),
            ("+200", BadStatuses::Form),
            ("200-", BadStatuses::Form),
            ("200-204-206", BadStatuses::Form),
            ("99", BadStatuses::Outside),
            ("600", BadStatuses::Outside),
            ("9xx", BadStatuses::Outside),
            ("204-200", BadStatuses::Backwards),
        ];
        for (text, bad) in cases {
            assert_eq!(StatusSet::parse(["200", text]), Err((1, bad)), "{text:?}");
        }
        assert_eq!(StatusSet::parse(["200"; 33]), Err((32, BadStatuses::TooMany)));
    }

    #[test]
    fn success_wins_over_everything_and_what_ends_wins_over_what_is_retried() {
        let answers = Answers {
            success: set(&["2xx"]),
            last: set(&["401", "404"]),
            retry: set(&["4xx", "5xx"]),
            retry_after: true,
            gone_disables: true,
        };
        for (status, meaning) in [
            (200, Meaning::Success),
            (302, Meaning::Refused),
            (401, Meaning::Refused),
            (403, Meaning::Again),
            (410, Meaning::Gone),
            (503, Meaning::Again),
        ] {
            assert_eq!(answers.meaning(status), meaning, "{status}");
        }
        let kept = Answers { gone_disables: false, ..answers.clone() };
        assert_eq!(kept.meaning(410), Meaning::Again);
        let accepting = Answers { success: set(&["410"]), ..answers };
        assert_eq!(accepting.meaning(410), Meaning::Success);
    }
}
