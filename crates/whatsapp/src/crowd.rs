//! How many events a body can have.
//!
//! An event of ours takes a kilobyte and a microsecond or two, whatever it is made of. So that three bytes never become
//! one, a body with more elements than its length can account for is kept whole, as one event.

use crate::array::Array;
use crate::json::{Json, Object};

/// Meta puts at most 1,000 updates into a body, and 3 MB of the smallest status are some 40,000.
const EVENTS_MAX: usize = 100_000;
/// A short body can have so many events, whatever it is made of.
const EVENTS_ALWAYS: usize = 100;
/// The smallest status that says anything has 75 bytes.
const EVENT_BYTES_MIN: usize = 32;

/// True where a body holds more events than one can.
pub(crate) fn is_crowd(root: Json<'_, '_>, body_bytes: usize) -> bool {
    let most = EVENTS_MAX.min(EVENTS_ALWAYS + body_bytes / EVENT_BYTES_MIN);
    // Every event has a value of its own, so most bodies need not be counted.
    if root.values() <= most {
        return false;
    }
    if root.object().is_some() {
        return in_piece(root, most) > most;
    }
    sum(root.elements(), most, in_piece) > most
}

/// Adds up, and stops when it is enough.
fn sum<T>(parts: impl Iterator<Item = T>, most: usize, count: impl Fn(T, usize) -> usize) -> usize {
    let mut total = 0;
    for part in parts {
        total += count(part, most);
        if total > most {
            break;
        }
    }
    total
}

fn in_piece(piece: Json<'_, '_>, most: usize) -> usize {
    let entry = piece.object().and_then(|piece| piece.get("entry"));
    entry.map_or(1, |entry| sum(entry.elements(), most, in_entry).max(1))
}

fn in_entry(entry: Json<'_, '_>, most: usize) -> usize {
    let changes = entry.object().and_then(|entry| entry.get("changes"));
    changes.map_or(1, |changes| sum(changes.elements(), most, in_change).max(1))
}

fn in_change(change: Json<'_, '_>, most: usize) -> usize {
    let value = change.object().and_then(|change| change.get("value")).and_then(Json::object);
    let Some(value) = value else { return 1 };
    let standby = value.get("standby").and_then(Json::object);
    let of = |object: &Object<'_, '_>, in_standby: bool| {
        let arrays = object.members().filter(|member| Array::named(&member.name(), in_standby).is_some());
        sum(arrays, most, |array, most| array.value.elements().take(most + 1).count())
    };
    (of(&value, false) + standby.map_or(0, |standby| of(&standby, true))).max(1)
}
