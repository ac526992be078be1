//! Replays: made, counted, run, steered.
//!
//! What a replay repeats is written down event by event while it is counted (`look` beside the writer, `count` in it), so
//! that the count holds whatever arrives or ends later. Running it takes those items, for each endpoint in the order of the
//! events, and makes each a delivery in the same transaction: nothing is made twice, whenever it is cut off.

mod advance;
mod look;
mod rows;
mod seen;

use rules::limits::{REPLAYS_KEPT_MAX, REPLAYS_OPEN_MAX};
use rusqlite::{Connection, params};

pub(super) use self::advance::advance;
pub(super) use self::look::{count, look};
use self::rows::find;
pub(super) use self::rows::{busy, list, one};
use super::fault::Fault;
use super::job::{Change, Refusal, Tx};
use super::shared::Shared;
use crate::common::filter;
use crate::common::walk::Walk;
use crate::error::StoreError;
use crate::replay::{NewReplay, ReplayNo, ReplayRecord, ReplayState, Steer, Step};

/// Items of a cancelled replay that one transaction drops.
const DROPPED_MAX: i64 = 10_000;

/// Makes a replay, or finds the one that was made with the same key.
pub(super) fn make(tx: &mut Tx<'_>, new: &NewReplay, now_ms: i64) -> Result<ReplayRecord, Refusal> {
    if let Some(key) = &new.idempotency_key {
        let mut query = tx.conn.prepare_cached("SELECT number FROM replays WHERE idempotency_key = ?1")?;
        let mut found = query.query([key])?;
        if let Some(row) = found.next()? {
            return known(tx, ReplayNo(row.get(0)?));
        }
    }
    let open: i64 = tx.conn.query_row(
        "SELECT count(*) FROM replays WHERE state IN ('counting', 'planned', 'running', 'paused')",
        [],
        |row| row.get(0),
    )?;
    if usize::try_from(open).unwrap_or(usize::MAX) >= REPLAYS_OPEN_MAX {
        let what = "replays that are not over: cancel those that are only planned";
        return Err(Refusal::Refused(StoreError::LimitReached { what, limit: REPLAYS_OPEN_MAX }));
    }
    let walk = Walk::first(new.of, &new.filter);
    tx.conn
        .prepare_cached(
            "INSERT INTO replays (state, of, filter, target, as_new, per_second, starts, request, idempotency_key,
                                  upto_event, upto_delivery, walk, at_first, at_second, turn, matched, made,
                                  bodies_gone, endpoints_gone, made_by, made_at)
             VALUES ('counting', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, 0, 0, 0, 0, ?14, ?15)",
        )?
        .execute(params![
            new.of.as_str(),
            filter::to_json(&new.filter),
            new.to.map(|to| to.0),
            new.as_new,
            new.per_second,
            new.starts,
            new.request_json,
            new.idempotency_key,
            tx.ledger.next_event - 1,
            tx.ledger.next_delivery - 1,
            walk.number,
            walk.first,
            walk.second,
            new.made_by,
            now_ms,
        ])?;
    let number = ReplayNo(tx.conn.last_insert_rowid());
    note(tx, number, now_ms, &new.made_by, "made")?;
    forget_old(tx, number)?;
    known(tx, number)
}

/// Starts, pauses or cancels.
pub(super) fn steer(
    tx: &mut Tx<'_>,
    number: ReplayNo,
    steer: Steer,
    who: &str,
    now_ms: i64,
) -> Result<ReplayRecord, Refusal> {
    let before = known(tx, number)?;
    let (state, what) = match steer.step(before.state) {
        Step::Turn(state, what) => (state, what),
        Step::StartWhenCounted => {
            tx.conn.prepare_cached("UPDATE replays SET starts = 1 WHERE number = ?1")?.execute([number.0])?;
            note(tx, number, now_ms, who, "to be started when it is counted")?;
            return Ok(before);
        }
        Step::Nothing => return Ok(before),
    };
    set_state(tx, number, state, now_ms)?;
    note(tx, number, now_ms, who, what)?;
    known(tx, number)
}

