//! Writes one event as a notification of its own, in Meta's form: the envelope, the entry and the change as they came,
//! and of the value's elements this one alone.
//!
//! Every member that is kept is kept byte for byte. Left out are the sibling elements, and the `contacts` that belong to
//! them; contacts that belong to nobody in particular stay. Reading the result gives the same event again.

use std::sync::OnceLock;

use crate::array::Array;
use crate::cut;
use crate::envelope::{OBJECT, Reading};
use crate::event::{Event, Notification};
use crate::json::{Json, Member, Object, Shape, Spot};
use crate::plan::{Card, Part, Place, Plan, Slot};
use crate::write::{Members, in_brackets};

/// Writes one event of a body. `None` when the body has no event of this index.
///
/// The body is scanned once, and of its changes only the event's own is looked at; nothing is compared and no key is made.
/// For several events of one body an [`Encoder`] scans it once for all of them.
#[must_use]
pub fn encode(body: &[u8], event_index: u32) -> Option<Vec<u8>> {
    Encoder::only(body, event_index).encode(event_index)
}

/// A body that was scanned once, so that each of its events costs only its own size and that of what they share.
#[derive(Debug)]
pub struct Encoder<'a> {
    reading: Reading<'a>,
    plan: Plan<'a>,
    notification: OnceLock<Notification<'a>>,
}

/// What one event keeps of its value.
struct Kept<'e, 'a> {
    value: Object<'e, 'a>,
    split: &'e [Array],
    array: Array,
    element: Json<'e, 'a>,
    cards: Vec<(bool, Json<'e, 'a>)>,
}

impl<'a> Encoder<'a> {
    /// Scans the body.
    #[must_use]
    pub fn new(body: &'a [u8]) -> Self {
        Self::of(body, None)
    }

    /// An encoder for one event.
    pub(crate) fn only(body: &'a [u8], event_index: u32) -> Self {
        Self::of(body, Some(event_index))
    }

    fn of(body: &'a [u8], only: Option<u32>) -> Self {
        let reading = Reading::new(body);
        let plan = Plan::of(&reading, only);
        Self { reading, plan, notification: OnceLock::new() }
    }

    /// What the body says; the indexes of its events are those that [`Encoder::encode`] takes. Read when it is first asked
    /// for.
    #[must_use]
    pub fn notification(&self) -> &Notification<'a> {
        self.notification.get_or_init(|| cut::cut(&self.reading))
    }

    /// One event, without its problems.
    pub(crate) fn event(&self, event_index: u32) -> Option<Event<'a>> {
        cut::one(&self.reading, event_index)
    }

    /// Writes one event. `None` when the body has no event of this index.
    #[must_use]
    pub fn encode(&self, event_index: u32) -> Option<Vec<u8>> {
        // An event alone in its body is as long as the body; others grow as they need.
        let usual = self.reading.body.len() / self.plan.slots.len().max(1) + 512;
        let mut out = Vec::with_capacity(usual);
        match self.slot(event_index)? {
            Slot::Piece(piece) => self.write_piece(*piece, &mut out)?,
            Slot::Entry { piece, entry } => {
                let (envelope, bare) = self.envelope(*piece)?;
                let entry = self.reading.at(*entry)?;
                write_envelope(&envelope, bare, &mut out, |out| out.extend(entry.text().as_bytes()));
            }
            Slot::Change(_) | Slot::Item { .. } => self.write_in_envelope(event_index, &mut out)?,
            Slot::Other => return None,
        }
        Some(out)
    }

    fn slot(&self, event_index: u32) -> Option<&Slot> {
        self.plan.slots.get(usize::try_from(event_index).ok()?)
    }

    fn object(&self, spot: Spot) -> Option<Object<'_, 'a>> {
        self.reading.at(spot)?.object()
    }

    fn envelope(&self, piece: usize) -> Option<(Object<'_, 'a>, bool)> {
        match self.plan.pieces.get(piece)? {
            Part::Envelope { object, bare } => Some((self.object(*object)?, *bare)),
            Part::Foreign(_) | Part::Unreadable(_) => None,
        }
    }

    fn write_piece(&self, piece: usize, out: &mut Vec<u8>) -> Option<()> {
        match self.plan.pieces.get(piece)? {
            _ if self.plan.pieces.len() == 1 => out.extend(self.reading.body),
            Part::Foreign(spot) => out.extend(self.reading.at(*spot)?.text().as_bytes()),
            Part::Unreadable(bytes) => out.extend(*bytes),
            Part::Envelope { .. } => return None,
        }
        Some(())
    }

    /// The change of an event, without envelope and entry, with this event alone. `None` where the event is not part of
    /// a change.
    pub(crate) fn change(&self, event_index: u32) -> Option<Vec<u8>> {
        let (place, kept) = self.place(event_index)?;
        let change = self.reading.at(place.change)?;
        let mut out = Vec::new();
        write_change(change, kept.as_ref(), &mut out);
        Some(out)
    }

    /// The change of an event, and what of its value is kept: all of it where the event is the whole change. `None` where
    /// the event is not part of a change.
    fn place(&self, event_index: u32) -> Option<(&Place, Option<Kept<'_, 'a>>)> {
        match self.slot(event_index)? {
            Slot::Piece(_) | Slot::Entry { .. } | Slot::Other => None,
            Slot::Change(place) => Some((self.plan.places.get(*place)?, None)),
            Slot::Item { place, array, element, cards, takes_only_card } => {
                let place = self.plan.places.get(*place)?;
                let card = |card: &Card| Some((card.standby, self.reading.at(card.spot)?));
                let cards = place.cards_of(cards, *takes_only_card).into_iter().filter_map(card).collect();
                let (value, element) = (self.object(place.value?)?, self.reading.at(*element)?);
                Some((place, Some(Kept { value, split: &place.split, array: *array, element, cards })))
            }
        }
    }

    /// Where the event's change stands.
    pub(crate) fn place_of(&self, event_index: u32) -> Option<&Place> {
        match self.slot(event_index)? {
            Slot::Piece(_) | Slot::Entry { .. } | Slot::Other => None,
            Slot::Change(place) | Slot::Item { place, .. } => self.plan.places.get(*place),
        }
    }

    fn write_in_envelope(&self, event_index: u32, out: &mut Vec<u8>) -> Option<()> {
        let (place, kept) = self.place(event_index)?;
        let (envelope, bare) = self.envelope(place.piece)?;
        let entry = place.entry.and_then(|entry| self.object(entry));
        let change = self.reading.at(place.change)?;
        let write = |out: &mut Vec<u8>| write_change(change, kept.as_ref(), out);
        write_envelope(&envelope, bare, out, |out| match &entry {
            Some(entry) => rewrite(entry, "changes", out, |out| in_brackets(out, write)),
            None => {
                out.extend(br#"{"changes":"#);
                in_brackets(out, write);
                out.push(b'}');
            }
        });
        Some(())
    }
}

