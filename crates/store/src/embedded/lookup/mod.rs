//! Look-ups: hashes of what an event can be found by; and the tail, by which trees are filled behind the commits.
//!
//! A hash only leads to candidates; whoever looks up compares the real members.
//!
//! A commit appends one narrow row for each event to the table `event_tail`; the trees whose places are random, that of
//! the look-ups and that of the keys (see `dedupe`), are filled behind it (`mover`). What the tail table holds is known in memory as well (`tail`), from when the
//! COMMIT has returned. An event moves from the tail into the tree and is then forgotten by the tail, in this order. So
//! whoever looks up asks the tail first and the tree after it: an event may be met twice, and is never missed.

mod mover;
mod tail;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Mutex;

use rusqlite::{Connection, Rows, params};

pub(super) use self::mover::{load, move_on};
pub(super) use self::tail::{Entry, Key, Known, Tail, TailSizes};
use super::commit::Marks;
use super::dedupe::short_hash;
use super::fault::Fault;
use super::job::Tx;
use super::shared::lock;
use crate::record::{EventRecord, NewEvent};
use crate::seam::Find;

/// Writes down by what a new event can be found.
pub(super) fn enter(tx: &Tx<'_>, number: i64, event: &NewEvent, marks: &Marks) -> Result<(), Fault> {
    tx.conn
        .prepare_cached(
            "INSERT INTO event_tail (event, partition, event_id, digest, hashes) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            number,
            event.key_partition,
            event.id.as_bytes(),
            marks.digest,
            tail::encode(&marks.hashes)
        ])?;
    Ok(())
}

/// Takes an event out, wherever it is by now; its key stays. The tail is told by [`Tail::forget`], after COMMIT.
pub(super) fn remove(tx: &mut Tx<'_>, event: i64, hashes: &[i64]) -> Result<(), Fault> {
    tx.dropped_events.insert(event);
    for sql in [
        "INSERT OR IGNORE INTO event_keys (partition, event_id, event, digest)
         SELECT partition, event_id, event, digest FROM event_tail WHERE event = ?1",
        "DELETE FROM event_tail WHERE event = ?1",
    ] {
        tx.conn.prepare_cached(sql)?.execute([event])?;
    }
    let mut unlink = tx.conn.prepare_cached("DELETE FROM event_lookups WHERE hash = ?1 AND event = ?2")?;
    for hash in hashes {
        unlink.execute([*hash, event])?;
    }
    Ok(())
}

/// Visits the numbers of the events that may be meant, newest first, until `visit` says no.
pub(super) fn each_candidate(
    conn: &Connection,
    tail: &Mutex<Tail>,
    find: &Find,
    visit: impl FnMut(i64) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    Waiting::under(tail, key(find)).and_entered(conn, visit)
}

/// The candidates of the tail. They lead to those of the tree, which cannot be had before: what has left the tail until
/// now is in the tree from now on.
struct Waiting {
    hash: i64,
    events: Vec<i64>,
}

impl Waiting {
    fn under(tail: &Mutex<Tail>, hash: i64) -> Self {
        let events = lock(tail).events_of(hash);
        Self { hash, events }
    }

    fn and_entered(self, conn: &Connection, mut visit: impl FnMut(i64) -> Result<bool, Fault>) -> Result<(), Fault> {
        let mut waiting = self.events.into_iter().peekable();
        let mut query = conn.prepare_cached("SELECT event FROM event_lookups WHERE hash = ?1 ORDER BY event DESC")?;
        let mut rows = query.query([self.hash])?;
        let mut entered = next_number(&mut rows)?;
        while let Some(number) = waiting.peek().copied().max(entered) {
            if waiting.peek() == Some(&number) {
                waiting.next();
            }
            if entered == Some(number) {
                entered = next_number(&mut rows)?;
            }
            if !visit(number)? {
                break;
            }
        }
        Ok(())
    }
}

fn next_number(rows: &mut Rows<'_>) -> Result<Option<i64>, Fault> {
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

/// By what a new event can be found.
pub(crate) fn hashes_of(event: &NewEvent) -> Box<[i64]> {
    let names = Names {
        id: event.id.as_bytes(),
        message: event.message_id.as_deref(),
        contacts: [&event.wa_id, &event.user_id, &event.parent_user_id].map(Option::as_deref),
        number: event.phone_number_id.as_deref(),
        display: event.display_phone_number.as_deref(),
    };
    names.hashes()
}

/// Every hash that an event was entered under, to take it out again.
pub(super) fn keys_of(event: &EventRecord) -> Box<[i64]> {
    let names = Names {
        id: event.id.as_bytes(),
        message: event.message_id.as_deref(),
        contacts: [&event.wa_id, &event.user_id, &event.parent_user_id].map(Option::as_deref),
        number: event.phone_number_id.as_deref(),
        display: event.display_phone_number.as_deref(),
    };
    names.hashes()
}

/// What an event can be found by.
struct Names<'e> {
    id: &'e [u8; 16],
    message: Option<&'e str>,
    contacts: [Option<&'e str>; 3],
    number: Option<&'e str>,
    display: Option<&'e str>,
}

impl<'e> Names<'e> {
    /// Each hash once.
    fn hashes(self) -> Box<[i64]> {
        let of = |kind: &'static str, name: Option<&str>| name.map(|name| hash(kind, name));
        let contacts = self.contacts.map(|name| of("contact", name));
        let hashes: BTreeSet<i64> = std::iter::once(Some(event_hash(self.id)))
            .chain([of("message", self.message), of("number", self.number)])
            .chain([self.display.map(|display| hash("number", &digits(display)))])
            .chain(contacts)
            .flatten()
            .collect();
        hashes.into_iter().collect()
    }
}

/// The hash to look under.
fn key(find: &Find) -> i64 {
    match find {
        Find::Event(id) => event_hash(id.as_bytes()),
        Find::MessageId(id) => hash("message", id),
        Find::Contact(name) => hash("contact", name),
        Find::Number(name) => hash("number", name),
    }
}

/// True when the candidate is really meant.
pub(crate) fn means(find: &Find, event: &EventRecord) -> bool {
    match find {
        Find::Event(id) => event.id == *id,
        Find::MessageId(id) => event.message_id.as_ref() == Some(id),
        Find::Contact(name) => [&event.wa_id, &event.user_id, &event.parent_user_id].contains(&&Some(name.clone())),
        Find::Number(name) => {
            event.phone_number_id.as_ref() == Some(name)
                || event.display_phone_number.as_deref().map(digits).as_ref() == Some(name)
        }
    }
}

/// An event id is a hash already.
fn event_hash(id: &[u8; 16]) -> i64 {
    i64::from_be_bytes(*id.first_chunk::<8>().unwrap_or(&[0; 8]))
}

fn hash(kind: &str, name: &str) -> i64 {
    short_hash(&[kind.as_bytes(), b":", name.as_bytes()])
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
