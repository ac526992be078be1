//! What must hold, by the judge's own books: what was committed, offered and accepted, and for how long each endpoint's
//! clock stood still.

use std::collections::{BTreeMap, HashMap};

use rules::delivery::DeliveryState;
use rules::identity::EventId;
use store::{Claim, DeliveryNo, DeliveryRecord, EndpointNo};

use super::world::IN_FLIGHT_MAX;

/// One event owed to one endpoint.
#[derive(Debug, Default)]
struct Owed {
    /// Offers that were accepted.
    accepted: u32,
    /// Of them those whose acceptance a crash kept from being written.
    unwritten: u32,
    delivery: Option<DeliveryNo>,
    /// First offered at this time of the endpoint's clock.
    first_offered: Option<i64>,
    set_aside: bool,
    ended: bool,
    /// The endpoint accepted it, and that is on its way to the disk.
    accepted_unwritten: bool,
}

/// Time for which an endpoint got no deliveries.
#[derive(Debug, Default)]
struct Standing {
    stood_ms: i64,
    since_ms: Option<i64>,
}

/// The judge.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// Per endpoint and lane, in the order of commits.
    owed: HashMap<(EndpointNo, u64), BTreeMap<u64, Owed>>,
    place: HashMap<EventId, (u64, u64)>,
    standing: HashMap<EndpointNo, Standing>,
    in_flight: HashMap<DeliveryNo, (EndpointNo, u64, bool)>,
    /// Attempts that are over, and of which nothing is written.
    unwritten: HashMap<DeliveryNo, EndpointNo>,
}

impl Judge {
    pub(super) fn committed(&mut self, event: EventId, lane: u64, number: u64, endpoints: &[EndpointNo]) {
        self.place.insert(event, (lane, number));
        for endpoint in endpoints {
            self.owed.entry((*endpoint, lane)).or_default().insert(number, Owed::default());
        }
    }