/// Drops what a cancelled replay would have made.
pub(super) fn clear_away(record: &ReplayRecord, shared: &Shared) {
    if record.state == ReplayState::Cancelled {
        drop_on(record.number, shared);
    }
}

/// The same after an opening, for what was not dropped before.
pub(super) fn clear_away_all(conn: &Connection, shared: &Shared) -> Result<(), Fault> {
    let mut query = conn.prepare(
        "SELECT number FROM replays r WHERE state = 'cancelled'
         AND EXISTS (SELECT 1 FROM replay_items WHERE replay = r.number)",
    )?;
    let left = query.query_map([], |row| row.get(0).map(ReplayNo))?;
    for number in left {
        drop_on(number?, shared);
    }
    Ok(())
}

/// Queues the next slice; after the last there is none.
fn drop_on(number: ReplayNo, shared: &Shared) {
    let work = Box::new(move |tx: &mut Tx<'_>| drop_items(tx, number).map_err(Refusal::from));
    let after = Box::new(move |dropped: &usize, shared: &Shared| {
        if i64::try_from(*dropped) == Ok(DROPPED_MAX) {
            drop_on(number, shared);
        }
    });
    let (job, _answer) = Change::new(work, after);
    // When the store closes, the next opening goes on.
    drop(shared.queue.force(job));
}

fn drop_items(tx: &Tx<'_>, number: ReplayNo) -> Result<usize, Fault> {
    let mut delete = tx.conn.prepare_cached(
        "DELETE FROM replay_items WHERE replay = ?1 AND (endpoint, event) IN
             (SELECT endpoint, event FROM replay_items WHERE replay = ?1 ORDER BY endpoint, event LIMIT ?2)",
    )?;
    Ok(delete.execute([number.0, DROPPED_MAX])?)
}

/// Those that are over are kept as a record, the newest of them.
fn forget_old(tx: &Tx<'_>, newest: ReplayNo) -> Result<(), Fault> {
    let oldest = newest.0 - i64::try_from(REPLAYS_KEPT_MAX).unwrap_or(i64::MAX);
    for sql in [
        "DELETE FROM replay_items WHERE replay <= ?1
             AND replay IN (SELECT number FROM replays WHERE number <= ?1 AND state = 'cancelled')",
        "DELETE FROM replay_steps WHERE replay <= ?1
             AND replay IN (SELECT number FROM replays WHERE number <= ?1 AND state IN ('done', 'cancelled'))",
        "DELETE FROM replays WHERE number <= ?1 AND state IN ('done', 'cancelled')",
    ] {
        tx.conn.prepare_cached(sql)?.execute([oldest])?;
    }
    Ok(())
}

fn set_state(tx: &Tx<'_>, number: ReplayNo, state: ReplayState, now_ms: i64) -> Result<(), Fault> {
    let (started, ended) = (state == ReplayState::Running, state.is_over());
    tx.conn
        .prepare_cached(
            "UPDATE replays SET state = ?2, started_at = CASE WHEN ?3 THEN coalesce(started_at, ?5) ELSE started_at END,
                    ended_at = CASE WHEN ?4 THEN ?5 ELSE NULL END
             WHERE number = ?1",
        )?
        .execute(params![number.0, state.as_str(), started, ended, now_ms])?;
    Ok(())
}

fn note(tx: &Tx<'_>, number: ReplayNo, at_ms: i64, who: &str, what: &str) -> Result<(), Fault> {
    tx.conn
        .prepare_cached("INSERT INTO replay_steps (replay, at, who, what) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![number.0, at_ms, who, what])?;
    Ok(())
}

fn known(tx: &Tx<'_>, number: ReplayNo) -> Result<ReplayRecord, Refusal> {
    find(tx.conn, number)?.ok_or(Refusal::Refused(StoreError::NotFound { what: "replay" }))
}
