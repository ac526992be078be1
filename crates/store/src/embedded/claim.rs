//! Claiming: the board gives what is in memory; what is not is read beside the writer.

use std::sync::Arc;

use rules::identity::EventId;
use rusqlite::{Connection, params};

use super::ahead;
use super::fault::Fault;
use super::readers::read;
use super::settle::AsideJob;
use super::shared::{Shared, lock};
use crate::common::board::{Item, Row, Tried, Want};
use crate::error::StoreError;
use crate::record::{Claim, Claims, EndpointNo};
use crate::replay::{ReplayMark, ReplayNo};

/// Reads that one call makes when it has nothing to give.
const READS_IDLE_MAX: usize = 16;
/// Reads that one call makes beside what it gives, so that windows fill under load as well.
const READS_BUSY_MAX: usize = 1;

/// Claims up to `max` deliveries.
pub(super) async fn claim(shared: &Arc<Shared>, max: usize, now_ms: i64) -> Result<Claims, StoreError> {
    shared.condition.check_open().map_err(|fault| fault.to_store_error(shared.folder()))?;
    let (claims, more) = gather(shared, max, now_ms).await;
    ahead::fetch(shared, &claims.claims).await;
    if more {
        shared.wake.notify_one();
    }
    Ok(claims)
}

/// Takes what is in memory, and reads on where that is not enough. Tells whether to ask again at once.
async fn gather(shared: &Arc<Shared>, max: usize, now_ms: i64) -> (Claims, bool) {
    let mut claims = take(shared, max, now_ms);
    let reads = if claims.claims.is_empty() { READS_IDLE_MAX } else { READS_BUSY_MAX };
    let mut unread = true;
    for _ in 0..reads {
        let Some(want) = lock(&shared.board).next_want() else {
            unread = false;
            break;
        };
        if !fill(shared, want).await {
            // Asking again at once would only spin.
            return (claims, false);
        }
        let missing = max.saturating_sub(claims.claims.len());
        let more = take(shared, missing, now_ms);
        claims.claims.extend(more.claims);
        claims.next_due_at_ms = more.next_due_at_ms;
    }
    let more = unread || lock(&shared.board).has_turns();
    (claims, more)
}

/// Claims one delivery of a suspended endpoint.
pub(super) async fn probe(
    shared: &Arc<Shared>,
    endpoint: EndpointNo,
    now_ms: i64,
) -> Result<Option<Claim>, StoreError> {
    shared.condition.check_open().map_err(|fault| fault.to_store_error(shared.folder()))?;
    for _ in 0..READS_IDLE_MAX {
        let probed = lock(&shared.board).probe(endpoint, now_ms);
        if let Ok(claim) = probed {
            return Ok(claim);
        }
        let Some(want) = lock(&shared.board).next_want() else { break };
        if !fill(shared, want).await {
            break;
        }
    }
    Ok(None)
}

fn take(shared: &Shared, max: usize, now_ms: i64) -> Claims {
    let mut board = lock(&shared.board);
    let claims = Claims { claims: board.claim(max, now_ms), next_due_at_ms: board.next_due_at_ms() };
    let asides = board.take_asides();
    drop(board);
    if !asides.is_empty() {
        let job = AsideJob::new(asides, now_ms);
        // When the store closes, the lanes are as they were at the next opening.
        drop(shared.queue.force(job));
    }
    claims
}

/// Makes one read. One that fails is wanted again.
async fn fill(shared: &Arc<Shared>, want: Want) -> bool {
    let rows = read(shared, "read what is owed", move |conn| owed(conn, &want)).await;
    if let Err(error) = &rows {
        tracing::warn!(error = error as &dyn std::error::Error, "failed to read what is owed");
    }
    let read = rows.is_ok();
    lock(&shared.board).give(&want, rows.ok());
    read
}

fn owed(conn: &Connection, want: &Want) -> Result<Vec<Row>, Fault> {
    // A lane's rows are found by the same index: what is still owed between its parked followers is theirs, mostly.
    let sql = if want.lane.is_some() {
        "SELECT d.id, e.event_id, d.lane, d.attempts, d.first_attempt_at, d.due_at, d.hold_until, d.late, d.uncounted,
                d.clock_from, d.replay, r.as_new, d.event
         FROM deliveries d JOIN events e ON e.id = d.event LEFT JOIN replays r ON r.number = d.replay
         WHERE d.endpoint = ?1 AND d.state = 0 AND d.id BETWEEN ?2 AND ?3 AND d.lane = ?5 AND d.late = 0
         ORDER BY d.id LIMIT ?4"
    } else {
        "SELECT d.id, e.event_id, d.lane, d.attempts, d.first_attempt_at, d.due_at, d.hold_until, d.late, d.uncounted,
                d.clock_from, d.replay, r.as_new, d.event
         FROM deliveries d JOIN events e ON e.id = d.event LEFT JOIN replays r ON r.number = d.replay
         WHERE d.endpoint = ?1 AND d.state = 0 AND d.id BETWEEN ?2 AND ?3 AND ?5 IS NULL
         ORDER BY d.id LIMIT ?4"
    };
    let limit = i64::try_from(want.limit).unwrap_or(i64::MAX);
    let mut query = conn.prepare_cached(sql)?;
    let rows = query.query_map(params![want.endpoint.0, want.from, want.upto, limit, want.lane], |row| {
        let item =
            Item { id: row.get(0)?, event: EventId::from_bytes(row.get(1)?), event_no: row.get(12)?, tried: None };
        let tried = Tried {
            attempts: row.get(3)?,
            uncounted: row.get(8)?,
            first_attempt_at: row.get(4)?,
            clock_from: row.get(9)?,
            due_at: row.get(5)?,
            hold_until: row.get(6)?,
            down: false,
            accepted_before: 0,
            late: row.get(7)?,
            replay: mark(row.get(10)?, row.get(11)?),
        };
        Ok(Row::new(item, row.get(2)?, tried))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A replay that is kept no more leaves its number, and the id of the event.
fn mark(replay: Option<i64>, as_new: Option<bool>) -> Option<ReplayMark> {
    replay.map(|replay| ReplayMark { replay: ReplayNo(replay), as_new: as_new.unwrap_or(false) })
}
