//! Laying hands on owed deliveries: due at once, or given up. In slices that hold the writer only briefly.

use rules::delivery::EndReason;
use rusqlite::params;

use super::fault::Fault;
use super::job::Tx;
use super::shared::{Shared, lock};
use crate::common::board::Touched;
use crate::record::{DeliveryNo, EndpointNo};
use crate::replay::{HandSlice, OwedOf};

const SLICE_ROWS_MAX: i64 = 1_000;

/// A slice, with what the board has to learn of it.
#[derive(Debug)]
pub(super) struct Laid {
    pub(super) slice: HandSlice,
    touched: Vec<Touched>,
    /// The endpoint whose quiet ends, whatever was waiting.
    endpoint: Option<EndpointNo>,
}

/// Makes a slice of them due at once.
pub(super) fn retry_now(tx: &mut Tx<'_>, of: OwedOf, from: DeliveryNo) -> Result<Laid, Fault> {
    let (rows, next) = owed(tx, of, from)?;
    let mut update =
        tx.conn.prepare_cached("UPDATE deliveries SET due_at = NULL WHERE id = ?1 AND due_at IS NOT NULL")?;
    let mut touched = Vec::new();
    for one in rows {
        if update.execute([one.id])? > 0 {
            touched.push(one);
        }
    }
    let endpoint = match of {
        OwedOf::Endpoint(number) => Some(number),
        OwedOf::Delivery(_) | OwedOf::Replay(_) => None,
    };
    Ok(laid(touched, next, endpoint))
}

/// Ends a slice of them as dead.
pub(super) fn give_up(tx: &mut Tx<'_>, of: OwedOf, from: DeliveryNo, now_ms: i64) -> Result<Laid, Fault> {
    let (touched, next) = owed(tx, of, from)?;
    let mut update = tx.conn.prepare_cached(
        "UPDATE deliveries SET state = 2, reason = ?2, due_at = NULL, hold_until = NULL, ended_at = ?3 WHERE id = ?1",
    )?;
    for one in &touched {
        update.execute(params![one.id, EndReason::GivenUp.as_str(), now_ms])?;
    }
    tx.ledger.dead += i64::try_from(touched.len()).unwrap_or(i64::MAX);
    Ok(laid(touched, next, None))
}

/// Tells the board who is due.
pub(super) fn learn_retry(laid: &Laid, shared: &Shared) {
    let mut board = lock(&shared.board);
    board.hurry(&laid.touched);
    if let Some(endpoint) = laid.endpoint {
        board.end_quiet(endpoint);
    }
    drop(board);
    shared.wake.notify_one();
}

/// Tells the board who has ended.
pub(super) fn learn_end(laid: &Laid, shared: &Shared) {
    lock(&shared.board).end_owed(&laid.touched);
    shared.wake.notify_one();
}

fn laid(touched: Vec<Touched>, next: Option<DeliveryNo>, endpoint: Option<EndpointNo>) -> Laid {
    let changed = u64::try_from(touched.len()).unwrap_or_default();
    Laid { slice: HandSlice { changed, next }, touched, endpoint }
}

fn owed(tx: &Tx<'_>, of: OwedOf, from: DeliveryNo) -> Result<(Vec<Touched>, Option<DeliveryNo>), Fault> {
    let (sql, key) = match of {
        OwedOf::Delivery(number) => ("state = 0 AND id = ?1", number.0),
        OwedOf::Endpoint(number) => ("state = 0 AND endpoint = ?1", number.0),
        OwedOf::Replay(number) => ("replay = ?1 AND state = 0", number.0),
    };
    let mut query = tx.conn.prepare_cached(&format!(
        "SELECT endpoint, id, lane FROM deliveries WHERE {sql} AND id >= ?2 ORDER BY id LIMIT ?3"
    ))?;
    let rows = query.query_map(params![key, from.0, SLICE_ROWS_MAX], |row| {
        Ok(Touched { endpoint: EndpointNo(row.get(0)?), id: row.get(1)?, lane: row.get(2)? })
    })?;
    let rows: Vec<Touched> = rows.collect::<Result<_, _>>()?;
    let full = i64::try_from(rows.len()) == Ok(SLICE_ROWS_MAX);
    let next = rows.last().filter(|_| full).map(|last| DeliveryNo(last.id + 1));
    Ok((rows, next))
}
