//! The cut: pieces to changes, changes to elements, elements to events.

use std::cell::OnceCell;

use crate::canon;
use crate::draft::Draft;
use crate::envelope::{self, Envelope, Piece};
use crate::event::{Contact, Data, Event, EventKey, EventType, KeyScope, Lane, Notification, Origin, Problem};
use crate::json::Json;
use crate::key::Key;
use crate::part::Notes;
use crate::scene::Scene;
use crate::{draft, drift, element};

/// A body cut into events, with what an encoder needs to write each of them down again.
#[derive(Debug)]
pub(crate) struct Cut<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) pieces: Vec<Piece<'a>>,
    /// The changes in their order; every slot points to one of them.
    pub(crate) places: Vec<Place<'a>>,
    /// One per event.
    pub(crate) slots: Vec<Slot>,
    pub(crate) notification: Notification<'a>,
}

/// A change and where it sits.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) piece: usize,
    pub(crate) entry: usize,
    pub(crate) change: usize,
    pub(crate) scene: Scene<'a>,
}

/// What one event was cut from.
#[derive(Debug)]
pub(crate) enum Slot {
    /// A whole top-level piece.
    Piece(usize),
    /// An entry without changes, by piece and position.
    Entry { piece: usize, entry: usize },
    /// A whole change.
    Change(usize),
    /// One element of a change.
    Item { place: usize, item: usize, cards: Vec<usize>, takes_only_card: bool },
}

/// Meta puts at most 1,000 updates into a body, and 3 MB of the smallest status are some 40,000. A body with more events
/// than this is kept whole, so that three bytes of it never become a kilobyte of ours.
const EVENTS_MAX: usize = 100_000;

/// Cuts a body.
pub(crate) fn cut(body: &[u8]) -> Cut<'_> {
    let notes = Notes::default();
    let pieces = envelope::open(body, &notes);
    cut_pieces(body, pieces, notes)
}

fn cut_pieces<'a>(body: &'a [u8], pieces: Vec<Piece<'a>>, notes: Notes) -> Cut<'a> {
    let mut cutter = Cutter { body, notes, places: Vec::new(), slots: Vec::new(), events: Vec::new(), entries: 0 };
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Envelope(envelope) => cutter.envelope(index, envelope),
            Piece::Foreign { name, json } => cutter.foreign(index, name, *json),
            Piece::Unreadable(bytes) => cutter.unreadable(index, bytes, pieces.len() > 1),
        }
    }
    if cutter.is_full() {
        let notes = Notes::default();
        notes.add(String::new(), "too many events");
        return cut_pieces(body, vec![Piece::Unreadable(body)], notes);
    }
    let object = pieces.iter().find_map(|piece| match piece {
        Piece::Envelope(envelope) => envelope.object.some("object").and_then(Json::word),
        Piece::Foreign { name, .. } => Some(name.clone()),
        Piece::Unreadable(_) => None,
    });
    let Cutter { notes, places, slots, events, .. } = cutter;
    Cut { body, pieces, places, slots, notification: Notification { object, events, problems: notes.into_problems() } }
}

struct Cutter<'a> {
    body: &'a [u8],
    notes: Notes,
    places: Vec<Place<'a>>,
    slots: Vec<Slot>,
    events: Vec<Event<'a>>,
    entries: u32,
}

/// Where the events of one entry are counted from.
#[derive(Clone, Copy, Default)]
struct At {
    entry: u32,
    change: u32,
}

impl<'a> Cutter<'a> {
    fn is_full(&self) -> bool {
        self.events.len() > EVENTS_MAX
    }

    fn envelope(&mut self, piece: usize, envelope: &Envelope<'a>) {
        // Of the envelope, not of the body: wrapped in an array it is the same notification.
        let whole = OnceCell::new();
        let whole_hash = || whole.get_or_init(|| canon::object_hash(&envelope.object)).clone();
        for (entry_index, entry) in envelope.entries.iter().enumerate() {
            if self.is_full() {
                return;
            }
            let mut at = At { entry: self.entries, change: 0 };
            self.entries = self.entries.saturating_add(1);
            if entry.changes.is_empty() {
                self.lone_entry(piece, entry_index, envelope, at, &whole_hash);
            }
            let mut needs_time = false;
            for (change_index, change) in entry.changes.iter().enumerate() {
                if self.is_full() {
                    return;
                }
                let scene = Scene::of(entry, change, &self.notes);
                needs_time |= self.change(&scene, at, &whole_hash);
                self.places.push(Place { piece, entry: entry_index, change: change_index, scene });
                at.change = at.change.saturating_add(1);
            }
            let has_time = entry.object.as_ref().is_some_and(|entry| entry.get("time").is_some());
            if needs_time && !has_time {
                self.notes.add(envelope::join(&entry.path, "time"), "missing");
            }
        }
    }

