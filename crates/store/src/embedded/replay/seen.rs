//! The plan of a replay, and the events that fit it.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::common::filter::{self, Named};
use crate::common::walk::Walk;
use crate::embedded::fault::Fault;
use crate::replay::{ReplayFilter, ReplayNo, ReplayOf};

/// The row of a replay, as far as counting needs it.
pub(super) struct Plan {
    pub(super) of: ReplayOf,
    pub(super) filter: ReplayFilter,
    pub(super) to: Option<i64>,
    pub(super) upto_event: i64,
    pub(super) upto_delivery: i64,
    pub(super) walk: Walk,
}

/// The plan of a replay.
pub(super) fn plan(conn: &Connection, number: ReplayNo) -> Result<Option<Plan>, Fault> {
    let mut query = conn.prepare_cached(
        "SELECT of, filter, target, upto_event, upto_delivery, walk, at_first, at_second FROM replays WHERE number = ?1",
    )?;
    let found = query.query_row([number.0], |row| {
        let (of, text): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(Plan {
            of: ReplayOf::of(&of),
            filter: filter::from_json(&text),
            to: row.get(2)?,
            upto_event: row.get(3)?,
            upto_delivery: row.get(4)?,
            walk: Walk { number: row.get(5)?, first: row.get(6)?, second: row.get(7)? },
        })
    });
    Ok(found.optional()?)
}

/// What the filter looks at, from columns 0 to 8: the event's number, its time and its names.
pub(super) struct Seen {
    pub(super) event: i64,
    pub(super) named: Named,
    pub(super) has_body: bool,
}

/// What [`Seen`] reads, with `e` for the event.
pub(super) const SEEN: &str =
    "e.id, e.received_at, e.app, e.field, e.event_type, e.waba_id, e.phone_number_id, e.unrouted,
                    EXISTS (SELECT 1 FROM bodies b WHERE b.notification = e.notification)";

impl Seen {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            event: row.get(0)?,
            named: Named {
                received_at_ms: row.get(1)?,
                app: row.get(2)?,
                field: row.get(3)?,
                event_type: row.get(4)?,
                waba_id: row.get(5)?,
                phone_number_id: row.get(6)?,
                unrouted: row.get(7)?,
            },
            has_body: row.get(8)?,
        })
    }

    pub(super) fn fits(&self, plan: &Plan) -> bool {
        self.event <= plan.upto_event && self.named.fits(plan.of, &plan.filter)
    }
}