    pub(super) fn stands(&mut self, endpoint: EndpointNo, stands: bool, now_ms: i64) {
        let standing = self.standing.entry(endpoint).or_default();
        match (standing.since_ms, stands) {
            (None, true) => standing.since_ms = Some(now_ms),
            (Some(since), false) => {
                *standing = Standing { stood_ms: standing.stood_ms + now_ms - since, since_ms: None }
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    fn clock(&self, endpoint: EndpointNo, now_ms: i64) -> i64 {
        let Some(standing) = self.standing.get(&endpoint) else { return now_ms };
        now_ms - standing.stood_ms - standing.since_ms.map_or(0, |since| now_ms - since)
    }

    /// A claim was given. Gives the deliveries before it in its lane of which the judge knows no end: each must have been
    /// set aside, or have died.
    pub(super) fn offered(&mut self, claim: &Claim, ordered: bool, now_ms: i64) -> Vec<DeliveryNo> {
        let clock = self.clock(claim.endpoint, now_ms);
        let (lane, number) = self.place[&claim.event];
        let in_lane = ordered && !claim.late;
        if in_lane {
            let other = self.in_flight.values().find(|(e, l, in_lane)| *in_lane && (*e, *l) == (claim.endpoint, lane));
            assert!(other.is_none(), "a lane gives one at a time");
        }
        let before = self.in_flight.insert(claim.delivery, (claim.endpoint, lane, in_lane));
        let unwritten = self.unwritten.contains_key(&claim.delivery);
        assert!(before.is_none() && !unwritten, "one holder at a time");
        self.count(claim.endpoint);
        let lane = self.owed.get_mut(&(claim.endpoint, lane)).expect("what is offered was committed");
        let owed = lane.get_mut(&number).expect("what is offered was committed to this endpoint");
        assert!(!owed.ended, "what has ended is not offered again");
        owed.delivery = Some(claim.delivery);
        owed.first_offered.get_or_insert(clock);
        owed.set_aside |= claim.late;
        if !in_lane {
            return Vec::new();
        }
        let open = lane.range(..number).filter(|(_, owed)| !owed.ended && !owed.set_aside && !owed.accepted_unwritten);
        open.map(|(_, owed)| owed.delivery.expect("nothing is passed that was never offered")).collect()
    }

    /// A delivery that the judge held to be open, as the store has it.
    pub(super) fn passed(&mut self, record: &DeliveryRecord, endpoint: EndpointNo, hold_ms: Option<i64>, now_ms: i64) {
        let clock = self.clock(endpoint, now_ms);
        let (lane, number) = self.place[&record.event];
        let owed = self.owed.get_mut(&(endpoint, lane)).unwrap().get_mut(&number).unwrap();
        match record.state {
            DeliveryState::Owed => {
                assert!(record.late, "an earlier event of the lane still holds its place");
                let hold_ms = hold_ms.expect("a lane that is held for ever is never passed");
                let held_ms = clock - owed.first_offered.unwrap();
                assert!(held_ms >= hold_ms, "set aside after {held_ms} of {hold_ms} ms on the endpoint's clock");
                owed.set_aside = true;
            }
            DeliveryState::Accepted | DeliveryState::Dead(_) | DeliveryState::Skipped(_) => owed.ended = true,
        }
    }

    /// What a crash would repeat is bounded by the endpoint's cap.
    fn count(&self, endpoint: EndpointNo) {
        let in_flight = self.in_flight.values().filter(|(of, ..)| *of == endpoint).count();
        let unwritten = self.unwritten.values().filter(|of| **of == endpoint).count();
        let cap = usize::try_from(IN_FLIGHT_MAX).unwrap();
        assert!(in_flight + unwritten <= cap, "{in_flight} in flight and {unwritten} unwritten, of {cap}");
    }

    /// The endpoint accepted an offer, which is on its way to the disk.
    pub(super) fn accepted(&mut self, claim: &Claim) {
        let owed = self.owed_of(claim);
        owed.accepted += 1;
        assert!(owed.accepted <= owed.unwritten + 1, "an event was accepted twice, and no crash explains it");
        owed.accepted_unwritten = true;
        self.writing(claim);
    }

    /// What came of an offer is on its way to the disk.
    pub(super) fn writing(&mut self, claim: &Claim) {
        self.unwritten.insert(claim.delivery, claim.endpoint);
    }

    /// What came of an offer is on the disk.
    pub(super) fn written(&mut self, claim: &Claim) {
        self.unwritten.remove(&claim.delivery);
        let owed = self.owed_of(claim);
        owed.ended |= std::mem::take(&mut owed.accepted_unwritten);
    }

    fn owed_of(&mut self, claim: &Claim) -> &mut Owed {
        let (lane, number) = self.place[&claim.event];
        self.owed.get_mut(&(claim.endpoint, lane)).unwrap().get_mut(&number).unwrap()
    }

    /// An offer is over, whatever came of it.
    pub(super) fn over(&mut self, delivery: DeliveryNo) {
        self.in_flight.remove(&delivery);
    }

    /// Nothing is in flight after a crash, and nobody knows what was not written.
    pub(super) fn crashed(&mut self) {
        self.in_flight.clear();
        self.unwritten.clear();
        for owed in self.owed.values_mut().flat_map(BTreeMap::values_mut) {
            owed.unwritten += u32::from(std::mem::take(&mut owed.accepted_unwritten));
        }
    }

    pub(super) fn set_aside(&self) -> u64 {
        self.owed.values().flat_map(BTreeMap::values).filter(|owed| owed.set_aside).count() as u64
    }

    /// At the end: what was never accepted, as endpoint and event's number, with its delivery.
    pub(super) fn unaccepted(&self) -> Vec<(EndpointNo, u64, Option<DeliveryNo>)> {
        let mut missing = Vec::new();
        for ((endpoint, _), lane) in &self.owed {
            missing.extend(
                lane.iter().filter(|(_, owed)| owed.accepted == 0).map(|(n, owed)| (*endpoint, *n, owed.delivery)),
            );
        }
        missing
    }
}
