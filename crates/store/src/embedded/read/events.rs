//! Events, their bodies, their conflicts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rules::identity::{EventId, NotificationId};
use rules::limits::PAGE_ROWS_MAX;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{BodyRow, EVENT_COLUMNS, EVENT_TABLES, Numbered, body, event, size};
use crate::common::lists::{SCAN_ROWS_MAX, page_rows, type_fits};
use crate::common::names;
use crate::embedded::checksum;
use crate::embedded::fault::{Fault, Kind};
use crate::embedded::lookup::{self, Index};
use crate::record::{ConflictRecord, EventRecord, NotificationRecord, Page, Payload};
use crate::seam::{EventQuery, Find};

/// The events with their bodies; one body for all events of a notification. What is damaged says so, and hides nothing
/// else; what the disk does not give now is left out.
pub(in crate::embedded) fn payloads(
    conn: &Connection,
    index: &Mutex<Index>,
    ids: &[EventId],
) -> Result<Vec<Payload>, Fault> {
    let mut bodies = HashMap::new();
    let mut payloads = Vec::with_capacity(ids.len());
    for id in ids {
        match payload(conn, index, *id, &mut bodies) {
            Ok(found) => payloads.extend(found),
            Err(fault) => match fault.kind() {
                Kind::Damaged | Kind::Internal => payloads.push(unreadable(*id)),
                // A sector that cannot be read now may be read later; the others need not wait for that.
                Kind::Io => tracing::warn!(event.id = %id, reason = %fault, "an event cannot be read now"),
                Kind::Overloaded | Kind::Closed | Kind::DiskFull | Kind::Hindered | Kind::ReadOnly => {
                    return Err(fault);
                }
            },
        }
    }
    Ok(payloads)
}

fn payload(
    conn: &Connection,
    index: &Mutex<Index>,
    id: EventId,
    bodies: &mut HashMap<i64, BodyRow>,
) -> Result<Option<Payload>, Fault> {
    let Some(found) = named(conn, index, &Find::Event(id), 1)?.pop() else {
        return Ok(None);
    };
    if found.event.damaged {
        return Ok(Some(unreadable(id)));
    }
    let row = match bodies.get(&found.notification) {
        Some(row) => row.clone(),
        None => {
            let row = body(conn, found.notification, i64::MAX)?;
            bodies.insert(found.notification, row.clone());
            row
        }
    };
    let (body, damaged) = row.told();
    Ok(Some(Payload { event: Arc::new(EventRecord { damaged, ..found.event }), body, signature: found.signature }))
}

fn unreadable(id: EventId) -> Payload {
    Payload { event: Arc::new(EventRecord::unreadable(id)), body: None, signature: None }
}

/// Looks up by hash, and keeps what really fits.
pub(in crate::embedded) fn find(
    conn: &Connection,
    index: &Mutex<Index>,
    find: &Find,
) -> Result<Vec<EventRecord>, Fault> {
    let found = named(conn, index, find, PAGE_ROWS_MAX)?;
    Ok(found.into_iter().map(|found| found.event).collect())
}

/// The numbers of the events with this id: one, unless its key expired before it came again.
pub(in crate::embedded) fn numbers_of(conn: &Connection, index: &Mutex<Index>, id: EventId) -> Result<Vec<i64>, Fault> {
    let found = named(conn, index, &Find::Event(id), PAGE_ROWS_MAX)?;
    Ok(found.into_iter().map(|found| found.number).collect())
}

fn named(conn: &Connection, index: &Mutex<Index>, find: &Find, limit: usize) -> Result<Vec<Numbered>, Fault> {
    let mut query = conn.prepare_cached(&format!("SELECT {EVENT_COLUMNS} FROM {EVENT_TABLES} WHERE e.id = ?1"))?;
    let (mut found, mut damaged) = (Vec::new(), None);
    lookup::each_candidate(conn, index, find, |number| {
        // A hash that two names share, or an event that retention has dropped meanwhile, is passed over.
        let candidate = query.query_row([number], event).optional()?;
        match candidate {
            Some(candidate) if candidate.event.damaged => damaged = Some(candidate),
            Some(candidate) if names::means(find, &candidate.event) => found.push(candidate),
            Some(_) | None => {}
        }
        Ok(found.len() < limit)
    })?;
    // The id of a damaged one may be another now. Half of an id led here, and to nothing that fits better.
    if let (true, Find::Event(id), Some(damaged)) = (found.is_empty(), find, damaged) {
        found.push(Numbered { event: EventRecord { id: *id, ..damaged.event }, ..damaged });
    }
    Ok(found)
}

