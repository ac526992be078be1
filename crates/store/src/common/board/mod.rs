//! The board: what can be claimed now, in memory.
//!
//! One process owns an embedded store, so a claim needs no row: it lives here, and a crash turns it back into something
//! owed. Every delivery on the board is durable; the writer adds new ones after COMMIT.
//!
//! Per endpoint the board holds a window of the oldest owed deliveries, up to the queue's *watermark*. What lies beyond
//! is on disk alone, and is read in id order when the window drains. The writer adds to a window only when nothing lies
//! beyond it, so what is read and what is added never cross. A lane that holds its followers up keeps only a few of them
//! in memory; the rest is *parked*: left on disk, from a remembered id on, and read when the lane moves.

mod arrive;
mod hand;
mod lane;
mod queue;
mod reads;
mod ready;
#[cfg(test)]
mod tests;
mod unread;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};

use rules::delivery::DeliveryState;
use rules::identity::EventId;
use rules::rate::Rate;

pub(crate) use self::hand::Touched;
use self::lane::Head;
pub(crate) use self::lane::{Item, Place, Tried};
use self::queue::Queue;
pub(crate) use self::reads::{Row, Want};
use crate::record::{Claim, DeliveryNo, EndpointNo, EndpointRecord, Settlement};
use crate::replay::ReplayMark;

/// How much of the backlog is held in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Deliveries per endpoint.
    pub(crate) window: usize,
    /// Deliveries of one lane.
    pub(crate) lane: usize,
    /// Deliveries in all. Each endpoint may hold a few beyond it, so that none starves.
    pub(crate) total: usize,
}

/// A delivery that the board has to learn of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewlyOwed {
    pub(crate) endpoint: EndpointNo,
    pub(crate) lane: i64,
    pub(crate) id: i64,
    pub(crate) event: EventId,
    /// The row of the event.
    pub(crate) event_no: i64,
    pub(crate) replay: Option<ReplayMark>,
}

/// Something to look at when its time comes: (when, endpoint, delivery, place).
type Timer = Reverse<(i64, EndpointNo, i64, Place)>;

/// Who holds a delivery.
#[derive(Debug, Clone, Copy)]
struct Held {
    fence: u64,
    endpoint: EndpointNo,
    place: Place,
    /// What the endpoint had accepted when the delivery was first tried.
    accepted: u64,
    probe: bool,
    /// The row of the event.
    event_no: i64,
    /// It was accepted, and left its lane in this window of its queue.
    left_in: Option<u64>,
}

impl Held {
    fn new(item: &Item, endpoint: EndpointNo, place: Place, fence: u64, accepted: u64) -> Self {
        // One that was tried before this process began has zero here, and all that this process saw counts.
        let tried = item.tried.as_ref().filter(|tried| tried.attempts > 0);
        let accepted = tried.map_or(accepted, |tried| tried.accepted_before);
        Self { fence, endpoint, place, accepted, probe: false, event_no: item.event_no, left_in: None }
    }
}

/// A waiting head whose lane should go on without it, once that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aside {
    pub(crate) endpoint: EndpointNo,
    pub(crate) lane: i64,
    pub(crate) id: i64,
}

/// The board.
#[derive(Debug)]
pub(crate) struct Board {
    sizes: Sizes,
    queues: HashMap<EndpointNo, Queue>,
    /// Endpoints with something to claim, in turn.
    turns: VecDeque<EndpointNo>,
    timers: BinaryHeap<Timer>,
    held: HashMap<i64, Held>,
    fence: u64,
    loaded: usize,
    /// Endpoints and lanes whose memory should be filled from disk.
    hungry: VecDeque<EndpointNo>,
    parched: VecDeque<(EndpointNo, i64)>,
    asides: Vec<Aside>,
}

impl Board {
    pub(crate) fn new(sizes: Sizes) -> Self {
        Self {
            sizes,
            queues: HashMap::new(),
            turns: VecDeque::new(),
            timers: BinaryHeap::new(),
            held: HashMap::new(),
            fence: 0,
            loaded: 0,
            hungry: VecDeque::new(),
            parched: VecDeque::new(),
            asides: Vec::new(),
        }
    }

