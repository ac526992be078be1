//! Which rule a policy breaks.

use thiserror::Error;

use super::gaps::GAPS_MAX;
use super::policy::{ATTEMPTS_MAX, JITTER_PERCENT_MAX};
use crate::limits::RESPONSE_SNIPPET_BYTES_MAX;

/// The rule that a policy breaks. The sentence says what was expected; [`BadPolicy::member`] says of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadPolicy {
    /// No gaps, or too many.
    #[error("expected 1 to {GAPS_MAX} gaps")]
    GapCount,
    /// A gap that is too long, or negative.
    #[error("expected a gap of at most 30 days")]
    GapLength {
        /// Its position.
        at: usize,
    },
    /// The gap that is repeated is too short.
    #[error("the last gap is repeated, so it must be at least 1 s, unless `attempts_max` ends the attempts before")]
    RepeatedGap,
    /// The first gap of a backoff.
    #[error("expected a first gap from 1 s to 30 days")]
    BackoffFirst,
    /// The factor of a backoff.
    #[error("expected a factor from 1 to 10")]
    BackoffFactor,
    /// The longest gap of a backoff.
    #[error("expected a longest gap that is not below the first one, and at most 30 days")]
    BackoffMax,
    /// The number of attempts.
    #[error("expected 1 to {ATTEMPTS_MAX} attempts")]
    Attempts,
    /// The time in which attempts are made.
    #[error("expected a time from 1 s to 30 days")]
    GiveUpAfter,
    /// The first gap is longer than all the time there is.
    #[error("the first gap is longer than `give_up_after`: nothing would ever be tried again")]
    NeverAgain,
    /// Chance that lengthens a gap.
    #[error("expected 0 to {JITTER_PERCENT_MAX} per cent")]
    Jitter,
    /// The time of an attempt.
    #[error("expected a time-out from 100 ms to 60 s")]
    Timeout,
    /// The time of a connection.
    #[error("expected a time-out from 100 ms to 60 s")]
    ConnectTimeout,
    /// A connection may take longer than the whole attempt.
    #[error("a connection must not be given more time than the whole attempt (`timeout`)")]
    ConnectLonger,
    /// Nothing would be accepted.
    #[error("expected at least one status: without one nothing could ever be accepted")]
    NoSuccess,
    /// A status is a success and an end at once.
    #[error("{status} is among the successes already: an answer is either a success or a refusal")]
    SuccessRefused {
        /// The status.
        status: u16,
    },
    /// Bytes of an answer that are kept.
    #[error("expected 0 to {RESPONSE_SNIPPET_BYTES_MAX} bytes")]
    Snippet,
}

impl BadPolicy {
    /// The member that is wrong, by the name that it has where policies are written.
    #[must_use]
    pub fn member(self) -> String {
        let name = match self {
            Self::GapLength { at } => return format!("gaps[{at}]"),
            Self::GapCount | Self::RepeatedGap => "gaps",
            Self::BackoffFirst => "backoff.first",
            Self::BackoffFactor => "backoff.factor",
            Self::BackoffMax => "backoff.max",
            Self::Attempts => "attempts_max",
            Self::GiveUpAfter | Self::NeverAgain => "give_up_after",
            Self::Jitter => "jitter_percent",
            Self::Timeout => "timeout",
            Self::ConnectTimeout | Self::ConnectLonger => "connect_timeout",
            Self::NoSuccess => "success",
            Self::SuccessRefused { .. } => "final",
            Self::Snippet => "snippet_bytes",
        };
        name.to_owned()
    }
}
