//! What people do to owed deliveries: at once, or no more.
//!
//! A read that is under way may have seen them as they were before, so that it is not trusted.

use std::collections::HashSet;

use super::Board;
use super::lane::{Head, Place};
use super::queue::Queue;
use crate::record::EndpointNo;

/// An owed delivery that was changed in the tables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touched {
    pub(crate) endpoint: EndpointNo,
    pub(crate) id: i64,
    pub(crate) lane: i64,
}

impl Board {
    /// They are due at once, and their endpoints' quiet is over.
    pub(crate) fn hurry(&mut self, touched: &[Touched]) {
        for one in touched {
            if let Some(queue) = self.queues.get_mut(&one.endpoint) {
                queue.hurry(one);
            }
        }
        self.after_all(touched);
    }

    /// An endpoint's quiet is over.
    pub(crate) fn end_quiet(&mut self, number: EndpointNo) {
        if let Some(queue) = self.queues.get_mut(&number) {
            queue.held_until_ms = None;
        }
        self.after(number);
    }

    /// They have ended. One that is in flight stays out until it is settled.
    pub(crate) fn end_owed(&mut self, touched: &[Touched]) {
        for one in touched {
            let Some(queue) = self.queues.get_mut(&one.endpoint) else { continue };
            queue.owed = queue.owed.saturating_sub(1);
            let before = queue.loaded;
            for place in [Place::Lane(one.lane), Place::Alone(one.id)] {
                if queue.take_out(one.id, place) {
                    queue.next(place, &mut self.timers, &mut self.held, &mut self.parched);
                }
            }
            self.loaded = self.loaded.saturating_sub(before - queue.loaded);
        }
        self.after_all(touched);
    }

    fn after_all(&mut self, touched: &[Touched]) {
        let endpoints: HashSet<EndpointNo> = touched.iter().map(|one| one.endpoint).collect();
        for number in endpoints {
            if let Some(queue) = self.queues.get_mut(&number) {
                queue.epoch += 1;
            }
            self.after(number);
        }
    }
}

impl Queue {
    fn hurry(&mut self, one: &Touched) {
        self.held_until_ms = None;
        for place in [Place::Lane(one.lane), Place::Alone(one.id)] {
            let Some(lane) = self.lanes.get_mut(&place) else { continue };
            let Some(at) = lane.items.iter().position(|item| item.id == one.id) else { continue };
            if let Some(tried) = lane.items.get_mut(at).and_then(|item| item.tried.as_mut()) {
                tried.due_at = None;
            }
            if at == 0 && lane.head == Head::Waiting {
                lane.head = Head::Ready;
                self.ready.add(one.id, place, true);
            }
        }
    }

    /// Takes a delivery out of its lane, unless it is in flight. True when it was the first, and the next follows.
    fn take_out(&mut self, id: i64, place: Place) -> bool {
        let Some(lane) = self.lanes.get_mut(&place) else { return false };
        let Some(at) = lane.items.iter().position(|item| item.id == id) else { return false };
        if at == 0 && lane.head == Head::InFlight {
            return false;
        }
        lane.items.remove(at);
        self.loaded = self.loaded.saturating_sub(1);
        at == 0
    }
}
