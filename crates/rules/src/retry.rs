//! What to do after an attempt: the endpoint's policy, the answer, and the decision.

use crate::delivery::{DeliveryState, EndReason, FailureClass};

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Longest Retry-After that is obeyed, in milliseconds.
pub const RETRY_AFTER_MS_MAX: i64 = HOUR_MS;

/// How an endpoint's deliveries are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Milliseconds for one attempt, from the first byte out to the last byte in.
    pub timeout_ms: u32,
    /// Milliseconds from a failure to the next attempt: the first gap after the first failure, the last one repeated.
    pub gaps_ms: Vec<i64>,
    /// Milliseconds from the first attempt after which no further one is made.
    pub give_up_after_ms: i64,
    /// Share of a gap by which chance may lengthen it, in per cent.
    pub jitter_percent: u8,
    /// Milliseconds for which a refused delivery holds its lane. None: for ever.
    pub lane_hold_ms: Option<i64>,
}

impl Policy {
    /// The preset `standard`: 15 s for an attempt; 5 s, 30 s, 2 m, 5 m, 15 m, 1 h, 2 h, 4 h, 8 h, then every 12 h; 7 days.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            timeout_ms: 15_000,
            gaps_ms: vec![
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
            ],
            give_up_after_ms: 7 * DAY_MS,
            jitter_percent: 10,
            lane_hold_ms: Some(5 * MINUTE_MS),
        }
    }
}

/// What came back from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// An HTTP answer.
    Status {
        /// Its status.
        code: u16,
        /// Its Retry-After, as milliseconds from now.
        retry_after_ms: Option<i64>,
    },
    /// No answer: the name, the connection, TLS, or time failed.
    NoAnswer,
    /// Our own settings forbid the attempt (an address that is not allowed, for instance).
    Forbidden,
    /// Waypost could not make the attempt.
    Fault,
}

/// How far a delivery has come before the attempt that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Attempts made, the judged one included.
    pub attempts: u32,
    /// When the first one began, in Unix milliseconds.
    pub first_attempt_at_ms: i64,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The state that the delivery has from now on.
    pub state: DeliveryState,
    /// When to try again, for an owed one.
    pub due_at_ms: Option<i64>,
    /// From when on it no longer holds up its lane; None: it holds it for ever.
    pub lane_held_until_ms: Option<i64>,
    /// Whose fault the failure is; None for a success.
    pub failure: Option<FailureClass>,
    /// The endpoint said that it is gone (410): nothing more must be sent to it.
    pub disable_endpoint: bool,
    /// The endpoint asked for quiet until then (429 and 503 with Retry-After).
    pub hold_endpoint_until_ms: Option<i64>,
}

impl Decision {
    /// Nothing more is tried.
    #[must_use]
    pub const fn ended(state: DeliveryState) -> Self {
        Self {
            state,
            due_at_ms: None,
            lane_held_until_ms: None,
            failure: None,
            disable_endpoint: false,
            hold_endpoint_until_ms: None,
        }
    }
}

impl Decision {
    /// What follows when a probe found its endpoint still down: the delivery is as it was, its clock stood still.
    #[must_use]
    pub const fn of_probe(self, now_ms: i64) -> Self {
        Self { state: DeliveryState::Owed, due_at_ms: Some(now_ms), ..self }
    }
}

/// Decides what follows an attempt that ended at `now_ms`. `chance` is between 0 and 255 and lengthens the gap.
#[must_use]
pub fn decide(policy: &Policy, progress: Progress, answer: Answer, now_ms: i64, chance: u8) -> Decision {
    let (failure, retry_after_ms) = match answer {
        Answer::Status { code: 200..=299, .. } => return Decision::ended(DeliveryState::Accepted),
        Answer::Status { code: 410, .. } => {
            let gone = Decision::ended(DeliveryState::Dead(EndReason::EndpointGone));
            return Decision { disable_endpoint: true, failure: Some(FailureClass::TheirAnswer), ..gone };
        }
        Answer::Status { code, retry_after_ms } => {
            let asked = retry_after_ms.filter(|_| matches!(code, 429 | 503));
            (FailureClass::TheirAnswer, asked.map(|ms| ms.clamp(0, RETRY_AFTER_MS_MAX)))
        }
        Answer::NoAnswer => (FailureClass::TheirNetwork, None),
        Answer::Forbidden => (FailureClass::OurConfiguration, None),
        Answer::Fault => (FailureClass::Us, None),
    };
    // Retry-After never shortens a gap.
    let gap_ms = gap(policy, progress.attempts, chance).max(retry_after_ms.unwrap_or(0));
    let due_at_ms = now_ms.saturating_add(gap_ms);
    if due_at_ms.saturating_sub(progress.first_attempt_at_ms) > policy.give_up_after_ms {
        let exhausted = Decision::ended(DeliveryState::Dead(EndReason::PolicyExhausted));
        return Decision { failure: Some(failure), ..exhausted };
    }
    Decision {
        state: DeliveryState::Owed,
        due_at_ms: Some(due_at_ms),
        lane_held_until_ms: policy.lane_hold_ms.map(|hold| progress.first_attempt_at_ms.saturating_add(hold)),
        failure: Some(failure),
        disable_endpoint: false,
        hold_endpoint_until_ms: retry_after_ms.map(|ms| now_ms.saturating_add(ms)),
    }
}

