//! The limit of what an endpoint may be owed, and what a removed one is owed: both end in slices.

use std::collections::HashMap;

use rules::delivery::EndReason;
use tokio_postgres::types::Type;

use super::fault::Fault;
use super::hand;
use super::session::{Sql, cell};
use super::tx::Tx;
use super::value::int8;
use crate::record::{BacklogLimit, EndpointNo, TrimReport};

/// Deliveries that one transaction ends at most.
const SLICE_ROWS_MAX: u64 = 1_000;

static OLDEST: Sql = Sql::new(
    "SELECT id, created_at FROM waypost.deliveries WHERE endpoint = $1 ORDER BY id LIMIT $2",
    &[Type::INT8, Type::INT8],
);
static EVENTS_KEPT: Sql = Sql::new(
    "SELECT greatest(coalesce(sum(greatest(c.reltuples, 0)), 0), 1)::bigint
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'waypost.events'::regclass",
    &[],
);
static REMOVED: Sql = Sql::new(
    "SELECT number, removed_at FROM waypost.endpoints p WHERE removed_at IS NOT NULL
     AND EXISTS (SELECT 1 FROM waypost.deliveries d WHERE d.endpoint = p.number) LIMIT 1",
    &[],
);

/// Ends the oldest beyond these limits, a slice of them. `owed` says how much each endpoint is owed.
pub(super) async fn trim(
    tx: &mut Tx,
    limits: &[BacklogLimit],
    (owed, store_bytes, now_ms, node): (&HashMap<EndpointNo, u64>, u64, i64, i64),
) -> Result<TrimReport, Fault> {
    let mut report = TrimReport::default();
    let mut room = SLICE_ROWS_MAX;
    let mut event_bytes = None;
    for limit in limits {
        let owed = owed.get(&limit.endpoint).copied().unwrap_or_default();
        if owed == 0 {
            continue;
        }
        if room == 0 {
            report.more = true;
            break;
        }
        let keep = match limit.bytes_max {
            None => u64::MAX,
            Some(bytes_max) => {
                let bytes = match event_bytes {
                    Some(bytes) => bytes,
                    None => store_bytes / events_kept(tx).await?.max(1),
                };
                event_bytes = Some(bytes);
                bytes_max / bytes.max(1)
            }
        };
        let surplus = owed.saturating_sub(keep);
        let ended = end(tx, limit, surplus, (room, now_ms)).await?;
        report.more |= ended == room;
        room -= ended;
        if ended > 0 {
            hand::tell_to_read(tx, limit.endpoint, node).await?;
            report.ended.push((limit.endpoint, ended));
        }
    }
    Ok(report)
}

async fn events_kept(tx: &mut Tx) -> Result<u64, Fault> {
    let count: i64 = cell(&tx.query_one(&EVENTS_KEPT, &[]).await?, 0)?;
    Ok(u64::try_from(count).unwrap_or(1))
}

async fn end(tx: &mut Tx, limit: &BacklogLimit, surplus: u64, (room, now_ms): (u64, i64)) -> Result<u64, Fault> {
    let mut ids = Vec::new();
    let looked = if surplus > 0 || limit.created_before_ms > 0 { int8(room) } else { 0 };
    for (n, row) in tx.query(&OLDEST, &[&limit.endpoint.0, &looked]).await?.iter().enumerate() {
        let (id, created): (i64, i64) = (cell(row, 0)?, cell(row, 1)?);
        let is_surplus = u64::try_from(n).is_ok_and(|n| n < surplus);
        if !is_surplus && created >= limit.created_before_ms {
            break;
        }
        ids.push(id);
    }
    if ids.is_empty() {
        return Ok(0);
    }
    let ended = hand::end(tx, &ids, now_ms, EndReason::BacklogLimit).await?;
    Ok(u64::try_from(ended.len()).unwrap_or_default())
}

/// Ends a slice of what a removed endpoint is owed. False: there is nothing of the kind.
pub(super) async fn end_of_removed(tx: &mut Tx) -> Result<bool, Fault> {
    let Some(row) = tx.query_opt(&REMOVED, &[]).await? else { return Ok(false) };
    let (number, removed_at): (i64, i64) = (cell(&row, 0)?, cell(&row, 1)?);
    let mut ids: Vec<i64> = Vec::new();
    for row in tx.query(&OLDEST, &[&number, &int8(SLICE_ROWS_MAX)]).await? {
        ids.push(cell(&row, 0)?);
    }
    let _ended = hand::end(tx, &ids, removed_at, EndReason::EndpointRemoved).await?;
    Ok(true)
}