    /// Begins anew from the tables. Claims that are out stay out: who holds one may still settle it.
    pub(crate) fn begin_anew(&mut self) {
        for queue in self.queues.values_mut() {
            queue.forget();
        }
        self.turns.clear();
        self.timers.clear();
        self.hungry.clear();
        self.parched.clear();
        self.asides.clear();
        self.loaded = 0;
    }

    /// Forgets endpoints that the tables no longer have.
    pub(crate) fn keep_only(&mut self, there: &HashSet<EndpointNo>) {
        self.queues.retain(|number, _| there.contains(number));
    }

    /// Learns of an endpoint as it is now, and what it is owed where that is known from the tables.
    pub(crate) fn put_endpoint(&mut self, endpoint: &EndpointRecord, backlog: Option<(u64, i64)>) {
        let number = endpoint.number;
        let queue = self.queues.entry(number).or_insert_with(|| Queue::new(number));
        queue.concurrency_max = usize::try_from(endpoint.concurrency_max).unwrap_or(usize::MAX).max(1);
        if queue.rate.map(|rate| rate.per_second_max()) != endpoint.rate_per_second_max {
            queue.rate = endpoint.rate_per_second_max.map(Rate::new);
        }
        queue.turn(endpoint, &mut self.timers);
        if queue.ordered != endpoint.ordered {
            queue.ordered = endpoint.ordered;
            // Lanes are made differently now; what is in memory is read again.
            self.loaded = self.loaded.saturating_sub(queue.loaded);
            queue.forget();
        }
        if let Some((owed, newest)) = backlog {
            queue.owed = owed;
            queue.newest = newest;
        }
        self.after(number);
    }

    /// Forgets an endpoint. Claims on it may still be settled.
    pub(crate) fn remove_endpoint(&mut self, number: EndpointNo) {
        if let Some(queue) = self.queues.remove(&number) {
            self.loaded = self.loaded.saturating_sub(queue.loaded);
        }
    }

    /// Learns of deliveries that are durable now.
    pub(crate) fn owe(&mut self, owed: &[NewlyOwed]) {
        let room = self.sizes.total.saturating_sub(self.loaded);
        for new in owed {
            let Some(queue) = self.queues.get_mut(&new.endpoint) else {
                continue;
            };
            let before = queue.loaded;
            queue.add_new(new, &self.sizes, room, &mut self.timers, &mut self.held);
            self.loaded += queue.loaded - before;
            self.after(new.endpoint);
        }
    }

    /// Claims up to `max`, one endpoint after the other.
    pub(crate) fn claim(&mut self, max: usize, now_ms: i64) -> Vec<Claim> {
        self.ring_timers(now_ms);
        let mut claims = Vec::new();
        while claims.len() < max {
            let Some(number) = self.turns.pop_front() else { break };
            let Some(queue) = self.queues.get_mut(&number) else {
                continue;
            };
            queue.in_turn = false;
            if queue.can_give() {
                let fence = self.fence + 1;
                if let Some((claim, held)) = queue.give(fence, now_ms) {
                    self.fence = fence;
                    queue.use_rate(now_ms, &mut self.timers);
                    self.held.insert(claim.delivery.0, held);
                    claims.push(claim);
                }
            }
            self.after(number);
        }
        claims
    }

    /// Claims one delivery of a suspended endpoint. Err: what it is owed is on disk alone, and should be read first.
    pub(crate) fn probe(&mut self, number: EndpointNo, now_ms: i64) -> Result<Option<Claim>, NothingLoaded> {
        let Some(queue) = self.queues.get_mut(&number) else { return Ok(None) };
        let fence = self.fence + 1;
        match queue.give_probe(fence, now_ms) {
            Some((claim, held)) => {
                self.fence = fence;
                self.held.insert(claim.delivery.0, held);
                Ok(Some(claim))
            }
            None if queue.lanes.is_empty() && queue.watermark < queue.newest => Err(NothingLoaded),
            None => Ok(None),
        }
    }