fn write_change(change: Json<'_, '_>, kept: Option<&Kept<'_, '_>>, out: &mut Vec<u8>) {
    match (kept, change.object()) {
        (Some(kept), Some(object)) => rewrite(&object, "value", out, |out| write_value(kept, out)),
        (None, _) | (_, None) => out.extend(change.text().as_bytes()),
    }
}

fn write_envelope(envelope: &Object<'_, '_>, bare: bool, out: &mut Vec<u8>, write_entry: impl FnOnce(&mut Vec<u8>)) {
    let named = envelope.get("object").and_then(Json::word).is_some_and(|name| name == OBJECT);
    if named && !bare {
        rewrite(envelope, "entry", out, |out| in_brackets(out, write_entry));
        return;
    }
    let mut members = Members::open(out);
    members.name("\"object\"").extend(format!("\"{OBJECT}\"").as_bytes());
    let others = envelope.members().filter(|member| !bare && !member.is("object"));
    for member in others.filter(|member| !member.is("entry")) {
        members.name(member.spelling()).extend(member.value.text().as_bytes());
    }
    in_brackets(members.name("\"entry\""), write_entry);
    members.close();
}

/// Writes an object as it is, but for one member. Where that member occurs twice, the last one counts.
fn rewrite(object: &Object<'_, '_>, name: &str, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let last = object.get(name).map(Json::spot);
    let mut write = Some(write);
    let mut members = Members::open(out);
    for member in object.members() {
        if !member.is(name) {
            members.name(member.spelling()).extend(member.value.text().as_bytes());
        } else if let Some(write) = write.take_if(|_| Some(member.value.spot()) == last) {
            write(members.name(member.spelling()));
        }
    }
    members.close();
}

fn write_value(kept: &Kept<'_, '_>, out: &mut Vec<u8>) {
    let mut members = Members::open(out);
    write_level(kept, &kept.value, false, &mut members);
    members.close();
}

/// What to do with one member of the value.
enum Fate<'e, 'a> {
    Copy,
    Drop,
    Element,
    Contacts,
    Standby(Object<'e, 'a>),
}

/// Writes the members of the value, or of `standby` inside it, with this event's element alone.
fn write_level<'a>(kept: &Kept<'_, 'a>, level: &Object<'_, 'a>, standby: bool, members: &mut Members<'_>) {
    // Of what is written anew and occurs twice, the last one counts.
    let last = [kept.array.name(), "contacts", "standby"].map(|name| level.get(name).map(Json::spot));
    for member in level.members() {
        let repeated = || !last.contains(&Some(member.value.spot()));
        match fate(kept, &member, standby) {
            Fate::Copy => members.name(member.spelling()).extend(member.value.text().as_bytes()),
            Fate::Drop => {}
            Fate::Element | Fate::Contacts | Fate::Standby(_) if repeated() => {}
            Fate::Element => {
                in_brackets(members.name(member.spelling()), |out| out.extend(kept.element.text().as_bytes()));
            }
            Fate::Contacts => write_contacts(kept, standby, member.spelling(), members),
            Fate::Standby(inner) => {
                let mut inner_members = Members::open(members.name(member.spelling()));
                write_level(kept, &inner, true, &mut inner_members);
                inner_members.close();
            }
        }
    }
}

fn fate<'e, 'a>(kept: &Kept<'_, 'a>, member: &Member<'e, 'a>, standby: bool) -> Fate<'e, 'a> {
    let here = |array: &&Array| array.in_standby() == standby && member.is(array.name());
    if let Some(array) = kept.split.iter().find(here) {
        return if *array == kept.array { Fate::Element } else { Fate::Drop };
    }
    match (member.name().as_ref(), member.value.shape()) {
        ("contacts", Shape::Array) => Fate::Contacts,
        ("standby", Shape::Object) if !standby => {
            member.value.object().filter(|_| kept.array.in_standby()).map_or(Fate::Drop, Fate::Standby)
        }
        _ => Fate::Copy,
    }
}

fn write_contacts(kept: &Kept<'_, '_>, standby: bool, spelling: &str, members: &mut Members<'_>) {
    let cards = kept.cards.iter().filter(|(in_standby, _)| *in_standby == standby);
    let texts: Vec<&str> = cards.map(|(_, card)| card.text()).collect();
    if !texts.is_empty() {
        in_brackets(members.name(spelling), |out| out.extend(texts.join(",").as_bytes()));
    }
}
