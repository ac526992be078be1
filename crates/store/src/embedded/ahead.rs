//! Payloads read ahead: when something claimed is not in memory, what is likely to be claimed next is read with it.
//!
//! One transaction that walks rows in their order costs a fraction of as many look-ups by name, each with a thread's hop
//! and a transaction of its own. What does not fit, or was not foreseen, is read when it is asked for (`payloads`).

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use rules::identity::EventId;
use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;
use super::fresh::text_bytes;
use super::read::{BodyRow, EVENT_COLUMNS, EVENT_TABLES, body, event};
use super::readers::read;
use super::shared::{Shared, lock};
use crate::record::{Claim, Payload};

/// Payloads that one read brings beside those that were claimed.
const AHEAD_MAX: usize = 256;
/// Bytes of payloads kept.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Of them, bytes of payloads that were asked for already and are kept all the same.
const USED_BYTES_MIN: usize = 2 * 1024 * 1024;
/// Entries of a list that stand for nothing, beside as many as there are payloads.
const SLACK: usize = 64;
/// A larger body is read by who sends it.
const BODY_BYTES_MAX: i64 = 64 * 1024;

/// The payloads. They are those of owed deliveries, and retention drops none of these; what is here longer than it is owed
/// may lag in [`crate::EventRecord::duplicates`]. When there are too many, those that were asked for go first, unless they
/// are few: another endpoint may want them.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    by_id: HashMap<EventId, Entry>,
    unused: VecDeque<EventId>,
    used: VecDeque<EventId>,
    bytes: usize,
    used_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    payload: Payload,
    bytes: usize,
    used: bool,
}

impl Ahead {
    /// The payload, for one who is about to use it.
    pub(super) fn get(&mut self, id: EventId) -> Option<Payload> {
        let entry = self.by_id.get_mut(&id)?;
        if !entry.used {
            entry.used = true;
            self.used_bytes += entry.bytes;
            self.used.push_back(id);
        }
        Some(entry.payload.clone())
    }

    fn keep(&mut self, payload: Payload) {
        let id = payload.event.id;
        self.drop_id(id);
        let bytes = weight(&payload);
        self.bytes += bytes;
        self.unused.push_back(id);
        self.by_id.insert(id, Entry { payload, bytes, used: false });
        while self.bytes > BYTES_MAX && self.drop_one() {}
        if self.unused.len() > 2 * self.by_id.len() + SLACK {
            self.unused.retain(|id| self.by_id.get(id).is_some_and(|entry| !entry.used));
        }
    }

    /// Drops one, and tells whether there was one.
    fn drop_one(&mut self) -> bool {
        let used = if self.used_bytes > USED_BYTES_MIN { self.used.pop_front() } else { None };
        // What was used stands in the other list as well; there it stands for nothing.
        let unused = |ahead: &mut Self| {
            while let Some(id) = ahead.unused.pop_front() {
                if ahead.by_id.get(&id).is_some_and(|entry| !entry.used) {
                    return Some(id);
                }
            }
            None
        };
        let Some(id) = used.or_else(|| unused(self)).or_else(|| self.used.pop_front()) else { return false };
        self.forget(id);
        true
    }

    /// Forgets an event that was committed anew: its key had expired.
    pub(super) fn drop_id(&mut self, id: EventId) {
        if self.by_id.contains_key(&id) {
            self.unused.retain(|one| *one != id);
            self.used.retain(|one| *one != id);
            self.forget(id);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self, id: EventId) {
        let Some(old) = self.by_id.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(old.bytes);
        if old.used {
            self.used_bytes = self.used_bytes.saturating_sub(old.bytes);
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
    let of_missing: Vec<&Claim> = claims.iter().filter(|claim| missing.contains(&claim.event)).collect();
    let named = lock(&shared.board).take_next(&of_missing, AHEAD_MAX);
    let (fresh, ahead) = (lock(&shared.fresh), lock(&shared.ahead));
    let is_there = |event: EventId| fresh.has(event) || ahead.by_id.contains_key(&event);
    let mut rows: Vec<i64> = named.into_iter().filter(|(event, _)| !is_there(*event)).map(|(_, row)| row).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

fn payloads(conn: &Connection, rows: &[i64]) -> Result<Vec<Payload>, Fault> {
    let snapshot = conn.unchecked_transaction()?;
    let mut events = snapshot.prepare_cached(&format!("SELECT {EVENT_COLUMNS} FROM {EVENT_TABLES} WHERE e.id = ?1"))?;
    let mut last: Option<(i64, Arc<[u8]>)> = None;
    let mut payloads = Vec::with_capacity(rows.len());
    for row in rows {
        // What is damaged is told to who asks for it.
        let Some(found) = events.query_row([row], event).optional()?.filter(|found| !found.event.damaged) else {
            continue;
        };
        if last.as_ref().is_none_or(|(notification, _)| *notification != found.notification) {
            last = match body(&snapshot, found.notification, BODY_BYTES_MAX)? {
                BodyRow::Sound(bytes) => Some((found.notification, bytes)),
                BodyRow::Damaged | BodyRow::Gone => None,
            };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::build::plain_payload;

    const BODY_BYTES: usize = 64 * 1024;

    fn payload(key: &str) -> Payload {
        plain_payload(key, BODY_BYTES)
    }

    fn id(n: usize) -> EventId {
        EventId::derive("main", &n.to_string())
    }

    #[test]
    fn what_waits_for_its_turn_outlives_what_was_used() {
        let mut ahead = Ahead::default();
        let fitting = BYTES_MAX / (BODY_BYTES + 1_024);
        (0..fitting).for_each(|n| ahead.keep(payload(&n.to_string())));
        (100..200).for_each(|n| assert!(ahead.get(id(n)).is_some()));
        (1_000..1_050).for_each(|n| ahead.keep(payload(&n.to_string())));
        assert!(ahead.get(id(0)).is_some(), "the oldest was not used");
        assert!(ahead.get(id(100)).is_none(), "the one that was used first");
        assert!(ahead.get(id(199)).is_some(), "the one that was used last");
        assert!(ahead.bytes <= BYTES_MAX);
    }

    #[test]
    fn it_stays_within_its_bytes_whatever_is_used() {
        let mut ahead = Ahead::default();
        for n in 0..2_000 {
            ahead.keep(payload(&n.to_string()));
            drop(ahead.get(id(n / 2)));
            assert!(ahead.bytes <= BYTES_MAX);
        }
        (0..2_000).for_each(|n| ahead.drop_id(id(n)));
        assert_eq!((ahead.bytes, ahead.used_bytes, ahead.by_id.len()), (0, 0, 0));
        assert!(ahead.unused.len() <= SLACK + 2 * (BYTES_MAX / BODY_BYTES));
    }
}
