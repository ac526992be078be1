//! What is to be read ahead of its claim.
//!
//! The oldest untried delivery is given first, so that what is put into a window is claimed in about the order of its ids:
//! it is listed in that order, and each is listed once. A conversation that lags far behind the rest is read along the
//! lane instead.

use std::collections::VecDeque;

use rules::identity::EventId;

use super::lane::{Item, Place};
use super::{Board, Held};
use crate::record::{Claim, EndpointNo};

/// Followers of a delivery that was not read ahead, which are read with it.
const FOLLOWERS: usize = 32;
/// Entries beyond twice the window.
const SLACK: usize = 64;

/// An event and its row.
pub(crate) type Named = (EventId, i64);

/// The list of one endpoint: deliveries by id, with their events.
#[derive(Debug, Default)]
pub(super) struct Unread(VecDeque<(i64, Named)>);

impl Unread {
    /// Adds what came into a window of so many. What left the window unread goes in time.
    pub(super) fn push(&mut self, item: &Item, loaded: usize) {
        self.0.push_back((item.id, named(item)));
        while self.0.len() > 2 * loaded + SLACK {
            self.0.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// True when nothing up to this delivery was listed as read.
    fn is_behind(&self, id: i64) -> bool {
        self.0.front().is_some_and(|(first, _)| *first <= id)
    }

    fn take(&mut self, max: usize, into: &mut Vec<Named>) {
        into.extend(self.0.drain(..max.min(self.0.len())).map(|(_, named)| named));
    }

    fn take_to(&mut self, row: i64, max: usize, into: &mut Vec<Named>) {
        let fits = self.0.iter().take(max).take_while(|(_, named)| named.1 <= row).count();
        self.take(fits, into);
    }
}

const fn named(item: &Item) -> Named {
    (item.event, item.event_no)
}

impl Board {
    /// What to read when these claims were not read ahead: their events, and about so many that will be claimed next.
    /// Endpoints that drain side by side want events that lie side by side.
    pub(crate) fn take_next(&mut self, claims: &[&Claim], max: usize) -> Vec<Named> {
        let mut rows = Vec::new();
        let mut behind: Vec<EndpointNo> = Vec::new();
        for claim in claims {
            let Some(held) = self.held.get(&claim.delivery.0).filter(|held| held.fence == claim.fence) else {
                continue;
            };
            rows.push((claim.event, held.event_no));
            let Some(queue) = self.queues.get(&held.endpoint) else { continue };
            if queue.unread.is_behind(claim.delivery.0) {
                behind.push(held.endpoint);
            } else {
                self.followers(held, &mut rows);
            }
        }
        behind.sort_unstable();
        behind.dedup();
        let of_each = max.div_ceil(behind.len().max(1));
        for number in &behind {
            if let Some(queue) = self.queues.get_mut(number) {
                queue.unread.take(of_each, &mut rows);
            }
        }
        self.beside(&behind, max, &mut rows);
        rows
    }

    fn followers(&self, held: &Held, rows: &mut Vec<Named>) {
        let place = Some(held.place).filter(|place| matches!(place, Place::Lane(_)));
        let lane = place.and_then(|place| self.queues.get(&held.endpoint)?.lanes.get(&place));
        rows.extend(lane.into_iter().flat_map(|lane| lane.items.iter().skip(1).take(FOLLOWERS)).map(named));
    }

    /// Of the other endpoints whose turn comes, what lies before the last of these rows.
    fn beside(&mut self, behind: &[EndpointNo], max: usize, rows: &mut Vec<Named>) {
        let Some(last) = rows.iter().map(|(_, row)| *row).max().filter(|_| !behind.is_empty()) else { return };
        for number in self.turns.iter().filter(|number| !behind.contains(number)) {
            let room = max.saturating_sub(rows.len());
            if room == 0 {
                return;
            }
            if let Some(queue) = self.queues.get_mut(number) {
                queue.unread.take_to(last, room, rows);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: i64) -> Item {
        Item { id, event: EventId::derive("main", &id.to_string()), event_no: id * 10, tried: None }
    }

    fn rows(named: &[Named]) -> Vec<i64> {
        named.iter().map(|(_, row)| *row).collect()
    }

    #[test]
    fn each_delivery_is_listed_once_in_the_order_of_its_id() {
        let (mut unread, mut taken) = (Unread::default(), Vec::new());
        (1..=5).for_each(|id| unread.push(&item(id), 5));
        assert!(unread.is_behind(1) && unread.is_behind(3));
        unread.take(2, &mut taken);
        assert!(!unread.is_behind(2) && unread.is_behind(3));
        unread.take_to(40, 10, &mut taken);
        assert_eq!(rows(&taken), [10, 20, 30, 40]);
        unread.take(10, &mut taken);
        assert_eq!(rows(&taken), [10, 20, 30, 40, 50]);
    }

    #[test]
    fn the_list_does_not_grow_when_nothing_needs_to_be_read() {
        let mut unread = Unread::default();
        (1..=10_000).for_each(|id| unread.push(&item(id), 3));
        assert_eq!(unread.0.len(), 2 * 3 + SLACK);
        assert!(unread.is_behind(10_000));
    }
}