    /// Some of what an endpoint is owed has ended on disk; what is in memory is read again.
    pub(crate) fn ended(&mut self, number: EndpointNo, count: u64) {
        if let Some(queue) = self.queues.get_mut(&number) {
            self.loaded = self.loaded.saturating_sub(queue.loaded);
            queue.forget();
            queue.owed = queue.owed.saturating_sub(count);
            self.after(number);
        }
    }

    /// When the next waiting delivery is to be looked at.
    pub(crate) fn next_due_at_ms(&self) -> Option<i64> {
        self.timers.peek().map(|Reverse((at, ..))| *at)
    }

    /// Lanes that should go on without their head; each is told once.
    pub(crate) fn take_asides(&mut self) -> Vec<Aside> {
        std::mem::take(&mut self.asides)
    }

    /// The wish could not be written down: it comes up again at `again_ms`.
    pub(crate) fn postpone(&mut self, aside: Aside, again_ms: i64) {
        let place = Place::Lane(aside.lane);
        self.timers.push(Reverse((again_ms, aside.endpoint, aside.id, place)));
    }

    /// The head was written down as late: its lane goes on.
    pub(crate) fn set_aside(&mut self, aside: Aside) {
        if let Some(queue) = self.queues.get_mut(&aside.endpoint) {
            queue.set_aside(aside, &mut self.timers, &mut self.held, &mut self.parched);
            self.after(aside.endpoint);
        }
    }

    /// True while this claim is the latest of its delivery.
    pub(crate) fn is_current(&self, claim: &Claim) -> bool {
        self.held.get(&claim.delivery.0).is_some_and(|held| held.fence == claim.fence)
    }

    pub(crate) fn is_in_flight(&self, delivery: DeliveryNo) -> bool {
        self.held.contains_key(&delivery.0)
    }

    /// The endpoint accepted it, which is not durable yet: its lane goes on.
    pub(crate) fn accepted(&mut self, claim: &Claim) {
        if !self.is_current(claim) {
            return;
        }
        let id = claim.delivery.0;
        let Some((endpoint, place)) = self.held.get(&id).map(|held| (held.endpoint, held.place)) else { return };
        let Some(queue) = self.queues.get_mut(&endpoint) else { return };
        let before = queue.loaded;
        let left = queue.take_first(id, place, &mut self.timers, &mut self.held, &mut self.parched);
        self.loaded = self.loaded.saturating_sub(before - queue.loaded);
        let window = queue.window;
        if let Some(held) = self.held.get_mut(&id).filter(|_| left) {
            held.left_in = Some(window);
        }
        self.after(endpoint);
    }

    /// Takes a settlement that is durable now. `taken` is false where the row had ended by other means.
    pub(crate) fn settle(&mut self, settlement: &Settlement, taken: bool) {
        let Some(held) = self.give_back(&settlement.claim) else {
            return;
        };
        let Some(queue) = self.queues.get_mut(&held.endpoint) else {
            return;
        };
        let id = settlement.claim.delivery.0;
        let before = queue.loaded;
        if settlement.state.is_final() || !taken {
            // What left before the window was dropped may be in it again.
            if held.left_in != Some(queue.window) {
                queue.end(id, held.place, &mut self.timers, &mut self.held, &mut self.parched);
            }
            if taken {
                queue.owed = queue.owed.saturating_sub(1);
            }
        } else {
            let tried = tried(settlement, held.accepted);
            queue.wait(id, held.place, tried, &mut self.timers, &mut self.held, &mut self.parched);
        }
        self.loaded = self.loaded.saturating_sub(before - queue.loaded);
        if let Some(until_ms) = settlement.endpoint_held_until_ms {
            queue.hold(until_ms, &mut self.timers);
        }
        if taken && settlement.state == DeliveryState::Accepted {
            let accepted_at = settlement
                .attempt
                .as_ref()
                .map(|attempt| attempt.started_at_ms.saturating_add(i64::from(attempt.duration_ms)));
            queue.accepted(accepted_at, &mut self.asides);
        }
        self.after(held.endpoint);
    }

