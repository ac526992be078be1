//! The cut: pieces to changes, changes to elements, elements to events.

use std::cell::OnceCell;

use crate::canon;
use crate::draft::Draft;
use crate::envelope::{Entry, Envelope, Piece, Reading};
use crate::event::{Contact, Data, Event, EventKey, EventType, KeyScope, Lane, Notification, Origin, Problem};
use crate::json::Json;
use crate::key::Key;
use crate::part::Notes;
use crate::scene::Scene;
use crate::{draft, drift, element};

/// Cuts a body.
pub(crate) fn cut<'a>(reading: &Reading<'a>) -> Notification<'a> {
    let notes = Notes::default();
    let pieces = reading.open(&notes);
    cut_pieces(reading.body, &pieces, notes, None)
}

/// Cuts one event for an encoder, which asks neither for its key nor for its problems: nothing is hashed or compared.
pub(crate) fn one<'a>(reading: &Reading<'a>, index: u32) -> Option<Event<'a>> {
    let notes = Notes::default();
    let pieces = reading.open(&notes);
    cut_pieces(reading.body, &pieces, notes, Some(index as usize)).events.pop()
}

fn cut_pieces<'a>(body: &'a [u8], pieces: &[Piece<'_, 'a>], notes: Notes, only: Option<usize>) -> Notification<'a> {
    let mut cutter = Cutter { body, notes, events: Vec::new(), count: 0, only, entries: 0 };
    for piece in pieces {
        match piece {
            Piece::Envelope(envelope) => cutter.envelope(envelope),
            Piece::Foreign { name, json } => cutter.foreign(name, *json),
            Piece::Unreadable(bytes) => cutter.unreadable(bytes, pieces.len() > 1),
        }
    }
    let object = pieces.iter().find_map(|piece| match piece {
        Piece::Envelope(envelope) => envelope.object.some("object").and_then(Json::word),
        Piece::Foreign { name, .. } => Some(name.clone()),
        Piece::Unreadable(_) => None,
    });
    let Cutter { notes, events, .. } = cutter;
    Notification { object, events, problems: notes.into_problems() }
}

struct Cutter<'a> {
    body: &'a [u8],
    notes: Notes,
    events: Vec<Event<'a>>,
    /// How many events there are so far, those included that nobody asked for.
    count: usize,
    /// The one event that is asked for, where it is not all of them.
    only: Option<usize>,
    entries: u32,
}

/// Where the events of one entry are counted from.
#[derive(Clone, Copy, Default)]
struct At {
    entry: u32,
    change: u32,
}

impl<'a> Cutter<'a> {
    /// Passes the next event when nobody asked for it.
    fn passes(&mut self) -> bool {
        let passes = self.only.is_some_and(|only| only != self.count);
        self.count += usize::from(passes);
        passes
    }

    fn envelope(&mut self, envelope: &Envelope<'_, 'a>) {
        // Of the envelope, not of the body: wrapped in an array it is the same notification.
        let whole = OnceCell::new();
        let whole_hash = || whole.get_or_init(|| canon::content_hash(envelope.object.json())).clone();
        for entry in &envelope.entries {
            let mut at = At { entry: self.entries, change: 0 };
            self.entries = self.entries.saturating_add(1);
            if entry.changes.is_empty() {
                self.lone_entry(entry, at, &whole_hash);
            }
            let mut needs_time = false;
            for change in &entry.changes {
                let scene = Scene::of(entry, change, &self.notes);
                let scene = if self.only.is_some() { scene.without_hashes() } else { scene };
                needs_time |= self.change(&scene, at, &whole_hash);
                at.change = at.change.saturating_add(1);
            }
            let has_time = entry.object.as_ref().is_some_and(|entry| entry.get("time").is_some());
            if needs_time && !has_time {
                self.notes.add(entry.place.member("time"), "missing");
            }
        }
    }

    /// An entry without usable changes is kept as one event.
    fn lone_entry(&mut self, entry: &Entry<'_, 'a>, at: At, whole: &dyn Fn() -> String) {
        if self.passes() {
            return;
        }
        let notes = Notes::default();
        notes.add(entry.place.path(), "no changes");
        let scene = Scene::without_change(entry);
        let draft = Draft::raw(&["notification.entry"], &scene, entry.json);
        self.push(&scene, draft, entry.json, at, notes, whole);
    }

    /// Cuts one change. True where an event needs the entry's time.
    fn change(&mut self, scene: &Scene<'_, 'a>, at: At, whole: &dyn Fn() -> String) -> bool {
        if self.only.is_none() {
            self.events.reserve(scene.items.len());
        }
        for item in &scene.items {
            if self.passes() {
                continue;
            }
            let notes = Notes::default();
            let draft = element::element(scene, item, &notes);
            if self.only.is_none() {
                element::note_news(scene, &draft, Some(item), &notes);
            }
            self.push(scene, draft, item.json, at, notes, whole);
        }
        if !scene.items.is_empty() {
            if self.only.is_none() {
                drift::shared(scene, &self.notes);
            }
            return false;
        }
        if self.passes() {
            return false;
        }
        let notes = Notes::default();
        drift::shared(scene, &notes);
        let draft = element::whole_change(scene, &notes);
        element::note_news(scene, &draft, None, &notes);
        let needs_time = element::needs_entry_time(&draft);
        self.push(scene, draft, scene.whole, at, notes, whole);
        needs_time
    }

    fn push(
        &mut self,
        scene: &Scene<'_, 'a>,
        draft: Draft<'a>,
        data: Json<'_, 'a>,
        at: At,
        notes: Notes,
        whole: &dyn Fn() -> String,
    ) {
        let number = draft.number.unwrap_or_else(|| scene.number.clone());
        let test = scene.is_test(number.id.as_deref());
        let mut text = draft.key;
        if test || draft.by_notification {
            text = format!("{text}:{}:{}", whole(), self.count);
        }
        let account = draft.account.unwrap_or_else(|| draft::Account { waba_id: scene.waba_id(), business_id: None });
        let origin = Origin { entry: at.entry, change: at.change, event: self.next_event() };
        self.count += 1;
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
            profile: draft.cards.iter().next().and_then(|card| Some(scene.cards.card(card)?.json.text())),
        });
    }

    fn next_event(&self) -> u32 {
        u32::try_from(self.count).unwrap_or(u32::MAX)
    }

    /// A notification for another product.
    fn foreign(&mut self, name: &str, json: Json<'_, 'a>) {
        if self.passes() {
            return;
        }
        let event_type = draft::event_type(&["object", name]);
        let key = Key::new("raw").may(Some(event_type.as_str())).may(None);
        let key = key.may(Some(&canon::content_hash(json))).end(String::new);
        self.lone(event_type, key, Data::Json(json.text()), Vec::new());
    }

    /// Bytes in which nothing can be recognised. The key is that of the whole body, so that a redelivery is one.
    fn unreadable(&mut self, bytes: &'a [u8], one_of_many: bool) {
        if self.passes() {
            return;
        }
        let mut key = format!("unreadable:{}", canon::bytes_hash(self.body));
        if one_of_many {
            key = format!("{key}:{}", self.count);
        }
        let problems = vec![Problem { path: String::new(), what: "not readable" }];
        self.lone(draft::event_type(&["notification.unreadable"]), key, Data::Bytes(bytes), problems);
    }

    fn lone(&mut self, event_type: EventType, key: String, data: Data<'a>, problems: Vec<Problem>) {
        let origin = Origin { entry: self.entries, change: 0, event: self.next_event() };
        self.entries = self.entries.saturating_add(1);
        self.count += 1;
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
