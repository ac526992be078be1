//! Endpoints that change their state by themselves: suspended, resumed, disabled.

use std::sync::Arc;

use rules::breaker::Sign;
use store::{EndpointChange, EndpointState, StoreError};

use super::breakers::Turn;
use super::dispatcher::Sender;
use crate::chance;
use crate::operator::News;
use crate::routing::Endpoint;

/// Follows what an attempt says about its endpoint. `error` is what happened, in safe words.
pub(super) async fn follow(sender: &Sender, endpoint: &Arc<Endpoint>, sign: Sign, probe: bool, error: &str) {
    let now_ms = sender.clock.now_ms();
    match sender.breakers.note(endpoint.number, sign, probe, now_ms, chance::byte()) {
        Turn::Stays => {}
        Turn::Suspend(failures) => {
            let reason = format!("{failures} attempts in a row failed: {error}");
            if !turn(sender, endpoint, EndpointState::Suspended, "suspended", &reason).await {
                sender.breakers.not_suspended(endpoint.number);
            }
        }
        Turn::Resume => {
            if !turn(sender, endpoint, EndpointState::Active, "resumed", "it answers again").await {
                sender.breakers.not_resumed(endpoint.number, now_ms);
            }
        }
    }
}

/// 410 means that nothing more must be sent there. What it is owed waits for a person.
pub(super) async fn disable(sender: &Sender, endpoint: &Arc<Endpoint>) {
    turn(sender, endpoint, EndpointState::Disabled, "disabled", "it answered 410 Gone").await;
}

/// Changes the state, and tells it. False: the store did not take it.
async fn turn(
    sender: &Sender,
    endpoint: &Arc<Endpoint>,
    state: EndpointState,
    turn: &'static str,
    reason: &str,
) -> bool {
    let now_ms = sender.clock.now_ms();
    match change(sender, endpoint, state, reason, now_ms).await {
        Ok(true) => {}
        Ok(false) => return true,
        Err(cause) => {
            tracing::error!(
                endpoint.id = endpoint.id,
                turn,
                error = crate::chain(&cause),
                "failed to change an endpoint's state"
            );
            return false;
        }
    }
    sender.metrics.endpoint_turned(&endpoint.id, turn);
    tracing::warn!(endpoint.id = endpoint.id, reason, "an endpoint was {turn}");
    sender.herald.tell(News::Endpoint {
        id: endpoint.id.clone(),
        owner: endpoint.owner.clone(),
        turn,
        reason: reason.to_owned(),
        at_ms: now_ms,
    });
    true
}

/// Whether an endpoint may turn by itself: what a person has said stands.
pub(super) const fn may_turn(now: EndpointState, to: EndpointState) -> bool {
    match to {
        EndpointState::Active => matches!(now, EndpointState::Suspended),
        EndpointState::Suspended => matches!(now, EndpointState::Active),
        EndpointState::Disabled | EndpointState::Paused => true,
    }
}

/// False: a person was faster, whose word counts.
async fn change(
    sender: &Sender,
    endpoint: &Arc<Endpoint>,
    state: EndpointState,
    reason: &str,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let (_, records) = sender.store.endpoints().await?;
    let Some(now) = records.into_iter().find(|record| record.number == endpoint.number) else { return Ok(false) };
    if !may_turn(now.state, state) {
        return Ok(false);
    }
    let reason = if state == EndpointState::Active { String::new() } else { reason.to_owned() };
    let change = EndpointChange::State { id: endpoint.id.clone(), state, reason };
    sender.store.change_endpoints(vec![change], now_ms).await?;
    sender.routing.reload().await?;
    Ok(true)
}
