//! Queries.
//!
//! Lists walk one order from a cursor and filter as they go. A page looks at a bounded number of rows: one that matches
//! rarely may be short, or empty, and still have a next page.

mod deliveries;
mod events;
mod rows;

pub(super) use self::deliveries::{deliveries, delivery, is_cursor as is_delivery_cursor};
pub(super) use self::events::{conflicts, events, find, is_cursor as is_event_cursor, notification, places_of};
pub(super) use self::rows::{EVENT_COLUMNS, event, event_columns};

use super::value::int8;
use crate::common::lists::SCAN_ROWS_MAX;

/// Rows that one page looks at.
fn scan_max() -> i64 {
    int8(SCAN_ROWS_MAX)
}
