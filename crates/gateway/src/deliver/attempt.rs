//! One attempt: build, send, judge.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rules::age::{WhenOld, judge as judge_age};
use rules::breaker::Sign;
use rules::delivery::{DeliveryState, EndReason};
use rules::retry::{Answer, Decision, Policy};
use store::{AttemptRecord, Claim, Payload, Settlement};

use super::answer;
use super::client::Client;
use super::form::{self, Body, Written};
use super::request::{self, Facts};
use super::verdict::{self, Verdict};
use crate::chance;
use crate::clock::Clock;
use crate::routing::Endpoint;

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
    /// What it says about the endpoint.
    pub(super) sign: Sign,
    pub(super) took: Duration,
}

/// What came back, in safe words.
pub(super) struct Outcome {
    pub(super) answer: Answer,
    pub(super) status: Option<u16>,
    pub(super) error: Option<String>,
    pub(super) snippet: Option<String>,
}

impl Tried {
    fn skipped(claim: Claim, reason: EndReason) -> Self {
        Self::ended(claim, DeliveryState::Skipped(reason))
    }

    /// No attempt was made, and none will be.
    fn ended(claim: Claim, state: DeliveryState) -> Self {
        let decision = Decision::ended(state);
        Self {
            settlement: verdict::settlement(claim, &decision, None),
            decision,
            sign: Sign::None,
            took: Duration::ZERO,
        }
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
        if payload.as_ref().is_some_and(|payload| payload.event.damaged) {
            return Tried::ended(claim, DeliveryState::Dead(EndReason::Damaged));
        }
        let old = endpoint.zip(payload.as_ref()).and_then(|(endpoint, payload)| {
            let event = &payload.event;
            let now_seconds = started_at_ms.div_euclid(1_000);
            // A notification may hold old events and new ones.
            if form::is_whole(event, endpoint) {
                return None;
            }
            judge_age(&endpoint.ages, &event.event_type, event.occurred_at_seconds, now_seconds)
        });
        if old == Some(WhenOld::Skip) {
            return Tried::skipped(claim, EndReason::TooOld);
        }
        let outcome = match (endpoint, &payload) {
            (Some(endpoint), Some(payload)) => match form::write(payload, endpoint, encoded) {
                Written::Body(body) => {
                    let facts = Facts {
                        attempt: claim.attempts + 1,
                        late: claim.late,
                        stale: old.is_some(),
                        replay: claim.replay,
                        now_ms: started_at_ms,
                    };
                    self.offer(endpoint, payload, body, facts).await
                }
                Written::LeftOut => return Tried::skipped(claim, EndReason::FormatLeftOut),
                Written::Gone => Outcome::failed(Answer::Fault, "the event's bytes are not in the store"),
            },
            (None, _) => Outcome::failed(Answer::Fault, "the endpoint's definition cannot be used"),
            (_, None) => Outcome::failed(Answer::Fault, "the event is not in the store"),
        };
        let took = started.elapsed();
        let policy = endpoint.map_or_else(Policy::standard, |endpoint| endpoint.policy.clone());
        self.judge(claim, outcome, &policy, started_at_ms, took)
    }

    async fn offer(&self, endpoint: &Endpoint, payload: &Payload, body: Body, facts: Facts) -> Outcome {
        let Some(request) = request::build(endpoint, payload, body, facts) else {
            return Outcome::failed(Answer::Fault, "the endpoint's URL cannot be used");
        };
        let policy = &endpoint.policy;
        let deadline = tokio::time::Instant::now() + Duration::from_millis(u64::from(policy.timeout_ms));
        let connect = Duration::from_millis(u64::from(policy.connect_timeout_ms));
        let sending = self.client.send(endpoint.form.link.as_deref(), request, connect);
        match tokio::time::timeout_at(deadline, sending).await {
            Err(_) => {
                Outcome::failed(Answer::NoAnswer, format!("no answer within {} ms (policy.timeout)", policy.timeout_ms))
            }
            Ok(Err(error)) => Outcome::failed(error.answer(), error.to_string()),
            Ok(Ok(response)) => answer::read(response, policy, deadline, &self.clock).await,
        }
    }

    fn judge(&self, claim: Claim, outcome: Outcome, policy: &Policy, started_at_ms: i64, took: Duration) -> Tried {
        let attempt = AttemptRecord {
            number: 0,
            started_at_ms,
            duration_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
            http_status: outcome.status,
            failure: None,
            error: outcome.error,
            response_snippet: outcome.snippet,
        };
        let Verdict { decision, sign, settlement } =
            verdict::judge(claim, outcome.answer, policy, attempt, self.clock.now_ms(), chance::byte());
        Tried { settlement, decision, sign, took }
    }
}

#[cfg(test)]
mod tests {
    use rules::delivery::FailureClass;
    use rules::identity::EventId;
    use store::{DeliveryNo, EndpointNo};

    use super::*;
    use crate::deliver::Guard;
    use crate::settings::OutboundSettings;

    fn attempt(payload: Option<Payload>) -> Option<Tried> {
        let attempter = Attempter {
            client: Client::new(Guard::new(&OutboundSettings::default(), true), None),
            clock: Clock::System,
        };
        let claim = Claim {
            delivery: DeliveryNo(1),
            fence: 1,
            endpoint: EndpointNo(1),
            event: EventId::from_bytes([7; 16]),
            attempts: 40,
            uncounted: 0,
            first_attempt_at_ms: None,
            stood_still_ms: 0,
            endpoint_stood_ms: 0,
            probe: false,
            replay: None,
            late: false,
        };
        let work = Work { claim, payload, encoded: None };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map(|runtime| runtime.block_on(attempter.attempt(work, None))).ok()
    }

    #[test]
    fn what_is_damaged_is_not_sent_and_its_delivery_ends_and_says_why() {
        let event = std::sync::Arc::new(store::EventRecord::unreadable(EventId::from_bytes([7; 16])));
        let tried = attempt(Some(Payload { event, body: None, signature: None }));
        let settlement = tried.map(|tried| tried.settlement);
        let ended = settlement.as_ref().map(|settlement| (settlement.state, settlement.attempt.is_some()));
        assert_eq!(ended, Some((DeliveryState::Dead(EndReason::Damaged), false)));
    }

    #[test]
    fn an_attempt_that_we_could_not_make_is_our_fault_and_costs_the_delivery_nothing_but_time() {
        let decision = attempt(None).map(|tried| tried.decision);
        assert_eq!(decision.and_then(|decision| decision.failure), Some(FailureClass::Us));
        assert_eq!(decision.map(|decision| decision.state), Some(DeliveryState::Owed));
    }
}
