//! The tables.

use super::{Column, Side, Table};
use crate::copy::Kind;

/// The day of a moment, as the database's partitions have it.
macro_rules! day {
    (folder $at:literal) => {
        concat!("max(0, min(1000000, ", $at, " / 86400000))")
    };
    (database $at:literal) => {
        concat!("least(greatest(", $at, " / 86400000, 0), 1000000)::int")
    };
}

/// Where in the ring of pieces a partition of keys lies.
macro_rules! piece {
    () => {
        "(CASE WHEN partition >= 0 THEN partition % 32 ELSE 32 + (-(partition + 1)) % 16 END)::int2"
    };
}

mod deliveries;
mod events;
mod registers;

use self::deliveries::{ATTEMPTS, ENDED, OWED, REPLAY_ITEMS, REPLAY_STEPS, REPLAYS};
use self::events::{CONFLICTS, EVENTS, KEYS, NOTIFICATIONS};
use self::registers::{API_KEYS, CONTACT_NAMES, ENDPOINTS, LABELS, NUMBERS, SETTINGS, TOTALS};

const fn col(name: &'static str, kind: Kind) -> Column {
    Column::same(name, kind)
}

const fn side(from: &'static str, place: &'static [(&'static str, Kind)], into: &'static [&'static str]) -> Side {
    Side { from, filter: "TRUE", joined: "", place, into }
}

/// All of them.
pub(crate) static TABLES: &[Table] = &[
    SETTINGS,
    API_KEYS,
    NUMBERS,
    LABELS,
    CONTACT_NAMES,
    ENDPOINTS,
    NOTIFICATIONS,
    EVENTS,
    CONFLICTS,
    KEYS,
    OWED,
    ENDED,
    ATTEMPTS,
    REPLAYS,
    REPLAY_ITEMS,
    REPLAY_STEPS,
    TOTALS,
];
