//! Retention: one bounded slice at a time, and never what is owed.
//!
//! Two guards against a clock that jumps. The horizon follows a clock of its own, which is kept in the store, never runs
//! ahead of the caller's, and advances by at most one day per step and one step per [`Horizon::step_min`]. And where the
//! caller's clock is behind, the caller's counts. So a jump of a year deletes a day's worth at first, and it takes weeks
//! until it has deleted all: long enough to be noticed.

mod slices;

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::fault::Fault;
use super::job::Tx;
use super::ledger::Ledger;
use super::lookup;
use super::shared::{Shared, lock};
use crate::record::{PruneReport, Retention};

const DAY_MS: i64 = 86_400_000;
/// Pages that one slice gives back to the disk.
const SLICE_PAGES_MAX: i64 = 512;

/// How far retention has come in this process.
#[derive(Debug)]
pub(super) struct Horizon {
    /// The least time between two steps of the clock.
    step_min: Duration,
    stepped_at: Option<Instant>,
    walks: Walks,
}

/// Where the walks over the tables go on; what lies before is owed, or gone.
#[derive(Debug, Clone, Copy)]
struct Walks {
    bodies: i64,
    events: i64,
    notifications: i64,
}

/// One slice's bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice {
    retention: Retention,
    now_ms: i64,
    may_step: bool,
    walks: Walks,
}

/// What a slice did.
#[derive(Debug)]
pub(super) struct Sliced {
    pub(super) report: PruneReport,
    /// The newest event that it dropped.
    events_to: i64,
    /// The newest notification whose body it dropped.
    bodies_to: i64,
    /// A part of the index is to be sealed.
    seal: bool,
    segments: lookup::Dropped,
    stepped: bool,
    walks: Walks,
}

impl Horizon {
    pub(super) const fn new(step_min: Duration) -> Self {
        Self { step_min, stepped_at: None, walks: Walks { bodies: 0, events: 0, notifications: 0 } }
    }

    pub(super) fn slice(&self, retention: Retention, now_ms: i64) -> Slice {
        Slice {
            retention,
            now_ms,
            may_step: self.stepped_at.is_none_or(|at| at.elapsed() >= self.step_min),
            walks: self.walks,
        }
    }

    fn learn(&mut self, sliced: &Sliced) {
        if sliced.stepped {
            self.stepped_at = Some(Instant::now());
        }
        self.walks = sliced.walks;
    }
}

/// Drops one slice.
pub(super) fn prune(tx: &mut Tx<'_>, slice: &Slice) -> Result<Sliced, Fault> {
    let before = tx.ledger.retention_clock;
    tx.ledger.retention_clock = advance(&tx.ledger, slice.now_ms, slice.may_step);
    let clock = tx.ledger.retention_clock.min(slice.now_ms);
    let horizon = |days: u32| clock.saturating_sub(i64::from(days).saturating_mul(DAY_MS));
    let mut sliced = Sliced {
        report: PruneReport::default(),
        events_to: 0,
        bodies_to: 0,
        seal: false,
        segments: lookup::Dropped::default(),
        stepped: tx.ledger.retention_clock != before,
        walks: slice.walks,
    };
    let too_large = match slice.retention.store_bytes_max {
        Some(max) => bytes_in_use(tx.conn)? > max,
        None => false,
    };
    let bodies_before = if too_large { i64::MAX } else { horizon(slice.retention.body_days) };
    slices::bodies(tx.conn, bodies_before, &mut sliced)?;
    let metadata_before = horizon(slice.retention.metadata_days);
    slices::events(tx.conn, metadata_before, &mut sliced)?;
    slices::notifications(tx.conn, metadata_before, &mut sliced)?;
    let expired = lookup::expire(tx, clock, horizon(slice.retention.key_days), &mut sliced.segments)?;
    sliced.report.keys += expired.keys;
    sliced.report.more |= expired.more;
    sliced.seal = expired.seal;
    give_pages_back(tx.conn)?;
    #[cfg(feature = "failpoints")]
    testdisk::point("retention.sliced");
    Ok(sliced)
}

/// Tells what a slice did, once that is durable.
pub(super) fn learn(sliced: &Sliced, shared: &Shared) {
    lock(&shared.horizon).learn(sliced);
    lock(&shared.index).dropped(&sliced.segments);
    lock(&shared.fresh).drop_to(sliced.events_to, sliced.bodies_to);
    lock(&shared.ahead).clear();
    if sliced.seal {
        shared.sealer.wake();
    }
}

/// The store's own clock after a look at the caller's.
fn advance(ledger: &Ledger, now_ms: i64, may_step: bool) -> i64 {
    let clock = ledger.retention_clock;
    if clock == 0 {
        // The first look: the newest arrival is the second source, where there is one.
        return match ledger.newest_received_at {
            0 => now_ms,
            newest => now_ms.min(newest.saturating_add(DAY_MS)),
        };
    }
    if may_step && now_ms > clock {
        return now_ms.min(clock.saturating_add(DAY_MS));
    }
    clock
}

fn bytes_in_use(conn: &Connection) -> Result<u64, Fault> {
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok(u64::try_from(pages.saturating_mul(pragma("page_size")?)).unwrap_or_default())
}

/// Gives some of the free pages back to the disk.
fn give_pages_back(conn: &Connection) -> Result<(), Fault> {
    let mut vacuum = conn.prepare(&format!("PRAGMA incremental_vacuum({SLICE_PAGES_MAX})"))?;
    let mut steps = vacuum.query([])?;
    while steps.next()?.is_some() {}
    Ok(())
}
