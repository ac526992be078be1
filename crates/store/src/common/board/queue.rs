//! What one endpoint is owed: its window of lanes.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};

use rules::breaker::Standing;
use rules::rate::Rate;

use super::lane::{Head, Item, Lane, Place, Tried};
use super::ready::Ready;
use super::unread::Unread;
use super::{Aside, Held, NewlyOwed, Sizes, Timer, claim_of};
use crate::record::{Claim, EndpointNo, EndpointRecord, EndpointState};

/// Deliveries that an endpoint may hold in memory whatever the total.
pub(super) const ALWAYS: usize = 16;

/// An endpoint's queue.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) number: EndpointNo,
    pub(super) active: bool,
    pub(super) suspended: bool,
    pub(super) standing: Standing,
    pub(super) ordered: bool,
    pub(super) concurrency_max: usize,
    pub(super) in_flight: usize,
    pub(super) owed: u64,
    pub(super) last_accepted_at_ms: Option<i64>,
    /// Requests in flight at most while it comes back: one more for each acceptance.
    pub(super) warm: usize,
    /// A probe is under way.
    pub(super) probing: bool,
    /// It is on its way to another node.
    pub(super) stopped: bool,
    pub(super) rate: Option<Rate>,
    /// Until when its rate is used up.
    rate_until_ms: Option<i64>,
    /// Until when the endpoint asked for quiet.
    pub(super) held_until_ms: Option<i64>,
    /// Deliveries in memory.
    pub(super) loaded: usize,
    /// Everything owed up to here is in memory or parked.
    pub(super) watermark: i64,
    /// The newest delivery that is known to be durable.
    pub(super) newest: i64,
    /// Changes when a read that is under way must not be trusted.
    pub(super) epoch: u64,
    /// Changes when the window is dropped.
    pub(super) window: u64,
    pub(super) in_turn: bool,
    pub(super) in_hungry: bool,
    pub(super) lanes: HashMap<Place, Lane>,
    pub(super) ready: Ready,
    /// What was put into the window and not read ahead.
    pub(super) unread: Unread,
    /// Lanes held beyond their time because the endpoint accepted nothing since.
    overdue: HashSet<i64>,
    accepted: u64,
}

impl Queue {
    pub(super) fn new(number: EndpointNo) -> Self {
        Self {
            number,
            active: false,
            suspended: false,
            standing: Standing::default(),
            ordered: true,
            concurrency_max: 1,
            in_flight: 0,
            owed: 0,
            last_accepted_at_ms: None,
            warm: usize::MAX,
            probing: false,
            stopped: false,
            rate: None,
            rate_until_ms: None,
            held_until_ms: None,
            loaded: 0,
            watermark: 0,
            newest: 0,
            epoch: 0,
            window: 0,
            in_turn: false,
            in_hungry: false,
            lanes: HashMap::new(),
            ready: Ready::default(),
            unread: Unread::default(),
            overdue: HashSet::new(),
            accepted: 0,
        }
    }

    /// Drops the window; what is owed is read again.
    pub(super) fn forget(&mut self) {
        self.lanes.clear();
        self.ready.clear();
        self.unread.clear();
        self.overdue.clear();
        self.accepted = 0;
        self.loaded = 0;
        self.watermark = 0;
        self.epoch += 1;
        self.window += 1;
        self.in_turn = false;
        self.in_hungry = false;
    }

    pub(super) fn can_give(&self) -> bool {
        let open = self.active && !self.stopped && self.held_until_ms.is_none() && self.rate_until_ms.is_none();
        open && self.in_flight < self.concurrency_max.min(self.warm) && !self.ready.is_empty()
    }

    /// The endpoint asked for quiet. The longest wish counts.
    pub(super) fn hold(&mut self, until_ms: i64, timers: &mut BinaryHeap<Timer>) {
        self.held_until_ms = self.held_until_ms.max(Some(until_ms));
        // No delivery has this number: the timer only has the endpoint looked at.
        timers.push(Reverse((until_ms, self.number, 0, Place::Alone(0))));
    }

    /// Ends the quiet when its time has come.
    pub(super) fn end_hold(&mut self, now_ms: i64) {
        self.held_until_ms = self.held_until_ms.filter(|until| *until > now_ms);
        self.rate_until_ms = self.rate_until_ms.filter(|until| *until > now_ms);
    }

    /// A request begins: it uses up some of the rate.
    pub(super) fn use_rate(&mut self, now_ms: i64, timers: &mut BinaryHeap<Timer>) {
        self.rate_until_ms = self.rate.as_mut().and_then(|rate| rate.begin(now_ms));
        if let Some(until_ms) = self.rate_until_ms {
            timers.push(Reverse((until_ms, self.number, 0, Place::Alone(0))));
        }
    }

