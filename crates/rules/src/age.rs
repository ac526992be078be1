//! When an event is too old to be worth delivering.
//!
//! Judged before each attempt. A call must be answered within about a minute (Meta's calling pages): later, offering its
//! `calls.connect` makes a bot ring back into nothing. Nothing else is too old unless the endpoint says so.

use crate::route::{Pattern, wanted};

/// Seconds after which a `calls.connect` is skipped, unless the endpoint says otherwise.
pub const CONNECT_SECONDS_MAX: i64 = 60;

/// What an endpoint says about the age of some types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgeRule {
    /// The types, as a rule of routing names them.
    pub types: Vec<Pattern>,
    /// Seconds since the event's own time, beyond which it is too old.
    pub older_than_seconds: i64,
    /// What becomes of it then.
    pub then: WhenOld,
}

/// What becomes of an event that is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenOld {
    /// It is not delivered.
    Skip,
    /// It is delivered, and marked.
    Mark,
}

/// Whether an event is too old now. The first rule that names its type decides; an event without a time is never old.
#[must_use]
pub fn judge(
    rules: &[AgeRule],
    event_type: &str,
    occurred_at_seconds: Option<i64>,
    now_seconds: i64,
) -> Option<WhenOld> {
    let age = now_seconds.saturating_sub(occurred_at_seconds?);
    let rule = rules.iter().find(|rule| wanted(&rule.types, event_type));
    match rule {
        Some(rule) => (age > rule.older_than_seconds).then_some(rule.then),
        None => (event_type == "calls.connect" && age > CONNECT_SECONDS_MAX).then_some(WhenOld::Skip),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    const NOW: i64 = 1_758_000_000;

    fn rule(pattern: &str, older_than_seconds: i64, then: WhenOld) -> AgeRule {
        AgeRule { types: vec![Pattern::parse(pattern).unwrap()], older_than_seconds, then }
    }

    #[test]
    fn a_call_that_waited_for_more_than_a_minute_is_skipped_and_nothing_else_is_old() {
        assert_eq!(judge(&[], "calls.connect", Some(NOW - 60), NOW), None);
        assert_eq!(judge(&[], "calls.connect", Some(NOW - 61), NOW), Some(WhenOld::Skip));
        assert_eq!(judge(&[], "calls.terminate", Some(NOW - 9_999_999), NOW), None);
        assert_eq!(judge(&[], "calls.connect", None, NOW), None);
    }

    #[test]
    fn the_first_rule_that_names_the_type_decides() {
        let rules = [rule("calls.*", 600, WhenOld::Mark), rule("*", 3_600, WhenOld::Skip)];
        assert_eq!(judge(&rules, "calls.connect", Some(NOW - 600), NOW), None);
        assert_eq!(judge(&rules, "calls.connect", Some(NOW - 601), NOW), Some(WhenOld::Mark));
        assert_eq!(judge(&rules, "messages.text", Some(NOW - 3_601), NOW), Some(WhenOld::Skip));
    }

    #[test]
    fn an_event_from_the_future_is_not_old() {
        assert_eq!(judge(&[rule("*", 0, WhenOld::Skip)], "messages.text", Some(NOW + 60), NOW), None);
    }
}