    /// Takes a claim back untried.
    pub(crate) fn release(&mut self, claim: &Claim) {
        let Some(held) = self.give_back(claim) else { return };
        if let Some(queue) = self.queues.get_mut(&held.endpoint) {
            queue.ready_again(claim.delivery.0, held.place);
            self.after(held.endpoint);
        }
    }

    /// What an endpoint is owed, and when it last accepted something.
    pub(crate) fn of_endpoint(&self, number: EndpointNo) -> (u64, Option<i64>) {
        self.queues.get(&number).map_or((0, None), |queue| (queue.owed, queue.last_accepted_at_ms))
    }

    /// True when something can be claimed at once.
    pub(crate) fn has_turns(&self) -> bool {
        !self.turns.is_empty()
    }

    fn give_back(&mut self, claim: &Claim) -> Option<Held> {
        if !self.is_current(claim) {
            return None;
        }
        let held = self.held.remove(&claim.delivery.0)?;
        if let Some(queue) = self.queues.get_mut(&held.endpoint) {
            queue.in_flight = queue.in_flight.saturating_sub(1);
            queue.probing &= !held.probe;
        }
        Some(held)
    }

    fn ring_timers(&mut self, now_ms: i64) {
        while let Some(Reverse((at, number, id, place))) = self.timers.peek().copied() {
            if at > now_ms {
                break;
            }
            self.timers.pop();
            if let Some(queue) = self.queues.get_mut(&number) {
                queue.end_hold(now_ms);
                queue.ring(id, place, now_ms, &mut self.asides);
                self.after(number);
            }
        }
    }

    /// Puts the endpoint in turn, and has its window filled, where there is cause.
    fn after(&mut self, number: EndpointNo) {
        let Some(queue) = self.queues.get_mut(&number) else {
            return;
        };
        if !queue.in_turn && queue.can_give() {
            queue.in_turn = true;
            self.turns.push_back(number);
        }
        if !queue.in_hungry && queue.is_hungry(&self.sizes) {
            queue.in_hungry = true;
            self.hungry.push_back(number);
        }
    }
}

/// What is remembered of a delivery that waits for its next attempt.
fn tried(settlement: &Settlement, accepted: u64) -> Tried {
    let claim = &settlement.claim;
    let attempt = settlement.attempt.as_ref();
    Tried {
        attempts: attempt.map_or(claim.attempts, |attempt| attempt.number),
        uncounted: settlement.uncounted(),
        first_attempt_at: settlement.first_attempt_at_ms(),
        clock_from: settlement.clock_from_ms(),
        due_at: settlement.due_at_ms,
        hold_until: settlement.hold_until_on_clock_ms(),
        down: settlement.endpoint_down,
        accepted_before: accepted,
        late: claim.late,
        replay: claim.replay,
    }
}

/// A queue has nothing in memory, though it is owed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NothingLoaded;

/// A claim on an item.
fn claim_of(item: &Item, endpoint: EndpointNo, fence: u64, stood_ms: i64) -> Claim {
    let event: EventId = item.event;
    let tried = item.tried.as_deref();
    let stood_at_first = tried.and_then(|tried| Some(tried.first_attempt_at? - tried.clock_from?));
    Claim {
        delivery: DeliveryNo(item.id),
        fence,
        endpoint,
        event,
        attempts: tried.map_or(0, |tried| tried.attempts),
        uncounted: tried.map_or(0, |tried| tried.uncounted),
        first_attempt_at_ms: tried.and_then(|tried| tried.first_attempt_at),
        stood_still_ms: stood_at_first.map_or(0, |at_first| stood_ms.saturating_sub(at_first).max(0)),
        endpoint_stood_ms: stood_ms,
        probe: false,
        late: tried.is_some_and(|tried| tried.late),
        replay: tried.and_then(|tried| tried.replay),
    }
}