    pub(super) fn is_hungry(&self, sizes: &Sizes) -> bool {
        self.watermark < self.newest && self.loaded <= sizes.window / 2
    }

    /// Adds a delivery that was committed just now, when nothing older is on disk alone and there is room.
    pub(super) fn add_new(
        &mut self,
        new: &NewlyOwed,
        sizes: &Sizes,
        room: usize,
        timers: &mut BinaryHeap<Timer>,
        held: &mut HashMap<i64, Held>,
    ) {
        let caught_up = self.watermark >= self.newest;
        self.newest = new.id;
        self.owed += 1;
        if caught_up && self.loaded < sizes.window && (room > 0 || self.loaded < ALWAYS) {
            self.watermark = new.id;
            self.add((*new).into(), new.lane, sizes.lane, timers, held);
        }
    }

    /// Adds a delivery to its lane, or parks it when the lane is long enough. In id order.
    pub(super) fn add(
        &mut self,
        item: Item,
        lane_hash: i64,
        depth: usize,
        timers: &mut BinaryHeap<Timer>,
        held: &mut HashMap<i64, Held>,
    ) {
        let place = if self.ordered && !item.is_late() { Place::Lane(lane_hash) } else { Place::Alone(item.id) };
        let lane = self.lanes.entry(place).or_default();
        if lane.parked_from.is_some() || lane.items.len() >= depth {
            lane.parked_from.get_or_insert(item.id);
            return;
        }
        self.loaded += 1;
        self.unread.push(&item, self.loaded);
        lane.items.push_back(item);
        if lane.head == Head::Missing {
            self.arm(place, timers, held);
        }
    }

    /// Decides how the first of a lane is.
    pub(super) fn arm(&mut self, place: Place, timers: &mut BinaryHeap<Timer>, held: &mut HashMap<i64, Held>) {
        let Some(lane) = self.lanes.get_mut(&place) else { return };
        let Some(first) = lane.items.front() else {
            lane.head = Head::Missing;
            return;
        };
        if let Some(held) = held.get_mut(&first.id) {
            // Claimed before the board was rebuilt.
            held.place = place;
            lane.head = Head::InFlight;
        } else if first.due_at().is_some() {
            lane.head = Head::Waiting;
            set_timers(self.number, &self.standing, place, first, timers);
        } else {
            lane.head = Head::Ready;
            self.ready.add(first.id, place, first.is_tried());
        }
    }

    /// Gives the next claim.
    pub(super) fn give(&mut self, fence: u64, now_ms: i64) -> Option<(Claim, Held)> {
        while let Some((id, place)) = self.ready.next() {
            let Some(lane) = self.lanes.get_mut(&place).filter(|lane| lane.head == Head::Ready) else {
                continue;
            };
            let Some(first) = lane.items.front().filter(|first| first.id == id) else { continue };
            lane.head = Head::InFlight;
            self.in_flight += 1;
            let stood_ms = self.standing.stood_until(now_ms);
            let held = Held::new(first, self.number, place, fence, self.accepted);
            return Some((claim_of(first, self.number, fence, stood_ms), held));
        }
        None
    }

    /// Gives the head that was tried least, the oldest of those, whether it is due or not.
    pub(super) fn give_probe(&mut self, fence: u64, now_ms: i64) -> Option<(Claim, Held)> {
        let quiet = self.held_until_ms.is_some_and(|until| until > now_ms);
        if !self.suspended || self.stopped || self.probing || quiet || self.in_flight >= self.concurrency_max {
            return None;
        }
        let least = |(place, lane): (&Place, &Lane)| {
            let first = lane.items.front().filter(|_| matches!(lane.head, Head::Ready | Head::Waiting))?;
            Some((first.tried.as_ref().map_or(0, |tried| tried.attempts), first.id, *place))
        };
        let (_, _, place) = self.lanes.iter().filter_map(least).min()?;
        let lane = self.lanes.get_mut(&place)?;
        let first = lane.items.front()?;
        lane.head = Head::InFlight;
        self.in_flight += 1;
        self.probing = true;
        let held = Held { probe: true, ..Held::new(first, self.number, place, fence, self.accepted) };
        let claim = claim_of(first, self.number, fence, self.standing.stood_until(now_ms));
        Some((Claim { probe: true, ..claim }, held))
    }

