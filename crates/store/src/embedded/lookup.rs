//! The look-up tree: hashes of what an event can be found by.
//!
//! A hash only leads to candidates; whoever looks up compares the real members.

use rusqlite::params;

use super::dedupe::short_hash;
use super::fault::Fault;
use super::job::Tx;
use crate::record::{EventRecord, NewEvent};
use crate::seam::Find;

/// Enters a new event under all its names.
pub(super) fn enter(tx: &Tx<'_>, event: &NewEvent, number: i64) -> Result<(), Fault> {
    let mut insert = tx.conn.prepare_cached("INSERT OR IGNORE INTO event_lookups (hash, event) VALUES (?1, ?2)")?;
    let names = Names {
        id: event.id.as_bytes(),
        message: event.message_id.as_deref(),
        contacts: [&event.wa_id, &event.user_id, &event.parent_user_id].map(Option::as_deref),
        number: event.phone_number_id.as_deref(),
        display: event.display_phone_number.as_deref(),
    };
    for hash in names.hashes() {
        insert.execute(params![hash, number])?;
    }
    Ok(())
}

/// Every hash that an event was entered under, to take it out again.
pub(super) fn keys_of(event: &EventRecord) -> Vec<i64> {
    let names = Names {
        id: event.id.as_bytes(),
        message: event.message_id.as_deref(),
        contacts: [&event.wa_id, &event.user_id, &event.parent_user_id].map(Option::as_deref),
        number: event.phone_number_id.as_deref(),
        display: event.display_phone_number.as_deref(),
    };
    names.hashes().collect()
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
    fn hashes(self) -> impl Iterator<Item = i64> + use<'e> {
        let of = |kind: &'static str, name: Option<&str>| name.map(|name| hash(kind, name));
        let contacts = self.contacts.map(|name| of("contact", name));
        std::iter::once(Some(event_hash(self.id)))
            .chain([of("message", self.message), of("number", self.number)])
            .chain([self.display.map(|display| hash("number", &digits(display)))])
            .chain(contacts)
            .flatten()
    }
}

/// The hash to look under.
pub(super) fn key(find: &Find) -> i64 {
    match find {
        Find::Event(id) => event_hash(id.as_bytes()),
        Find::MessageId(id) => hash("message", id),
        Find::Contact(name) => hash("contact", name),
        Find::Number(name) => hash("number", name),
    }
}

/// True when the candidate is really meant.
pub(super) fn means(find: &Find, event: &EventRecord) -> bool {
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
