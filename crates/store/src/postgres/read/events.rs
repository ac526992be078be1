//! Events, their notifications, their conflicts.

use std::collections::HashMap;

use rules::identity::{EventId, NotificationId};
use rules::limits::PAGE_ROWS_MAX;
use tokio_postgres::types::Type;

use super::rows::{event, event_columns};
use super::scan_max;
use crate::common::lists::page_rows;
use crate::common::names;
use crate::postgres::days;
use crate::postgres::fault::Fault;
use crate::postgres::session::{Sql, cell};
use crate::postgres::tx::Tx;
use crate::postgres::value::{Uid, int8, small};
use crate::record::{ConflictRecord, EventRecord, NotificationRecord, Page};
use crate::seam::{EventQuery, Find};

// Look-ups one by one, as in `payloads`: on a day without statistics the planner would join whole days. `OFFSET 0` has it
// look up by hash before anything else.
macro_rules! with_notification {
    () => {
        " CROSS JOIN LATERAL (SELECT n.signature FROM waypost.notifications n
             WHERE n.day = e.day AND n.notification = e.notification LIMIT 1) n "
    };
}

static FIND: Sql = Sql::new(
    concat!(
        "SELECT ",
        event_columns!(),
        " FROM (SELECT * FROM waypost.events e WHERE e.hashes @> ARRAY[$1] OFFSET 0) e",
        with_notification!(),
        "ORDER BY e.id DESC LIMIT $2"
    ),
    &[Type::INT8, Type::INT8],
);
static PLACES: Sql = Sql::new(
    "SELECT q.event_id, e.day, e.id FROM unnest($1, $2) AS q (hash, event_id)
     CROSS JOIN LATERAL (SELECT * FROM waypost.events e WHERE e.hashes @> ARRAY[q.hash] OFFSET 0) e
     WHERE e.event_id = q.event_id ORDER BY e.id",
    &[Type::INT8_ARRAY, Type::UUID_ARRAY],
);
static EVENTS: Sql = Sql::new(
    concat!(
        "WITH looked AS (
             SELECT e.* FROM waypost.events e
             WHERE (e.received_at, e.id) < ($1, $2) AND e.received_at >= $3 AND e.day BETWEEN $12 AND $13
             ORDER BY e.received_at DESC, e.id DESC LIMIT $4
         )
         SELECT ",
        event_columns!(),
        " FROM looked e",
        with_notification!(),
        "WHERE ($5::text IS NULL OR e.app = $5) AND ($6::text IS NULL OR e.field = $6)
           AND ($7::text IS NULL OR e.event_type LIKE $7) AND ($8::text IS NULL OR e.waba_id = $8)
           AND ($9::text IS NULL OR e.phone_number_id = $9) AND ($10::bool IS NULL OR e.unrouted = $10)
         ORDER BY e.received_at DESC, e.id DESC LIMIT $11"
    ),
    &[
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::BOOL,
        Type::INT8,
        Type::INT4,
        Type::INT4,
    ],
);
static EVENTS_EDGE: Sql = Sql::new(
    "SELECT received_at, id FROM (
         SELECT e.received_at, e.id FROM waypost.events e
         WHERE (e.received_at, e.id) < ($1, $2) AND e.received_at >= $3 AND e.day BETWEEN $5 AND $6
         ORDER BY e.received_at DESC, e.id DESC LIMIT $4) looked
     OFFSET $4 - 1",
    &[Type::INT8, Type::INT8, Type::INT8, Type::INT8, Type::INT4, Type::INT4],
);
static CONFLICTS: Sql = Sql::new(
    "SELECT notification, received_at, position, data_start, data_end FROM waypost.conflicts
     WHERE event_id = $1 ORDER BY id LIMIT $2",
    &[Type::UUID, Type::INT8],
);
static NOTIFICATION: Sql = Sql::new(
    "SELECT n.app, n.received_at, n.signature, n.event_count, b.body FROM waypost.notifications n
     LEFT JOIN waypost.bodies b ON b.day = n.day AND b.notification = n.notification AND b.day = $1
     WHERE n.day = $1 AND n.notification = $2",
    &[Type::INT4, Type::UUID],
);

/// Looks up by hash, and keeps what really fits.
pub(in crate::postgres) async fn find(tx: &mut Tx, find: &Find) -> Result<Vec<EventRecord>, Fault> {
    let rows = tx.query(&FIND, &[&names::hash_of(find), &int8(PAGE_ROWS_MAX)]).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let record = event(row)?.event;
        if names::means(find, &record) {
            found.push(record);
        }
    }
    Ok(found)
}

