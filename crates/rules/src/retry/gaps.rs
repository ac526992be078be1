//! How long to wait after a failure.

use super::bad::BadPolicy;
use super::{DAY_MS, SECOND_MS};

/// Gaps that a list holds at most.
pub(super) const GAPS_MAX: usize = 64;
/// The longest gap, in milliseconds.
pub const GAP_MS_MAX: i64 = 30 * DAY_MS;
/// The shortest gap that is repeated, in milliseconds: without it a broken endpoint would be asked without a pause.
pub(super) const REPEATED_GAP_MS_MIN: i64 = SECOND_MS;
/// By how much a backoff may grow with each failure, in per cent.
const FACTOR_PERCENT: std::ops::RangeInclusive<u32> = 100..=1_000;

/// Milliseconds from a failure to the next attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gaps(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// The first after the first failure; the last one is repeated.
    List(Vec<i64>),
    /// Each is the one before times a factor, up to a longest one.
    Backoff { first_ms: i64, factor_percent: u32, max_ms: i64 },
}

impl Gaps {
    /// A list: the first gap after the first failure, the last one repeated.
    pub fn list(gaps_ms: Vec<i64>) -> Result<Self, BadPolicy> {
        if gaps_ms.is_empty() || gaps_ms.len() > GAPS_MAX {
            return Err(BadPolicy::GapCount);
        }
        if let Some(at) = gaps_ms.iter().position(|gap| !(0..=GAP_MS_MAX).contains(gap)) {
            return Err(BadPolicy::GapLength { at });
        }
        Ok(Self(Kind::List(gaps_ms)))
    }

    /// Growing gaps: the first, then each the one before times `factor_percent` / 100, up to `max_ms`.
    pub fn backoff(first_ms: i64, factor_percent: u32, max_ms: i64) -> Result<Self, BadPolicy> {
        if !(REPEATED_GAP_MS_MIN..=GAP_MS_MAX).contains(&first_ms) {
            return Err(BadPolicy::BackoffFirst);
        }
        if !FACTOR_PERCENT.contains(&factor_percent) {
            return Err(BadPolicy::BackoffFactor);
        }
        if !(first_ms..=GAP_MS_MAX).contains(&max_ms) {
            return Err(BadPolicy::BackoffMax);
        }
        Ok(Self(Kind::Backoff { first_ms, factor_percent, max_ms }))
    }

    /// The gaps of a preset, which are known to be good.
    pub(super) const fn known(gaps_ms: Vec<i64>) -> Self {
        Self(Kind::List(gaps_ms))
    }

    /// The gap after so many attempts, without chance.
    #[must_use]
    pub fn after(&self, attempts: u32) -> i64 {
        match &self.0 {
            Kind::List(gaps) => {
                let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
                gaps.get(at).or(gaps.last()).copied().unwrap_or(REPEATED_GAP_MS_MIN)
            }
            Kind::Backoff { first_ms, factor_percent, max_ms } => {
                let mut gap = *first_ms;
                for _ in 1..attempts {
                    if gap >= *max_ms || *factor_percent == *FACTOR_PERCENT.start() {
                        break;
                    }
                    gap = gap.saturating_mul(i64::from(*factor_percent)) / 100;
                }
                gap.min(*max_ms)
            }
        }
    }

    /// Whether a gap below [`REPEATED_GAP_MS_MIN`] would be made after one attempt and all later ones.
    pub(super) fn repeats_too_soon(&self, attempts_max: Option<u32>) -> bool {
        match &self.0 {
            Kind::Backoff { .. } => false,
            Kind::List(gaps) => {
                let listed = u32::try_from(gaps.len()).unwrap_or(u32::MAX);
                let repeats = attempts_max.is_none_or(|max| max > listed.saturating_add(1));
                repeats && gaps.last().is_some_and(|last| *last < REPEATED_GAP_MS_MIN)
            }
        }
    }
}
