//! The tail in memory: keys and hashes that their trees do not hold yet, and how far their moving has come.
//!
//! The tail moves in rounds. A round takes the events that are there when it begins, enters all their keys and then all
//! their hashes in the order of the trees (neighbours in a tree are written together, once), and only then deletes and
//! forgets the events. A round is cut into steps, each a part of one transaction. A step that is done twice, because the store was
//! opened anew in the middle of a round, changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

/// Keys or hashes that a step enters when it need not hurry.
const STEP_PAIRS: usize = 1_024;
/// Events that a step deletes from the tail.
const STEP_EVENTS: usize = 4_096;
/// How long a step may take when it need not hurry.
const STEP_TIME: Duration = Duration::from_millis(10);
/// How long it may take when the tail is longer than it should be.
const HURRIED_STEP_TIME: Duration = Duration::from_millis(40);

/// A partition of keys, and an event's id.
pub(in crate::embedded) type Key = (i64, [u8; 16]);

/// The number of the first event with a key, and its digest.
pub(in crate::embedded) type Known = (i64, i64);

/// An event, its key, and by what it can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct Entry {
    pub(in crate::embedded) event: i64,
    pub(in crate::embedded) key: Key,
    pub(in crate::embedded) digest: i64,
    pub(in crate::embedded) hashes: Box<[i64]>,
}

/// A hash and an event, in the order of the tree.
pub(super) type Pair = (i64, i64);

/// The tail.
#[derive(Debug)]
pub(in crate::embedded) struct Tail {
    sizes: TailSizes,
    keys: BTreeMap<Key, Known>,
    pairs: BTreeSet<Pair>,
    events: BTreeMap<i64, (Key, Box<[i64]>)>,
    round: Option<Round>,
    /// A step is queued, or at work.
    moving: bool,
    /// Keys and hashes that came since the last step.
    came: usize,
}

/// How long the tail may become, in events.
#[derive(Debug, Clone, Copy)]
pub(in crate::embedded) struct TailSizes {
    /// A round begins.
    pub(in crate::embedded) round: usize,
    /// Steps grow.
    pub(in crate::embedded) max: usize,
}

/// A round: what it moves, and how far it is.
#[derive(Debug, Clone, Copy)]
struct Round {
    last_event: i64,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Keys { after: Option<Key> },
    Hashes { after: Option<Pair> },
    Deleting,
}

/// What a step does.
#[derive(Debug)]
pub(super) enum Step {
    /// Enters these keys, as many as the time allows.
    Keys { keys: Vec<(Key, Known)>, time_max: Option<Duration> },
    /// Enters these hashes, as many as the time allows.
    Hashes { pairs: Vec<Pair>, time_max: Option<Duration> },
    /// Deletes the events from the first number to the last.
    Delete { first: i64, last: i64 },
    /// There is nothing to move.
    Nothing,
}

/// What a step did, durably.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stepped {
    /// Entered the round's keys up to this one; None when there were no more.
    Keys(Option<Key>),
    /// Entered the round's hashes up to this pair; None when there were no more.
    Hashes(Option<Pair>),
    /// Deleted the events up to this one.
    Deleted(i64),
    /// Nothing.
    Nothing,
}

impl Tail {
    pub(in crate::embedded) const fn new(sizes: TailSizes) -> Self {
        Self {
            sizes,
            keys: BTreeMap::new(),
            pairs: BTreeSet::new(),
            events: BTreeMap::new(),
            round: None,
            moving: false,
            came: 0,
        }
    }

