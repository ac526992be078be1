//! Payloads read ahead: when something claimed is not in memory, what is likely to be claimed next is read with it.
//!
//! One transaction that walks rows in their order costs a fraction of as many look-ups by name, each with a thread's hop
//! and a transaction of its own. What does not fit, or was not foreseen, is read when it is asked for (`payloads`).

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use rules::identity::EventId;
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Fault;
use super::fresh::text_bytes;
use super::read::{EVENT_COLUMNS, EVENT_TABLES, event};
use super::readers::read;
use super::shared::{Shared, lock};
use crate::record::{Claim, EndpointNo, Payload};

/// Payloads that one read brings beside those that were claimed.
const AHEAD_MAX: usize = 256;
/// Bytes of payloads kept.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// A larger body is read by who sends it.
const BODY_BYTES_MAX: i64 = 64 * 1024;

/// The payloads, dropped oldest first. They are those of owed deliveries, and retention drops none of these; what is here
/// longer than it is owed may lag in [`crate::EventRecord::duplicates`].
#[derive(Debug, Default)]
pub(super) struct Ahead {
    by_id: HashMap<EventId, Payload>,
    order: VecDeque<EventId>,
    bytes: usize,
}

impl Ahead {
    pub(super) fn get(&self, id: EventId) -> Option<Payload> {
        self.by_id.get(&id).cloned()
    }

    fn keep(&mut self, payload: Payload) {
        let id = payload.event.id;
        self.drop_id(id);
        self.bytes += weight(&payload);
        self.order.push_back(id);
        self.by_id.insert(id, payload);
        while self.bytes > BYTES_MAX
            && let Some(id) = self.order.pop_front()
        {
            self.forget(id);
        }
    }

    /// Forgets an event that was committed anew: its key had expired.
    pub(super) fn drop_id(&mut self, id: EventId) {
        if self.by_id.contains_key(&id) {
            self.order.retain(|one| *one != id);
            self.forget(id);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self, id: EventId) {
        if let Some(old) = self.by_id.remove(&id) {
            self.bytes = self.bytes.saturating_sub(weight(&old));
        }
    }
}

fn weight(payload: &Payload) -> usize {
    let body = payload.body.as_ref().map_or(0, |body| body.len());
    size_of::<Payload>() + 128 + text_bytes(&payload.event) + body
}

/// Sees to it that what was claimed is in memory, as far as that is easy. A failure is left to who sends it.
pub(super) async fn fetch(shared: &Arc<Shared>, claims: &[Claim]) {
    let missing: HashSet<EventId> = {
        let (fresh, ahead) = (lock(&shared.fresh), lock(&shared.ahead));
        let is_there = |event: EventId| fresh.has(event) || ahead.by_id.contains_key(&event);
        claims.iter().map(|claim| claim.event).filter(|event| !is_there(*event)).collect()
    };
    if missing.is_empty() {
        return;
    }
    let wanted = wanted(shared, claims, &missing);
    let found = read(shared, "read bodies ahead", move |conn| payloads(conn, &wanted)).await;
    let mut ahead = lock(&shared.ahead);
    found.unwrap_or_default().into_iter().for_each(|payload| ahead.keep(payload));
}

/// What is missing and what is likely to be claimed next, as rows of events in their order.
fn wanted(shared: &Shared, claims: &[Claim], missing: &HashSet<EventId>) -> Vec<i64> {
    let of_missing = claims.iter().filter(|claim| missing.contains(&claim.event));
    let mut endpoints: Vec<EndpointNo> = of_missing.clone().map(|claim| claim.endpoint).collect();
    endpoints.sort_unstable();
    endpoints.dedup();
    let board = lock(&shared.board);
    let mut rows: Vec<i64> = of_missing.filter_map(|claim| board.event_of(claim)).collect();
    let upcoming = board.upcoming(&endpoints, AHEAD_MAX);
    drop(board);
    let (fresh, ahead) = (lock(&shared.fresh), lock(&shared.ahead));
    let is_there = |event: EventId| fresh.has(event) || ahead.by_id.contains_key(&event);
    rows.extend(upcoming.into_iter().filter(|(event, _)| !is_there(*event)).map(|(_, row)| row));
    rows.sort_unstable();
    rows.dedup();
    rows
}

fn payloads(conn: &Connection, rows: &[i64]) -> Result<Vec<Payload>, Fault> {
    let snapshot = conn.unchecked_transaction()?;
    let mut events = snapshot.prepare_cached(&format!("SELECT {EVENT_COLUMNS} FROM {EVENT_TABLES} WHERE e.id = ?1"))?;
    let mut bodies =
        snapshot.prepare_cached("SELECT body FROM bodies WHERE notification = ?1 AND length(body) <= ?2")?;
    let mut last: Option<(i64, Arc<[u8]>)> = None;
    let mut payloads = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(found) = events.query_row([row], event).optional()? else { continue };
        if last.as_ref().is_none_or(|(notification, _)| *notification != found.notification) {
            let bytes = bodies.query_row(params![found.notification, BODY_BYTES_MAX], |row| {
                Ok(Arc::<[u8]>::from(row.get_ref(0)?.as_blob()?))
            });
            last = bytes.optional()?.map(|bytes| (found.notification, bytes));
        }
        let Some((_, body)) = &last else { continue };
        payloads.push(Payload {
            event: Arc::new(found.event),
            body: Some(Arc::clone(body)),
            signature: found.signature,
        });
    }
    Ok(payloads)
}
