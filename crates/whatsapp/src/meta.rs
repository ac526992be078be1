//! Writes one event as a notification of its own, in Meta's form: the envelope, the entry and the change as they came,
//! and of the value's elements this one alone.
//!
//! Every member that is kept is kept byte for byte. Left out are the sibling elements, and the `contacts` that belong to
//! them; contacts that belong to nobody in particular stay. Reading the result gives the same event again.

use crate::array::Array;
use crate::cut::{self, Cut, Place, Slot};
use crate::envelope::{Change, Envelope, OBJECT, Piece};
use crate::event::Notification;
use crate::json::{Json, Member, Object, Shape};
use crate::scene::Scene;
use crate::write::{Members, in_brackets};

/// Writes one event of a body. `None` when the body has no event of this index.
#[must_use]
pub fn encode(body: &[u8], event_index: u32) -> Option<Vec<u8>> {
    Encoder::new(body).encode(event_index)
}

/// A body that was read once, so that each of its events costs only its own size and that of what they share.
#[derive(Debug)]
pub struct Encoder<'a> {
    cut: Cut<'a>,
    /// For each change the contacts that no event claims.
    common_cards: Vec<Vec<usize>>,
}

/// What one event keeps of its value.
struct Kept<'e, 'a> {
    scene: &'e Scene<'a>,
    array: Array,
    element: Json<'a>,
    cards: Vec<usize>,
}

impl<'a> Encoder<'a> {
    /// Reads the body.
    #[must_use]
    pub fn new(body: &'a [u8]) -> Self {
        let cut = cut::cut(body);
        let mut claimed: Vec<Vec<bool>> =
            cut.places.iter().map(|place| vec![false; place.scene.cards.list.len()]).collect();
        for slot in &cut.slots {
            if let Slot::Item { place, cards, .. } = slot {
                let claims = claimed.get_mut(*place).map(|claims| (claims, cards));
                if let Some((claims, cards)) = claims {
                    cards.iter().filter_map(|card| claims.get_mut(*card).map(|claim| *claim = true)).for_each(drop);
                }
            }
        }
        let unclaimed = |claims: Vec<bool>| {
            let cards = claims.into_iter().enumerate();
            cards.filter_map(|(card, claimed)| (!claimed).then_some(card)).collect()
        };
        Self { cut, common_cards: claimed.into_iter().map(unclaimed).collect() }
    }

