//! Replays: made, counted, run, steered.
//!
//! What a replay repeats is written down event by event while it is counted, so that the count holds whatever arrives or
//! ends later. Running it takes those items, for each endpoint in the order of the events, and makes each a delivery in the
//! same transaction: nothing is made twice, whenever it is cut off. The replay's row keeps two nodes from working on it at
//! once.

mod advance;
mod look;
mod rows;

use rules::limits::{REPLAYS_KEPT_MAX, REPLAYS_OPEN_MAX};
use tokio_postgres::types::Type;

pub(super) use self::advance::advance;
pub(super) use self::look::count;
pub(super) use self::rows::{busy, list, one};
use self::rows::{find, lock_row};
use super::endpoints::Refusal;
use super::fault::Fault;
use super::session::{Sql, cell};
use super::tx::Tx;
use super::value::{int8, text, text_opt};
use crate::common::filter;
use crate::common::walk::Walk;
use crate::error::StoreError;
use crate::replay::{NewReplay, ReplayNo, ReplayRecord, ReplayState, Steer, Step};

/// Items of cancelled replays that one transaction drops.
const DROPPED_MAX: i64 = 10_000;

static BY_KEY: Sql = Sql::new("SELECT number FROM waypost.replays WHERE idempotency_key = $1", &[Type::TEXT]);
static OPEN: Sql =
    Sql::new("SELECT count(*) FROM waypost.replays WHERE state IN ('counting', 'planned', 'running', 'paused')", &[]);
static MAKE: Sql = Sql::new(
    "INSERT INTO waypost.replays (state, of, filter, target, as_new, per_second, starts, request, idempotency_key, upto,
         walk, at_first, at_second, made_by, made_at)
     VALUES ('counting', $1, $2, $3, $4, $5, $6, $7, $8, nextval('waypost.blocks') * 4096, $9, $10, $11, $12, $13)
     ON CONFLICT (idempotency_key) DO NOTHING RETURNING number",
    &[
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::BOOL,
        Type::INT8,
        Type::BOOL,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::INT8,
    ],
);
static TO_START: Sql = Sql::new("UPDATE waypost.replays SET starts = true WHERE number = $1", &[Type::INT8]);
static SET_STATE: Sql = Sql::new(
    "UPDATE waypost.replays SET state = $2, started_at = CASE WHEN $3 THEN coalesce(started_at, $5) ELSE started_at END,
         ended_at = CASE WHEN $4 THEN $5 END
     WHERE number = $1",
    &[Type::INT8, Type::TEXT, Type::BOOL, Type::BOOL, Type::INT8],
);
static NOTE: Sql = Sql::new(
    "INSERT INTO waypost.replay_steps (replay, at, who, what) VALUES ($1, $2, $3, $4)",
    &[Type::INT8, Type::INT8, Type::TEXT, Type::TEXT],
);
static DROP_ITEMS: Sql = Sql::new(
    "DELETE FROM waypost.replay_items WHERE ctid = ANY (ARRAY (
         SELECT i.ctid FROM waypost.replay_items i JOIN waypost.replays r ON r.number = i.replay
         WHERE r.state = 'cancelled' LIMIT $1))",
    &[Type::INT8],
);
static FORGET_OLD: Sql = Sql::new(
    "WITH old AS (
         DELETE FROM waypost.replays WHERE number <= $1 AND state IN ('done', 'cancelled')
             AND NOT EXISTS (SELECT 1 FROM waypost.replay_items i WHERE i.replay = number) RETURNING number
     )
     DELETE FROM waypost.replay_steps WHERE replay IN (SELECT number FROM old)",
    &[Type::INT8],
);

