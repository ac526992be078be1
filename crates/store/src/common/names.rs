//! What events can be found by, beside their keys: hashes of their names. A hash only leads to candidates; whoever looks up
//! compares the real members.

use super::digest::short_hash;
use crate::record::{EventRecord, NewEvent};
use crate::seam::Find;

/// The hashes of all by which a new event can be found, each once: its id, then its names.
pub(crate) fn hashes_of(event: &NewEvent) -> Box<[i64]> {
    let contacts = [&event.wa_id, &event.user_id, &event.parent_user_id].map(Option::as_deref);
    let numbers = [&event.phone_number_id, &event.display_phone_number].map(Option::as_deref);
    hashes_of_names(event.id.as_bytes(), event.message_id.as_deref(), contacts, numbers)
}

/// The same of one that is kept.
pub(crate) fn hashes_of_kept(event: &EventRecord) -> Box<[i64]> {
    let contacts = [&event.wa_id, &event.user_id, &event.parent_user_id].map(Option::as_deref);
    let numbers = [&event.phone_number_id, &event.display_phone_number].map(Option::as_deref);
    hashes_of_names(event.id.as_bytes(), event.message_id.as_deref(), contacts, numbers)
}

/// The same of an event that is known by its columns: its message, its contact's names, and its business number's id and
/// digits for display.
pub(crate) fn hashes_of_names(
    id: &[u8; 16],
    message: Option<&str>,
    contacts: [Option<&str>; 3],
    [number, display]: [Option<&str>; 2],
) -> Box<[i64]> {
    let display = display.map(digits);
    let contacts = contacts.map(|name| ("contact", name));
    let numbers = [number, display.as_deref()].map(|name| ("number", name));
    let mut hashes = vec![event_hash(id)];
    for (kind, name) in [("message", message)].into_iter().chain(contacts).chain(numbers) {
        let hash = name.map(|name| hash(kind, name));
        hashes.extend(hash.filter(|hash| !hashes.contains(hash)));
    }
    hashes.into()
}

/// The hash to look under.
pub(crate) fn hash_of(find: &Find) -> i64 {
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
pub(crate) fn event_hash(id: &[u8; 16]) -> i64 {
    i64::from_be_bytes(*id.first_chunk::<8>().unwrap_or(&[0; 8]))
}

fn hash(kind: &str, name: &str) -> i64 {
    short_hash(&[kind.as_bytes(), b":", name.as_bytes()])
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
