//! Numbers given out and totals: one row, read at opening, written once per transaction.

use rusqlite::{Connection, params};

use super::fault::Fault;

/// The row. A transaction works on a copy, which becomes the truth when its COMMIT has returned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) endpoints_version: i64,
    pub(super) next_notification: i64,
    pub(super) next_event: i64,
    pub(super) next_delivery: i64,
    pub(super) notifications: i64,
    pub(super) events: i64,
    pub(super) duplicates: i64,
    pub(super) conflicts: i64,
    pub(super) unrouted: i64,
    pub(super) deliveries: i64,
    pub(super) accepted: i64,
    pub(super) dead: i64,
    pub(super) skipped: i64,
    pub(super) newest_received_at: i64,
    pub(super) retention_clock: i64,
}

impl Ledger {
    pub(super) fn load(conn: &Connection) -> Result<Self, Fault> {
        let row = conn.query_row(
            "SELECT endpoints_version, next_notification, next_event, next_delivery, notifications, events, duplicates,
                    conflicts, unrouted, deliveries, accepted, dead, skipped, newest_received_at, retention_clock
             FROM ledger WHERE id = 1",
            [],
            |row| {
                Ok(Self {
                    endpoints_version: row.get(0)?,
                    next_notification: row.get(1)?,
                    next_event: row.get(2)?,
                    next_delivery: row.get(3)?,
                    notifications: row.get(4)?,
                    events: row.get(5)?,
                    duplicates: row.get(6)?,
                    conflicts: row.get(7)?,
                    unrouted: row.get(8)?,
                    deliveries: row.get(9)?,
                    accepted: row.get(10)?,
                    dead: row.get(11)?,
                    skipped: row.get(12)?,
                    newest_received_at: row.get(13)?,
                    retention_clock: row.get(14)?,
                })
            },
        )?;
        Ok(row)
    }

    pub(super) fn save(&self, conn: &Connection) -> Result<(), Fault> {
        conn.prepare_cached(
            "UPDATE ledger SET endpoints_version = ?1, next_notification = ?2, next_event = ?3, next_delivery = ?4,
                    notifications = ?5, events = ?6, duplicates = ?7, conflicts = ?8, unrouted = ?9, deliveries = ?10,
                    accepted = ?11, dead = ?12, skipped = ?13, newest_received_at = ?14, retention_clock = ?15
             WHERE id = 1",
        )?
        .execute(params![
            self.endpoints_version,
            self.next_notification,
            self.next_event,
            self.next_delivery,
            self.notifications,
            self.events,
            self.duplicates,
            self.conflicts,
            self.unrouted,
            self.deliveries,
            self.accepted,
            self.dead,
            self.skipped,
            self.newest_received_at,
            self.retention_clock,
        ])?;
        Ok(())
    }

    /// Deliveries that are owed.
    pub(super) const fn owed(&self) -> i64 {
        self.deliveries - self.accepted - self.dead - self.skipped
    }
}
