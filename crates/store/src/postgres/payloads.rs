//! Payloads for their senders: from memory where they were committed here or read ahead, from the tables where not.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use rules::identity::EventId;
use tokio_postgres::types::Type;

use super::days;
use super::fault::Fault;
use super::read::{self, event_columns};
use super::session::{Sql, cell};
use super::shared::{Shared, lock};
use super::tx::{Mode, Tx};
use super::value::Uid;
use crate::error::StoreError;
use crate::record::{Claim, EventRecord, NewNotification, Payload};

/// Payloads that one read brings beside those that were claimed.
const AHEAD_MAX: usize = 256;
/// A larger body is read by who sends it.
const BODY_BYTES_MAX: i32 = 64 * 1024;
/// Places of events that are remembered.
const PLACES_MAX: usize = 500_000;

/// Where an event's row is: its day and number.
type At = (i32, i64);

/// Payloads in memory, dropped oldest first; and where the events of claims are.
#[derive(Debug)]
pub(super) struct Payloads {
    bytes_max: usize,
    by_id: HashMap<EventId, Payload>,
    order: VecDeque<EventId>,
    bytes: usize,
    places: HashMap<EventId, At>,
}

impl Payloads {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, by_id: HashMap::new(), order: VecDeque::new(), bytes: 0, places: HashMap::new() }
    }

    fn keep(&mut self, payload: Payload) {
        let id = payload.event.id;
        self.drop_id(id);
        self.bytes += weight(&payload);
        self.order.push_back(id);
        let _none = self.by_id.insert(id, payload);
        while self.bytes > self.bytes_max
            && let Some(id) = self.order.pop_front()
        {
            self.forget(id);
        }
    }

    /// Forgets an event that was committed anew: its key had expired.
    fn drop_id(&mut self, id: EventId) {
        if self.by_id.contains_key(&id) {
            self.order.retain(|one| *one != id);
            self.forget(id);
        }
    }

    fn forget(&mut self, id: EventId) {
        if let Some(old) = self.by_id.remove(&id) {
            self.bytes = self.bytes.saturating_sub(weight(&old));
        }
    }

    fn note(&mut self, id: EventId, at: At) {
        if self.places.len() >= PLACES_MAX {
            self.places.clear();
        }
        // Another node committed it anew: its key had expired.
        if self.places.insert(id, at).is_some_and(|before| before != at) {
            self.drop_id(id);
        }
    }

    /// Forgets what arrived before: another node's retention may have dropped it.
    pub(super) fn drop_before(&mut self, received_at_ms: i64) {
        for id in std::mem::take(&mut self.order) {
            if self.by_id.get(&id).is_some_and(|kept| kept.event.received_at_ms < received_at_ms) {
                self.forget(id);
            } else {
                self.order.push_back(id);
            }
        }
    }

    /// Retention dropped something.
    pub(super) fn clear(&mut self) {
        self.by_id.clear();
        self.order.clear();
        self.places.clear();
        self.bytes = 0;
    }
}

fn weight(payload: &Payload) -> usize {
    payload.body.as_ref().map_or(0, |body| body.len()) + size_of::<Payload>() + size_of::<EventRecord>() + 512
}

/// A new event as it was kept.
pub(super) struct Kept<'f> {
    pub(super) number: i64,
    pub(super) lane: &'f str,
    pub(super) is_first: bool,
}

/// Keeps what was committed here and is owed.
pub(super) fn keep_fresh<'n>(
    shared: &Shared,
    notifications: impl Iterator<Item = &'n NewNotification>,
    fates: &[Option<Kept<'_>>],
) {
    let mut payloads = lock(&shared.payloads);
    let mut fates = fates.iter();
    for notification in notifications {
        for event in &notification.events {
            let Some(Some(kept)) = fates.next() else { continue };
            payloads.note(event.id, (days::of(notification.received_at_ms), kept.number));
            if event.owed_to.is_empty() {
                payloads.drop_id(event.id);
                continue;
            }
            let lane = kept.lane.to_owned();
            let record = event.clone().kept(notification.id, &notification.app, notification.received_at_ms, lane);
            let whole_to = if kept.is_first { notification.whole_to.clone() } else { Vec::new() };
            payloads.keep(Payload {
                event: Arc::new(EventRecord { whole_to, ..record }),
                body: Some(Arc::clone(&notification.body)),
                signature: notification.signature.clone(),
            });
        }
    }
}

/// Remembers where events are that the board learned of.
pub(super) fn note_places(shared: &Shared, events: impl Iterator<Item = (EventId, i32, i64)>) {
    let mut payloads = lock(&shared.payloads);
    events.for_each(|(id, day, number)| payloads.note(id, (day, number)));
}

