//! Deliveries and their attempts: what is owed and what has ended lie in two tables.

use rules::identity::EventId;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::scan_max;
use crate::common::lists::page_rows;
use crate::common::state::state_of;
use crate::postgres::fault::Fault;
use crate::postgres::session::{Sql, cell};
use crate::postgres::tx::Tx;
use crate::postgres::value::{Uid, int8, small};
use crate::record::{AttemptRecord, DeliveryNo, DeliveryRecord, Page};
use crate::replay::ReplayNo;
use crate::seam::DeliveryQuery;

macro_rules! owed {
    () => {
        "SELECT d.id, d.day, d.event, d.event_id, d.endpoint, 0::int2 AS state, NULL::text AS reason, d.late, d.attempts,
                d.first_attempt_at, d.due_at, NULL::bigint AS ended_at, d.created_at, d.replay,
                NULL::int AS accepted_status, NULL::bigint AS accepted_ms
         FROM waypost.deliveries d "
    };
}
macro_rules! ended {
    () => {
        "SELECT d.id, d.day, d.event, d.event_id, d.endpoint, d.state, d.reason, d.late, d.attempts, d.first_attempt_at,
                NULL::bigint, d.ended_at, d.created_at, d.replay, d.accepted_status, d.accepted_ms
         FROM waypost.ended d "
    };
}
/// Names the event's type and the endpoint beside `looked`.
macro_rules! named {
    () => {
        "SELECT l.*, e.event_type, p.id AS endpoint_id FROM looked l
         CROSS JOIN LATERAL (SELECT e.event_type FROM waypost.events e WHERE e.day = l.day AND e.id = l.event LIMIT 1) e
         JOIN waypost.endpoints p ON p.number = l.endpoint "
    };
}
/// The last of a page, filtered.
macro_rules! page {
    () => {
        " WHERE ($4::int2 IS NULL OR l.state = $4) AND ($5::bigint IS NULL OR l.endpoint = $5)
          ORDER BY l.id DESC LIMIT $6"
    };
}

static ALL: Sql = Sql::new(
    concat!(
        "WITH looked AS MATERIALIZED (SELECT * FROM ((",
        owed!(),
        "WHERE d.id < $1 ORDER BY d.id DESC LIMIT $2) UNION ALL (",
        ended!(),
        "WHERE d.id < $1 ORDER BY d.id DESC LIMIT $2)) both_of WHERE $3::uuid IS NULL ORDER BY id DESC LIMIT $2) ",
        named!(),
        page!()
    ),
    &[Type::INT8, Type::INT8, Type::UUID, Type::INT2, Type::INT8, Type::INT8],
);
static OWED: Sql = Sql::new(
    concat!(
        "WITH looked AS MATERIALIZED (",
        owed!(),
        "WHERE d.id < $1 AND d.endpoint = $5 AND $3::uuid IS NULL ORDER BY d.id DESC LIMIT $2) ",
        named!(),
        page!()
    ),
    &[Type::INT8, Type::INT8, Type::UUID, Type::INT2, Type::INT8, Type::INT8],
);
static FAILED: Sql = Sql::new(
    concat!(
        "WITH looked AS MATERIALIZED (",
        ended!(),
        "WHERE d.id < $1 AND d.state >= 2 AND d.state = $4 AND $3::uuid IS NULL AND ($5::bigint IS NULL OR d.endpoint = $5)
         ORDER BY d.id DESC LIMIT $2) ",
        named!(),
        page!()
    ),
    &[Type::INT8, Type::INT8, Type::UUID, Type::INT2, Type::INT8, Type::INT8],
);
static OF_EVENT: Sql = Sql::new(
    concat!(
        "WITH at AS MATERIALIZED (SELECT day, id FROM waypost.events WHERE hashes @> ARRAY[$7] AND event_id = $3),
         looked AS MATERIALIZED (SELECT * FROM (",
        owed!(),
        "JOIN at ON d.day = at.day AND d.event = at.id UNION ALL ",
        ended!(),
        "JOIN at ON d.day = at.day AND d.event = at.id) both_of WHERE id < $1 ORDER BY id DESC LIMIT $2) ",
        named!(),
        page!()
    ),
    &[Type::INT8, Type::INT8, Type::UUID, Type::INT2, Type::INT8, Type::INT8, Type::INT8],
);
static ONE: Sql = Sql::new(
    concat!(
        "WITH looked AS MATERIALIZED (",
        owed!(),
        "WHERE d.id = $1 UNION ALL ",
        ended!(),
        "WHERE d.id = $1) ",
        named!()
    ),
    &[Type::INT8],
);
static ATTEMPTS: Sql = Sql::new(
    "SELECT number, started_at, duration_ms, http_status, failure, error, response_snippet
     FROM waypost.attempts WHERE day = $1 AND delivery = $2 ORDER BY number",
    &[Type::INT4, Type::INT8],
);

/// True for a cursor that this engine may have given.
pub(in crate::postgres) fn is_cursor(cursor: &str) -> bool {
    cursor.parse::<i64>().is_ok()
}

/// A page of deliveries, newest first. The cursor is the number of the last row that was looked at.
pub(in crate::postgres) async fn deliveries(tx: &mut Tx, query: &DeliveryQuery) -> Result<Page<DeliveryRecord>, Fault> {
    let limit = page_rows(query.limit);
    let before: i64 = query.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(i64::MAX);
    let state: Option<i16> = match query.state.as_deref() {
        None => None,
        Some("owed") => Some(0),
        Some("accepted") => Some(1),
        Some("dead") => Some(2),
        Some("skipped") => Some(3),
        Some(_) => Some(-1),
    };
    let endpoint = query.endpoint.map(|endpoint| endpoint.0);
    let event = query.event.map(|event| Uid(*event.as_bytes()));
    let rows_max = int8(limit);
    let found = match (query.event, state) {
        (Some(id), _) => {
            let hash = crate::common::names::hash_of(&crate::seam::Find::Event(id));
            tx.query(&OF_EVENT, &[&before, &scan_max(), &event, &state, &endpoint, &rows_max, &hash]).await?
        }
        (None, Some(0)) if endpoint.is_some() => {
            tx.query(&OWED, &[&before, &scan_max(), &event, &state, &endpoint, &rows_max]).await?
        }
        (None, Some(2 | 3)) => tx.query(&FAILED, &[&before, &scan_max(), &event, &state, &endpoint, &rows_max]).await?,
        (None, _) => tx.query(&ALL, &[&before, &scan_max(), &event, &state, &endpoint, &rows_max]).await?,
    };
    let rows: Vec<DeliveryRecord> = found.iter().map(record).collect::<Result<_, _>>()?;
    let next = match rows.last().filter(|_| rows.len() == limit) {
        Some(last) => Some(last.number.0),
        None => edge(tx, query, before).await?,
    };
    Ok(Page { rows, next_cursor: next.map(|number| number.to_string()) })
}

static ALL_EDGE: Sql = Sql::new(
    "SELECT id FROM (SELECT id FROM ((SELECT id FROM waypost.deliveries WHERE id < $1 ORDER BY id DESC LIMIT $2)
     UNION ALL (SELECT id FROM waypost.ended WHERE id < $1 ORDER BY id DESC LIMIT $2)) b ORDER BY id DESC LIMIT $2) l
     OFFSET $2 - 1",
    &[Type::INT8, Type::INT8],
);

