//! One attempt: build, send, judge.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use hyper::header::RETRY_AFTER;
use rules::age::{WhenOld, judge as judge_age};
use rules::delivery::{DeliveryState, EndReason};
use rules::limits::RESPONSE_SNIPPET_BYTES_MAX;
use rules::retry::{Answer, Decision, Policy, Progress, decide};
use store::{AttemptRecord, Claim, EventRecord, Payload, Settlement};

use super::client::{Client, SendError};
use super::request::{self, Facts};
use crate::clock::{Clock, parse_http_date};
use crate::routing::Endpoint;

/// Bytes of an accepted answer that are read so that the connection can be used again.
const DRAIN_BYTES_MAX: usize = 64 * 1024;

/// What an attempt needs.
#[derive(Debug, Clone)]
pub(super) struct Attempter {
    pub(super) client: Client,
    pub(super) clock: Clock,
}

/// What is to be delivered.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) claim: Claim,
    /// The event with its bytes; None when the store has it no more.
    pub(super) payload: Option<Payload>,
    /// Its body in Meta's format, where that was made already.
    pub(super) encoded: Option<Bytes>,
}

/// What came of an attempt, besides what is written about it.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) settlement: Settlement,
    pub(super) decision: Decision,
    pub(super) took: Duration,
}

/// What came back, in safe words.
struct Outcome {
    answer: Answer,
    status: Option<u16>,
    error: Option<String>,
    snippet: Option<String>,
}

impl Tried {
    /// Its event was too old when its turn came: no attempt was made, and none will be.
    fn skipped(claim: Claim) -> Self {
        let decision = Decision::ended(DeliveryState::Skipped(EndReason::TooOld));
        Self { settlement: settlement(claim, &decision, None), decision, took: Duration::ZERO }
    }
}

impl Outcome {
    fn failed(answer: Answer, error: impl Into<String>) -> Self {
        Self { answer, status: None, error: Some(error.into()), snippet: None }
    }
}

impl Attempter {
    /// Makes the next attempt of a claimed delivery and decides what follows.
    pub(super) async fn attempt(&self, work: Work, endpoint: Option<&Endpoint>) -> Tried {
        let started_at_ms = self.clock.now_ms();
        let started = Instant::now();
        let Work { claim, payload, encoded } = work;
        let old = endpoint.zip(payload.as_ref()).and_then(|(endpoint, payload)| {
            let event = &payload.event;
            let now_seconds = started_at_ms.div_euclid(1_000);
            judge_age(&endpoint.ages, &event.event_type, event.occurred_at_seconds, now_seconds)
        });
        if old == Some(WhenOld::Skip) {
            return Tried::skipped(claim);
        }
        let outcome = match (endpoint, &payload) {
            (Some(endpoint), Some(payload)) => match request::body(payload, endpoint.format, encoded) {
                Some(body) => {
                    let facts = Facts {
                        attempt: claim.attempts + 1,
                        late: claim.late,
                        stale: old.is_some(),
                        replay: claim.replay,
                        now_seconds: started_at_ms.div_euclid(1_000),
                    };
                    self.offer(endpoint, &payload.event, body, facts).await
                }
                None => Outcome::failed(Answer::Fault, "the event's bytes are not in the store"),
            },
            (None, _) => Outcome::failed(Answer::Fault, "the endpoint's definition cannot be used"),
            (_, None) => Outcome::failed(Answer::Fault, "the event is not in the store"),
        };
        let took = started.elapsed();
        let policy = endpoint.map_or_else(Policy::standard, |endpoint| endpoint.policy.clone());
        self.judge(claim, outcome, &policy, started_at_ms, took)
    }

    async fn offer(&self, endpoint: &Endpoint, event: &EventRecord, body: Bytes, facts: Facts) -> Outcome {
        let Some(request) = request::build(endpoint, event, body, facts) else {
            return Outcome::failed(Answer::Fault, "the endpoint's URL cannot be used");
        };
        let timeout = Duration::from_millis(u64::from(endpoint.policy.timeout_ms));
        match tokio::time::timeout(timeout, self.client.send(request)).await {
            Err(_) => Outcome::failed(Answer::NoAnswer, format!("no answer within {} ms", endpoint.policy.timeout_ms)),
            Ok(Err(SendError::Refused(refused))) => Outcome::failed(Answer::Forbidden, refused.to_string()),
            Ok(Err(error)) => Outcome::failed(Answer::NoAnswer, error.to_string()),
            Ok(Ok(response)) => self.answered(response, timeout).await,
        }
    }

    async fn answered(&self, response: Response<Incoming>, timeout: Duration) -> Outcome {
        let code = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let retry_after_ms = retry_after.and_then(|text| self.retry_after_ms(&text));
        let accepted = response.status().is_success();
        let bytes_max = if accepted { DRAIN_BYTES_MAX } else { RESPONSE_SNIPPET_BYTES_MAX };
        // The head decides; what follows is read only for the record and for the connection's sake.
        let start =
            tokio::time::timeout(timeout.min(Duration::from_secs(5)), beginning(response.into_body(), bytes_max));
        let start = start.await.unwrap_or_default();
        Outcome {
            answer: Answer::Status { code, retry_after_ms },
            status: Some(code),
            error: (!accepted).then(|| format!("answered {code}")),
            snippet: (!accepted && !start.is_empty()).then(|| String::from_utf8_lossy(&start).into_owned()),
        }
    }

    /// Seconds or an HTTP date (RFC 9110, 10.2.3), as milliseconds from now.
    fn retry_after_ms(&self, text: &str) -> Option<i64> {
        let seconds = text.trim().parse::<u32>().ok().map(|seconds| i64::from(seconds) * 1_000);
        seconds.or_else(|| parse_http_date(text).map(|at_ms| (at_ms - self.clock.now_ms()).max(0)))
    }

    fn judge(&self, claim: Claim, outcome: Outcome, policy: &Policy, started_at_ms: i64, took: Duration) -> Tried {
        let progress = Progress {
            attempts: claim.attempts + 1,
            first_attempt_at_ms: claim.first_attempt_at_ms.unwrap_or(started_at_ms),
        };
        let mut chance = [0];
        // Without chance the gap is the plain one.
        if getrandom::fill(&mut chance).is_err() {
            chance = [0];
        }
        let [chance] = chance;
        let decision = decide(policy, progress, outcome.answer, self.clock.now_ms(), chance);
        let attempt = AttemptRecord {
            number: progress.attempts,
            started_at_ms,
            duration_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
            http_status: outcome.status,
            failure: decision.failure,
            error: outcome.error,
            response_snippet: outcome.snippet,
        };
        let settlement = settlement(claim, &decision, Some(attempt));
        Tried { settlement, decision, took }
    }
}

fn settlement(claim: Claim, decision: &Decision, attempt: Option<AttemptRecord>) -> Settlement {
    Settlement {
        claim,
        state: decision.state,
        due_at_ms: decision.due_at_ms,
        lane_held_until_ms: decision.lane_held_until_ms,
        endpoint_held_until_ms: decision.hold_endpoint_until_ms,
        attempt,
    }
}

/// The first bytes of an answer.
async fn beginning(mut body: Incoming, bytes_max: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        let room = bytes_max - bytes.len();
        bytes.extend_from_slice(data.get(..data.len().min(room)).unwrap_or_default());
        if bytes.len() == bytes_max {
            break;
        }
    }
    bytes
}