    /// An entry without usable changes is kept as one event.
    fn lone_entry(&mut self, piece: usize, index: usize, envelope: &Envelope<'a>, at: At, whole: &dyn Fn() -> String) {
        let Some(entry) = envelope.entries.get(index) else {
            return;
        };
        let notes = Notes::default();
        notes.add(entry.path.clone(), "no changes");
        let scene = Scene::without_change(entry);
        let draft = Draft::raw(&["notification.entry"], &scene, entry.json);
        self.slots.push(Slot::Entry { piece, entry: index });
        self.push(&scene, draft, entry.json, at, notes, whole);
    }

    /// Cuts one change. True where an event needs the entry's time.
    fn change(&mut self, scene: &Scene<'a>, at: At, whole: &dyn Fn() -> String) -> bool {
        let place = self.places.len();
        for (index, item) in scene.items.iter().enumerate() {
            if self.is_full() {
                return false;
            }
            let notes = Notes::default();
            let draft = element::element(scene, item, &notes);
            element::note_news(scene, &draft, Some(item), &notes);
            let (cards, takes_only_card) = (draft.cards.clone(), draft.takes_only_card);
            self.slots.push(Slot::Item { place, item: index, cards, takes_only_card });
            self.push(scene, draft, item.json, at, notes, whole);
        }
        if !scene.items.is_empty() {
            drift::shared(scene, &self.notes);
        } else {
            let notes = Notes::default();
            drift::shared(scene, &notes);
            let draft = element::whole_change(scene, &notes);
            element::note_news(scene, &draft, None, &notes);
            let needs_time = element::needs_entry_time(&draft);
            self.slots.push(Slot::Change(place));
            self.push(scene, draft, scene.whole, at, notes, whole);
            return needs_time;
        }
        false
    }

    fn push(
        &mut self,
        scene: &Scene<'a>,
        draft: Draft<'a>,
        data: Json<'a>,
        at: At,
        notes: Notes,
        whole: &dyn Fn() -> String,
    ) {
        let number = draft.number.unwrap_or_else(|| scene.number.clone());
        let test = scene.is_test(number.id.as_deref());
        let mut text = draft.key;
        if test || draft.by_notification {
            text = format!("{text}:{}:{}", whole(), self.events.len());
        }
        let account = draft.account.unwrap_or_else(|| draft::Account { waba_id: scene.waba_id(), business_id: None });
        let origin = Origin { entry: at.entry, change: at.change, event: self.next_event() };
        self.events.push(Event {
            event_type: draft.event_type,
            field: scene.field_name.clone(),
            entry_id: scene.entry_id.clone(),
            waba_id: account.waba_id,
            business_id: account.business_id,
            phone_number_id: number.id,
            display_phone_number: number.display,
            contact: draft.contact,
            key: EventKey { text, scope: if test { KeyScope::Arrival } else { KeyScope::Content } },
            lane: draft.lane,
            occurred_at_seconds: draft.occurred_at_seconds,
            message_id: draft.message_id,
            test,
            problems: notes.into_problems(),
            data: Data::Json(data.text()),
            origin,
            family: draft.family,
            profile: draft.cards.first().and_then(|card| Some(scene.cards.list.get(*card)?.json)),
        });
    }

    fn next_event(&self) -> u32 {
        u32::try_from(self.events.len()).unwrap_or(u32::MAX)
    }

    /// A notification for another product.
    fn foreign(&mut self, piece: usize, name: &str, json: Json<'a>) {
        let event_type = draft::event_type(&["object", name]);
        let key = Key::new("raw").may(Some(event_type.as_str())).may(None);
        let key = key.may(Some(&canon::content_hash(json))).end(String::new);
        self.lone(piece, event_type, key, Data::Json(json.text()), Vec::new());
    }

    /// Bytes in which nothing can be recognised. The key is that of the whole body, so that a redelivery is one.
    fn unreadable(&mut self, piece: usize, bytes: &'a [u8], one_of_many: bool) {
        let mut key = format!("unreadable:{}", canon::bytes_hash(self.body));
        if one_of_many {
            key = format!("{key}:{}", self.events.len());
        }
        let problems = vec![Problem { path: String::new(), what: "not readable" }];
        self.lone(piece, draft::event_type(&["notification.unreadable"]), key, Data::Bytes(bytes), problems);
    }

    fn lone(&mut self, piece: usize, event_type: EventType, key: String, data: Data<'a>, problems: Vec<Problem>) {
        let origin = Origin { entry: self.entries, change: 0, event: self.next_event() };
        self.entries = self.entries.saturating_add(1);
        self.slots.push(Slot::Piece(piece));
        self.events.push(Event {
            event_type,
            field: "".into(),
            entry_id: None,
            waba_id: None,
            business_id: None,
            phone_number_id: None,
            display_phone_number: None,
            contact: Contact::default(),
            key: EventKey { text: key, scope: KeyScope::Content },
            lane: Lane::Own,
            occurred_at_seconds: None,
            message_id: None,
            test: false,
            problems,
            data,
            origin,
            family: None,
            profile: None,
        });
    }
}
