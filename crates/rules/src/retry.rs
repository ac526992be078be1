//! What to do after an attempt: the endpoint's policy, the answer, and the decision.

mod bad;
mod gaps;
mod policy;

pub use bad::BadPolicy;
pub use gaps::{GAP_MS_MAX, Gaps};
pub use policy::Policy;

use crate::delivery::{DeliveryState, EndReason, FailureClass};
use crate::outcome::Meaning;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Longest Retry-After that is obeyed, in milliseconds.
pub const RETRY_AFTER_MS_MAX: i64 = HOUR_MS;

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

    /// What follows when a probe found its endpoint still down: the delivery is as it was, its clock stood still.
    #[must_use]
    pub const fn of_probe(self, now_ms: i64) -> Self {
        Self { state: DeliveryState::Owed, due_at_ms: Some(now_ms), ..self }
    }
}

/// Decides what follows an attempt that ended at `now_ms`. `chance` is between 0 and 255 and lengthens the gap.
#[must_use]
pub fn decide(policy: &Policy, progress: Progress, answer: Answer, now_ms: i64, chance: u8) -> Decision {
    let failed = match answer {
        Answer::Status { code, retry_after_ms } => match judged(policy, code, retry_after_ms, now_ms) {
            Judged::Ended(decision) => return decision,
            Judged::Failed(failed) => failed,
        },
        Answer::NoAnswer => Failed { class: FailureClass::TheirNetwork, quiet_ms: None },
        Answer::Forbidden => Failed { class: FailureClass::OurConfiguration, quiet_ms: None },
        Answer::Fault => Failed { class: FailureClass::Us, quiet_ms: None },
    };
    let hold_endpoint_until_ms = failed.quiet_ms.map(|ms| now_ms.saturating_add(ms));
    // Retry-After never shortens a gap.
    let gap_ms = policy.gap_ms(progress.attempts, chance).max(failed.quiet_ms.unwrap_or(0));
    let due_at_ms = now_ms.saturating_add(gap_ms);
    let too_late = due_at_ms.saturating_sub(progress.first_attempt_at_ms) > policy.give_up_after_ms;
    if too_late || is_last(policy, progress, failed.class) {
        let exhausted = Decision::ended(DeliveryState::Dead(EndReason::PolicyExhausted));
        return Decision { failure: Some(failed.class), hold_endpoint_until_ms, ..exhausted };
    }
    Decision {
        state: DeliveryState::Owed,
        due_at_ms: Some(due_at_ms),
        lane_held_until_ms: policy.lane_hold_ms.map(|hold| progress.first_attempt_at_ms.saturating_add(hold)),
        failure: Some(failed.class),
        disable_endpoint: false,
        hold_endpoint_until_ms,
    }
}

/// A failure after which the policy goes on.
struct Failed {
    class: FailureClass,
    /// For how long the endpoint asked for quiet.
    quiet_ms: Option<i64>,
}

enum Judged {
    Ended(Decision),
    Failed(Failed),
}

fn judged(policy: &Policy, code: u16, retry_after_ms: Option<i64>, now_ms: i64) -> Judged {
    let class = FailureClass::TheirAnswer;
    let quiet_ms = policy.answers.obeyed(code, retry_after_ms).map(|ms| ms.clamp(0, RETRY_AFTER_MS_MAX));
    let dead = |reason| Decision { failure: Some(class), ..Decision::ended(DeliveryState::Dead(reason)) };
    Judged::Ended(match policy.answers.meaning(code) {
        Meaning::Success => Decision::ended(DeliveryState::Accepted),
        Meaning::Gone => Decision { disable_endpoint: true, ..dead(EndReason::EndpointGone) },
        // What is over for this delivery is still a wish for the endpoint.
        Meaning::Refused => Decision {
            hold_endpoint_until_ms: quiet_ms.map(|ms| now_ms.saturating_add(ms)),
            ..dead(EndReason::RefusedForGood)
        },
        Meaning::Again => return Judged::Failed(Failed { class, quiet_ms }),
    })
}

/// Whether the policy's attempts are used up. What our own settings or a fault of ours prevented uses up none: only time
/// ends it.
fn is_last(policy: &Policy, progress: Progress, class: FailureClass) -> bool {
    let theirs = matches!(class, FailureClass::TheirAnswer | FailureClass::TheirNetwork);
    theirs && policy.attempts_max.is_some_and(|max| progress.attempts >= max)
}

#[cfg(test)]
mod tests;
