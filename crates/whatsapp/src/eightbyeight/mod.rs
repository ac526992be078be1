//! Writes one event in the normalised form that 8x8 gives to business management events.
//!
//! One JSON object per event: `eventId`, `timestamp`, `provider`, `businessAccountId`, `accountId`, `eventType`,
//! `eventDetails`. 8x8 documents the forms of account updates, of four template events and of the quality of a number,
//! and three events that it passes through in Meta's own words (`rawEvent`). Everything else about a business is an
//! **extension** of ours: the keys that the documentation does not know in camelCase, and whole changes of other fields as
//! `rawEvent`. A receiver that was written for 8x8 has never seen an extension; [`Frame::documented_only`] leaves them out.
//! Messages, statuses and calls have no form here.
//!
//! Values are Meta's, byte for byte: numbers are not rounded, words keep their case. Changed are only names (to
//! camelCase), times (Unix seconds to ISO 8601 with two digits of fraction) and the spaces in rejection reasons (to
//! underscores). Null and missing members are left out. A value of another type than documented passes as it is.

mod convert;
mod tables;

use crate::event::Event;
use crate::field::Field;
use crate::iso;
use crate::json::{Json, Object, Tape};
use crate::meta::Encoder;
use crate::write::Members;

use convert::Level;
use tables::Form;

/// What the caller decides about a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// `eventId`: the same whenever the event is sent again. [`event_id`] makes one from a hash of the event's key.
    pub event_id: &'a str,
    /// `accountId`: the name of the account at 8x8, which Meta knows nothing about.
    pub account_id: &'a str,
    /// The time of an event that shows none, in Unix seconds.
    pub received_at_seconds: i64,
    /// Leaves out what 8x8 does not document.
    pub documented_only: bool,
}

/// An event in this form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoded {
    /// The body.
    Body(Vec<u8>),
    /// The form has no place for the event.
    LeftOut,
}

/// A UUID (version 8 of RFC 9562) made of a hash of the event's key.
#[must_use]
pub fn event_id(mut hash: [u8; 16]) -> String {
    if let Some(version) = hash.get_mut(6) {
        *version = (*version & 0x0f) | 0x80;
    }
    if let Some(variant) = hash.get_mut(8) {
        *variant = (*variant & 0x3f) | 0x80;
    }
    let digits = hex::encode(hash);
    let part = |range| digits.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

/// Writes one event of a body. `None` when the body has no event of this index.
#[must_use]
pub fn encode(body: &[u8], event_index: u32, frame: &Frame<'_>) -> Option<Encoded> {
    let encoder = Encoder::only(body, event_index);
    let event = encoder.event(event_index)?;
    Some(of_event(&encoder, &event, frame).map_or(Encoded::LeftOut, Encoded::Body))
}

/// How an event is written.
enum Way {
    Form(&'static Form),
    /// Meta's change as it is, under this event type.
    Raw {
        event_type: String,
        documented: bool,
    },
}

fn of_event(encoder: &Encoder<'_>, event: &Event<'_>, frame: &Frame<'_>) -> Option<Vec<u8>> {
    let way = way(encoder, event)?;
    let change = encoder.change(event.origin.event)?;
    let tape = Tape::read(std::str::from_utf8(&change).ok()?)?;
    let change = tape.root();
    let value = change.object().and_then(|change| change.some("value")).and_then(Json::object);
    let seconds = time(encoder, event).unwrap_or(frame.received_at_seconds);
    match (way, value) {
        (Way::Form(form), Some(value)) => {
            if frame.documented_only && !form.is_documented(&value) {
                return None;
            }
            Some(envelope(event, frame, form.event_type, seconds, |out| write_form(form, &value, frame, out)))
        }
        (Way::Raw { documented: false, .. }, _) | (Way::Form(_), None) if frame.documented_only => None,
        (Way::Raw { event_type, .. }, _) => Some(envelope(event, frame, &event_type, seconds, |out| raw(change, out))),
        // A value that is no object fits no form.
        (Way::Form(_), None) => Some(envelope(event, frame, &event.field, seconds, |out| raw(change, out))),
    }
}

/// `None` for what is no event about the business.
fn way(encoder: &Encoder<'_>, event: &Event<'_>) -> Option<Way> {
    let whole_change = encoder.place_of(event.origin.event)?.items == 0;
    let event_type = event.event_type.as_str();
    let family = event_type.split('.').next().unwrap_or_default();
    if let Some(form) = tables::form(event_type).filter(|_| whole_change) {
        return Some(Way::Form(form));
    }
    let documented = [("user_id_update", "whatsapp_user_id_update"), ("user_preferences", "whatsapp_preference")];
    if event_type == "messages.contacts" {
        return Some(Way::Raw { event_type: "whatsapp_contact".to_owned(), documented: true });
    }
    if let Some((_, name)) = documented.iter().find(|(known, _)| *known == family) {
        return Some(Way::Raw { event_type: (*name).to_owned(), documented: true });
    }
    let of_business = match Field::of(family) {
        Field::Management | Field::AutomaticEvents | Field::TrackingEvents => true,
        // Elements under a field that nobody knows may well be messages.
        Field::Unknown => whole_change && Field::of(&event.field) == Field::Unknown,
        Field::Messages
        | Field::MessageEchoes
        | Field::SmbMessageEchoes
        | Field::StateSync
        | Field::History
        | Field::Calls
        | Field::Handovers
        | Field::Standby
        | Field::Groups
        | Field::ConsumerProfile
        | Field::UserPreferences
        | Field::UserIdUpdate
        | Field::Missing => false,
    };
    of_business.then(|| Way::Raw { event_type: event.field.clone().into_owned(), documented: false })
}

/// `entry.time`, or the event's own where the entry has none.
fn time(encoder: &Encoder<'_>, event: &Event<'_>) -> Option<i64> {
    encoder.place_of(event.origin.event)?.entry_seconds.or(event.occurred_at_seconds)
}

fn envelope(
    event: &Event<'_>,
    frame: &Frame<'_>,
    event_type: &str,
    seconds: i64,
    write_details: impl FnOnce(&mut Vec<u8>),
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut members = Members::open(&mut out);
    members.text("eventId", frame.event_id);
    members.text("timestamp", &iso::utc(seconds, convert::TIME_END).unwrap_or_default());
    members.text("provider", "WhatsApp");
    // The account of partner events stands in `waba_info`; the entry then bears the portfolio.
    if let Some(account) = event.waba_id.as_ref().or(event.entry_id.as_ref()) {
        members.text("businessAccountId", account);
    }
    members.text("accountId", frame.account_id);
    members.text("eventType", event_type);
    write_details(members.named("eventDetails"));
    members.close();
    out
}

fn write_form(form: &Form, value: &Object<'_, '_>, frame: &Frame<'_>, out: &mut Vec<u8>) {
    let mut details = Level::open(out, frame.documented_only);
    let mut known = details.rules(value, form.details);
    match form.meta {
        Some(rules) => {
            let mut meta = Level::open(details.nested("meta"), frame.documented_only);
            known.extend(meta.rules(value, rules));
            meta.others(value, &known);
            meta.close();
        }
        None => details.others(value, &known),
    }
    details.close();
}

fn raw(change: Json<'_, '_>, out: &mut Vec<u8>) {
    let mut details = Members::open(out);
    details.named("rawEvent").extend(change.text().as_bytes());
    details.close();
}
