//! What the rest of the engine learns from a batch, once it is durable.

use std::sync::Arc;

use rules::identity::EventId;

use super::commit::Marked;
use super::fresh::Fresh;
use super::shared::{Shared, lock};
use super::wholes;
use crate::common::board::NewlyOwed;
use crate::record::{EventRecord, NewEvent, NewNotification, Payload};

/// The news of one batch. A transaction that is rolled back takes them with it.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) owed: Vec<NewlyOwed>,
    /// In the order of the batch.
    pub(super) kept: Vec<NewlyKept>,
}

/// A new event of the batch.
#[derive(Debug)]
pub(super) struct NewlyKept {
    /// Which notification of the batch it is in, and which event of that it is.
    pub(super) place: (usize, usize),
    pub(super) event: i64,
    pub(super) notification: i64,
    /// As stamped.
    pub(super) lane: String,
    /// The first new one of its notification.
    pub(super) is_first: bool,
}

impl News {
    pub(super) fn clear(&mut self) {
        self.owed.clear();
        self.kept.clear();
    }

    /// Tells everybody. The board comes last: what is claimed is then found in memory.
    pub(super) fn tell(self, batch: Vec<Marked>, shared: &Shared) {
        if !self.kept.is_empty() {
            let fresh = sort_out(batch, self.kept);
            let (mut cache, mut ahead) = (lock(&shared.fresh), lock(&shared.ahead));
            for event in fresh {
                match event {
                    Ok(fresh) => {
                        ahead.drop_id(fresh.payload.event.id);
                        cache.keep(fresh);
                    }
                    Err(id) => {
                        ahead.drop_id(id);
                        cache.drop_id(id);
                    }
                }
            }
        }
        shared.owe(&self.owed);
    }
}

type MaybeFresh = Result<Fresh, EventId>;

/// The new events: those that are owed with their payloads, the others by their ids.
fn sort_out(batch: Vec<Marked>, kept: Vec<NewlyKept>) -> Vec<MaybeFresh> {
    let mut fresh: Vec<MaybeFresh> = Vec::with_capacity(kept.len());
    let mut kept = kept.into_iter().peekable();
    for (n, marked) in batch.into_iter().enumerate() {
        let Marked { mut notification, .. } = marked;
        let before = fresh.len();
        let events = std::mem::take(&mut notification.events);
        for (index, event) in events.into_iter().enumerate() {
            let Some(kept) = kept.next_if(|kept| kept.place == (n, index)) else {
                continue;
            };
            fresh.push(match event.owed_to.is_empty() {
                true => Err(event.id),
                false => Ok(payload(&notification, event, kept)),
            });
        }
        let ours = fresh.get_mut(before..).unwrap_or_default();
        if let Some(last) = ours.iter_mut().rev().find_map(|fresh| fresh.as_mut().ok()) {
            last.last_of_body = true;
        }
    }
    fresh
}

fn payload(notification: &NewNotification, event: NewEvent, kept: NewlyKept) -> Fresh {
    let whole_to = wholes::of(notification, &kept).to_vec();
    let record = event.kept(notification.id, &notification.app, notification.received_at_ms, kept.lane);
    let record = EventRecord { whole_to, ..record };
    let (body, signature) = (Some(notification.body.clone()), notification.signature.clone());
    Fresh {
        payload: Payload { event: Arc::new(record), body, signature },
        event: kept.event,
        notification: kept.notification,
        last_of_body: false,
    }
}
