//! Deliveries and their attempts.

use std::sync::Mutex;

use rules::identity::EventId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::events::numbers_of;
use crate::common::lists::{SCAN_ROWS_MAX, page_rows};
use crate::common::state::state_of;
use crate::embedded::fault::Fault;
use crate::embedded::lookup::Index;
use crate::record::{AttemptRecord, DeliveryNo, DeliveryRecord, Page};
use crate::replay::ReplayNo;
use crate::seam::DeliveryQuery;

const COLUMNS: &str = "d.id, e.event_id, e.event_type, p.id, d.state, d.reason, d.late, d.attempts, d.first_attempt_at,
                       d.due_at, d.ended_at, d.created_at, d.endpoint, d.replay";
const TABLES: &str = "deliveries d JOIN events e ON e.id = d.event JOIN endpoints p ON p.number = d.endpoint";

/// True for a cursor that this engine may have given.
pub(in crate::embedded) fn is_cursor(cursor: &str) -> bool {
    cursor.parse::<i64>().is_ok()
}

/// A page of deliveries, newest first. The cursor is the number of the last row that was looked at.
pub(in crate::embedded) fn deliveries(
    conn: &Connection,
    index: &Mutex<Index>,
    query: &DeliveryQuery,
) -> Result<Page<DeliveryRecord>, Fault> {
    let limit = page_rows(query.limit);
    let before: i64 = query.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE {} AND d.id < ?1 ORDER BY d.id DESC LIMIT ?3",
        path(query)
    ))?;
    let scan = i64::try_from(SCAN_ROWS_MAX).unwrap_or(i64::MAX);
    let mut found = match query.event {
        Some(event) => {
            let numbers = serde_json::json!(numbers_of(conn, index, event)?);
            statement.query(params![before, numbers.to_string(), scan])?
        }
        None => statement.query(params![before, query.endpoint.map(|endpoint| endpoint.0), scan])?,
    };
    let mut rows = Vec::new();
    let mut looked_at = 0;
    let mut next_cursor = None;
    while let Some(row) = found.next()? {
        let record = delivery_of(row)?;
        looked_at += 1;
        let place = record.number.0.to_string();
        let state_fits = query.state.as_deref().is_none_or(|state| state == record.state.as_str());
        let endpoint: i64 = row.get(12)?;
        if state_fits && query.endpoint.is_none_or(|wanted| wanted.0 == endpoint) {
            rows.push(record);
        }
        if rows.len() == limit || looked_at == SCAN_ROWS_MAX {
            next_cursor = Some(place);
            break;
        }
    }
    Ok(Page { rows, next_cursor })
}

/// The index that narrows the search most; what it leaves is filtered.
fn path(query: &DeliveryQuery) -> &'static str {
    match (query.event, query.state.as_deref(), query.endpoint) {
        (Some(_), ..) => "d.event IN (SELECT value FROM json_each(?2))",
        (None, Some("owed"), Some(_)) => "d.state = 0 AND d.endpoint = ?2",
        (None, Some("dead"), _) => "d.state >= 2 AND d.state = 2 AND ?2 IS ?2",
        (None, Some("skipped"), _) => "d.state >= 2 AND d.state = 3 AND ?2 IS ?2",
        (None, _, _) => "?2 IS ?2",
    }
}

/// One delivery with its attempts.
pub(in crate::embedded) fn delivery(conn: &Connection, number: DeliveryNo) -> Result<Option<DeliveryRecord>, Fault> {
    let mut query = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM {TABLES} WHERE d.id = ?1"))?;
    let Some(mut record) = query.query_row([number.0], delivery_of).optional()? else {
        return Ok(None);
    };
    let mut query = conn.prepare_cached(
        "SELECT number, started_at, duration_ms, http_status, failure, error, response_snippet
         FROM v_attempts WHERE delivery = ?1 ORDER BY number",
    )?;
    let attempts = query.query_map([number.0], attempt)?;
    record.attempt_log = attempts.collect::<Result<_, _>>()?;
    Ok(Some(record))
}

fn delivery_of(row: &Row<'_>) -> rusqlite::Result<DeliveryRecord> {
    let state: i16 = row.get(4)?;
    let reason: Option<String> = row.get(5)?;
    Ok(DeliveryRecord {
        number: DeliveryNo(row.get(0)?),
        event: EventId::from_bytes(row.get(1)?),
        event_type: row.get(2)?,
        endpoint: row.get(3)?,
        state: state_of(state, reason.as_deref()),
        in_flight: false,
        late: row.get(6)?,
        replay: row.get::<_, Option<i64>>(13)?.map(ReplayNo),
        attempts: row.get(7)?,
        first_attempt_at_ms: row.get(8)?,
        due_at_ms: row.get(9)?,
        ended_at_ms: row.get(10)?,
        created_at_ms: row.get(11)?,
        attempt_log: Vec::new(),
    })
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<AttemptRecord> {
    let failure: Option<String> = row.get(4)?;
    Ok(AttemptRecord {
        number: row.get(0)?,
        started_at_ms: row.get(1)?,
        duration_ms: row.get(2)?,
        http_status: row.get(3)?,
        failure: failure.and_then(|word| word.parse().ok()),
        error: row.get(5)?,
        response_snippet: row.get(6)?,
    })
}
