//! Building what facts commit, and doing what they do often.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rules::breaker::Standing;
use rules::delivery::{DeliveryState, FailureClass};
use rules::identity::{EventId, NotificationId};

use crate::record::{
    AttemptRecord, Claim, Committed, EndpointNo, EndpointRecord, EndpointState, EventOutcome, EventRecord, LaneName,
    NewEvent, NewNotification, Payload, Settlement,
};
use crate::seam::{EndpointChange, Store};

/// A moment in 2026.
pub(crate) const NOW: i64 = 1_772_359_200_000;
pub(crate) const DAY: i64 = 86_400_000;

static CHANCE: AtomicU64 = AtomicU64::new(1);

/// A notification in the making.
pub(crate) struct Body {
    text: String,
    events: Vec<NewEvent>,
}

impl Body {
    pub(crate) fn new() -> Self {
        Self { text: "[".to_owned(), events: Vec::new() }
    }

    /// An event with this key and content, in the lane `lane`.
    pub(crate) fn event(self, key: &str, data: &str, lane: &str, to: &[EndpointNo]) -> Self {
        self.shaped(key, data, to, |event| event.lane = LaneName::Named(lane.to_owned()))
    }

    /// An event that is shaped further.
    pub(crate) fn shaped(
        mut self,
        key: &str,
        data: &str,
        to: &[EndpointNo],
        shape: impl FnOnce(&mut NewEvent),
    ) -> Self {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        let start = self.text.len();
        self.text.push_str(data);
        let position = u32::try_from(self.events.len()).unwrap();
        let mut event = plain(key, start..self.text.len(), position, to);
        shape(&mut event);
        self.events.push(event);
        self
    }

    pub(crate) fn build(self, routes_version: u64) -> NewNotification {
        self.build_at(routes_version, NOW)
    }

    pub(crate) fn build_at(mut self, routes_version: u64, received_at_ms: i64) -> NewNotification {
        self.text.push(']');
        let mut chance = [0; 10];
        // Another process of the same test counts for itself.
        chance[..4].copy_from_slice(&std::process::id().to_be_bytes());
        chance[4..].copy_from_slice(&CHANCE.fetch_add(1, Ordering::Relaxed).to_be_bytes()[2..]);
        NewNotification {
            id: NotificationId::new(received_at_ms, chance),
            app: "main".to_owned(),
            scope: "main".to_owned(),
            received_at_ms,
            body: Arc::from(self.text.into_bytes()),
            signature: Some("sha256=00".to_owned()),
            secret_index: Some(0),
            routes_version,
            events: self.events,
            numbers: Vec::new(),
            whole_to: Vec::new(),
        }
    }
}

fn plain(key: &str, data_range: std::ops::Range<usize>, position: u32, to: &[EndpointNo]) -> NewEvent {
    NewEvent {
        id: EventId::derive("main", key),
        key: key.to_owned(),
        key_partition: 20_513,
        event_type: "messages.text".to_owned(),
        field: "messages".to_owned(),
        entry_id: Some("102".to_owned()),
        waba_id: Some("102".to_owned()),
        business_id: None,
        phone_number_id: Some("106".to_owned()),
        display_phone_number: Some("+1 555-078".to_owned()),
        wa_id: None,
        user_id: None,
        parent_user_id: None,
        message_id: None,
        lane: LaneName::Named("lane".to_owned()),
        occurred_at_seconds: Some(NOW / 1_000),
        test: false,
        problems_json: "[]".to_owned(),
        data_range,
        data_is_json: true,
        position,
        owed_to: to.to_vec(),
    }
}

pub(crate) fn id(key: &str) -> EventId {
    EventId::derive("main", key)
}

/// Commits one notification.
pub(crate) async fn commit(store: &dyn Store, notification: NewNotification) -> Committed {
    store.commit(vec![notification]).await.unwrap().remove(0)
}

/// Commits events `<prefix>0` … in one lane, one notification each.
pub(crate) async fn commit_lane(store: &dyn Store, prefix: &str, lane: &str, count: usize, to: &[EndpointNo]) {
    let version = store.endpoints().await.unwrap().0;
    for n in 0..count {
        let body = Body::new().event(&format!("{prefix}{n}"), "1", lane, to).build(version);
        assert_eq!(commit(store, body).await.events, [EventOutcome::New]);
    }
}