    /// Begins anew, with nothing in it.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.sizes);
    }

    /// Learns of events whose rows are durable.
    pub(in crate::embedded) fn learn(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            let Entry { event, key, .. } = entry;
            self.came += entry.hashes.len() + 1;
            self.keys.insert(key, (event, entry.digest));
            self.pairs.extend(entry.hashes.iter().map(|hash| (*hash, event)));
            self.events.insert(event, (key, entry.hashes));
        }
    }

    /// Forgets an event that is durably gone, from here or altogether.
    pub(in crate::embedded) fn forget(&mut self, event: i64) {
        let Some((key, hashes)) = self.events.remove(&event) else {
            return;
        };
        self.keys.remove(&key);
        for hash in hashes {
            self.pairs.remove(&(hash, event));
        }
    }

    /// What is known of a key that waits.
    pub(in crate::embedded) fn known(&self, key: &Key) -> Option<Known> {
        self.keys.get(key).copied()
    }

    /// True when keys of this partition wait.
    pub(in crate::embedded) fn has_keys_of(&self, partition: i64) -> bool {
        let of_partition = (partition, [u8::MIN; 16])..=(partition, [u8::MAX; 16]);
        self.keys.range(of_partition).next().is_some()
    }

    /// The events under a hash, newest first.
    pub(super) fn events_of(&self, hash: i64) -> Vec<i64> {
        let found = self.pairs.range((hash, i64::MIN)..=(hash, i64::MAX));
        found.rev().map(|(_, event)| *event).collect()
    }

    /// Events in it.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// True when a step should be queued now. Who is told so queues it, or says that it failed.
    pub(super) fn begin_moving(&mut self, idle: bool) -> bool {
        let due = self.round.is_some() || self.events.len() >= self.sizes.round || (idle && !self.events.is_empty());
        let begin = due && !self.moving;
        self.moving |= begin;
        begin
    }

    /// What the next step has to do.
    pub(super) fn step(&mut self) -> Step {
        let Some((last_event, _)) = self.events.last_key_value() else {
            return Step::Nothing;
        };
        let round = *self.round.get_or_insert(Round { last_event: *last_event, phase: Phase::Keys { after: None } });
        match round.phase {
            Phase::Keys { after } => self.keys_after(after, round.last_event),
            Phase::Hashes { after } => self.hashes_after(after, round.last_event),
            Phase::Deleting => self.deleting(round.last_event),
        }
    }

    fn keys_after(&self, after: Option<Key>, last_event: i64) -> Step {
        let (keys_max, time_max) = self.haste();
        let rest = self.keys.range((after.map_or(Unbounded, Excluded), Unbounded));
        let keys = rest
            .filter(|(_, (event, _))| *event <= last_event)
            .take(keys_max)
            .map(|(key, known)| (*key, *known))
            .collect();
        Step::Keys { keys, time_max }
    }

    fn hashes_after(&self, after: Option<Pair>, last_event: i64) -> Step {
        let (pairs_max, time_max) = self.haste();
        let rest = self.pairs.range((after.map_or(Unbounded, Excluded), Unbounded));
        let pairs = rest.filter(|(_, event)| *event <= last_event).take(pairs_max).copied().collect();
        Step::Hashes { pairs, time_max }
    }

    fn deleting(&self, last_event: i64) -> Step {
        let mut events = self.events.range(..=last_event).map(|(event, _)| *event);
        match events.next() {
            None => Step::Nothing,
            Some(first) => Step::Delete { first, last: events.take(STEP_EVENTS - 1).last().unwrap_or(first) },
        }
    }

    /// How much a step enters and how long it may take: always more than what came meanwhile, so that a round ends; and
    /// when the tail is far too long, whatever that takes.
    fn haste(&self) -> (usize, Option<Duration>) {
        let length = self.events.len();
        let pairs_max = STEP_PAIRS.max(self.came.saturating_mul(2));
        if length <= self.sizes.max {
            (pairs_max, Some(STEP_TIME))
        } else if length <= self.sizes.max.saturating_mul(2) {
            (pairs_max.saturating_mul(2), Some(HURRIED_STEP_TIME))
        } else {
            (pairs_max.saturating_mul(2), None)
        }
    }

    /// Learns what a step did.
    pub(super) fn stepped(&mut self, stepped: Stepped) {
        self.moving = false;
        self.came = 0;
        let Some(mut round) = self.round.take() else { return };
        match stepped {
            Stepped::Keys(after @ Some(_)) => round.phase = Phase::Keys { after },
            Stepped::Keys(None) => round.phase = Phase::Hashes { after: None },
            Stepped::Hashes(after @ Some(_)) => round.phase = Phase::Hashes { after },
            Stepped::Hashes(None) => round.phase = Phase::Deleting,
            Stepped::Deleted(last) => self.forget_to(last),
            Stepped::Nothing => return,
        }
        // A round ends with the last of its events.
        let first = self.events.first_key_value();
        if first.is_some_and(|(first, _)| *first <= round.last_event) {
            self.round = Some(round);
        }
    }

    fn forget_to(&mut self, last: i64) {
        while let Some((event, _)) = self.events.first_key_value()
            && *event <= last
        {
            self.forget(*event);
        }
    }

    /// The step that was to be made came to nothing.
    pub(super) fn not_stepped(&mut self) {
        self.moving = false;
    }
}

/// Hashes as a row of the tail's table holds them.
pub(super) fn encode(hashes: &[i64]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect()
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(bytes: &[u8]) -> Box<[i64]> {
    let (hashes, _) = bytes.as_chunks::<8>();
    hashes.iter().map(|hash| i64::from_be_bytes(*hash)).collect()
}
