//! What a transaction met of keys: new ones for the log and, after its COMMIT, for the index; and copies.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;

use super::index::{Index, Place};
use super::part::{Entries, Unhashed};
use super::segment::{ARRIVAL_STEP_MS, Segment};
use super::{Key, Known, log, rows};
use crate::embedded::fault::Fault;
use crate::embedded::shared::lock;

/// What was met.
#[derive(Debug, Default)]
pub(in crate::embedded) struct Gathered {
    entries: Entries,
    new_keys: HashMap<Key, Known, BuildHasherDefault<Unhashed>>,
    /// The last arrival that the log has to tell.
    logged_at_ms: Option<i64>,
    /// Copies of what segments hold that arrived late enough to tell them.
    copies: HashMap<i64, i64>,
}

impl Gathered {
    /// The first copy of a key: of this transaction, in memory, or in a segment.
    pub(in crate::embedded) fn known(
        &mut self,
        conn: &Connection,
        index: &Mutex<Index>,
        key: &Key,
        arrived_at_ms: i64,
    ) -> Result<Option<Known>, Fault> {
        if let Some(known) = self.new_keys.get(key) {
            return Ok(Some(*known));
        }
        let (in_memory, segments) = {
            let index = lock(index);
            match index.known(key) {
                Some(found) => (Some(found), Vec::new()),
                None => (None, index.may_hold(key)),
            }
        };
        if let Some((known, last_arrival_ms)) = in_memory {
            self.met_again(Place::Tail, last_arrival_ms, arrived_at_ms);
            return Ok(Some(known));
        }
        self.in_segments(conn, &segments, key, arrived_at_ms)
    }

    fn in_segments(
        &mut self,
        conn: &Connection,
        segments: &[Arc<Segment>],
        key: &Key,
        arrived_at_ms: i64,
    ) -> Result<Option<Known>, Fault> {
        for segment in segments {
            if let Some(known) = segment.known(conn, key)? {
                self.met_again(Place::Segment(segment.id), segment.last_arrival_ms, arrived_at_ms);
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// Notes a copy, once an hour.
    fn met_again(&mut self, place: Place, last_arrival_ms: i64, arrived_at_ms: i64) {
        if arrived_at_ms < last_arrival_ms + ARRIVAL_STEP_MS {
            return;
        }
        match place {
            Place::Tail => self.logged_at_ms = self.logged_at_ms.max(Some(arrived_at_ms)),
            Place::Segment(id) => {
                let last = self.copies.entry(id).or_insert(arrived_at_ms);
                *last = arrived_at_ms.max(*last);
            }
        }
    }

    /// A key that nobody knew.
    pub(in crate::embedded) fn is_new(&mut self, key: Key, known: Known) {
        self.new_keys.insert(key, known);
    }

    /// A new event with the hashes of all by which it can be found.
    pub(in crate::embedded) fn enter(&mut self, event: i64, key: Key, digest: i64, hashes: &[i64], arrived_at_ms: i64) {
        self.entries.push(event, key, digest, hashes);
        self.logged_at_ms = self.logged_at_ms.max(Some(arrived_at_ms));
    }

    /// Writes it down. `last_event` is the newest event there is by now.
    pub(in crate::embedded) fn write(&self, conn: &Connection, last_event: i64) -> Result<(), Fault> {
        if let Some(at_ms) = self.logged_at_ms {
            log::append(conn, &self.entries, last_event, at_ms)?;
        }
        self.copies.iter().try_for_each(|(segment, at_ms)| rows::arrived(conn, *segment, *at_ms))
    }

    pub(super) const fn entries(&self) -> &Entries {
        &self.entries
    }

    pub(super) const fn logged_at_ms(&self) -> Option<i64> {
        self.logged_at_ms
    }

    pub(super) const fn copies(&self) -> &HashMap<i64, i64> {
        &self.copies
    }
}
