//! How an endpoint's deliveries are tried: the presets, and the rules that every policy keeps.

use std::ops::RangeInclusive;

use super::bad::BadPolicy;
use super::gaps::{GAP_MS_MAX, Gaps};
use super::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use crate::limits::{RESPONSE_SNIPPET_BYTES_DEFAULT, RESPONSE_SNIPPET_BYTES_MAX};
use crate::outcome::{Answers, StatusSet};

/// Attempts that a policy may allow at most.
pub(super) const ATTEMPTS_MAX: u32 = 10_000;
/// Share of a gap by which chance may lengthen it at most, in per cent.
pub(super) const JITTER_PERCENT_MAX: u8 = 100;
/// Milliseconds that an attempt, and a connection, may be given.
const TIMEOUT_MS: RangeInclusive<u32> = 100..=60_000;

/// How an endpoint's deliveries are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Milliseconds until the connection stands: name, TCP and TLS.
    pub connect_timeout_ms: u32,
    /// Milliseconds for one attempt, from the first byte out to the last byte in.
    pub timeout_ms: u32,
    /// From a failure to the next attempt.
    pub gaps: Gaps,
    /// Attempts at most. None: only time ends them.
    pub attempts_max: Option<u32>,
    /// Milliseconds from the first attempt after which no further one is made.
    pub give_up_after_ms: i64,
    /// Share of a gap by which chance may lengthen it, in per cent.
    pub jitter_percent: u8,
    /// What the answers mean.
    pub answers: Answers,
    /// Bytes of a failed answer that are kept.
    pub snippet_bytes: usize,
    /// Milliseconds for which a refused delivery holds its lane. None: for ever.
    pub lane_hold_ms: Option<i64>,
}

impl Policy {
    /// The preset `standard`: any 2xx; 15 s for an attempt; 5 s, 30 s, 2 m, 5 m, 15 m, 1 h, 2 h, 4 h, 8 h, then every
    /// 12 h; 7 days; 410 disables.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            connect_timeout_ms: 10_000,
            timeout_ms: 15_000,
            gaps: Gaps::known(vec![
                5 * SECOND_MS,
                30 * SECOND_MS,
                2 * MINUTE_MS,
                5 * MINUTE_MS,
                15 * MINUTE_MS,
                HOUR_MS,
                2 * HOUR_MS,
                4 * HOUR_MS,
                8 * HOUR_MS,
                12 * HOUR_MS,
            ]),
            attempts_max: None,
            give_up_after_ms: 7 * DAY_MS,
            jitter_percent: 10,
            answers: Answers {
                success: StatusSet::range(200..=299),
                last: StatusSet::none(),
                retry: StatusSet::range(100..=599),
                retry_after: true,
                gone_disables: true,
            },
            snippet_bytes: RESPONSE_SNIPPET_BYTES_DEFAULT,
            lane_hold_ms: Some(5 * MINUTE_MS),
        }
    }

    /// The preset `meta`, for those who want what Meta does: 200 alone; 20 s for an attempt; at once, 15 s, 1 m, 5 m,
    /// 15 m, then every hour; 7 days.
    #[must_use]
    pub fn meta() -> Self {
        let standard = Self::standard();
        Self {
            timeout_ms: 20_000,
            gaps: Gaps::known(vec![0, 15 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS]),
            answers: Answers { success: StatusSet::range(200..=200), gone_disables: false, ..standard.answers },
            ..standard
        }
    }

    /// The preset `8x8`, for those who come from there: any 2xx; 5 s for an attempt; 1, 10, 30 and 90 s after a
    /// connection error, a time-out, 4xx or 5xx; Retry-After is ignored.
    #[must_use]
    pub fn eight_by_eight() -> Self {
        let standard = Self::standard();
        Self {
            connect_timeout_ms: 5_000,
            timeout_ms: 5_000,
            gaps: Gaps::known(vec![SECOND_MS, 10 * SECOND_MS, 30 * SECOND_MS, 90 * SECOND_MS]),
            attempts_max: Some(5),
            jitter_percent: 0,
            answers: Answers {
                retry: StatusSet::range(400..=599),
                retry_after: false,
                gone_disables: false,
                ..standard.answers
            },
            ..standard
        }
    }

    /// The policy itself, if it keeps every rule.
    pub fn checked(self) -> Result<Self, BadPolicy> {
        let broken = [
            (!TIMEOUT_MS.contains(&self.timeout_ms), BadPolicy::Timeout),
            (!TIMEOUT_MS.contains(&self.connect_timeout_ms), BadPolicy::ConnectTimeout),
            (self.connect_timeout_ms > self.timeout_ms, BadPolicy::ConnectLonger),
            (self.attempts_max.is_some_and(|max| !(1..=ATTEMPTS_MAX).contains(&max)), BadPolicy::Attempts),
            (!(SECOND_MS..=GAP_MS_MAX).contains(&self.give_up_after_ms), BadPolicy::GiveUpAfter),
            (self.gaps.repeats_too_soon(self.attempts_max), BadPolicy::RepeatedGap),
            (self.attempts_max != Some(1) && self.gaps.after(1) > self.give_up_after_ms, BadPolicy::NeverAgain),
            (self.jitter_percent > JITTER_PERCENT_MAX, BadPolicy::Jitter),
            (self.answers.success.is_empty(), BadPolicy::NoSuccess),
            (self.snippet_bytes > RESPONSE_SNIPPET_BYTES_MAX, BadPolicy::Snippet),
        ];
        if let Some((_, bad)) = broken.into_iter().find(|(is_broken, _)| *is_broken) {
            return Err(bad);
        }
        match self.answers.success.shared_with(&self.answers.last) {
            Some(status) => Err(BadPolicy::SuccessRefused { status }),
            None => Ok(self),
        }
    }

    /// The gap after so many attempts; `chance` is between 0 and 255 and lengthens it by up to the jitter.
    #[must_use]
    pub fn gap_ms(&self, attempts: u32, chance: u8) -> i64 {
        let gap = self.gaps.after(attempts);
        let share = i64::from(self.jitter_percent) * i64::from(chance);
        gap.saturating_add(gap.saturating_mul(share) / (100 * 255))
    }
}
