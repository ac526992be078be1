//! The limit of what an endpoint may be owed: one that is down for long never fills the disk for all.

use std::sync::Arc;

use rules::delivery::EndReason;
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::Fault;
use super::job::Tx;
use super::readers::read;
use super::shared::{Shared, lock};
use crate::error::StoreError;
use crate::record::{BacklogLimit, EndpointNo, TrimReport};

/// Deliveries that one transaction ends at most.
const SLICE_ROWS_MAX: u64 = 1_000;

/// An endpoint that is owed too much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beyond {
    endpoint: EndpointNo,
    created_before_ms: i64,
    /// How many of the oldest go, however young they are.
    surplus: u64,
}

/// Finds those that are beyond their limits, beside the writer.
pub(super) async fn beyond(shared: &Arc<Shared>, limits: Vec<BacklogLimit>) -> Result<Vec<Beyond>, StoreError> {
    let owed = |limit: &BacklogLimit| lock(&shared.board).of_endpoint(limit.endpoint).0;
    let owing: Vec<(BacklogLimit, u64)> =
        limits.iter().map(|limit| (*limit, owed(limit))).filter(|(_, owed)| *owed > 0).collect();
    if owing.is_empty() {
        return Ok(Vec::new());
    }
    let store_bytes = shared.condition.disk().store_bytes;
    read(shared, "look at the backlogs", move |conn| {
        let event_bytes = store_bytes / events_kept(conn)?.max(1);
        let mut beyond = Vec::new();
        for (limit, owed) in &owing {
            let keep = limit.bytes_max.map_or(u64::MAX, |bytes| bytes / event_bytes.max(1));
            let surplus = owed.saturating_sub(keep);
            let endpoint = limit.endpoint;
            let created_before_ms = limit.created_before_ms;
            if surplus > 0 || oldest(conn, endpoint)?.is_some_and(|created| created < created_before_ms) {
                beyond.push(Beyond { endpoint, created_before_ms, surplus });
            }
        }
        Ok(beyond)
    })
    .await
}

/// Events between the oldest and the newest that are kept: few are missing in between.
fn events_kept(conn: &Connection) -> Result<u64, Fault> {
    let span: Option<i64> =
        conn.query_row("SELECT max(id) - (SELECT min(id) FROM events) + 1 FROM events", [], |row| row.get(0))?;
    Ok(u64::try_from(span.unwrap_or(0)).unwrap_or(0))
}

fn oldest(conn: &Connection, endpoint: EndpointNo) -> Result<Option<i64>, Fault> {
    let mut query =
        conn.prepare_cached("SELECT created_at FROM deliveries WHERE endpoint = ?1 AND state = 0 ORDER BY id LIMIT 1")?;
    Ok(query.query_row([endpoint.0], |row| row.get(0)).optional()?)
}

/// Ends the oldest, a slice of them.
pub(super) fn trim(tx: &mut Tx<'_>, beyond: &[Beyond], now_ms: i64) -> Result<TrimReport, Fault> {
    let mut report = TrimReport::default();
    let mut room = SLICE_ROWS_MAX;
    for one in beyond {
        if room == 0 {
            report.more = true;
            break;
        }
        let ended = end(tx, one, room, now_ms)?;
        report.more |= ended == room;
        room -= ended;
        if ended > 0 {
            report.ended.push((one.endpoint, ended));
        }
    }
    Ok(report)
}

fn end(tx: &mut Tx<'_>, beyond: &Beyond, room: u64, now_ms: i64) -> Result<u64, Fault> {
    let ids: Vec<i64> = {
        let mut query = tx.conn.prepare_cached(
            "SELECT id, created_at FROM deliveries WHERE endpoint = ?1 AND state = 0 ORDER BY id LIMIT ?2",
        )?;
        let rows = query.query_map(params![beyond.endpoint.0, i64::try_from(room).unwrap_or(i64::MAX)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })?;
        let oldest: Vec<(i64, i64)> = rows.collect::<Result<_, _>>()?;
        let surplus = usize::try_from(beyond.surplus).unwrap_or(usize::MAX);
        let goes = |(n, (_, created)): &(usize, &(i64, i64))| *n < surplus || *created < beyond.created_before_ms;
        oldest.iter().enumerate().take_while(goes).map(|(_, (id, _))| *id).collect()
    };
    let mut update = tx.conn.prepare_cached(
        "UPDATE deliveries SET state = 2, reason = ?2, due_at = NULL, hold_until = NULL, ended_at = ?3
         WHERE id = ?1 AND state = 0",
    )?;
    let mut ended = 0;
    for id in ids {
        ended += update.execute(params![id, EndReason::BacklogLimit.as_str(), now_ms])?;
    }
    tx.ledger.dead += i64::try_from(ended).unwrap_or(i64::MAX);
    Ok(u64::try_from(ended).unwrap_or(u64::MAX))
}

/// Tells the board what is durable now.
pub(super) fn learn(report: &TrimReport, shared: &Shared) {
    let mut board = lock(&shared.board);
    for (endpoint, ended) in &report.ended {
        board.ended(*endpoint, *ended);
    }
    drop(board);
    shared.wake.notify_one();
}