// One look-up by a whole key for each row of each table. As joins they are planned without statistics on a day that has just
// begun: the planner takes the day alone for a key then, and reads the whole day for each event.
static AT: Sql = Sql::new(
    concat!(
        "SELECT ",
        event_columns!(),
        ", CASE WHEN octet_length(b.body) <= $3 THEN b.body END, b.body IS NOT NULL
         FROM unnest($1, $2) AS q (day, number)
         CROSS JOIN LATERAL (SELECT * FROM waypost.events e
             WHERE e.day = q.day AND e.id = q.number AND e.day = ANY ($1) LIMIT 1) e
         CROSS JOIN LATERAL (SELECT n.signature FROM waypost.notifications n
             WHERE n.day = e.day AND n.notification = e.notification AND n.day = ANY ($1) LIMIT 1) n
         LEFT JOIN LATERAL (SELECT b.body FROM waypost.bodies b
             WHERE b.day = e.day AND b.notification = e.notification AND b.day = ANY ($1) LIMIT 1) b ON true"
    ),
    &[Type::INT4_ARRAY, Type::INT8_ARRAY, Type::INT4],
);

/// Sees to it that what was claimed is in memory, as far as that is easy. A failure is left to who sends it.
pub(super) async fn fetch(shared: &Shared, claims: &[Claim]) {
    let wanted = wanted(shared, claims);
    if wanted.is_empty() {
        return;
    }
    let found = async {
        let mut tx = shared.pool.begin(Mode::Read).await?;
        let found = read_at(&mut tx, &wanted, BODY_BYTES_MAX).await?;
        tx.commit().await?;
        Ok::<_, Fault>(found)
    };
    let found = found.await.unwrap_or_default();
    let mut payloads = lock(&shared.payloads);
    for (payload, is_whole) in found {
        if is_whole {
            payloads.keep(payload);
        }
    }
}

/// Where what is missing is, and what is likely to be claimed next.
fn wanted(shared: &Shared, claims: &[Claim]) -> Vec<At> {
    let missing: Vec<&Claim> = {
        let payloads = lock(&shared.payloads);
        claims.iter().filter(|claim| !payloads.by_id.contains_key(&claim.event)).collect()
    };
    if missing.is_empty() {
        return Vec::new();
    }
    let named = lock(&shared.board).take_next(&missing, AHEAD_MAX);
    let payloads = lock(&shared.payloads);
    let ids = missing.iter().map(|claim| claim.event).chain(named.into_iter().map(|(event, _)| event));
    let places =
        ids.filter(|event| !payloads.by_id.contains_key(event)).filter_map(|event| payloads.places.get(&event));
    let places: HashSet<At> = places.copied().collect();
    places.into_iter().collect()
}

/// The payloads at these places; whether each is whole.
async fn read_at(tx: &mut Tx, places: &[At], body_bytes_max: i32) -> Result<Vec<(Payload, bool)>, Fault> {
    let days: Vec<i32> = places.iter().map(|at| at.0).collect();
    let numbers: Vec<i64> = places.iter().map(|at| at.1).collect();
    let rows = tx.query(&AT, &[&days, &numbers, &body_bytes_max]).await?;
    let mut bodies: HashMap<Uid, Arc<[u8]>> = HashMap::new();
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let numbered = read::event(row)?;
        let notification = Uid(*numbered.event.notification.as_bytes());
        let bytes: Option<&[u8]> = cell(row, read::EVENT_COLUMNS)?;
        let is_there: bool = cell(row, read::EVENT_COLUMNS + 1)?;
        let is_whole = bytes.is_some() || !is_there;
        // One body for all events of a notification.
        let body = bytes.map(|bytes| Arc::clone(bodies.entry(notification).or_insert_with(|| Arc::from(bytes))));
        let signature = numbered.signature;
        found.push((Payload { event: Arc::new(numbered.event), body, signature }, is_whole));
    }
    Ok(found)
}

/// The payloads of these events, in their order; what is not there is left out.
pub(super) async fn of(shared: &Shared, events: &[EventId]) -> Result<Vec<Payload>, StoreError> {
    shared.check_open()?;
    let held: Vec<Option<Payload>> = {
        let payloads = lock(&shared.payloads);
        events.iter().map(|event| payloads.by_id.get(event).cloned()).collect()
    };
    let is_missing = |(event, held): (&EventId, &Option<Payload>)| held.is_none().then_some(*event);
    let missing: Vec<EventId> = events.iter().zip(&held).filter_map(is_missing).collect();
    if missing.is_empty() {
        return Ok(held.into_iter().flatten().collect());
    }
    let read = read_missing(shared, &missing).await.map_err(|fault| shared.pool.tell(&fault, "read bodies"))?;
    let of = |(event, held): (&EventId, Option<Payload>)| held.or_else(|| read.get(event).cloned());
    Ok(events.iter().zip(held).filter_map(of).collect())
}

async fn read_missing(shared: &Shared, missing: &[EventId]) -> Result<HashMap<EventId, Payload>, Fault> {
    let (mut places, mut unknown) = (Vec::new(), Vec::new());
    {
        let payloads = lock(&shared.payloads);
        for event in missing {
            match payloads.places.get(event) {
                Some(at) => places.push(*at),
                None => unknown.push(*event),
            }
        }
    }
    let mut tx = shared.pool.begin(Mode::Read).await?;
    if !unknown.is_empty() {
        places.extend(read::places_of(&mut tx, &unknown).await?);
    }
    let found = read_at(&mut tx, &places, i32::MAX).await?;
    tx.commit().await?;
    Ok(found.into_iter().map(|(payload, _)| (payload.event.id, payload)).collect())
}
