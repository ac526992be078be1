//! From an answer to what is written: the policy's decision, the endpoint's sign, the settlement. Pure.

use rules::breaker::{self, Sign};
use rules::retry::{Answer, Decision, Policy, Progress, decide};
use store::{AttemptRecord, Claim, Settlement};

/// What came of an attempt.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) decision: Decision,
    /// What it says about the endpoint.
    pub(super) sign: Sign,
    pub(super) settlement: Settlement,
}

/// Judges an attempt that ended at `now_ms`. Its record's number, failure and texts are as the caller knows them; number
/// and failure are set here.
pub(super) fn judge(
    claim: Claim,
    answer: Answer,
    policy: &Policy,
    attempt: AttemptRecord,
    now_ms: i64,
    chance: u8,
) -> Verdict {
    // The policy counts on the endpoint's clock, which stands still while it is paused or suspended.
    let first_attempt_at_ms = claim.first_attempt_at_ms.map(|at_ms| at_ms.saturating_add(claim.stood_still_ms));
    let progress = Progress {
        attempts: (claim.attempts + 1).saturating_sub(claim.uncounted),
        first_attempt_at_ms: first_attempt_at_ms.unwrap_or(attempt.started_at_ms),
    };
    let decision = decide(policy, progress, answer, now_ms, chance);
    let sign = breaker::sign(answer, decision.failure.is_none());
    let decision = if claim.probe && sign == Sign::Down { decision.of_probe(now_ms) } else { decision };
    let attempt = AttemptRecord { number: claim.attempts + 1, failure: decision.failure, ..attempt };
    let settlement = Settlement { endpoint_down: sign == Sign::Down, ..settlement(claim, &decision, Some(attempt)) };
    Verdict { decision, sign, settlement }
}

/// What is written of a decision.
pub(super) fn settlement(claim: Claim, decision: &Decision, attempt: Option<AttemptRecord>) -> Settlement {
    Settlement {
        claim,
        state: decision.state,
        due_at_ms: decision.due_at_ms,
        lane_held_until_ms: decision.lane_held_until_ms,
        endpoint_down: false,
        endpoint_held_until_ms: decision.hold_endpoint_until_ms,
        attempt,
    }
}
