//! An event's row.

use rules::identity::{EventId, NotificationId};
use tokio_postgres::Row;

use crate::postgres::fault::Fault;
use crate::postgres::session::cell;
use crate::postgres::value::{Uid, small};
use crate::record::{EndpointNo, EventRecord};

/// What [`event`] reads, with `e` for the event and `n` for its notification.
macro_rules! event_columns {
    () => {
        "e.event_id, e.notification, e.app, e.key, e.event_type, e.field, e.entry_id, e.waba_id, e.business_id,
         e.phone_number_id, e.display_phone_number, e.wa_id, e.user_id, e.parent_user_id, e.message_id, e.lane,
         e.occurred_at, e.received_at, e.test, e.problems, e.data_start, e.data_end, e.data_is_json, e.position,
         e.unrouted, e.whole_to, e.copies, e.id, e.day, n.signature"
    };
}
pub(in crate::postgres) use event_columns;

/// How many they are.
pub(in crate::postgres) const EVENT_COLUMNS: usize = 30;

/// An event with its number.
pub(in crate::postgres) struct Numbered {
    pub(in crate::postgres) event: EventRecord,
    pub(in crate::postgres) number: i64,
    /// Of its notification.
    pub(in crate::postgres) signature: Option<String>,
}

/// Reads an event.
pub(in crate::postgres) fn event(row: &Row) -> Result<Numbered, Fault> {
    let (id, notification): (Uid, Uid) = (cell(row, 0)?, cell(row, 1)?);
    let whole_to: Option<Vec<i64>> = cell(row, 25)?;
    let size = |column: usize| small(row, column).map(|size| size as usize);
    let event = EventRecord {
        id: EventId::from_bytes(id.0),
        notification: NotificationId::from_bytes(notification.0),
        app: cell(row, 2)?,
        key: cell(row, 3)?,
        event_type: cell(row, 4)?,
        field: cell(row, 5)?,
        entry_id: cell(row, 6)?,
        waba_id: cell(row, 7)?,
        business_id: cell(row, 8)?,
        phone_number_id: cell(row, 9)?,
        display_phone_number: cell(row, 10)?,
        wa_id: cell(row, 11)?,
        user_id: cell(row, 12)?,
        parent_user_id: cell(row, 13)?,
        message_id: cell(row, 14)?,
        lane: cell(row, 15)?,
        occurred_at_seconds: cell(row, 16)?,
        received_at_ms: cell(row, 17)?,
        test: cell(row, 18)?,
        problems_json: cell(row, 19)?,
        data_range: size(20)?..size(21)?,
        data_is_json: cell(row, 22)?,
        position: small(row, 23)?,
        unrouted: cell(row, 24)?,
        whole_to: whole_to.unwrap_or_default().into_iter().map(EndpointNo).collect(),
        duplicates: small(row, 26)?,
        damaged: false,
    };
    Ok(Numbered { event, number: cell(row, 27)?, signature: cell(row, 29)? })
}