fn gap(policy: &Policy, attempts: u32, chance: u8) -> i64 {
    let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let gap = policy.gaps_ms.get(at).or(policy.gaps_ms.last()).copied().unwrap_or(MINUTE_MS);
    gap.saturating_add(gap.saturating_mul(i64::from(policy.jitter_percent) * i64::from(chance)) / (100 * 255))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_758_000_000_000;

    fn after(attempts: u32, first_ago_ms: i64, answer: Answer) -> Decision {
        decide(&Policy::standard(), Progress { attempts, first_attempt_at_ms: NOW - first_ago_ms }, answer, NOW, 0)
    }

    fn status(code: u16) -> Answer {
        Answer::Status { code, retry_after_ms: None }
    }

    #[test]
    fn any_2xx_accepts_and_nothing_else_does() {
        for code in [200, 201, 204, 299] {
            assert_eq!(after(1, 0, status(code)).state, DeliveryState::Accepted);
        }
        for code in [100, 199, 300, 301, 400, 404, 500, 599] {
            assert_eq!(after(1, 0, status(code)).state, DeliveryState::Owed, "{code}");
        }
        assert_eq!(after(1, 0, Answer::NoAnswer).state, DeliveryState::Owed);
    }

    #[test]
    fn the_standard_gaps_follow_the_table_and_then_repeat_every_12_hours() {
        let gaps: Vec<i64> =
            (1..=12).map(|n| after(n, 0, status(500)).due_at_ms.map_or(-1, |due| (due - NOW) / SECOND_MS)).collect();
        assert_eq!(gaps, [5, 30, 120, 300, 900, 3_600, 7_200, 14_400, 28_800, 43_200, 43_200, 43_200]);
    }

    #[test]
    fn a_delivery_is_given_up_when_its_next_attempt_would_come_after_7_days() {
        assert_eq!(after(20, 7 * DAY_MS - 13 * HOUR_MS, status(500)).state, DeliveryState::Owed);
        let last = after(20, 7 * DAY_MS - 11 * HOUR_MS, status(500));
        assert_eq!(last.state, DeliveryState::Dead(EndReason::PolicyExhausted));
    }

    #[test]
    fn retry_after_lengthens_a_gap_up_to_an_hour_and_never_shortens_it() {
        let with = |code, ms| after(1, 0, Answer::Status { code, retry_after_ms: Some(ms) });
        assert_eq!(with(503, 60_000).due_at_ms, Some(NOW + 60_000));
        assert_eq!(with(503, 1_000).due_at_ms, Some(NOW + 5_000));
        assert_eq!(with(429, 9 * HOUR_MS).due_at_ms, Some(NOW + HOUR_MS));
        assert_eq!(with(500, 60_000).due_at_ms, Some(NOW + 5_000));
        assert_eq!(with(429, 60_000).hold_endpoint_until_ms, Some(NOW + 60_000));
        assert_eq!(with(500, 60_000).hold_endpoint_until_ms, None);
    }

    #[test]
    fn a_410_ends_the_delivery_and_disables_the_endpoint() {
        let gone = after(1, 0, status(410));
        assert_eq!(gone.state, DeliveryState::Dead(EndReason::EndpointGone));
        assert!(gone.disable_endpoint);
    }

    #[test]
    fn a_refused_delivery_holds_its_lane_for_five_minutes_from_its_first_attempt() {
        assert_eq!(after(2, 10_000, status(500)).lane_held_until_ms, Some(NOW - 10_000 + 5 * MINUTE_MS));
    }

    #[test]
    fn chance_lengthens_a_gap_by_at_most_the_jitter() {
        let progress = Progress { attempts: 1, first_attempt_at_ms: NOW };
        let due = |chance| decide(&Policy::standard(), progress, status(500), NOW, chance).due_at_ms;
        assert_eq!((due(0), due(255)), (Some(NOW + 5_000), Some(NOW + 5_500)));
    }
}
