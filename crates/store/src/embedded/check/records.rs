//! The checksums of all rows that bear one.

use rules::identity::NotificationId;
use rusqlite::{Connection, Row};

use super::PROBLEMS_MAX;
use crate::embedded::checksum;
use crate::embedded::fault::Fault;
use crate::embedded::read::{BodyRow, EVENT_COLUMNS, EVENT_TABLES, body_of, event};

/// What is damaged, in a sentence each, and how much of it.
#[derive(Debug, Default)]
pub(super) struct Damaged {
    pub(super) sentences: Vec<String>,
    pub(super) count: u64,
}

impl Damaged {
    fn add(&mut self, sentence: impl FnOnce() -> String) {
        self.count += 1;
        if self.sentences.len() < PROBLEMS_MAX {
            self.sentences.push(sentence());
        }
    }
}

/// Reads every event, every notification and every body.
pub(super) fn damaged(conn: &Connection) -> Result<Damaged, Fault> {
    let mut damaged = Damaged::default();
    // What cannot be decoded is damaged as well, but for that a page of it would be, which is looked at before.
    each(conn, &format!("SELECT {EVENT_COLUMNS} FROM {EVENT_TABLES} ORDER BY e.id"), |row| {
        let found = event(row)?;
        if found.event.damaged {
            damaged.add(|| format!("event {} (row {}) is not what was written", found.event.id, found.number));
        }
        Ok(())
    })?;
    let notifications = "SELECT id, notification_id, app, scope, received_at, signature, secret_index, event_count,
                                first_event, end_event, checksum FROM notifications ORDER BY id";
    each(conn, notifications, |row| {
        if !checksum::fits(row, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 10)? {
            let id = row.get_ref(1)?.as_blob().ok().and_then(|id| id.try_into().ok()).map(NotificationId::from_bytes);
            let id = id.map_or_else(|| "without an id".to_owned(), |id| id.to_string());
            let number = row.get_ref(0)?.as_i64().unwrap_or_default();
            damaged.add(|| format!("notification {id} (row {number}) is not what was written"));
        }
        Ok(())
    })?;
    let bodies = "SELECT b.notification, b.received_at, b.checksum, b.body, n.notification_id
                  FROM bodies b LEFT JOIN notifications n ON n.id = b.notification ORDER BY b.notification";
    each(conn, bodies, |row| {
        if matches!(body_of(row)?, BodyRow::Damaged) {
            let id = row.get_ref(4)?.as_blob().ok().and_then(|id| id.try_into().ok()).map(NotificationId::from_bytes);
            let of = id.map_or_else(|| "an unknown notification".to_owned(), |id| format!("notification {id}"));
            let number = row.get_ref(0)?.as_i64().unwrap_or_default();
            damaged.add(|| format!("the body of {of} (row {number}) is not what was written"));
        }
        Ok(())
    })?;
    Ok(damaged)
}

fn each(conn: &Connection, sql: &str, mut look: impl FnMut(&Row<'_>) -> rusqlite::Result<()>) -> Result<(), Fault> {
    let mut query = conn.prepare(sql)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        look(row)?;
    }
    Ok(())
}
