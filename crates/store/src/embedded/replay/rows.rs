//! Reading replays.

use rules::limits::PAGE_ROWS_MAX;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::embedded::fault::Fault;
use crate::replay::{ReplayNo, ReplayOutcomes, ReplayRecord, ReplayState, ReplayStep};

const COLUMNS: &str = "number, state, request, as_new, per_second, matched, made, bodies_gone, endpoints_gone, made_by,
                       made_at, started_at, ended_at";

/// Newest first.
pub(in crate::embedded) fn list(
    conn: &Connection,
    before: Option<ReplayNo>,
    limit: usize,
) -> Result<Vec<ReplayRecord>, Fault> {
    let before = before.map_or(i64::MAX, |before| before.0);
    let limit = i64::try_from(limit.min(PAGE_ROWS_MAX)).unwrap_or(i64::MAX);
    let mut query =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM replays WHERE number < ?1 ORDER BY number DESC LIMIT ?2"))?;
    let rows = query.query_map(params![before, limit], record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Those with something to do, oldest first.
pub(in crate::embedded) fn busy(conn: &Connection) -> Result<Vec<ReplayRecord>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM replays WHERE state IN ('counting', 'running') ORDER BY number");
    let mut query = conn.prepare_cached(&sql)?;
    let rows = query.query_map([], record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One, without its steps.
pub(super) fn find(conn: &Connection, number: ReplayNo) -> Result<Option<ReplayRecord>, Fault> {
    let mut query = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM replays WHERE number = ?1"))?;
    Ok(query.query_row([number.0], record).optional()?)
}

/// One with all about it.
pub(in crate::embedded) fn one(conn: &Connection, number: ReplayNo) -> Result<Option<ReplayRecord>, Fault> {
    let snapshot = conn.unchecked_transaction()?;
    let Some(mut record) = find(&snapshot, number)? else { return Ok(None) };
    let mut query = snapshot.prepare_cached("SELECT at, who, what FROM replay_steps WHERE replay = ?1 ORDER BY id")?;
    let steps = query
        .query_map([number.0], |row| Ok(ReplayStep { at_ms: row.get(0)?, who: row.get(1)?, what: row.get(2)? }))?;
    record.steps = steps.collect::<Result<_, _>>()?;
    let mut query =
        snapshot.prepare_cached("SELECT state, count(*) FROM deliveries WHERE replay = ?1 GROUP BY state")?;
    let mut counts = query.query([number.0])?;
    while let Some(row) = counts.next()? {
        let (state, count): (i64, u64) = (row.get(0)?, unsigned(row, 1)?);
        let outcomes = &mut record.outcomes;
        *match state {
            0 => &mut outcomes.owed,
            1 => &mut outcomes.accepted,
            2 => &mut outcomes.dead,
            _ => &mut outcomes.skipped,
        } = count;
    }
    Ok(Some(record))
}

fn record(row: &Row<'_>) -> rusqlite::Result<ReplayRecord> {
    let state: String = row.get(1)?;
    Ok(ReplayRecord {
        number: ReplayNo(row.get(0)?),
        state: ReplayState::of(&state),
        request_json: row.get(2)?,
        as_new: row.get(3)?,
        per_second: row.get(4)?,
        matched: unsigned(row, 5)?,
        made: unsigned(row, 6)?,
        bodies_gone: unsigned(row, 7)?,
        endpoints_gone: unsigned(row, 8)?,
        made_by: row.get(9)?,
        made_at_ms: row.get(10)?,
        started_at_ms: row.get(11)?,
        ended_at_ms: row.get(12)?,
        steps: Vec::new(),
        outcomes: ReplayOutcomes::default(),
    })
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let count: i64 = row.get(column)?;
    Ok(u64::try_from(count).unwrap_or_default())
}
