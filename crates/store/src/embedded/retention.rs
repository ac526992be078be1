//! Retention: one bounded slice at a time, and never what is owed.
//!
//! Two guards against a clock that jumps. The horizon follows a clock of its own, which is kept in the store, never runs
//! ahead of the caller's, and advances by at most one day per step and one step per [`Horizon::step_min`]. And where the
//! caller's clock is behind, the caller's counts. So a jump of a year deletes a day's worth at first, and it takes weeks
//! until it has deleted all: long enough to be noticed.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::fault::Fault;
use super::job::Tx;
use super::read::{EVENT_COLUMNS, event};
use super::{ledger::Ledger, lookup};
use crate::record::{PruneReport, Retention};

const DAY_MS: i64 = 86_400_000;
/// Rows that one slice drops of each kind.
const SLICE_ROWS_MAX: i64 = 500;
const SLICE_KEYS_MAX: i64 = 2_000;
const SLICE_PAGES_MAX: i64 = 512;

/// How far retention has come in this process.
#[derive(Debug)]
pub(super) struct Horizon {
    /// The least time between two steps of the clock.
    step_min: Duration,
    stepped_at: Option<Instant>,
    /// Where the walks over bodies and events go on; what lies before is owed, or gone.
    bodies_from: i64,
    events_from: i64,
}

/// One slice's bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice {
    retention: Retention,
    now_ms: i64,
    may_step: bool,
    bodies_from: i64,
    events_from: i64,
}

/// What a slice did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sliced {
    pub(super) report: PruneReport,
    stepped: bool,
    bodies_from: i64,
    events_from: i64,
}

impl Horizon {
    pub(super) const fn new(step_min: Duration) -> Self {
        Self {
            step_min,
            stepped_at: None,
            bodies_from: 0,
            events_from: 0,
        }
    }

    pub(super) fn slice(&self, retention: Retention, now_ms: i64) -> Slice {
        Slice {
            retention,
            now_ms,
            may_step: self.stepped_at.is_none_or(|at| at.elapsed() >= self.step_min),
            bodies_from: self.bodies_from,
            events_from: self.events_from,
        }
    }

    pub(super) fn learn(&mut self, sliced: &Sliced) {
        if sliced.stepped {
            self.stepped_at = Some(Instant::now());
        }
        self.bodies_from = sliced.bodies_from;
        self.events_from = sliced.events_from;
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
        stepped: tx.ledger.retention_clock != before,
        bodies_from: slice.bodies_from,
        events_from: slice.events_from,
    };
    let too_large = match slice.retention.store_bytes_max {
        Some(max) => bytes_in_use(tx.conn)? > max,
        None => false,
    };
    let bodies_before = if too_large {
        i64::MAX
    } else {
        horizon(slice.retention.body_days)
    };
    drop_bodies(tx, bodies_before, &mut sliced)?;
    drop_events(tx, horizon(slice.retention.metadata_days), &mut sliced)?;
    drop_keys(tx, horizon(slice.retention.key_days), &mut sliced)?;
    give_pages_back(tx.conn)?;
    Ok(sliced)
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

/// Drops the oldest bodies of notifications that nothing is owed of.
fn drop_bodies(tx: &Tx<'_>, before_ms: i64, sliced: &mut Sliced) -> Result<(), Fault> {
    let candidates: Vec<(i64, i64)> = tx
        .conn
        .prepare_cached(
            "SELECT notification, received_at FROM bodies WHERE notification >= ?1 ORDER BY notification LIMIT ?2",
        )?
        .query_map(params![sliced.bodies_from, SLICE_ROWS_MAX], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<_, _>>()?;
    let full = candidates.len() >= usize::try_from(SLICE_ROWS_MAX).unwrap_or(usize::MAX);
    let mut stopped = false;
    for (notification, received_at) in candidates {
        if received_at >= before_ms {
            stopped = true;
            break;
        }
        sliced.bodies_from = notification + 1;
        if !owed_of_notification(tx.conn, notification)? {
            tx.conn
                .prepare_cached("DELETE FROM bodies WHERE notification = ?1")?
                .execute([notification])?;
            sliced.report.bodies += 1;
        }
    }
    // Begin at the oldest again next time: what was owed may have ended.
    if stopped || !full {
        sliced.bodies_from = 0;
    } else {
        sliced.report.more = true;
    }
    Ok(())
}

fn owed_of_notification(conn: &Connection, notification: i64) -> Result<bool, Fault> {
    let mut query = conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM notifications n JOIN deliveries d
                        ON d.event >= n.first_event AND d.event < n.end_event
                        WHERE n.id = ?1 AND d.state = 0)",
    )?;
    Ok(query.query_row([notification], |row| row.get(0))?)
}

