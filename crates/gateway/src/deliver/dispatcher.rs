//! Claims what is due and starts attempts, under a cap for all endpoints together.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rules::identity::EventId;
use store::{Claim, EndpointChange, EndpointState, Payload, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attempt::{Attempter, Tried};
use super::client::Client;
use super::settler;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::routing::{Endpoint, Routing};

/// Deliveries that one claim call asks for at most.
const CLAIM_MAX: usize = 256;
/// The poll behind the bell: a lost bell costs at most this much time.
const POLL: Duration = Duration::from_secs(1);
/// After a failure of the store.
const PAUSE: Duration = Duration::from_millis(500);

/// Everything that delivering needs.
#[derive(Clone)]
pub struct Sender {
    /// Where what is owed is kept.
    pub store: Arc<dyn Store>,
    /// The endpoints in force.
    pub routing: Arc<Routing>,
    /// The way out.
    pub client: Client,
    /// The time of day.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Requests in flight to all endpoints together, at most.
    pub in_flight_max: usize,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender")
            .field("in_flight_max", &self.in_flight_max)
            .finish_non_exhaustive()
    }
}

/// Delivers until `stop`; then claims nothing more, and lets the attempts in flight end and be written.
pub async fn run(sender: Sender, stop: CancellationToken) {
    let (settlements, inbox) = mpsc::channel(4 * CLAIM_MAX);
    let settling = tokio::spawn(settler::run(Arc::clone(&sender.store), inbox));
    let places = Arc::new(Semaphore::new(sender.in_flight_max));
    let tasks = TaskTracker::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let Ok(first) = place else { break };
        let wait = match round(&sender, first, &places, &tasks, &settlements).await {
            Round::Busy => continue,
            Round::Quiet(wait) => wait,
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = sender.store.wake().notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    tasks.close();
    tasks.wait().await;
    drop(settlements);
    drop(settling.await);
}

enum Round {
    /// Something was claimed: there may be more.
    Busy,
    /// Nothing is due before this time has passed, or the bell rings.
    Quiet(Duration),
}

async fn round(
    sender: &Sender,
    first: OwnedSemaphorePermit,
    places: &Arc<Semaphore>,
    tasks: &TaskTracker,
    settlements: &mpsc::Sender<store::Settlement>,
) -> Round {
    let now_ms = sender.clock.now_ms();
    let room = (places.available_permits() + 1).min(CLAIM_MAX);
    let claims = match sender.store.claim(room, now_ms).await {
        Ok(claims) => claims,
        Err(cause) => {
            tracing::error!(error = crate::chain(&cause), "failed to claim deliveries; trying on");
            return Round::Quiet(PAUSE);
        }
    };
    if claims.claims.is_empty() {
        let until_due = claims.next_due_at_ms.map_or(POLL, |due| {
            Duration::from_millis(u64::try_from(due - now_ms).unwrap_or(0)).clamp(Duration::from_millis(1), POLL)
        });
        return Round::Quiet(until_due);
    }
    let payloads = match payloads(sender, &claims.claims).await {
        Ok(payloads) => payloads,
        Err(cause) => {
            tracing::error!(
                error = crate::chain(&cause),
                "failed to read what is to be delivered; trying on"
            );
            give_back(sender, claims.claims).await;
            return Round::Quiet(PAUSE);
        }
    };
    let mut first = Some(first);
    let snapshot = sender.routing.current();
    for claim in claims.claims {
        let place = first.take().or_else(|| Arc::clone(places).try_acquire_owned().ok());
        let endpoint = snapshot.endpoints.get(&claim.endpoint).cloned();
        let payload = payloads.get(&claim.event).cloned();
        tasks.spawn(deliver(
            sender.clone(),
            claim,
            endpoint,
            payload,
            settlements.clone(),
            place,
        ));
    }
    Round::Busy
}

async fn payloads(sender: &Sender, claims: &[Claim]) -> Result<HashMap<EventId, Payload>, store::StoreError> {
    let mut events: Vec<EventId> = claims.iter().map(|claim| claim.event).collect();
    events.sort_unstable();
    events.dedup();
    let payloads = sender.store.payloads(&events).await?;
    Ok(payloads
        .into_iter()
        .map(|payload| (payload.event.id, payload))
        .collect())
}

/// A claim that is neither settled nor given back stays in flight, so this goes on until the store takes it.
async fn give_back(sender: &Sender, claims: Vec<Claim>) {
    loop {
        match sender.store.release(claims.clone()).await {
            Ok(()) | Err(store::StoreError::Closed) => return,
            Err(cause) => tracing::error!(error = crate::chain(&cause), "failed to give claims back; trying on"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn deliver(
    sender: Sender,
    claim: Claim,
    endpoint: Option<Arc<Endpoint>>,
    payload: Option<Payload>,
    settlements: mpsc::Sender<store::Settlement>,
    place: Option<OwnedSemaphorePermit>,
) {
    let id = endpoint.as_ref().map_or("unknown", |endpoint| &endpoint.id);
    sender.metrics.attempt_began();
    let attempter = Attempter {
        client: sender.client.clone(),
        clock: sender.clock.clone(),
    };
    let tried = attempter.attempt(claim, endpoint.as_deref(), payload.as_ref()).await;
    drop(place);
    sender.metrics.attempt_ended(id, tried.took, tried.decision.failure);
    tell(id, &tried);
    if tried.decision.state.is_final() {
        sender.metrics.delivery_ended(id, tried.decision.state);
    }
    let disable = tried.decision.disable_endpoint;
    // The settler goes only after the last sender is gone.
    drop(settlements.send(tried.settlement).await);
    if disable && let Some(endpoint) = endpoint {
        disable_endpoint(&sender, &endpoint.id).await;
    }
}

fn tell(endpoint: &str, tried: &Tried) {
    let Some(failure) = tried.decision.failure else { return };
    tracing::info!(
        endpoint.id = endpoint,
        event.id = %tried.settlement.claim.event,
        attempt = tried.settlement.attempt.as_ref().map(|attempt| attempt.number),
        failure = failure.as_str(),
        error = tried.settlement.attempt.as_ref().and_then(|attempt| attempt.error.as_deref()),
        state = tried.decision.state.as_str(),
        duration_ms = tried.took.as_millis(),
        "an attempt failed"
    );
}

/// 410 means that nothing more must be sent there. What it is owed waits for a person.
async fn disable_endpoint(sender: &Sender, id: &str) {
    let change = EndpointChange::State {
        id: id.to_owned(),
        state: EndpointState::Disabled,
        reason: "it answered 410 Gone".to_owned(),
    };
    let changed = sender.store.change_endpoints(vec![change]).await;
    match (changed, sender.routing.reload().await) {
        (Ok(_), Ok(())) => tracing::warn!(endpoint.id = id, "the endpoint answered 410 and is disabled"),
        (Err(cause), _) | (_, Err(cause)) => {
            tracing::error!(
                endpoint.id = id,
                error = crate::chain(&cause),
                "failed to disable the endpoint"
            );
        }
    }
}