/// A page of events, newest first. The cursor is the place of the last row that was looked at.
pub(in crate::embedded) fn events(conn: &Connection, query: &EventQuery) -> Result<Page<EventRecord>, Fault> {
    let limit = page_rows(query.limit);
    let until = query.until_ms.unwrap_or(i64::MAX);
    let (before_at, before_number) = query.cursor.as_deref().and_then(parse).unwrap_or((until, i64::MIN));
    let since = query.since_ms.unwrap_or(i64::MIN);
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {EVENT_COLUMNS} FROM {EVENT_TABLES}
         WHERE (e.received_at, e.id) < (?1, ?2) AND e.received_at >= ?3
         ORDER BY e.received_at DESC, e.id DESC LIMIT ?4"
    ))?;
    let scan = i64::try_from(SCAN_ROWS_MAX).unwrap_or(i64::MAX);
    let mut found = statement.query(params![before_at.min(until), before_number, since, scan])?;
    let mut rows = Vec::new();
    let mut looked_at = 0;
    let mut next_cursor = None;
    while let Some(row) = found.next()? {
        let numbered = event(row)?;
        looked_at += 1;
        let place = format!("{}.{}", numbered.event.received_at_ms, numbered.number);
        if matches(query, &numbered.event) {
            rows.push(numbered.event);
        }
        if rows.len() == limit || looked_at == SCAN_ROWS_MAX {
            next_cursor = Some(place);
            break;
        }
    }
    Ok(Page { rows, next_cursor })
}

/// True for a cursor that this engine may have given.
pub(in crate::embedded) fn is_cursor(cursor: &str) -> bool {
    parse(cursor).is_some()
}

fn parse(cursor: &str) -> Option<(i64, i64)> {
    let (at, number) = cursor.split_once('.')?;
    Some((at.parse().ok()?, number.parse().ok()?))
}

fn matches(query: &EventQuery, event: &EventRecord) -> bool {
    let is = |wanted: &Option<String>, there: Option<&String>| wanted.is_none() || wanted.as_ref() == there;
    is(&query.app, Some(&event.app))
        && is(&query.field, Some(&event.field))
        && is(&query.waba_id, event.waba_id.as_ref())
        && is(&query.phone_number_id, event.phone_number_id.as_ref())
        && query.unrouted.is_none_or(|unrouted| unrouted == event.unrouted)
        && query.event_type.as_deref().is_none_or(|wanted| type_fits(wanted, &event.event_type))
}

/// The copies of an event that differ from it, oldest first.
pub(in crate::embedded) fn conflicts(conn: &Connection, id: EventId) -> Result<Vec<ConflictRecord>, Fault> {
    let mut query = conn.prepare_cached(
        "SELECT n.notification_id, c.received_at, c.position, c.data_start, c.data_end
         FROM conflicts c JOIN notifications n ON n.id = c.notification
         WHERE c.event_id = ?1 ORDER BY c.id LIMIT ?2",
    )?;
    let limit = i64::try_from(PAGE_ROWS_MAX).unwrap_or(i64::MAX);
    let rows = query.query_map(params![id.as_bytes(), limit], |row| {
        Ok(ConflictRecord {
            event: id,
            notification: NotificationId::from_bytes(row.get(0)?),
            received_at_ms: row.get(1)?,
            position: row.get(2)?,
            data_range: size(row, 3)?..size(row, 4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A notification as received.
pub(in crate::embedded) fn notification(
    conn: &Connection,
    id: NotificationId,
) -> Result<Option<NotificationRecord>, Fault> {
    let mut query = conn.prepare_cached(
        "SELECT n.id, n.notification_id, n.app, n.scope, n.received_at, n.signature, n.secret_index, n.event_count,
                n.first_event, n.end_event, n.checksum
         FROM notifications n WHERE n.notification_id = ?1",
    )?;
    let found = query
        .query_row([id.as_bytes()], |row| {
            let nothing = NotificationRecord::unreadable(id);
            if !checksum::fits(row, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 10)? {
                return Ok((0, nothing));
            }
            let record = NotificationRecord {
                app: row.get(2)?,
                received_at_ms: row.get(4)?,
                signature: row.get(5)?,
                events: row.get(7)?,
                damaged: false,
                ..nothing
            };
            Ok((row.get::<_, i64>(0)?, record))
        })
        .optional()?;
    let Some((number, mut record)) = found else {
        return Ok(None);
    };
    if !record.damaged {
        (record.body, record.damaged) = body(conn, number, i64::MAX)?.told();
    }
    Ok(Some(record))
}
