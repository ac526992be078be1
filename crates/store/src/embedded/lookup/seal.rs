//! Sealing: a frozen part becomes a segment.
//!
//! A thread of its own sorts the part and makes the blocks; the writer appends them in steps that commits share, and the
//! last step writes the segment's row. Until that is durable the part and the log hold its events, and a crash leaves
//! blocks of a segment that does not exist, which the next sealing deletes first. After it the rows of the log are
//! deleted, in steps as well; those that a crash leaves are passed over at opening.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::block::{self, Blocks};
use super::filter::Filter;
use super::index::ToSeal;
use super::segment::{BLOCKS_MAX, Keys, Segment};
use super::{log, rows};
use crate::embedded::fault::Fault;
use crate::embedded::job::{Job, Tx, Weight};
use crate::embedded::shared::{Shared, lock};

/// How long a step may take, and how many blocks it writes between two looks at the clock. In tests each block is a step,
/// so that crashes fall between them.
const STEP_TIME: Duration = if cfg!(test) { Duration::ZERO } else { Duration::from_millis(5) };
const BLOCKS_BETWEEN_LOOKS: usize = if cfg!(test) { 1 } else { 16 };

/// Wakes the thread that seals.
#[derive(Debug, Default)]
pub(in crate::embedded) struct Sealer {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct State {
    wanted: bool,
    closed: bool,
}

impl Sealer {
    /// There may be a part to seal.
    pub(in crate::embedded) fn wake(&self) {
        lock(&self.state).wanted = true;
        self.woken.notify_one();
    }

    /// Ends the thread.
    pub(in crate::embedded) fn close(&self) {
        lock(&self.state).closed = true;
        self.woken.notify_one();
    }

    /// Waits to be woken; false at the end.
    fn wait(&self) -> bool {
        let mut state = lock(&self.state);
        while !state.wanted && !state.closed {
            state = self.woken.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        state.wanted = false;
        !state.closed
    }
}

/// The thread: works until [`Sealer::close`].
pub(in crate::embedded) fn run(shared: &Arc<Shared>) {
    while shared.sealer.wait() {
        let to_seal = lock(&shared.index).begin_sealing();
        let Some(to_seal) = to_seal else { continue };
        let generation = to_seal.generation;
        // It does not fit only when a store holds four thousand million events, and then keeps its part.
        let Some(job) = SealJob::new(&to_seal) else { continue };
        if shared.queue.force(Box::new(job)).is_err() {
            lock(&shared.index).not_sealed(generation);
        }
    }
}

/// Queues the deletion of what the log holds beside a segment.
pub(super) fn clear_log(shared: &Shared, last_event: i64) {
    // When the store closes, the next opening goes on.
    drop(shared.queue.force(Box::new(ClearJob { last_event, more: false })));
}

/// A segment on its way to the disk.
pub(super) struct SealJob {
    segment: Segment,
    generation: u64,
    keys: Blocks,
    names: Blocks,
    /// Blocks that are durable, and those that this run has come to.
    durable: usize,
    written: usize,
    how: How,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// The store was opened anew meanwhile.
    Stale,
    /// There is more to write.
    More,
    /// The segment is written.
    Finished,
}

impl SealJob {
    /// None when its events lie too far apart.
    pub(super) fn new(to_seal: &ToSeal) -> Option<Self> {
        let ToSeal { part, id, generation } = to_seal;
        let (first_event, last_event) = (part.first_event()?, part.last_event()?);
        let records = part.sorted_keys()?;
        let mut filter = Filter::new(records.len());
        records.iter().for_each(|record| filter.insert(&record.key.1));
        let keys = block::of_keys(&records);
        let names = block::of_names(&part.sorted_names()?);
        let segment = Segment {
            id: *id,
            first_event,
            last_event,
            last_arrival_ms: part.last_arrival_ms,
            keys: Keys::new(part.partitions(), filter, keys.fences.clone()),
            name_fences: names.fences.clone().into(),
        };
        let (generation, how) = (*generation, How::More);
        Some(Self { segment, generation, keys, names, durable: 0, written: 0, how })
    }

