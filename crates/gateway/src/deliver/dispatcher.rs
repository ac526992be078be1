//! Claims what is due and starts attempts, under a cap for all endpoints together.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rules::delivery::{DeliveryState, EndReason};
use rules::identity::EventId;
use store::{Claim, DeliveryNo, Payload, Store, Tenure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attempt::{Attempter, Tried, Work};
use super::breakers::Breakers;
use super::client::Client;
use super::settler::{self, ToSettle};
use super::{encode, turning};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::operator::{self, Herald, News};
use crate::routing::{Endpoint, Routing};

/// Deliveries that one claim call asks for at most.
const CLAIM_MAX: usize = 256;
/// The poll behind the bell: a lost bell costs at most this much time.
const POLL: Duration = Duration::from_secs(1);
/// Deliveries whose bodies are read at once.
const READ_MAX: usize = 64;
/// Bytes of a body up to which it is small.
const SMALL_BYTES_MAX: usize = 64 * 1024;
/// Bytes of large bodies in memory at once, at most.
const LARGE_BYTES_IN_FLIGHT_MAX: usize = 256 * 1024 * 1024;
/// After there was no memory for a large body.
const MEMORY_PAUSE: Duration = Duration::from_millis(50);
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
    /// Who is down.
    pub(crate) breakers: Arc<Breakers>,
    /// Tells operators.
    pub(crate) herald: Herald,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("in_flight_max", &self.in_flight_max).finish_non_exhaustive()
    }
}

/// Delivers until `stop`; then claims nothing more, and lets the attempts in flight end and be written.
pub async fn run(sender: Sender, stop: CancellationToken) {
    let (settlements, inbox) = mpsc::channel(4 * CLAIM_MAX);
    let settling = tokio::spawn(settler::run(Arc::clone(&sender.store), inbox));
    let tasks = TaskTracker::new();
    let dispatch = Dispatch {
        places: Arc::new(Semaphore::new(sender.in_flight_max)),
        bytes: Arc::new(Semaphore::new(LARGE_BYTES_IN_FLIGHT_MAX)),
        tasks: tasks.clone(),
        settlements,
        sender,
    };
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&dispatch.places).acquire_owned() => place,
        };
        let Ok(first) = place else { break };
        dispatch.probe().await;
        let wait = match dispatch.round(first).await {
            Round::Busy => continue,
            Round::Quiet(wait) => wait.min(dispatch.until_probe()),
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = dispatch.sender.store.wake().notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    // The settler ends when the last attempt has let go of its way to it.
    drop(dispatch);
    tasks.close();
    tasks.wait().await;
    drop(settling.await);
}

/// The dispatcher's own state.
struct Dispatch {
    sender: Sender,
    /// Places for attempts.
    places: Arc<Semaphore>,
    /// Bytes of large bodies in memory.
    bytes: Arc<Semaphore>,
    tasks: TaskTracker,
    settlements: mpsc::Sender<ToSettle>,
}

/// What an attempt holds while it is made.
struct Holds {
    _place: Option<OwnedSemaphorePermit>,
    _bytes: Option<OwnedSemaphorePermit>,
}

enum Round {
    /// Something was claimed: there may be more.
    Busy,
    /// Nothing is due before this time has passed, or the bell rings.
    Quiet(Duration),
}

impl Dispatch {
    /// Probes the suspended endpoints whose time has come.
    async fn probe(&self) {
        let now_ms = self.sender.clock.now_ms();
        let breakers = &self.sender.breakers;
        let snapshot = self.sender.routing.current();
        let states = snapshot.endpoints.values().map(|endpoint| (endpoint.number, endpoint.state));
        breakers.follow(snapshot.version, states, now_ms);
        for endpoint in breakers.due(now_ms) {
            match self.sender.store.probe(endpoint, now_ms).await {
                Ok(Some(claim)) => {
                    // Busy or quiet, the round after this one tells.
                    let _: Round = self.start_all(vec![claim], None).await;
                }
                Ok(None) => {}
                Err(cause) => tracing::error!(error = crate::chain(&cause), "failed to claim a probe; trying on"),
            }
        }
    }

