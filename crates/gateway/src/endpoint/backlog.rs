//! How much an endpoint may be owed before the oldest of it ends.

use rules::retry::Policy;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::BadEndpoint;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Days beyond the policy for which a delivery may be owed, where the endpoint says nothing else.
const DAYS_BEYOND_POLICY: i64 = 7;

/// The limit of an endpoint's backlog. Beyond it the oldest deliveries end as dead, `backlog_limit`, and can be replayed
/// while their bodies are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BacklogInput {
    /// A duration since a delivery was made: `14d`. Missing: seven days beyond the time after which the policy gives up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_max: Option<String>,
    /// Share of the store's limit that what it is owed may keep alive, in per cent. Missing: 25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_percent_max: Option<u8>,
}

/// The limit as it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Milliseconds since a delivery was made.
    pub age_ms_max: i64,
    /// Per cent of the store's limit.
    pub share_percent_max: u8,
}

impl BacklogInput {
    /// Share of the store that one endpoint's backlog may keep alive, in per cent, where the endpoint says nothing else.
    pub const SHARE_PERCENT_DEFAULT: u8 = 25;

    /// The limit for an endpoint with this policy.
    pub fn compile(&self, policy: &Policy) -> Result<Backlog, BadEndpoint> {
        let age_ms_max = match &self.age_max {
            None => policy.give_up_after_ms.saturating_add(DAYS_BEYOND_POLICY * DAY_MS),
            Some(text) => humantime::parse_duration(text)
                .ok()
                .and_then(|age| i64::try_from(age.as_millis()).ok())
                .filter(|age| (1_000..=366 * DAY_MS).contains(age))
                .ok_or_else(|| BadEndpoint::new("backlog.age_max", "expected a duration from `1s` to `366d`"))?,
        };
        let share_percent_max = self.share_percent_max.unwrap_or(Self::SHARE_PERCENT_DEFAULT);
        if !(1..=100).contains(&share_percent_max) {
            return Err(BadEndpoint::new("backlog.share_percent_max", "expected a number from 1 to 100"));
        }
        Ok(Backlog { age_ms_max, share_percent_max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(text: &str) -> Option<i64> {
        let input = BacklogInput { age_max: Some(text.to_owned()), share_percent_max: None };
        input.compile(&Policy::standard()).ok().map(|backlog| backlog.age_ms_max)
    }

    #[test]
    fn a_backlog_may_be_seven_days_older_than_the_policy_allows_unless_it_says_otherwise() {
        let plain = BacklogInput::default().compile(&Policy::standard()).map(|backlog| backlog.age_ms_max);
        assert_eq!(plain, Ok(14 * DAY_MS));
        assert_eq!(age("3d"), Some(3 * DAY_MS));
        assert_eq!((age("1ms"), age("never"), age("400d")), (None, None, None));
    }
}