/// Drops the oldest events that nothing is owed of, with all that hangs on them.
fn drop_events(tx: &Tx<'_>, before_ms: i64, sliced: &mut Sliced) -> Result<(), Fault> {
    let candidates: Vec<_> = tx
        .conn
        .prepare_cached(&format!(
            "SELECT {EVENT_COLUMNS} FROM events e JOIN notifications n ON n.id = e.notification
             LEFT JOIN event_duplicates u ON u.event = e.id WHERE e.id >= ?1 ORDER BY e.id LIMIT ?2"
        ))?
        .query_map(params![sliced.events_from, SLICE_ROWS_MAX], event)?
        .collect::<Result<_, _>>()?;
    let full = candidates.len() >= usize::try_from(SLICE_ROWS_MAX).unwrap_or(usize::MAX);
    let mut stopped = false;
    for found in candidates {
        if found.event.received_at_ms >= before_ms {
            stopped = true;
            break;
        }
        sliced.events_from = found.number + 1;
        let mut owed = tx
            .conn
            .prepare_cached("SELECT 1 FROM deliveries WHERE event = ?1 AND state = 0")?;
        if owed.exists([found.number])? {
            continue;
        }
        drop_event(tx.conn, found.number, &lookup::keys_of(&found.event))?;
        drop_notification_if_empty(tx.conn, found.notification)?;
        sliced.report.events += 1;
    }
    if stopped || !full {
        sliced.events_from = 0;
    } else {
        sliced.report.more = true;
    }
    Ok(())
}

fn drop_event(conn: &Connection, number: i64, hashes: &[i64]) -> Result<(), Fault> {
    let mut unlink = conn.prepare_cached("DELETE FROM event_lookups WHERE hash = ?1 AND event = ?2")?;
    for hash in hashes {
        unlink.execute([hash, &number])?;
    }
    for sql in [
        "DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE event = ?1)",
        "DELETE FROM deliveries WHERE event = ?1",
        "DELETE FROM event_duplicates WHERE event = ?1",
        "DELETE FROM events WHERE id = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([number])?;
    }
    Ok(())
}

/// Drops a notification whose last event went, with the conflicting copies that it held.
fn drop_notification_if_empty(conn: &Connection, notification: i64) -> Result<(), Fault> {
    let mut filled = conn.prepare_cached(
        "SELECT 1 FROM notifications n JOIN events e ON e.id >= n.first_event AND e.id < n.end_event WHERE n.id = ?1",
    )?;
    if filled.exists([notification])? {
        return Ok(());
    }
    for sql in [
        "DELETE FROM conflicts WHERE notification = ?1",
        "DELETE FROM bodies WHERE notification = ?1",
        "DELETE FROM notifications WHERE id = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([notification])?;
    }
    Ok(())
}

/// Drops keys of partitions in which nothing arrived for long enough.
fn drop_keys(tx: &Tx<'_>, before_ms: i64, sliced: &mut Sliced) -> Result<(), Fault> {
    let mut query = tx.conn.prepare_cached(
        "SELECT partition FROM key_partitions WHERE last_arrival_at < ?1 ORDER BY last_arrival_at LIMIT 1",
    )?;
    let mut rows = query.query([before_ms])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let partition: i64 = row.get(0)?;
    drop(rows);
    let dropped = tx
        .conn
        .prepare_cached(
            "DELETE FROM event_keys WHERE partition = ?1 AND event_id IN
                 (SELECT event_id FROM event_keys WHERE partition = ?1 ORDER BY event_id LIMIT ?2)",
        )?
        .execute([partition, SLICE_KEYS_MAX])?;
    let dropped = i64::try_from(dropped).unwrap_or(i64::MAX);
    if dropped < SLICE_KEYS_MAX {
        tx.conn
            .prepare_cached("DELETE FROM key_partitions WHERE partition = ?1")?
            .execute([partition])?;
    }
    sliced.report.keys += u64::try_from(dropped).unwrap_or_default();
    sliced.report.more = true;
    Ok(())
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