pub(crate) fn endpoint(id: &str) -> EndpointRecord {
    EndpointRecord {
        number: EndpointNo(0),
        id: id.to_owned(),
        owner: String::new(),
        state: EndpointState::Active,
        state_reason: String::new(),
        ordered: true,
        rate_per_second_max: None,
        standing: Standing::default(),
        concurrency_max: 100,
        definition_json: "{}".to_owned(),
        declared: false,
        revision: 0,
        created_at_ms: 0,
        updated_at_ms: 0,
        owed: 0,
        last_accepted_at_ms: None,
    }
}

/// Makes or replaces an endpoint; gives its number.
pub(crate) async fn put(store: &dyn Store, endpoint: EndpointRecord) -> EndpointNo {
    let id = endpoint.id.clone();
    let if_revision = Some(0);
    let change = EndpointChange::Put { endpoint, if_revision };
    store.change_endpoints(vec![change], NOW).await.unwrap();
    of(store, &id).await.number
}

pub(crate) async fn of(store: &dyn Store, id: &str) -> EndpointRecord {
    let (_, endpoints) = store.endpoints().await.unwrap();
    endpoints.into_iter().find(|endpoint| endpoint.id == id).unwrap()
}

pub(crate) async fn set_state(store: &dyn Store, id: &str, state: EndpointState) {
    set_state_at(store, id, state, NOW).await;
}

pub(crate) async fn set_state_at(store: &dyn Store, id: &str, state: EndpointState, now_ms: i64) {
    let change = EndpointChange::State { id: id.to_owned(), state, reason: "a test".to_owned() };
    store.change_endpoints(vec![change], now_ms).await.unwrap();
}

/// Everything that can be claimed now.
pub(crate) async fn claim(store: &dyn Store, now_ms: i64) -> Vec<Claim> {
    let mut all = Vec::new();
    loop {
        let claims = store.claim(100, now_ms).await.unwrap().claims;
        if claims.is_empty() {
            return all;
        }
        all.extend(claims);
    }
}

/// The one delivery that can be claimed now.
pub(crate) async fn claim_one(store: &dyn Store, now_ms: i64) -> Claim {
    let mut claims = claim(store, now_ms).await;
    assert_eq!(claims.len(), 1, "one delivery can be claimed: {claims:?}");
    claims.remove(0)
}

pub(crate) fn events(claims: &[Claim]) -> Vec<EventId> {
    claims.iter().map(|claim| claim.event).collect()
}

pub(crate) fn attempt(claim: &Claim, now_ms: i64, failure: Option<FailureClass>) -> AttemptRecord {
    AttemptRecord {
        number: claim.attempts + 1,
        started_at_ms: now_ms,
        duration_ms: 5,
        http_status: Some(if failure.is_some() { 422 } else { 200 }),
        failure,
        error: failure.map(|_| "refused".to_owned()),
        response_snippet: failure.map(|_| "no".to_owned()),
    }
}

pub(crate) fn accepted(claim: &Claim, now_ms: i64) -> Settlement {
    Settlement {
        claim: claim.clone(),
        state: DeliveryState::Accepted,
        due_at_ms: None,
        lane_held_until_ms: None,
        endpoint_down: false,
        endpoint_held_until_ms: None,
        attempt: Some(attempt(claim, now_ms, None)),
    }
}

pub(crate) fn retry(claim: &Claim, now_ms: i64, due_at_ms: i64, held_until_ms: Option<i64>) -> Settlement {
    Settlement {
        claim: claim.clone(),
        state: DeliveryState::Owed,
        due_at_ms: Some(due_at_ms),
        lane_held_until_ms: held_until_ms,
        endpoint_down: false,
        endpoint_held_until_ms: None,
        attempt: Some(attempt(claim, now_ms, Some(FailureClass::TheirAnswer))),
    }
}

pub(crate) async fn settle(store: &dyn Store, settlement: Settlement) {
    assert_eq!(store.settle(vec![settlement]).await.unwrap(), [true]);
}

pub(crate) async fn accept_all(store: &dyn Store, claims: &[Claim], now_ms: i64) {
    let settlements: Vec<_> = claims.iter().map(|claim| accepted(claim, now_ms)).collect();
    let taken = store.settle(settlements).await.unwrap();
    assert!(taken.iter().all(|taken| *taken));
}

/// Waits until a condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "in vain waited for: {what}");
        tokio::task::yield_now().await;
        tokio::time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await.unwrap_err();
    }
}

/// A payload with nothing in it but its key and so many bytes.
pub(crate) fn plain_payload(key: &str, body_bytes: usize) -> Payload {
    let nothing = EventRecord::unreadable(EventId::derive("main", key));
    let event = EventRecord { key: key.to_owned(), damaged: false, ..nothing };
    Payload { event: Arc::new(event), body: Some(Arc::from(vec![0; body_bytes])), signature: None }
}
