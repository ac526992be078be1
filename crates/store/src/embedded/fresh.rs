//! The payloads of the newest owed events, in memory: what was committed a moment ago goes to its sender without a look
//! at the disk.
//!
//! Filled after COMMIT alone, dropped oldest first beyond a bound in bytes, and forgotten when retention comes near. What
//! is not here is read from the store. Of what is here, only [`EventRecord::duplicates`] may lag: copies that came later
//! are not counted in it.

use std::collections::{HashMap, VecDeque};

use rules::identity::EventId;

use crate::record::{EventRecord, Payload};

/// What an entry weighs beside its texts and its body.
const ENTRY_BYTES: usize = size_of::<Fresh>() + 128;

/// A payload and the numbers by which retention knows it.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    pub(super) payload: Payload,
    pub(super) event: i64,
    pub(super) notification: i64,
    /// Whether it is the last that holds its body, which then counts as its own.
    pub(super) last_of_body: bool,
}

/// The cache.
#[derive(Debug)]
pub(super) struct FreshPayloads {
    bytes_max: usize,
    bytes: usize,
    by_id: HashMap<EventId, Fresh>,
    /// Oldest first. An entry whose event has another number by now stands for nothing.
    order: VecDeque<(i64, EventId)>,
}

impl FreshPayloads {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: 0, by_id: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn has(&self, id: EventId) -> bool {
        self.by_id.contains_key(&id)
    }

    pub(super) fn get(&self, id: EventId) -> Option<Payload> {
        self.by_id.get(&id).map(|fresh| fresh.payload.clone())
    }

    /// Keeps what was committed just now.
    pub(super) fn keep(&mut self, fresh: Fresh) {
        let id = fresh.payload.event.id;
        self.drop_id(id);
        self.bytes += weight(&fresh);
        self.order.push_back((fresh.event, id));
        self.by_id.insert(id, fresh);
        while self.bytes > self.bytes_max
            && let Some((event, id)) = self.order.pop_front()
        {
            self.drop_numbered(event, id);
        }
    }

    /// Forgets an event that was committed anew (its key had expired) and is owed to nobody now.
    pub(super) fn drop_id(&mut self, id: EventId) {
        if let Some(old) = self.by_id.remove(&id) {
            self.bytes = self.bytes.saturating_sub(weight(&old));
        }
    }

    /// Forgets everything up to these numbers.
    pub(super) fn drop_to(&mut self, event: i64, notification: i64) {
        while let Some((number, id)) = self.order.front().copied() {
            let current = self.by_id.get(&id).filter(|fresh| fresh.event == number);
            if current.is_some_and(|fresh| number > event && fresh.notification > notification) {
                break;
            }
            self.order.pop_front();
            self.drop_numbered(number, id);
        }
    }

    fn drop_numbered(&mut self, event: i64, id: EventId) {
        if self.by_id.get(&id).is_some_and(|fresh| fresh.event == event) {
            self.drop_id(id);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.bytes_max);
    }
}

fn weight(fresh: &Fresh) -> usize {
    let body = match &fresh.payload.body {
        Some(body) if fresh.last_of_body => body.len(),
        _ => 0,
    };
    let signature = fresh.payload.signature.as_ref().map_or(0, String::len);
    ENTRY_BYTES + text_bytes(&fresh.payload.event) + signature + body
}

/// Bytes of an event's texts.
pub(super) fn text_bytes(event: &EventRecord) -> usize {
    let texts = [&event.app, &event.key, &event.event_type, &event.field, &event.lane, &event.problems_json];
    let others = [
        &event.entry_id,
        &event.waba_id,
        &event.business_id,
        &event.phone_number_id,
        &event.display_phone_number,
        &event.wa_id,
        &event.user_id,
        &event.parent_user_id,
        &event.message_id,
    ];
    let others = others.into_iter().flatten().map(String::len).sum::<usize>();
    texts.into_iter().map(String::len).sum::<usize>() + others
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;
    use crate::facts::build::plain_payload;

    fn fresh(key: &str, number: i64, body_bytes: usize) -> Fresh {
        Fresh { payload: plain_payload(key, body_bytes), event: number, notification: number, last_of_body: true }
    }

    fn there(cache: &FreshPayloads, keys: &[&str]) -> Vec<bool> {
        let has = |key: &&str| cache.get(EventId::derive("main", key)).is_some();
        keys.iter().map(has).collect()
    }

    #[test]
    fn the_oldest_goes_when_the_bytes_are_too_many() {
        let mut cache = FreshPayloads::new(25_000);
        for (number, key) in (1..).zip(["a", "b", "c"]) {
            cache.keep(fresh(key, number, 10_000));
        }
        assert_eq!(there(&cache, &["a", "b", "c"]), [false, true, true]);
        cache.keep(fresh("huge", 4, 30_000));
        assert_eq!(there(&cache, &["b", "c", "huge"]), [false, false, false]);
        assert_eq!((cache.bytes, cache.by_id.len(), cache.order.len()), (0, 0, 0));
    }

    #[test]
    fn what_retention_comes_near_is_forgotten() {
        let mut cache = FreshPayloads::new(usize::MAX);
        for (number, key) in (1..).zip(["a", "b", "c", "d"]) {
            cache.keep(fresh(key, number, 1));
        }
        cache.drop_to(1, 0);
        assert_eq!(there(&cache, &["a", "b", "c", "d"]), [false, true, true, true]);
        cache.drop_to(0, 3);
        assert_eq!(there(&cache, &["b", "c", "d"]), [false, false, true]);
    }

    #[test]
    fn an_event_that_came_anew_outlives_the_place_of_its_first() {
        let mut cache = FreshPayloads::new(usize::MAX);
        cache.keep(fresh("a", 1, 1));
        cache.keep(fresh("b", 2, 1));
        cache.keep(fresh("a", 3, 1));
        cache.drop_to(2, 2);
        assert_eq!(there(&cache, &["a", "b"]), [true, false]);
        assert_eq!(cache.get(EventId::derive("main", "a")).unwrap().event.key, "a");
    }
}
