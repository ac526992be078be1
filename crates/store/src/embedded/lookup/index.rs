//! All that keys and names are found by: the parts in memory, and the sealed segments.

use std::sync::Arc;

use rusqlite::Connection;

use super::gathered::Gathered;
use super::part::Part;
use super::segment::{ARRIVAL_STEP_MS, Keys, Segment};
use super::{Key, Known, log, rows};
use crate::embedded::fault::Fault;

const DAY_MS: i64 = 86_400_000;

/// The index, as of the last COMMIT.
#[derive(Debug)]
pub(in crate::embedded) struct Index {
    /// Events of a segment.
    size: usize,
    /// What comes is learned here.
    live: Part,
    /// What is being sealed.
    frozen: Option<Arc<Part>>,
    /// Oldest first.
    segments: Arc<Vec<Arc<Segment>>>,
    /// Of the file as it was opened last; what was begun before counts no more.
    generation: u64,
    /// The frozen part is being written.
    sealing: bool,
}

/// A part that is to be sealed.
pub(super) struct ToSeal {
    pub(super) part: Arc<Part>,
    pub(super) id: i64,
    pub(super) generation: u64,
}

/// Where a key was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In memory.
    Tail,
    /// In the segment with this number.
    Segment(i64),
}

/// What retention did to segments, once that is durable.
#[derive(Debug, Default)]
pub(in crate::embedded) struct Dropped {
    /// Their keys count no more.
    pub(super) keys_expired: Vec<i64>,
    /// The blocks of their keys are gone.
    pub(super) keys_gone: Vec<i64>,
    /// They are gone.
    pub(super) segments: Vec<i64>,
}

impl Index {
    /// An empty one with segments of so many events.
    pub(in crate::embedded) fn new(size: usize) -> Self {
        Self {
            size: size.max(1),
            live: Part::default(),
            frozen: None,
            segments: Arc::default(),
            generation: 0,
            sealing: false,
        }
    }

    /// Begins anew with what the file says. Gives the last event that a segment holds.
    pub(super) fn load(&mut self, conn: &Connection) -> Result<i64, Fault> {
        let segments: Vec<_> = rows::read(conn)?.into_iter().map(Arc::new).collect();
        let sealed = segments.iter().map(|segment| segment.last_event).max().unwrap_or(0);
        let mut live = Part::default();
        log::read(conn, sealed, |entries, arrived_at_ms| live.learn(entries, arrived_at_ms))?;
        *self = Self { generation: self.generation + 1, live, segments: Arc::new(segments), ..Self::new(self.size) };
        self.freeze_when_full();
        Ok(sealed)
    }

    /// Learns what a transaction left. True when there is a part to seal.
    pub(in crate::embedded) fn learn(&mut self, gathered: &Gathered) -> bool {
        if let Some(at_ms) = gathered.logged_at_ms() {
            self.live.learn(gathered.entries(), at_ms);
        }
        if !gathered.copies().is_empty() {
            self.change_segments(|segment| {
                let at_ms = gathered.copies().get(&segment.id)?;
                Some(Segment { last_arrival_ms: segment.last_arrival_ms.max(*at_ms), ..segment.clone() })
            });
        }
        self.freeze_when_full();
        self.frozen.is_some() && !self.sealing
    }

    fn freeze_when_full(&mut self) {
        if self.live.len() >= self.size {
            self.freeze();
        }
    }

    /// Sets the newest events apart to be sealed, unless others are being sealed. Only between two transactions is a part
    /// what whole rows of the log say.
    fn freeze(&mut self) {
        if self.frozen.is_none() && self.live.len() > 0 {
            self.frozen = Some(Arc::new(std::mem::take(&mut self.live)));
        }
    }

    /// Freezes what is a day old, so that a store in which little happens forgets as well. True when keys that have
    /// expired wait to be sealed.
    pub(super) fn freeze_old(&mut self, now_ms: i64, keys_before_ms: i64) -> bool {
        let expired = |part: &Part| part.len() > 0 && part.last_arrival_ms + ARRIVAL_STEP_MS < keys_before_ms;
        if expired(&self.live) || (self.live.len() > 0 && self.live.first_arrival_ms + DAY_MS < now_ms) {
            self.freeze();
        }
        expired(&self.live) || self.frozen.as_deref().is_some_and(expired)
    }

    /// The part to be sealed; whoever gets it writes it, or says that it failed.
    pub(super) fn begin_sealing(&mut self) -> Option<ToSeal> {
        let part = self.frozen.clone().filter(|_| !self.sealing)?;
        self.sealing = true;
        let id = self.segments.iter().map(|segment| segment.id).max().unwrap_or(0) + 1;
        Some(ToSeal { part, id, generation: self.generation })
    }

    /// The last arrival of an event or a copy in memory.
    pub(super) fn last_arrival_ms(&self) -> i64 {
        self.parts().map(|part| part.last_arrival_ms).max().unwrap_or_default()
    }

    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// A segment with the frozen part's events is durable.
    pub(super) fn sealed(&mut self, segment: Segment) {
        let mut segments = self.segments.to_vec();
        segments.push(Arc::new(segment));
        self.segments = Arc::new(segments);
        self.frozen = None;
        self.sealing = false;
        self.freeze_when_full();
    }

    /// The frozen part was not sealed.
    pub(super) fn not_sealed(&mut self, generation: u64) {
        if self.generation == generation {
            self.sealing = false;
        }
    }

    /// Learns what retention did.
    pub(in crate::embedded) fn dropped(&mut self, dropped: &Dropped) {
        self.change_segments(|segment| {
            let keys = if dropped.keys_gone.contains(&segment.id) {
                Keys::Gone
            } else if dropped.keys_expired.contains(&segment.id) {
                Keys::Expired
            } else {
                return None;
            };
            Some(Segment { keys, ..segment.clone() })
        });
        if !dropped.segments.is_empty() {
            let mut segments = self.segments.to_vec();
            segments.retain(|segment| !dropped.segments.contains(&segment.id));
            self.segments = Arc::new(segments);
        }
    }

    fn change_segments(&mut self, change: impl Fn(&Segment) -> Option<Segment>) {
        let changed = |segment: &Arc<Segment>| change(segment).map_or_else(|| Arc::clone(segment), Arc::new);
        self.segments = Arc::new(self.segments.iter().map(changed).collect());
    }

    pub(super) fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        Arc::clone(&self.segments)
    }

    /// What is known of a key in memory, and when its part was last met.
    pub(super) fn known(&self, key: &Key) -> Option<(Known, i64)> {
        let mut parts = self.parts();
        parts.find_map(|part| part.known(key).map(|known| (known, part.last_arrival_ms)))
    }

    /// The segments in which a key may be, newest first.
    pub(super) fn may_hold(&self, key: &Key) -> Vec<Arc<Segment>> {
        self.segments.iter().rev().filter(|segment| segment.may_hold(key)).cloned().collect()
    }

    /// The events under a hash in memory, newest first.
    pub(super) fn events_of(&self, hash: i64) -> Vec<i64> {
        self.parts().flat_map(|part| part.events_of(hash)).collect()
    }

    /// Newest first.
    fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.live).chain(self.frozen.as_deref())
    }

    /// Events in memory, and sealed segments.
    #[cfg(test)]
    pub(in crate::embedded) fn sizes(&self) -> (usize, usize) {
        (self.parts().map(Part::len).sum(), self.segments.len())
    }
}