/// Where the next page begins when this one looked at as many rows as it may.
async fn edge(tx: &mut Tx, query: &DeliveryQuery, before: i64) -> Result<Option<i64>, Fault> {
    // Only what walks over everything may have left something out.
    let is_whole = matches!((query.event, query.state.as_deref(), query.endpoint), (None, None | Some("accepted"), _))
        || matches!((query.event, query.state.as_deref(), query.endpoint), (None, Some("owed"), None));
    if !is_whole {
        return Ok(None);
    }
    let row = tx.query_opt(&ALL_EDGE, &[&before, &scan_max()]).await?;
    row.as_ref().map(|row| cell(row, 0)).transpose()
}

/// One delivery with its attempts.
pub(in crate::postgres) async fn delivery(tx: &mut Tx, number: DeliveryNo) -> Result<Option<DeliveryRecord>, Fault> {
    let Some(row) = tx.query_opt(&ONE, &[&number.0]).await? else { return Ok(None) };
    let (mut found, day): (_, i32) = (record(&row)?, cell(&row, 1)?);
    let attempts = tx.query(&ATTEMPTS, &[&day, &number.0]).await?;
    found.attempt_log = attempts.iter().map(attempt).collect::<Result<_, _>>()?;
    let (status, took): (Option<i32>, Option<i64>) = (cell(&row, 14)?, cell(&row, 15)?);
    if let (Some(took), Some(ended_at)) = (took, found.ended_at_ms) {
        found.attempt_log.push(AttemptRecord {
            number: found.attempts,
            started_at_ms: ended_at - took,
            duration_ms: u32::try_from(took).unwrap_or(u32::MAX),
            http_status: status.and_then(|status| u16::try_from(status).ok()),
            failure: None,
            error: None,
            response_snippet: None,
        });
    }
    Ok(Some(found))
}

fn record(row: &Row) -> Result<DeliveryRecord, Fault> {
    let event: Uid = cell(row, 3)?;
    let (state, reason): (i16, Option<String>) = (cell(row, 5)?, cell(row, 6)?);
    Ok(DeliveryRecord {
        number: DeliveryNo(cell(row, 0)?),
        event: EventId::from_bytes(event.0),
        event_type: cell(row, 16)?,
        endpoint: cell(row, 17)?,
        state: state_of(state, reason.as_deref()),
        in_flight: false,
        late: cell(row, 7)?,
        replay: cell::<Option<i64>>(row, 13)?.map(ReplayNo),
        attempts: small(row, 8)?,
        first_attempt_at_ms: cell(row, 9)?,
        due_at_ms: cell(row, 10)?,
        ended_at_ms: cell(row, 11)?,
        created_at_ms: cell(row, 12)?,
        attempt_log: Vec::new(),
    })
}

fn attempt(row: &Row) -> Result<AttemptRecord, Fault> {
    let failure: Option<String> = cell(row, 4)?;
    let took: i64 = cell(row, 2)?;
    Ok(AttemptRecord {
        number: small(row, 0)?,
        started_at_ms: cell(row, 1)?,
        duration_ms: u32::try_from(took).unwrap_or(u32::MAX),
        http_status: cell::<Option<i32>>(row, 3)?.and_then(|status| u16::try_from(status).ok()),
        failure: failure.and_then(|word| word.parse().ok()),
        error: cell(row, 5)?,
        response_snippet: cell(row, 6)?,
    })
}
