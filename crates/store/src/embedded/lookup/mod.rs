//! What events are known by: their keys, and the names by which people look for them.
//!
//! Neither has a tree of its own, whose places would be random and whose pages each commit would write again. A commit
//! appends one row to the log of the tail (`log`); once it has returned, its events are known in memory (`part`,
//! `index`). A full part is sealed: sorted, and appended as blocks that fill a page each (`block`, `seal`). A sealed
//! segment keeps in memory a filter of its keys and where each block begins (`filter`, `segment`), which is all that
//! opening reads of it. Keys expire and segments go as a whole (`expire`).
//!
//! An event is in the log until a segment's row is durable, and in memory from COMMIT until the segment is learned: it
//! may be met twice, and is never missed. A name is kept as a hash that only leads to candidates; whoever looks up
//! compares the real members.

mod block;
mod carry;
mod check;
mod expire;
mod filter;
mod gathered;
mod index;
mod log;
mod part;
mod rows;
mod seal;
mod segment;
#[cfg(test)]
mod tests;

use std::sync::Mutex;

use rusqlite::Connection;

pub(super) use self::carry::{Carrier, seal_next};
pub(super) use self::check::{damaged, unknown_events};
pub(super) use self::expire::expire;
pub(super) use self::gathered::Gathered;
pub(super) use self::index::{Dropped, Index};
pub(super) use self::seal::{Sealer, run as run_sealer};
use super::fault::Fault;
use super::shared::{Shared, lock};
use crate::common::names;
use crate::seam::Find;

/// A partition of keys, and an event's id.
pub(super) type Key = (i64, [u8; 16]);

/// The number of the first event with a key, and its digest.
pub(super) type Known = (i64, i64);

/// Reads what the file says; begins anew where something was known.
pub(super) fn load(conn: &Connection, shared: &Shared) -> Result<(), Fault> {
    let sealed = lock(&shared.index).load(conn)?;
    seal::clear_log(shared, sealed);
    shared.sealer.wake();
    Ok(())
}

/// Visits the numbers of the events that may be meant, newest first, until `visit` says no. The connection must be in no
/// transaction: what is sealed while this looks must be seen.
pub(super) fn each_candidate(
    conn: &Connection,
    index: &Mutex<Index>,
    find: &Find,
    mut visit: impl FnMut(i64) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let hash = names::hash_of(find);
    let (in_memory, segments) = {
        let index = lock(index);
        (index.events_of(hash), index.segments())
    };
    for event in in_memory {
        if !visit(event)? {
            return Ok(());
        }
    }
    for segment in segments.iter().rev() {
        let may_hold = match find {
            Find::Event(id) => segment.may_hold_event(id.as_bytes()),
            Find::MessageId(_) | Find::Contact(_) | Find::Number(_) => true,
        };
        if may_hold && !segment.each_event(conn, hash, &mut visit)? {
            return Ok(());
        }
    }
    Ok(())
}
