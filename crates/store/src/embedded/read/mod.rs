//! Queries, on reading connections.
//!
//! Lists walk one index from a cursor and filter as they go. A page looks at a bounded number of rows: one that matches
//! rarely may be short, or empty, and still have a next page.

mod deliveries;
mod events;
mod rows;

pub(super) use self::deliveries::{deliveries, delivery, is_cursor as is_delivery_cursor};
pub(super) use self::events::{
    conflicts, events, find, is_cursor as is_event_cursor, notification, numbers_of, payloads,
};
pub(super) use self::rows::{BodyRow, EVENT_COLUMNS, EVENT_TABLES, body, body_of, event};