    /// What the body says; the indexes of its events are those that [`Encoder::encode`] takes.
    #[must_use]
    pub fn notification(&self) -> &Notification<'a> {
        &self.cut.notification
    }

    /// Writes one event. `None` when the body has no event of this index.
    #[must_use]
    pub fn encode(&self, event_index: u32) -> Option<Vec<u8>> {
        let slot = self.cut.slots.get(usize::try_from(event_index).ok()?)?;
        let mut out = Vec::new();
        match slot {
            Slot::Piece(piece) => self.write_piece(*piece, &mut out)?,
            Slot::Entry { piece, entry } => {
                let envelope = self.envelope(*piece)?;
                let entry = envelope.entries.get(*entry)?;
                write_envelope(envelope, &mut out, |out| out.extend(entry.json.text().as_bytes()));
            }
            Slot::Change(_) | Slot::Item { .. } => self.write_in_envelope(event_index, &mut out)?,
        }
        Some(out)
    }

    /// The cards that stay: the event's own and nobody's. One that the event alone would wrongly take for its own goes.
    fn cards(&self, place: usize, own: &[usize], would_take: bool) -> Option<Vec<usize>> {
        let mut cards = self.common_cards.get(place)?.clone();
        if would_take && cards.len() == 1 {
            cards.clear();
        }
        cards.extend(own);
        cards.sort_unstable();
        Some(cards)
    }

    fn envelope(&self, piece: usize) -> Option<&Envelope<'a>> {
        match self.cut.pieces.get(piece)? {
            Piece::Envelope(envelope) => Some(envelope),
            Piece::Foreign { .. } | Piece::Unreadable(_) => None,
        }
    }

    fn write_piece(&self, piece: usize, out: &mut Vec<u8>) -> Option<()> {
        match self.cut.pieces.get(piece)? {
            _ if self.cut.pieces.len() == 1 => out.extend(self.cut.body),
            Piece::Foreign { json, .. } => out.extend(json.text().as_bytes()),
            Piece::Unreadable(bytes) => out.extend(*bytes),
            Piece::Envelope(_) => return None,
        }
        Some(())
    }

    /// The change of an event, without envelope and entry, with this event alone. `None` where the event is not part of
    /// a change.
    pub(crate) fn change(&self, event_index: u32) -> Option<Vec<u8>> {
        let (place, kept) = self.place(event_index)?;
        let change = self.change_at(place)?;
        let mut out = Vec::new();
        write_change(change, kept.as_ref(), &mut out);
        Some(out)
    }

    /// What the events of an event's change share. `None` where the event is not part of a change.
    pub(crate) fn scene(&self, event_index: u32) -> Option<&Scene<'a>> {
        self.place(event_index).map(|(place, _)| &place.scene)
    }

    /// The change of an event, and what of its value is kept: all of it where the event is the whole change.
    fn place(&self, event_index: u32) -> Option<(&Place<'a>, Option<Kept<'_, 'a>>)> {
        match self.cut.slots.get(usize::try_from(event_index).ok()?)? {
            Slot::Piece(_) | Slot::Entry { .. } => None,
            Slot::Change(place) => Some((self.cut.places.get(*place)?, None)),
            Slot::Item { place, item, cards, takes_only_card } => {
                let found = self.cut.places.get(*place)?;
                let scene = &found.scene;
                let item = scene.items.get(*item)?;
                let cards = self.cards(*place, cards, *takes_only_card && scene.items.len() > 1)?;
                Some((found, Some(Kept { scene, array: item.array, element: item.json, cards })))
            }
        }
    }

    fn change_at(&self, place: &Place<'a>) -> Option<&Change<'a>> {
        self.envelope(place.piece)?.entries.get(place.entry)?.changes.get(place.change)
    }

    fn write_in_envelope(&self, event_index: u32, out: &mut Vec<u8>) -> Option<()> {
        let (place, kept) = self.place(event_index)?;
        let envelope = self.envelope(place.piece)?;
        let entry = envelope.entries.get(place.entry)?;
        let change = self.change_at(place)?;
        let write = |out: &mut Vec<u8>| write_change(change, kept.as_ref(), out);
        write_envelope(envelope, out, |out| match &entry.object {
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

fn write_change(change: &Change<'_>, kept: Option<&Kept<'_, '_>>, out: &mut Vec<u8>) {
    match (kept, &change.object) {
        (Some(kept), Some(object)) => rewrite(object, "value", out, |out| write_value(kept, out)),
        (None, _) | (_, None) => out.extend(change.json.text().as_bytes()),
    }
}

fn write_envelope(envelope: &Envelope<'_>, out: &mut Vec<u8>, write_entry: impl FnOnce(&mut Vec<u8>)) {
    let named = envelope.object.get("object").and_then(Json::word).is_some_and(|name| name == OBJECT);
    if named && !envelope.bare {
        rewrite(&envelope.object, "entry", out, |out| in_brackets(out, write_entry));
        return;
    }
    let mut members = Members::open(out);
    members.name("\"object\"").extend(format!("\"{OBJECT}\"").as_bytes());
    let others = envelope.object.members.iter().filter(|member| !envelope.bare && member.name != "object");
    for member in others.filter(|member| member.name != "entry") {
        members.name(member.spelling).extend(member.value.text().as_bytes());
    }
    in_brackets(members.name("\"entry\""), write_entry);
    members.close();
}

/// Writes an object as it is, but for one member. Where that member occurs twice, the last one counts.
fn rewrite(object: &Object<'_>, name: &str, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let last = object.members.iter().rposition(|member| member.name == name);
    let mut write = Some(write);
    let mut members = Members::open(out);
    for (index, member) in object.members.iter().enumerate() {
        if member.name != name {
            members.name(member.spelling).extend(member.value.text().as_bytes());
        } else if let Some(write) = write.take_if(|_| Some(index) == last) {
            write(members.name(member.spelling));
        }
    }
    members.close();
}

fn write_value<'a>(kept: &Kept<'_, 'a>, out: &mut Vec<u8>) {
    let Some(value) = &kept.scene.value else { return };
    let mut members = Members::open(out);
    write_level(kept, value, false, &mut members);
    members.close();
}

/// What to do with one member of the value.
enum Fate<'a> {
    Copy,
    Drop,
    Element,
    Contacts,
    Standby(Object<'a>),
}

/// Writes the members of the value, or of `standby` inside it, with this event's element alone.
fn write_level<'a>(kept: &Kept<'_, 'a>, level: &Object<'a>, standby: bool, members: &mut Members<'_>) {
    for (index, member) in level.members.iter().enumerate() {
        let repeated = || level.members.iter().skip(index + 1).any(|later| later.name == member.name);
        match fate(kept, member, standby) {
            Fate::Copy => members.name(member.spelling).extend(member.value.text().as_bytes()),
            Fate::Drop => {}
            Fate::Element | Fate::Contacts | Fate::Standby(_) if repeated() => {}
            Fate::Element => {
                in_brackets(members.name(member.spelling), |out| out.extend(kept.element.text().as_bytes()));
            }
            Fate::Contacts => write_contacts(kept, standby, member.spelling, members),
            Fate::Standby(inner) => {
                let mut inner_members = Members::open(members.name(member.spelling));
                write_level(kept, &inner, true, &mut inner_members);
                inner_members.close();
            }
        }
    }
}

fn fate<'a>(kept: &Kept<'_, 'a>, member: &Member<'a>, standby: bool) -> Fate<'a> {
    let name = member.name.as_ref();
    let here = |array: &&Array| array.in_standby() == standby && array.name() == name;
    if let Some(array) = kept.scene.split.iter().find(here) {
        return if *array == kept.array { Fate::Element } else { Fate::Drop };
    }
    match (name, member.value.shape()) {
        ("contacts", Shape::Array) => Fate::Contacts,
        ("standby", Shape::Object) if !standby => {
            member.value.object().filter(|_| kept.array.in_standby()).map_or(Fate::Drop, Fate::Standby)
        }
        _ => Fate::Copy,
    }
}

fn write_contacts(kept: &Kept<'_, '_>, standby: bool, spelling: &str, members: &mut Members<'_>) {
    let list = &kept.scene.cards.list;
    let cards = kept.cards.iter().filter_map(|card| list.get(*card)).filter(|card| card.standby == standby);
    let texts: Vec<&str> = cards.map(|card| card.json.text()).collect();
    if !texts.is_empty() {
        in_brackets(members.name(spelling), |out| out.extend(texts.join(",").as_bytes()));
    }
}
