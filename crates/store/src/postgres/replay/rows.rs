//! Reading replays.

use rules::limits::PAGE_ROWS_MAX;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::postgres::fault::Fault;
use crate::postgres::session::{Sql, cell};
use crate::postgres::tx::Tx;
use crate::postgres::value::{int8, unsigned};
use crate::replay::{ReplayNo, ReplayOutcomes, ReplayRecord, ReplayState, ReplayStep};

macro_rules! columns {
    () => {
        "SELECT number, state, request, as_new, per_second, matched, made, bodies_gone, endpoints_gone, made_by, made_at,
                started_at, ended_at FROM waypost.replays "
    };
}
static LIST: Sql =
    Sql::new(concat!(columns!(), "WHERE number < $1 ORDER BY number DESC LIMIT $2"), &[Type::INT8, Type::INT8]);
static BUSY: Sql = Sql::new(concat!(columns!(), "WHERE state IN ('counting', 'running') ORDER BY number"), &[]);
static FIND: Sql = Sql::new(concat!(columns!(), "WHERE number = $1"), &[Type::INT8]);
static LOCK: Sql = Sql::new("SELECT 1 FROM waypost.replays WHERE number = $1 FOR UPDATE", &[Type::INT8]);
static STEPS: Sql =
    Sql::new("SELECT at, who, what FROM waypost.replay_steps WHERE replay = $1 ORDER BY id", &[Type::INT8]);
static OUTCOMES: Sql = Sql::new(
    "SELECT 0::int2, count(*) FROM waypost.deliveries WHERE replay = $1
     UNION ALL SELECT state, count(*) FROM waypost.ended WHERE replay = $1 GROUP BY state",
    &[Type::INT8],
);

/// Newest first.
pub(in crate::postgres) async fn list(
    tx: &mut Tx,
    before: Option<ReplayNo>,
    limit: usize,
) -> Result<Vec<ReplayRecord>, Fault> {
    let before = before.map_or(i64::MAX, |before| before.0);
    tx.query(&LIST, &[&before, &int8(limit.min(PAGE_ROWS_MAX))]).await?.iter().map(record).collect()
}

/// Those with something to do, oldest first.
pub(in crate::postgres) async fn busy(tx: &mut Tx) -> Result<Vec<ReplayRecord>, Fault> {
    tx.query(&BUSY, &[]).await?.iter().map(record).collect()
}

/// One, without its steps.
pub(super) async fn find(tx: &mut Tx, number: ReplayNo) -> Result<Option<ReplayRecord>, Fault> {
    tx.query_opt(&FIND, &[&number.0]).await?.as_ref().map(record).transpose()
}

/// Keeps other nodes from working on it until the transaction ends.
pub(super) async fn lock_row(tx: &mut Tx, number: ReplayNo) -> Result<(), Fault> {
    tx.query(&LOCK, &[&number.0]).await.map(drop)
}

/// One with all about it.
pub(in crate::postgres) async fn one(tx: &mut Tx, number: ReplayNo) -> Result<Option<ReplayRecord>, Fault> {
    let Some(mut record) = find(tx, number).await? else { return Ok(None) };
    for row in tx.query(&STEPS, &[&number.0]).await? {
        record.steps.push(ReplayStep { at_ms: cell(&row, 0)?, who: cell(&row, 1)?, what: cell(&row, 2)? });
    }
    for row in tx.query(&OUTCOMES, &[&number.0]).await? {
        let (state, count): (i16, u64) = (cell(&row, 0)?, unsigned(&row, 1)?);
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

fn record(row: &Row) -> Result<ReplayRecord, Fault> {
    let (state, per_second): (String, Option<i64>) = (cell(row, 1)?, cell(row, 4)?);
    Ok(ReplayRecord {
        number: ReplayNo(cell(row, 0)?),
        state: ReplayState::of(&state),
        request_json: cell(row, 2)?,
        as_new: cell(row, 3)?,
        per_second: per_second.map(|rate| u32::try_from(rate).unwrap_or(u32::MAX)),
        matched: unsigned(row, 5)?,
        made: unsigned(row, 6)?,
        bodies_gone: unsigned(row, 7)?,
        endpoints_gone: unsigned(row, 8)?,
        made_by: cell(row, 9)?,
        made_at_ms: cell(row, 10)?,
        started_at_ms: cell(row, 11)?,
        ended_at_ms: cell(row, 12)?,
        steps: Vec::new(),
        outcomes: ReplayOutcomes::default(),
    })
}
