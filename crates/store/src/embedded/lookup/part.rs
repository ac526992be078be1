//! What is in memory alone and in the log of the tail: the newest events, by their keys and names.
//!
//! A part grows at its end and is then frozen and sealed; nothing is ever taken out of it. Each hash leads to the newest
//! of its pairs, and each pair to the one before it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::block::{KeyRecord, NameRecord};
use super::{Key, Known};
use crate::common::names::event_hash;

/// No pair.
const NONE: u32 = u32::MAX;

/// New events with their keys and names, gathered by a transaction.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct Entries {
    entries: Vec<Entry>,
    hashes: Vec<i64>,
}

/// One event. Its names are that many hashes, after those of the entries before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) event: i64,
    pub(super) key: Key,
    pub(super) digest: i64,
    pub(super) names: u32,
}

impl Entries {
    /// Adds an event, with hashes of its names; that of its id is known from its key.
    pub(in crate::embedded) fn push(&mut self, event: i64, key: Key, digest: i64, hashes: &[i64]) {
        let before = self.hashes.len();
        let id = event_hash(&key.1);
        self.hashes.extend(hashes.iter().filter(|hash| **hash != id));
        let names = u32::try_from(self.hashes.len() - before).unwrap_or(0);
        self.entries.push(Entry { event, key, digest, names });
    }

    /// Each event with its names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Entry, &[i64])> {
        let mut rest = self.hashes.as_slice();
        self.entries.iter().map(move |entry| {
            let (names, others) = rest.split_at_checked(entry.names as usize).unwrap_or((rest, &[]));
            rest = others;
            (entry, names)
        })
    }
}

/// An event of a part.
#[derive(Debug, Clone, Copy)]
struct Kept {
    event: i64,
    key: Key,
    digest: i64,
}

/// A hash and an event, and the pair before it with the same hash.
#[derive(Debug, Clone, Copy)]
struct Pair {
    position: u32,
    before: u32,
}

/// The part.
#[derive(Debug, Default)]
pub(super) struct Part {
    kept: Vec<Kept>,
    pairs: Vec<Pair>,
    newest: HashMap<i64, u32, BuildHasherDefault<Unhashed>>,
    /// When the first event arrived, and the last event or copy, in Unix milliseconds.
    pub(super) first_arrival_ms: i64,
    pub(super) last_arrival_ms: i64,
}

impl Part {
    pub(super) fn learn(&mut self, entries: &Entries, arrived_at_ms: i64) {
        if self.kept.is_empty() {
            self.first_arrival_ms = arrived_at_ms;
        }
        self.last_arrival_ms = self.last_arrival_ms.max(arrived_at_ms);
        for (entry, names) in entries.iter() {
            let position = u32::try_from(self.kept.len()).unwrap_or(NONE);
            self.kept.push(Kept { event: entry.event, key: entry.key, digest: entry.digest });
            self.link(event_hash(&entry.key.1), position);
            names.iter().for_each(|hash| self.link(*hash, position));
        }
    }

    fn link(&mut self, hash: i64, position: u32) {
        let pair = u32::try_from(self.pairs.len()).unwrap_or(NONE);
        let before = self.newest.insert(hash, pair).unwrap_or(NONE);
        self.pairs.push(Pair { position, before });
    }

    /// The positions under a hash, newest first.
    fn chain(&self, mut pair: u32) -> impl Iterator<Item = u32> {
        std::iter::from_fn(move || {
            let Pair { position, before } = *self.pairs.get(pair as usize)?;
            pair = before;
            Some(position)
        })
    }

    /// What is known of a key.
    pub(super) fn known(&self, key: &Key) -> Option<Known> {
        let first = *self.newest.get(&event_hash(&key.1))?;
        let kept = self.chain(first).filter_map(|position| self.kept.get(position as usize));
        kept.filter(|kept| kept.key == *key).map(|kept| (kept.event, kept.digest)).last()
    }

    /// The events under a hash, newest first.
    pub(super) fn events_of(&self, hash: i64) -> impl Iterator<Item = i64> {
        let first = self.newest.get(&hash).copied().unwrap_or(NONE);
        self.chain(first).filter_map(|position| self.kept.get(position as usize)).map(|kept| kept.event)
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn first_event(&self) -> Option<i64> {
        self.kept.first().map(|kept| kept.event)
    }

    pub(super) fn last_event(&self) -> Option<i64> {
        self.kept.last().map(|kept| kept.event)
    }

    /// The keys in the order of their ids, at their positions from the first event. None when these do not fit.
    pub(super) fn sorted_keys(&self) -> Option<Vec<KeyRecord>> {
        let first = self.first_event().unwrap_or_default();
        let record = |kept: &Kept| {
            let position = u32::try_from(kept.event - first).ok()?;
            Some(KeyRecord { key: kept.key, position, digest: kept.digest })
        };
        let mut records: Vec<KeyRecord> = self.kept.iter().map(record).collect::<Option<_>>()?;
        records.sort_unstable_by_key(|record| (record.key.1, record.key.0, record.position));
        Some(records)
    }

    /// All hashes in order, each with its events in order.
    pub(super) fn sorted_names(&self) -> Option<Vec<NameRecord>> {
        let first = self.first_event().unwrap_or_default();
        let mut records = Vec::with_capacity(self.pairs.len());
        for (hash, newest) in &self.newest {
            for position in self.chain(*newest) {
                let event = self.kept.get(position as usize)?.event;
                records.push(NameRecord { hash: hash.cast_unsigned(), position: u32::try_from(event - first).ok()? });
            }
        }
        records.sort_unstable();
        // An event that shows a name twice leads to itself once.
        records.dedup();
        Some(records)
    }

    /// The partitions of the keys, each once, in order.
    pub(super) fn partitions(&self) -> Vec<i64> {
        let mut partitions: Vec<i64> = self.kept.iter().map(|kept| kept.key.0).collect();
        partitions.sort_unstable();
        partitions.dedup();
        partitions
    }
}

/// The keys of the map are hashes already.
#[derive(Debug, Default)]
pub(super) struct Unhashed(u64);

impl Hasher for Unhashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_i64(&mut self, hash: i64) {
        self.0 = hash.cast_unsigned();
    }
}