/// Where the newest event with each of these ids is: day and number.
pub(in crate::postgres) async fn places_of(tx: &mut Tx, ids: &[EventId]) -> Result<Vec<(i32, i64)>, Fault> {
    let hashes: Vec<i64> = ids.iter().map(|id| names::hash_of(&Find::Event(*id))).collect();
    let uids: Vec<Uid> = ids.iter().map(|id| Uid(*id.as_bytes())).collect();
    let mut newest = HashMap::new();
    for row in tx.query(&PLACES, &[&hashes, &uids]).await? {
        let id: Uid = cell(&row, 0)?;
        let _older = newest.insert(id, (cell(&row, 1)?, cell(&row, 2)?));
    }
    Ok(newest.into_values().collect())
}

/// A page of events, newest first. The cursor is the place of the last row that was looked at.
pub(in crate::postgres) async fn events(tx: &mut Tx, query: &EventQuery) -> Result<Page<EventRecord>, Fault> {
    let limit = page_rows(query.limit);
    let until = query.until_ms.unwrap_or(i64::MAX);
    let (before_at, before_number) = query.cursor.as_deref().and_then(parse).unwrap_or((until, i64::MIN));
    let (before_at, since) = (before_at.min(until), query.since_ms.unwrap_or(i64::MIN));
    let (first_day, last_day) = (days::of(since), days::of(before_at));
    let wanted_type = query.event_type.as_deref().map(pattern);
    let rows = tx
        .query(
            &EVENTS,
            &[
                &before_at,
                &before_number,
                &since,
                &scan_max(),
                &query.app,
                &query.field,
                &wanted_type,
                &query.waba_id,
                &query.phone_number_id,
                &query.unrouted,
                &int8(limit),
                &first_day,
                &last_day,
            ],
        )
        .await?;
    let numbered: Vec<_> = rows.iter().map(event).collect::<Result<_, _>>()?;
    let last = numbered.last().map(|last| (last.event.received_at_ms, last.number));
    let next = match last.filter(|_| numbered.len() == limit) {
        Some(last) => Some(last),
        None => {
            let edge = tx
                .query_opt(&EVENTS_EDGE, &[&before_at, &before_number, &since, &scan_max(), &first_day, &last_day])
                .await?;
            edge.as_ref().map(|row| Ok::<_, Fault>((cell(row, 0)?, cell(row, 1)?))).transpose()?
        }
    };
    let rows = numbered.into_iter().map(|numbered| numbered.event).collect();
    Ok(Page { rows, next_cursor: next.map(|(at, number): (i64, i64)| format!("{at}.{number}")) })
}

/// A type as a LIKE pattern; a trailing `*` stands for the rest.
fn pattern(wanted: &str) -> String {
    let (beginning, rest) = wanted.strip_suffix('*').map_or((wanted, ""), |beginning| (beginning, "%"));
    format!("{}{rest}", beginning.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// True for a cursor that this engine may have given.
pub(in crate::postgres) fn is_cursor(cursor: &str) -> bool {
    parse(cursor).is_some()
}

fn parse(cursor: &str) -> Option<(i64, i64)> {
    let (at, number) = cursor.split_once('.')?;
    Some((at.parse().ok()?, number.parse().ok()?))
}

/// The copies of an event that differ from it, oldest first.
pub(in crate::postgres) async fn conflicts(tx: &mut Tx, id: EventId) -> Result<Vec<ConflictRecord>, Fault> {
    let rows = tx.query(&CONFLICTS, &[&Uid(*id.as_bytes()), &int8(PAGE_ROWS_MAX)]).await?;
    let record = |row: &tokio_postgres::Row| {
        let notification: Uid = cell(row, 0)?;
        Ok(ConflictRecord {
            event: id,
            notification: NotificationId::from_bytes(notification.0),
            received_at_ms: cell(row, 1)?,
            position: small(row, 2)?,
            data_range: small(row, 3)? as usize..small(row, 4)? as usize,
        })
    };
    rows.iter().map(record).collect()
}

/// A notification as received. Its id tells the day on which it arrived.
pub(in crate::postgres) async fn notification(
    tx: &mut Tx,
    id: NotificationId,
) -> Result<Option<NotificationRecord>, Fault> {
    let mut time = [0; 8];
    for (to, from) in time.iter_mut().skip(2).zip(id.as_bytes()) {
        *to = *from;
    }
    let day = days::of(i64::from_be_bytes(time));
    let Some(row) = tx.query_opt(&NOTIFICATION, &[&day, &Uid(*id.as_bytes())]).await? else { return Ok(None) };
    let body: Option<&[u8]> = cell(&row, 4)?;
    Ok(Some(NotificationRecord {
        id,
        app: cell(&row, 0)?,
        received_at_ms: cell(&row, 1)?,
        signature: cell(&row, 2)?,
        events: small(&row, 3)?,
        body: body.map(std::sync::Arc::from),
        damaged: false,
    }))
}