    /// Takes the endpoint's state and clock as they are now.
    pub(super) fn turn(&mut self, endpoint: &EndpointRecord, timers: &mut BinaryHeap<Timer>) {
        let was_suspended = self.suspended;
        // It may have stood still and gone on since the last look, where another node was told to do it.
        let stood = !self.active || self.standing.stood_ms != endpoint.standing.stood_ms;
        self.active = endpoint.state == EndpointState::Active;
        let goes_on = self.active && stood;
        self.suspended = endpoint.state == EndpointState::Suspended;
        self.standing = endpoint.standing;
        if self.suspended {
            self.warm = 1;
        } else if !was_suspended {
            self.warm = usize::MAX;
        }
        if goes_on {
            self.go_on(timers);
        }
    }

    /// The endpoint goes on. What failed because it was down is due at once, oldest first; the rest waits on.
    pub(super) fn go_on(&mut self, timers: &mut BinaryHeap<Timer>) {
        let mut due = Vec::new();
        for (place, lane) in self.lanes.iter_mut().filter(|(_, lane)| lane.head == Head::Waiting) {
            let Some(first) = lane.items.front() else { continue };
            if first.tried.as_ref().is_some_and(|tried| tried.down) {
                lane.head = Head::Ready;
                due.push((first.id, *place));
            } else {
                set_timers(self.number, &self.standing, *place, first, timers);
            }
        }
        due.sort_unstable();
        due.into_iter().for_each(|(id, place)| self.ready.add(id, place, true));
    }

    /// The first of a lane has ended; the next follows.
    pub(super) fn end(
        &mut self,
        id: i64,
        place: Place,
        timers: &mut BinaryHeap<Timer>,
        held: &mut HashMap<i64, Held>,
        parched: &mut VecDeque<(EndpointNo, i64)>,
    ) {
        if !self.take_first(id, place, timers, held, parched) {
            // It ended outside the window (after a rebuild): a read under way may have seen it as owed.
            self.epoch += 1;
        }
    }

    /// Takes the first out of its lane; the next follows. False when it is not in memory.
    pub(super) fn take_first(
        &mut self,
        id: i64,
        place: Place,
        timers: &mut BinaryHeap<Timer>,
        held: &mut HashMap<i64, Held>,
        parched: &mut VecDeque<(EndpointNo, i64)>,
    ) -> bool {
        let Some(lane) = self.lanes.get_mut(&place).filter(|lane| lane.front_if(id).is_some()) else { return false };
        lane.items.pop_front();
        self.loaded = self.loaded.saturating_sub(1);
        self.next(place, timers, held, parched);
        true
    }

    pub(super) fn next(
        &mut self,
        place: Place,
        timers: &mut BinaryHeap<Timer>,
        held: &mut HashMap<i64, Held>,
        parched: &mut VecDeque<(EndpointNo, i64)>,
    ) {
        let Some(lane) = self.lanes.get_mut(&place) else { return };
        lane.head = Head::Missing;
        if !lane.items.is_empty() {
            self.arm(place, timers, held);
        } else if let (Some(_), Place::Lane(hash)) = (lane.parked_from, place) {
            parched.push_back((self.number, hash));
        } else {
            self.lanes.remove(&place);
        }
    }

    /// The first of a lane failed and waits. One that was set aside meanwhile leaves its lane now.
    pub(super) fn wait(
        &mut self,
        id: i64,
        place: Place,
        mut tried: Tried,
        timers: &mut BinaryHeap<Timer>,
        held: &mut HashMap<i64, Held>,
        parched: &mut VecDeque<(EndpointNo, i64)>,
    ) {
        let lane = self.lanes.get_mut(&place);
        let Some(lane) = lane.filter(|lane| lane.front_if(id).is_some()) else {
            self.epoch += 1;
            return;
        };
        let Some(first) = lane.items.front_mut() else { return };
        // It may have been set aside, or the window dropped, while the claim was out.
        tried.late |= first.is_late();
        tried.accepted_before = tried.accepted_before.min(self.accepted);
        let leaves = tried.late && matches!(place, Place::Lane(_));
        lane.head = if tried.due_at.is_some() { Head::Waiting } else { Head::Ready };
        first.tried = Some(Box::new(tried));
        if leaves {
            self.leave(id, place, timers, held, parched);
        } else if lane.head == Head::Waiting {
            set_timers(self.number, &self.standing, place, first, timers);
        } else {
            self.ready.add(id, place, true);
        }
    }

    /// A claim was given back: its delivery is the next of its endpoint.
    pub(super) fn ready_again(&mut self, id: i64, place: Place) {
        let lane = self.lanes.get_mut(&place);
        let Some(lane) = lane else { return };
        if lane.front_if(id).is_some() {
            lane.head = Head::Ready;
            self.ready.give_back(id, place);
        }
    }