/// Makes a replay, or finds the one that was made with the same key.
pub(super) async fn make(tx: &mut Tx, new: &NewReplay, now_ms: i64) -> Result<ReplayRecord, Refusal> {
    if let Some(found) = by_key(tx, new).await? {
        return Ok(found);
    }
    let open: i64 = cell(&tx.query_one(&OPEN, &[]).await?, 0)?;
    if usize::try_from(open).unwrap_or(usize::MAX) >= REPLAYS_OPEN_MAX {
        let what = "replays that are not over: cancel those that are only planned";
        return Err(Refusal::Refused(StoreError::LimitReached { what, limit: REPLAYS_OPEN_MAX }));
    }
    let walk = Walk::first(new.of, &new.filter);
    let (of, to, key) = (new.of.as_str(), new.to.map(|to| to.0), text_opt(new.idempotency_key.as_ref()));
    let filter = text(&filter::to_json(&new.filter)).into_owned();
    let (per_second, request, made_by) = (new.per_second.map(i64::from), text(&new.request_json), text(&new.made_by));
    let values: [super::session::Value<'_>; 13] = [
        &of,
        &filter,
        &to,
        &new.as_new,
        &per_second,
        &new.starts,
        &request,
        &key,
        &walk.number,
        &walk.first,
        &walk.second,
        &made_by,
        &now_ms,
    ];
    let Some(row) = tx.query_opt(&MAKE, &values).await? else {
        // Another node was quicker with the same key.
        return by_key(tx, new).await?.ok_or(Refusal::Refused(StoreError::VersionConflict));
    };
    let number = ReplayNo(cell(&row, 0)?);
    note(tx, number, now_ms, &new.made_by, "made").await?;
    let _count = tx.execute(&FORGET_OLD, &[&(number.0 - int8(REPLAYS_KEPT_MAX))]).await?;
    known(tx, number).await
}

async fn by_key(tx: &mut Tx, new: &NewReplay) -> Result<Option<ReplayRecord>, Refusal> {
    let Some(key) = text_opt(new.idempotency_key.as_ref()) else { return Ok(None) };
    match tx.query_opt(&BY_KEY, &[&key]).await? {
        Some(row) => Ok(Some(known(tx, ReplayNo(cell(&row, 0)?)).await?)),
        None => Ok(None),
    }
}

/// Starts, pauses or cancels.
pub(super) async fn steer(
    tx: &mut Tx,
    number: ReplayNo,
    steer: Steer,
    (who, now_ms): (&str, i64),
) -> Result<ReplayRecord, Refusal> {
    lock_row(tx, number).await?;
    let before = known(tx, number).await?;
    let (state, what) = match steer.step(before.state) {
        Step::Turn(state, what) => (state, what),
        Step::StartWhenCounted => {
            let _count = tx.execute(&TO_START, &[&number.0]).await?;
            note(tx, number, now_ms, who, "to be started when it is counted").await?;
            return Ok(before);
        }
        Step::Nothing => return Ok(before),
    };
    set_state(tx, number, state, now_ms).await?;
    note(tx, number, now_ms, who, what).await?;
    known(tx, number).await
}

/// Drops some of what cancelled replays would have made.
pub(super) async fn clear_away(tx: &mut Tx) -> Result<(), Fault> {
    tx.execute(&DROP_ITEMS, &[&DROPPED_MAX]).await.map(drop)
}

async fn set_state(tx: &mut Tx, number: ReplayNo, state: ReplayState, now_ms: i64) -> Result<(), Fault> {
    let (started, ended) = (state == ReplayState::Running, state.is_over());
    tx.execute(&SET_STATE, &[&number.0, &state.as_str(), &started, &ended, &now_ms]).await.map(drop)
}

async fn note(tx: &mut Tx, number: ReplayNo, at_ms: i64, who: &str, what: &str) -> Result<(), Fault> {
    tx.execute(&NOTE, &[&number.0, &at_ms, &text(who), &text(what)]).await.map(drop)
}

async fn known(tx: &mut Tx, number: ReplayNo) -> Result<ReplayRecord, Refusal> {
    find(tx, number).await?.ok_or(Refusal::Refused(StoreError::NotFound { what: "replay" }))
}