    fn until_probe(&self) -> Duration {
        let now_ms = self.sender.clock.now_ms();
        self.sender.breakers.next_at_ms().map_or(POLL, |at_ms| {
            Duration::from_millis(u64::try_from(at_ms.saturating_sub(now_ms)).unwrap_or(0))
                .max(Duration::from_millis(1))
        })
    }

    async fn round(&self, first: OwnedSemaphorePermit) -> Round {
        let now_ms = self.sender.clock.now_ms();
        let room = (self.places.available_permits() + 1).min(CLAIM_MAX);
        let claims = match self.sender.store.claim(room, now_ms).await {
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
        self.start_all(claims.claims, Some(first)).await
    }

    /// Starts attempts, reading a few bodies at a time. What finds no memory is given back.
    async fn start_all(&self, mut claims: Vec<Claim>, mut first: Option<OwnedSemaphorePermit>) -> Round {
        while !claims.is_empty() {
            let rest = claims.split_off(claims.len().min(READ_MAX));
            let found = match payloads(&self.sender, &claims).await {
                Ok(found) => found,
                Err(cause) => {
                    tracing::error!(error = crate::chain(&cause), "failed to read what is to be delivered; trying on");
                    claims.extend(rest);
                    give_back(&self.sender, claims).await;
                    return Round::Quiet(PAUSE);
                }
            };
            let snapshot = self.sender.routing.current();
            let shared = encode::shared(&claims, &found, &snapshot);
            let mut refused = Vec::new();
            for claim in claims {
                let encoded = shared.get(&claim.event).cloned();
                let payload = found.get(&claim.event).cloned();
                let endpoint = snapshot.endpoints.get(&claim.endpoint).cloned();
                match self.memory_for(payload.as_ref()) {
                    Some(bytes) => self.start(Work { claim, payload, encoded }, endpoint, first.take(), bytes),
                    None => refused.push(claim),
                }
            }
            if !refused.is_empty() {
                refused.extend(rest);
                give_back(&self.sender, refused).await;
                return Round::Quiet(MEMORY_PAUSE);
            }
            claims = rest;
        }
        Round::Busy
    }

    /// Memory for a body in the store's form and the endpoint's. Small ones are bounded by the places alone, so that a
    /// few slow endpoints with large bodies do not hold up the rest. None: there is none now.
    fn memory_for(&self, payload: Option<&Payload>) -> Option<Option<OwnedSemaphorePermit>> {
        let bytes = payload.and_then(|payload| payload.body.as_ref()).map_or(0, |body| body.len());
        if bytes <= SMALL_BYTES_MAX {
            return Some(None);
        }
        let share = u32::try_from((2 * bytes).min(LARGE_BYTES_IN_FLIGHT_MAX)).unwrap_or(u32::MAX);
        Arc::clone(&self.bytes).try_acquire_many_owned(share).ok().map(Some)
    }

    fn start(
        &self,
        work: Work,
        endpoint: Option<Arc<Endpoint>>,
        place: Option<OwnedSemaphorePermit>,
        bytes: Option<OwnedSemaphorePermit>,
    ) {
        let place = place.or_else(|| Arc::clone(&self.places).try_acquire_owned().ok());
        let holds = Holds { _place: place, _bytes: bytes };
        self.tasks.spawn(deliver(self.sender.clone(), work, endpoint, self.settlements.clone(), holds));
    }
}

async fn payloads(sender: &Sender, claims: &[Claim]) -> Result<HashMap<EventId, Payload>, store::StoreError> {
    let mut events: Vec<EventId> = claims.iter().map(|claim| claim.event).collect();
    events.sort_unstable();
    events.dedup();
    let payloads = sender.store.payloads(&events).await?;
    Ok(payloads.into_iter().map(|payload| (payload.event.id, payload)).collect())
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
    work: Work,
    endpoint: Option<Arc<Endpoint>>,
    settlements: mpsc::Sender<ToSettle>,
    holds: Holds,
) {
    let timeout_ms = endpoint.as_ref().map_or(0, |endpoint| endpoint.policy.timeout_ms);
    let tenure = sender.store.tenure();
    if !sender.store.may_begin(&work.claim, Duration::from_millis(u64::from(timeout_ms))) {
        return give_back(&sender, vec![work.claim]).await;
    }
    let id = endpoint.as_ref().map_or("unknown", |endpoint| &endpoint.id);
    let of_operator = work.payload.as_ref().is_some_and(|payload| payload.event.field == operator::FIELD);
    sender.metrics.attempt_began();
    let attempter = Attempter { client: sender.client.clone(), clock: sender.clock.clone() };
    let claim = work.claim.clone();
    let tried = tokio::select! {
        biased;
        // Another may send it next; what came of the bytes that were sent is not known.
        () = end_of(tenure) => {
            sender.metrics.attempt_not_made();
            return give_back(&sender, vec![claim]).await;
        }
        tried = attempter.attempt(work, endpoint.as_deref()) => tried,
    };
    drop(holds);
    match &tried.settlement.attempt {
        Some(_) => sender.metrics.attempt_ended(id, tried.took, tried.decision.failure),
        None => sender.metrics.attempt_not_made(),
    }
    tell(id, &tried);
    if tried.decision.state.is_final() {
        sender.metrics.delivery_ended(id, tried.decision.state);
    }
    let (disable, sign, probe) = (tried.decision.disable_endpoint, tried.sign, tried.settlement.claim.probe);
    let error = tried.settlement.attempt.as_ref().and_then(|attempt| attempt.error.clone());
    let dead = dead(&tried).filter(|_| !of_operator);
    #[cfg(feature = "failpoints")]
    testdisk::point("deliver.answered");
    settle(&*sender.store, &settlements, tried.settlement, endpoint.as_deref()).await;
    let Some(endpoint) = endpoint else { return };
    if let Some((reason, delivery)) = dead {
        sender.herald.tell(News::Dead {
            id: endpoint.id.clone(),
            owner: endpoint.owner.clone(),
            reason,
            count: 1,
            delivery: Some(delivery),
            at_ms: sender.clock.now_ms(),
        });
    }
    if disable {
        turning::disable(&sender, &endpoint).await;
    } else {
        turning::follow(&sender, &endpoint, sign, probe, error.as_deref().unwrap_or("no answer")).await;
    }
}

async fn end_of(tenure: Option<Tenure>) {
    match tenure {
        Some(tenure) => tenure.ended().await,
        None => std::future::pending().await,
    }
}

/// Sends an outcome to be written. The lane of one that was accepted goes on meanwhile: its next cannot overtake it on the
/// way to the disk.
async fn settle(
    store: &dyn Store,
    settlements: &mpsc::Sender<ToSettle>,
    settlement: store::Settlement,
    endpoint: Option<&Endpoint>,
) {
    let accepted = (settlement.state == DeliveryState::Accepted).then(|| settlement.claim.clone());
    let concurrency_max = endpoint.map_or(0, |endpoint| endpoint.concurrency_max);
    // The settler goes only after the last sender is gone.
    drop(settlements.send(ToSettle { settlement, concurrency_max }).await);
    if let Some(claim) = accepted {
        store.accepted(&claim);
    }
}

/// What is told of a delivery that died. (The death of a telling is not told: the caller sees to that.)
fn dead(tried: &Tried) -> Option<(EndReason, (DeliveryNo, EventId))> {
    let DeliveryState::Dead(reason) = tried.decision.state else { return None };
    let claim = &tried.settlement.claim;
    Some((reason, (claim.delivery, claim.event)))
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
