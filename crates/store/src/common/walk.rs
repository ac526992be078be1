//! Where the counting of a replay is.

use crate::replay::{ReplayFilter, ReplayOf};

/// Rows that one slice looks at.
pub(crate) const LOOKED_MAX: i64 = 1_000;

/// Deliveries that are dead; the number is that of their state.
pub(crate) const DEAD: i64 = 2;
/// Deliveries that were skipped; the number is that of their state.
pub(crate) const SKIPPED: i64 = 3;
/// Events in the order in which they arrived.
pub(crate) const BY_TIME: i64 = 10;
/// What was named by id.
pub(crate) const NAMED: i64 = 11;
/// Nothing is left to look at.
pub(crate) const OVER: i64 = 12;

/// In which walk, and at which place of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Walk {
    pub(crate) number: i64,
    pub(crate) first: i64,
    pub(crate) second: i64,
}

impl Walk {
    /// Where counting begins.
    pub(crate) const fn first(of: ReplayOf, filter: &ReplayFilter) -> Self {
        let since = match filter.since_ms {
            Some(since) => since,
            None => i64::MIN,
        };
        let number = if !filter.events.is_empty() || !filter.deliveries.is_empty() {
            NAMED
        } else if matches!(of, ReplayOf::Unrouted | ReplayOf::Events) || filter.accepted {
            return Self { number: BY_TIME, first: since, second: i64::MIN };
        } else if filter.dead {
            DEAD
        } else if filter.skipped {
            SKIPPED
        } else {
            OVER
        };
        Self { number, first: 0, second: 0 }
    }

    /// The end of counting.
    pub(crate) const fn over() -> Self {
        Self { number: OVER, first: 0, second: 0 }
    }
}
