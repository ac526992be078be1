//! An event's row, and a body's.

use std::sync::Arc;

use rules::identity::{EventId, NotificationId};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::embedded::fault::Fault;
use crate::embedded::{checksum, wholes};
use crate::record::EventRecord;

/// What [`event`] reads, with `e` for the event, `n` for its notification and `u` for its duplicates.
pub(in crate::embedded) const EVENT_COLUMNS: &str =
    "e.event_id, n.notification_id, e.app, e.key, e.event_type, e.field,
    e.entry_id, e.waba_id, e.business_id, e.phone_number_id, e.display_phone_number, e.wa_id, e.user_id,
    e.parent_user_id, e.message_id, e.lane, e.occurred_at, e.received_at, e.test, e.problems, e.data_start, e.data_end,
    e.data_is_json, e.position, coalesce(u.copies, 0), e.unrouted, e.id, e.notification,
    e.whole_to, n.signature, n.scope, n.secret_index, n.event_count, n.first_event, n.end_event, e.checksum, n.checksum";

/// Where they come from. An event whose notification is not there is damaged.
pub(in crate::embedded) const EVENT_TABLES: &str = "events e LEFT JOIN notifications n ON n.id = e.notification
    LEFT JOIN event_duplicates u ON u.event = e.id";

/// What an event's checksum is of, in its order, and where that stands.
const OF_EVENT: (&[usize], usize) =
    (&[26, 0, 27, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 28], 35);
/// The same of its notification, whose app and arrival the event repeats.
const OF_ITS_NOTIFICATION: (&[usize], usize) = (&[27, 1, 2, 30, 17, 29, 31, 32, 33, 34], 36);

/// An event with the numbers of its own row and of its notification's.
#[derive(Debug)]
pub(in crate::embedded) struct Numbered {
    pub(in crate::embedded) event: EventRecord,
    pub(in crate::embedded) number: i64,
    pub(in crate::embedded) notification: i64,
    /// Of its notification.
    pub(in crate::embedded) signature: Option<String>,
}

/// Reads an event. One whose checksum does not fit is unreadable: nothing of it is told but where it stands.
pub(in crate::embedded) fn event(row: &Row<'_>) -> rusqlite::Result<Numbered> {
    let fits = |(columns, sum)| checksum::fits(row, columns, sum);
    if !fits(OF_EVENT)? || !fits(OF_ITS_NOTIFICATION)? {
        return unreadable(row);
    }
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
        damaged: false,
    };
    Ok(Numbered { event, number: row.get(26)?, notification: row.get(27)?, signature: row.get(29)? })
}

/// Of its id and its arrival is given what stands there, for whoever looks and pages.
fn unreadable(row: &Row<'_>) -> rusqlite::Result<Numbered> {
    let number = |column: usize| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_i64().unwrap_or_default());
    let id = row.get_ref(0)?.as_blob().ok().and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; 16]);
    let event = EventRecord { received_at_ms: number(17)?, ..EventRecord::unreadable(EventId::from_bytes(id)) };
    Ok(Numbered { event, number: number(26)?, notification: number(27)?, signature: None })
}

pub(super) fn size(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    let size: i64 = row.get(column)?;
    Ok(usize::try_from(size).unwrap_or_default())
}

/// What there is of a body.
#[derive(Debug, Clone)]
pub(in crate::embedded) enum BodyRow {
    /// Its bytes, as they were written.
    Sound(Arc<[u8]>),
    /// Other bytes than were written.
    Damaged,
    /// Retention has dropped it, or it is larger than was asked for.
    Gone,
}

impl BodyRow {
    /// The bytes, and whether they are damaged.
    pub(in crate::embedded) fn told(self) -> (Option<Arc<[u8]>>, bool) {
        match self {
            Self::Sound(bytes) => (Some(bytes), false),
            Self::Damaged => (None, true),
            Self::Gone => (None, false),
        }
    }
}

/// Reads the body of a notification, if it has no more than so many bytes.
pub(in crate::embedded) fn body(conn: &Connection, notification: i64, bytes_max: i64) -> Result<BodyRow, Fault> {
    let mut query = conn.prepare_cached(
        "SELECT notification, received_at, checksum, body FROM bodies WHERE notification = ?1 AND length(body) <= ?2",
    )?;
    let found = query.query_row([notification, bytes_max], body_of).optional()?;
    Ok(found.unwrap_or(BodyRow::Gone))
}

/// Reads `notification, received_at, checksum, body`.
pub(in crate::embedded) fn body_of(row: &Row<'_>) -> rusqlite::Result<BodyRow> {
    let number = |column: usize| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_i64().ok());
    let (notification, received_at, sum) = (number(0)?, number(1)?, number(2)?);
    let bytes = row.get_ref(3)?.as_blob().ok();
    let sound = bytes.zip(notification).zip(received_at).filter(|((bytes, notification), received_at)| {
        let computed = checksum::of_large([*notification, *received_at], checksum::of_bytes(bytes));
        sum.is_some_and(|sum| checksum::is(sum, computed))
    });
    Ok(sound.map_or(BodyRow::Damaged, |((bytes, _), _)| BodyRow::Sound(Arc::from(bytes))))
}
