//! An event's row.

use rules::identity::{EventId, NotificationId};
use rusqlite::Row;

use crate::embedded::wholes;
use crate::record::EventRecord;

/// What [`event`] reads, with `e` for the event, `n` for its notification and `u` for its duplicates.
pub(in crate::embedded) const EVENT_COLUMNS: &str =
    "e.event_id, n.notification_id, e.app, e.key, e.event_type, e.field,
    e.entry_id, e.waba_id, e.business_id, e.phone_number_id, e.display_phone_number, e.wa_id, e.user_id,
    e.parent_user_id, e.message_id, e.lane, e.occurred_at, e.received_at, e.test, e.problems, e.data_start, e.data_end,
    e.data_is_json, e.position, coalesce(u.copies, 0), e.unrouted, e.id, e.notification,
    e.whole_to, n.signature";

/// Where they come from.
pub(in crate::embedded) const EVENT_TABLES: &str = "events e JOIN notifications n ON n.id = e.notification
    LEFT JOIN event_duplicates u ON u.event = e.id";

/// An event with the numbers of its own row and of its notification's.
#[derive(Debug)]
pub(in crate::embedded) struct Numbered {
    pub(in crate::embedded) event: EventRecord,
    pub(in crate::embedded) number: i64,
    pub(in crate::embedded) notification: i64,
    /// Of its notification.
    pub(in crate::embedded) signature: Option<String>,
}

/// Reads an event.
pub(in crate::embedded) fn event(row: &Row<'_>) -> rusqlite::Result<Numbered> {
    let event = EventRecord {
        id: EventId::from_bytes(row.get(0)?),
        notification: NotificationId::from_bytes(row.get(1)?),
        app: row.get(2)?,
        key: row.get(3)?,
        event_type: row.get(4)?,
        field: row.get(5)?,
        entry_id: row.get(6)?,
        waba_id: row.get(7)?,
        business_id: row.get(8)?,
        phone_number_id: row.get(9)?,
        display_phone_number: row.get(10)?,
        wa_id: row.get(11)?,
        user_id: row.get(12)?,
        parent_user_id: row.get(13)?,
        message_id: row.get(14)?,
        lane: row.get(15)?,
        occurred_at_seconds: row.get(16)?,
        received_at_ms: row.get(17)?,
        test: row.get(18)?,
        problems_json: row.get(19)?,
        data_range: size(row, 20)?..size(row, 21)?,
        data_is_json: row.get(22)?,
        position: row.get(23)?,
        duplicates: row.get(24)?,
        unrouted: row.get(25)?,
        whole_to: wholes::from_text(row.get_ref(28)?.as_str_or_null()?),
    };
    Ok(Numbered { event, number: row.get(26)?, notification: row.get(27)?, signature: row.get(29)? })
}

pub(super) fn size(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    let size: i64 = row.get(column)?;
    Ok(usize::try_from(size).unwrap_or_default())
}
