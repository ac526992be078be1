//! Sealed segments: what stands in memory of each, and asking them.
//!
//! A segment holds the keys and names of all events from one number to another. Of its keys a filter is in memory, and of
//! both the first record of each block; the rest is read where the filter says that a key may be there. Only segments
//! with keys of the same partition are asked, so that a fresh event meets the newest alone.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::block::{self, between, prefix};
use super::filter::Filter;
use super::log::NO_DIGEST;
use super::{Key, Known};
use crate::embedded::fault::Fault;

/// The numbers of a segment's blocks lie from its own, times this.
pub(super) const BLOCKS_MAX: i64 = 1 << 20;
/// Beyond so many partitions a segment counts as having them all.
const PARTITIONS_MAX: usize = 4_096;
/// A copy that arrives moves its segment's last arrival once an hour.
pub(super) const ARRIVAL_STEP_MS: i64 = 3_600_000;

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct Segment {
    pub(super) id: i64,
    pub(super) first_event: i64,
    pub(super) last_event: i64,
    /// Of an event or a copy, within an hour.
    pub(super) last_arrival_ms: i64,
    pub(super) keys: Keys,
    /// Empty when they are damaged: then every event is asked.
    pub(super) name_fences: Arc<[u64]>,
}

/// A segment's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Keys {
    /// They count.
    Known(Arc<KnownKeys>),
    /// They count no more; blocks of them may be left.
    Expired,
    /// No block of them is left.
    Gone,
}

/// What is in memory of a segment's keys.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KnownKeys {
    /// In order; empty for all.
    pub(super) partitions: Vec<i64>,
    pub(super) filter: Filter,
    /// Empty when they are damaged: then the events are asked.
    pub(super) fences: Vec<u64>,
}

impl Keys {
    pub(super) fn new(mut partitions: Vec<i64>, filter: Filter, fences: Vec<u64>) -> Self {
        if partitions.len() > PARTITIONS_MAX {
            partitions = Vec::new();
        }
        Self::Known(Arc::new(KnownKeys { partitions, filter, fences }))
    }

    fn known(&self) -> Option<&KnownKeys> {
        match self {
            Self::Known(keys) => Some(keys),
            Self::Expired | Self::Gone => None,
        }
    }
}

impl KnownKeys {
    fn may_hold(&self, key: &Key) -> bool {
        let has_partition = self.partitions.is_empty() || self.partitions.binary_search(&key.0).is_ok();
        has_partition && self.filter.may_hold(&key.1)
    }
}

impl Segment {
    /// True when a key is worth a look at the disk.
    pub(super) fn may_hold(&self, key: &Key) -> bool {
        self.keys.known().is_some_and(|keys| keys.may_hold(key))
    }

    /// False when no event with this id is in it.
    pub(super) fn may_hold_event(&self, id: &[u8; 16]) -> bool {
        self.keys.known().is_none_or(|keys| keys.filter.may_hold(id))
    }

    /// What is known of a key.
    pub(super) fn known(&self, conn: &Connection, key: &Key) -> Result<Option<Known>, Fault> {
        let Some(keys) = self.keys.known() else { return Ok(None) };
        if keys.fences.is_empty() {
            return self.among_events(conn, key);
        }
        let mut query = conn.prepare_cached("SELECT records FROM key_blocks WHERE id = ?1")?;
        for n in between(&keys.fences, prefix(&key.1)) {
            let found = query.query_row([self.block(n)], |row| {
                Ok(row.get_ref(0)?.as_blob().map(|bytes| block::known(bytes, key, self.first_event))?)
            });
            match found.optional()?.unwrap_or(Err(())) {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(()) => {
                    tracing::error!(block = self.block(n), "a block of keys is damaged or gone; the events are asked");
                    return self.among_events(conn, key);
                }
            }
        }
        Ok(None)
    }

    /// The same from the events themselves, one after the other: without its block nobody else can say that a key is new.
    /// Without a digest a copy is compared with the first in full.
    fn among_events(&self, conn: &Connection, key: &Key) -> Result<Option<Known>, Fault> {
        let found = conn
            .prepare_cached("SELECT id FROM events WHERE id BETWEEN ?1 AND ?2 AND event_id = ?3 ORDER BY id LIMIT 1")?
            .query_row(params![self.first_event, self.last_event, key.1], |row| row.get(0))
            .optional()?;
        Ok(found.map(|event| (event, NO_DIGEST)))
    }

    /// Visits the events under a hash, newest first, until `visit` says no; gives what it said last.
    pub(super) fn each_event(
        &self,
        conn: &Connection,
        hash: i64,
        mut visit: impl FnMut(i64) -> Result<bool, Fault>,
    ) -> Result<bool, Fault> {
        let hash = hash.cast_unsigned();
        if self.name_fences.is_empty() {
            return self.every_event(visit);
        }
        let mut query = conn.prepare_cached("SELECT records FROM name_blocks WHERE id = ?1")?;
        for n in between(&self.name_fences, hash).rev() {
            let bytes: Option<Vec<u8>> = query.query_row([self.block(n)], |row| row.get(0)).optional()?;
            // Retention may have dropped it meanwhile, with all that it leads to.
            let Some(bytes) = bytes else { continue };
            let Some(positions) = block::positions(&bytes, hash) else {
                tracing::error!(block = self.block(n), "a block of names is damaged; every event is asked");
                return self.every_event(visit);
            };
            for position in positions {
                if !visit(self.first_event + i64::from(position))? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Visits all events, newest first: whoever looks compares the real members.
    fn every_event(&self, mut visit: impl FnMut(i64) -> Result<bool, Fault>) -> Result<bool, Fault> {
        for event in (self.first_event..=self.last_event).rev() {
            if !visit(event)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The row of a block.
    pub(super) fn block(&self, n: usize) -> i64 {
        self.id * BLOCKS_MAX + i64::try_from(n).unwrap_or(BLOCKS_MAX - 1)
    }

    /// The rows of all its blocks.
    pub(super) const fn blocks(&self) -> (i64, i64) {
        (self.id * BLOCKS_MAX, (self.id + 1) * BLOCKS_MAX - 1)
    }
}
