//! What only an engine with several writers needs: deliveries that are told out of their order, and endpoints that go to
//! another node.
//!
//! Numbers are given out when a transaction begins and become visible when it commits, so that a number may show itself
//! after a higher one was read past. Whoever tells the board sees to it that no read is under way meanwhile.

use std::collections::HashSet;

use super::lane::{Item, Place};
use super::queue::Queue;
use super::{Board, Head, NewlyOwed};
use crate::record::EndpointNo;

impl Board {
    /// Learns of a delivery that is durable now, whatever its number. One that is known already changes nothing.
    pub(crate) fn arrive(&mut self, new: &NewlyOwed) {
        let Some(queue) = self.queues.get_mut(&new.endpoint) else { return };
        if new.id > queue.newest {
            self.owe(std::slice::from_ref(new));
            return;
        }
        // What lies beyond the watermark is found when it is read.
        if new.id > queue.watermark || self.held.contains_key(&new.id) {
            return;
        }
        let before = queue.loaded;
        if let Some(place) = queue.add_late(new) {
            queue.arm(place, &mut self.timers, &mut self.held);
        }
        self.loaded += queue.loaded - before;
        self.after(new.endpoint);
    }

    /// Another node gets the endpoint: it is forgotten, and claims on it are no longer the latest.
    pub(crate) fn lose_endpoint(&mut self, number: EndpointNo) {
        self.remove_endpoint(number);
        self.held.retain(|_, held| held.endpoint != number);
    }

    /// Nothing more is claimed for an endpoint, until it is lost or put anew.
    pub(crate) fn stop(&mut self, number: EndpointNo) {
        if let Some(queue) = self.queues.get_mut(&number) {
            queue.stopped = true;
        }
    }

    /// It is claimed for again.
    pub(crate) fn go_on(&mut self, number: EndpointNo) {
        if let Some(queue) = self.queues.get_mut(&number) {
            queue.stopped = false;
        }
        self.after(number);
    }

    /// Endpoints of which claims are out.
    pub(crate) fn endpoints_out(&self) -> HashSet<EndpointNo> {
        self.held.values().map(|held| held.endpoint).collect()
    }

    /// Everything that an endpoint is owed is read again; claims that are out stay out.
    pub(crate) fn read_again(&mut self, number: EndpointNo, newest: i64) {
        if let Some(queue) = self.queues.get_mut(&number) {
            self.loaded = self.loaded.saturating_sub(queue.loaded);
            queue.forget();
            queue.newest = queue.newest.max(newest);
            self.after(number);
        }
    }
}

impl Queue {
    /// Adds a delivery behind what its lane holds in memory. What stands there was committed beside it, so that neither
    /// is the earlier one. Gives the place whose head has to be decided.
    fn add_late(&mut self, new: &NewlyOwed) -> Option<Place> {
        let place = if self.ordered { Place::Lane(new.lane) } else { Place::Alone(new.id) };
        let lane = self.lanes.entry(place).or_default();
        let is_parked = lane.parked_from.is_some_and(|from| from <= new.id);
        if is_parked || lane.items.iter().any(|item| item.id == new.id) {
            return None;
        }
        lane.items.push_back(Item::from(*new));
        self.loaded += 1;
        (lane.head == Head::Missing).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

    use super::*;
    use crate::common::board::Sizes;
    use crate::facts::build::{endpoint, id};
    use crate::record::EndpointRecord;

    const NUMBER: EndpointNo = EndpointNo(1);

    fn new(number: i64) -> NewlyOwed {
        NewlyOwed { endpoint: NUMBER, lane: 7, id: number, event: id("e"), event_no: number, replay: None }
    }

    fn board() -> Board {
        let mut board = Board::new(Sizes { window: 8, lane: 2, total: 64 });
        board.put_endpoint(&EndpointRecord { number: NUMBER, ..endpoint("e") }, None);
        board
    }

    fn given(board: &mut Board) -> Vec<i64> {
        board.claim(9, 0).iter().map(|claim| claim.delivery.0).collect()
    }

    #[test]
    fn a_number_that_shows_itself_late_is_given_once_whatever_was_read_past_it() {
        let mut board = board();
        board.arrive(&new(5));
        board.arrive(&new(3));
        board.arrive(&new(3));
        assert_eq!(given(&mut board), [5]);
        board.arrive(&new(5));
        for next in [3, 0] {
            let out: Vec<_> = board.held.iter().map(|(id, held)| (*id, held.place)).collect();
            for (id, place) in out {
                board.held.remove(&id);
                let queue = board.queues.get_mut(&NUMBER).unwrap();
                queue.in_flight = 0;
                queue.end(id, place, &mut board.timers, &mut board.held, &mut board.parched);
                board.after(NUMBER);
            }
            assert_eq!(given(&mut board), if next == 0 { vec![] } else { vec![next] });
        }
    }

    #[test]
    fn a_late_number_stays_on_disk_where_its_lane_goes_on_being_read_there() {
        let mut board = board();
        for number in [10, 20, 30, 40] {
            board.arrive(&new(number));
        }
        board.arrive(&new(35));
        assert_eq!(
            board.queues[&NUMBER].loaded, 2,
            "what follows the third of a lane of two is read when it is needed"
        );
        board.arrive(&new(25));
        assert_eq!(board.queues[&NUMBER].loaded, 3, "nothing that is read later begins before 30");
    }

    #[test]
    fn claims_on_an_endpoint_that_went_to_another_node_are_no_longer_the_latest() {
        let mut board = board();
        board.arrive(&new(5));
        let claim = board.claim(1, 0).remove(0);
        assert_eq!((board.is_current(&claim), board.endpoints_out().contains(&NUMBER)), (true, true));
        board.read_again(NUMBER, 9);
        assert!(board.is_current(&claim) && board.next_want().is_some());
        board.lose_endpoint(NUMBER);
        assert_eq!((board.is_current(&claim), board.endpoints_out().contains(&NUMBER)), (false, false));
    }
}