    /// A timer rang for a waiting delivery: it is due, or it has held its lane long enough.
    pub(super) fn ring(&mut self, id: i64, place: Place, now_ms: i64, asides: &mut Vec<Aside>) {
        let lane = self.lanes.get_mut(&place);
        let Some(lane) = lane.filter(|lane| lane.head == Head::Waiting) else {
            return;
        };
        let Some(first) = lane.front_if(id) else { return };
        if first.due_at().is_none_or(|due| due <= now_ms) {
            let tried = first.is_tried();
            lane.head = Head::Ready;
            self.ready.add(id, place, tried);
            return;
        }
        let clock = now_ms.saturating_sub(self.standing.stood_until(now_ms));
        if let Place::Lane(hash) = place
            && self.active
            && first.hold_until().is_some_and(|until| until <= clock)
        {
            self.overdue.insert(hash);
            self.tell_overdue(hash, asides);
        }
    }

    /// The endpoint accepted a delivery. Lanes held beyond their time may go on now.
    pub(super) fn accepted(&mut self, at_ms: Option<i64>, asides: &mut Vec<Aside>) {
        self.accepted += 1;
        self.warm = self.warm.saturating_add(1);
        self.last_accepted_at_ms = at_ms.max(self.last_accepted_at_ms);
        let overdue: Vec<i64> = self.overdue.iter().copied().collect();
        for hash in overdue {
            self.tell_overdue(hash, asides);
        }
    }

    /// Asks to have the head of an overdue lane set aside, if the endpoint accepted something since its first attempt.
    fn tell_overdue(&mut self, hash: i64, asides: &mut Vec<Aside>) {
        let waiting = self.lanes.get(&Place::Lane(hash)).filter(|lane| lane.head == Head::Waiting);
        let Some(first) = waiting.and_then(|lane| lane.items.front()) else {
            self.overdue.remove(&hash);
            return;
        };
        if first.tried.as_ref().is_some_and(|tried| self.accepted > tried.accepted_before) {
            asides.push(Aside { endpoint: self.number, lane: hash, id: first.id });
            self.overdue.remove(&hash);
        }
    }

    /// Takes the head out of its lane, whatever became of it since that was asked for. One that is in flight keeps its place
    /// until its attempt has ended: what it says of itself on the wire is not late.
    pub(super) fn set_aside(
        &mut self,
        aside: Aside,
        timers: &mut BinaryHeap<Timer>,
        held: &mut HashMap<i64, Held>,
        parched: &mut VecDeque<(EndpointNo, i64)>,
    ) {
        let place = Place::Lane(aside.lane);
        let lane = self.lanes.get_mut(&place);
        let Some(lane) = lane.filter(|lane| lane.front_if(aside.id).is_some()) else {
            return;
        };
        let Some(first) = lane.items.front_mut() else { return };
        first.tried.get_or_insert_default().late = true;
        if lane.head != Head::InFlight {
            self.leave(aside.id, place, timers, held, parched);
        }
    }

    /// Moves the head of a lane to a place of its own, as it is; the lane goes on.
    fn leave(
        &mut self,
        id: i64,
        place: Place,
        timers: &mut BinaryHeap<Timer>,
        held: &mut HashMap<i64, Held>,
        parched: &mut VecDeque<(EndpointNo, i64)>,
    ) {
        let Some(lane) = self.lanes.get_mut(&place) else { return };
        let (head, alone) = (lane.head, Place::Alone(id));
        let Some(item) = lane.items.pop_front() else { return };
        if head == Head::Ready {
            self.ready.add(id, alone, item.is_tried());
        } else {
            set_timers(self.number, &self.standing, alone, &item, timers);
        }
        self.lanes.insert(alone, Lane { items: VecDeque::from([item]), head, parked_from: None });
        self.next(place, timers, held, parched);
    }
}

fn set_timers(endpoint: EndpointNo, standing: &Standing, place: Place, item: &Item, timers: &mut BinaryHeap<Timer>) {
    let Some(due) = item.due_at() else { return };
    timers.push(Reverse((due, endpoint, item.id, place)));
    // While the clock stands still nobody knows when it will have gone so far; the timers are set again when it goes on.
    let until = item.hold_until().filter(|_| standing.since_ms.is_none()).map(|until| until + standing.stood_ms);
    if let (Place::Lane(_), Some(until)) = (place, until)
        && until < due
    {
        timers.push(Reverse((until, endpoint, item.id, place)));
    }
}