    /// Writes all of it, in a transaction that is open.
    pub(super) fn write(mut self, conn: &Connection) -> Result<(), Fault> {
        while self.step(conn)? == How::More {
            self.durable = self.written;
        }
        Ok(())
    }

    fn step(&mut self, conn: &Connection) -> Result<How, Fault> {
        if self.durable == 0 {
            delete_strays(conn, self.segment.id)?;
        }
        let mut into_keys = conn.prepare_cached("INSERT INTO key_blocks (id, records) VALUES (?1, ?2)")?;
        let mut into_names = conn.prepare_cached("INSERT INTO name_blocks (id, records) VALUES (?1, ?2)")?;
        let deadline = Instant::now() + STEP_TIME;
        self.written = self.durable;
        let of_keys = (0..).zip(&self.keys.bytes).map(|(n, bytes)| (true, n, bytes));
        let of_names = (0..).zip(&self.names.bytes).map(|(n, bytes)| (false, n, bytes));
        for (is_keys, n, bytes) in of_keys.chain(of_names).skip(self.durable) {
            let into = if is_keys { &mut into_keys } else { &mut into_names };
            into.execute(params![self.segment.block(n), bytes])?;
            self.written += 1;
            if self.written.is_multiple_of(BLOCKS_BETWEEN_LOOKS) && Instant::now() >= deadline {
                return Ok(How::More);
            }
        }
        rows::write(conn, &self.segment)?;
        Ok(How::Finished)
    }
}

/// Blocks that a crash left of a segment that was never finished. This one will be the newest, so they are the last.
fn delete_strays(conn: &Connection, segment: i64) -> Result<(), Fault> {
    for sql in ["DELETE FROM key_blocks WHERE id >= ?1", "DELETE FROM name_blocks WHERE id >= ?1"] {
        conn.prepare_cached(sql)?.execute([segment * BLOCKS_MAX])?;
    }
    Ok(())
}

impl Job for SealJob {
    fn weight(&self) -> Weight {
        Weight { events: 100, bytes: 0 }
    }

    fn grows(&self) -> bool {
        true
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let index = lock(tx.index);
        let is_stale = index.generation() != self.generation;
        // A copy that came since the part was frozen counts for it, too.
        self.segment.last_arrival_ms = self.segment.last_arrival_ms.max(index.last_arrival_ms());
        drop(index);
        self.how = if is_stale { How::Stale } else { self.step(tx.conn)? };
        Ok(())
    }

    fn done(mut self: Box<Self>, shared: &Shared) {
        match self.how {
            How::Stale => {}
            How::More => {
                self.durable = self.written;
                let generation = self.generation;
                if shared.queue.force(self).is_err() {
                    lock(&shared.index).not_sealed(generation);
                }
            }
            How::Finished => {
                let last_event = self.segment.last_event;
                let mut index = lock(&shared.index);
                index.sealed(self.segment);
                drop(index);
                clear_log(shared, last_event);
                shared.sealer.wake();
            }
        }
    }

    fn failed(self: Box<Self>, _fault: &Fault, shared: &Shared) {
        // The writer says what is wrong with the disk; the next commit tries again.
        lock(&shared.index).not_sealed(self.generation);
    }
}

/// Deletes rows of the log whose events a segment holds.
struct ClearJob {
    last_event: i64,
    more: bool,
}

impl Job for ClearJob {
    fn weight(&self) -> Weight {
        Weight { events: 100, bytes: 0 }
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        self.more = log::delete(tx.conn, self.last_event)?;
        Ok(())
    }

    fn done(self: Box<Self>, shared: &Shared) {
        if self.more {
            clear_log(shared, self.last_event);
        }
    }

    fn failed(self: Box<Self>, _fault: &Fault, _shared: &Shared) {
        // The next sealing deletes these rows, too.
    }
}
