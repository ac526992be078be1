//! From bytes to changes: the outer shape of a body, in every form that Meta's pages print it.

use std::borrow::Cow;

use crate::json::{Json, Object, Shape, Spot, Tape};
use crate::part::Notes;
use crate::{crowd, drift};

/// The `object` of every WhatsApp notification.
pub(crate) const OBJECT: &str = "whatsapp_business_account";

/// Most paths are shorter.
const PATH_BYTES_USUAL: usize = 80;

const BOM: &[u8] = &[0xEF, 0xBB, 0xBF];

/// One top-level part of a body; a body in the normal form has exactly one.
#[derive(Debug)]
pub(crate) enum Piece<'t, 'a> {
    Envelope(Envelope<'t, 'a>),
    /// Meant for another product: `object` has another name.
    Foreign {
        name: Cow<'a, str>,
        json: Json<'t, 'a>,
    },
    /// Not JSON, or JSON in which no envelope can be seen.
    Unreadable(&'a [u8]),
}

/// `{object, entry[]}`, or the bare `{field, value}`.
#[derive(Debug)]
pub(crate) struct Envelope<'t, 'a> {
    pub(crate) object: Object<'t, 'a>,
    /// True for the bare form.
    pub(crate) bare: bool,
    pub(crate) entries: Vec<Entry<'t, 'a>>,
}

/// One element of `entry`.
#[derive(Debug)]
pub(crate) struct Entry<'t, 'a> {
    pub(crate) json: Json<'t, 'a>,
    pub(crate) object: Option<Object<'t, 'a>>,
    pub(crate) place: Where,
    pub(crate) changes: Vec<Change<'t, 'a>>,
}

/// One element of `changes`.
#[derive(Debug)]
pub(crate) struct Change<'t, 'a> {
    pub(crate) json: Json<'t, 'a>,
    pub(crate) object: Option<Object<'t, 'a>>,
    pub(crate) place: Where,
}

/// Where an entry or a change stands. Written out only where something about it is told.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Where {
    /// The position in the array around the envelopes.
    piece: Option<usize>,
    entry: Step,
    change: Step,
}

/// One step of a path.
#[derive(Debug, Clone, Copy, Default)]
enum Step {
    /// Not taken.
    #[default]
    None,
    /// To what stands in the place of an array.
    Lone,
    Element(usize),
}

impl Where {
    /// The path from the body's root.
    pub(crate) fn path(&self) -> String {
        let mut out = String::with_capacity(PATH_BYTES_USUAL);
        if let Some(index) = self.piece {
            push_index(&mut out, index);
        }
        for (name, step) in [("entry", self.entry), ("changes", self.change)] {
            match step {
                Step::None => {}
                Step::Lone => push_name(&mut out, name),
                Step::Element(index) => {
                    push_name(&mut out, name);
                    push_index(&mut out, index);
                }
            }
        }
        out
    }

    /// The path of a member.
    pub(crate) fn member(&self, name: &str) -> String {
        let mut out = self.path();
        push_name(&mut out, name);
        out
    }
}

/// The bytes of a body, scanned.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) body: &'a [u8],
    /// Absent where the bytes are no JSON.
    tape: Option<Tape<'a>>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        let text = body.strip_prefix(BOM).unwrap_or(body);
        Self { body, tape: std::str::from_utf8(text).ok().and_then(Tape::read) }
    }

    /// The value at a position on the tape.
    pub(crate) fn at(&self, spot: Spot) -> Option<Json<'_, 'a>> {
        self.tape.as_ref().map(|tape| tape.at(spot))
    }

    /// Opens the envelopes. Never empty.
    pub(crate) fn open(&self, notes: &Notes) -> Vec<Piece<'_, 'a>> {
        let Some(json) = self.tape.as_ref().map(Tape::root) else {
            notes.add(String::new(), "not readable as JSON");
            return vec![Piece::Unreadable(self.body)];
        };
        if self.body.starts_with(BOM) {
            notes.add(String::new(), "starts with a byte order mark");
        }
        if crowd::is_crowd(json, self.body.len()) {
            notes.add(String::new(), "too many events");
            return vec![Piece::Unreadable(self.body)];
        }
        let mut pieces = match json.shape() {
            Shape::Array => wrapped(json, notes),
            Shape::Object | Shape::Text | Shape::Number | Shape::Bool | Shape::Null => {
                vec![piece(json, Where::default(), notes)]
            }
        };
        if pieces.iter().all(|piece| matches!(piece, Piece::Unreadable(_))) {
            pieces = vec![Piece::Unreadable(self.body)];
        }
        pieces
    }
}

fn wrapped<'t, 'a>(json: Json<'t, 'a>, notes: &Notes) -> Vec<Piece<'t, 'a>> {
    notes.add(String::new(), "wrapped in an array");
    let place = |index| Where { piece: Some(index), ..Where::default() };
    json.elements().enumerate().map(|(index, element)| piece(element, place(index), notes)).collect()
}

fn piece<'t, 'a>(json: Json<'t, 'a>, place: Where, notes: &Notes) -> Piece<'t, 'a> {
    let unreadable = |what| {
        notes.add(place.path(), what);
        Piece::Unreadable(json.text().as_bytes())
    };
    let Some(object) = json.object() else {
        return unreadable("not an envelope");
    };
    if object.repeats() {
        notes.add(place.path(), "a member twice");
    }
    let name = object.some("object").filter(|name| name.shape() == Shape::Text);
    let name = name.and_then(Json::word).filter(|name| !name.is_empty());
    if let Some(name) = name.clone().filter(|name| name != OBJECT) {
        return Piece::Foreign { name, json };
    }
    let entry = object.some("entry");
    let bare = entry.is_none() && object.get("field").is_some() && object.get("value").is_some();
    let entries = match entry {
        Some(entry) => entries(entry, place, notes),
        None if bare => vec![bare_entry(json, &object, place, notes)],
        None => Vec::new(),
    };
    if entries.is_empty() {
        return unreadable("no entry");
    }
    if !bare {
        drift::names(&object, &["object", "entry"], place, notes);
    }
    if name.is_none() && !bare {
        notes.add(place.member("object"), if object.get("object").is_some() { "not text" } else { "missing" });
    }
    Piece::Envelope(Envelope { object, bare, entries })
}

fn bare_entry<'t, 'a>(json: Json<'t, 'a>, object: &Object<'t, 'a>, place: Where, notes: &Notes) -> Entry<'t, 'a> {
    notes.add(place.path(), "a change without its envelope");
    let change = Change { json, object: Some(*object), place };
    Entry { json, object: None, place, changes: vec![change] }
}

fn entries<'t, 'a>(entry: Json<'t, 'a>, place: Where, notes: &Notes) -> Vec<Entry<'t, 'a>> {
    let read = |(json, step): (Json<'t, 'a>, Step)| {
        let place = Where { entry: step, ..place };
        let object = object_or_note(json, place, notes);
        if let Some(object) = &object {
            match object.some("id") {
                Some(id) if id.shape() != Shape::Text => notes.add(place.member("id"), "not text"),
                Some(id) if !id.is_text("") => {}
                Some(_) | None => notes.add(place.member("id"), "missing"),
            }
            if let Some(what) = object.get("time").and_then(drift::odd_entry_time) {
                notes.add(place.member("time"), what);
            }
            // One page prints `field` and `object` here.
            drift::names(object, &["id", "time", "changes", "field", "object"], place, notes);
        }
        let changes = object.as_ref().and_then(|object| object.some("changes"));
        let changes = changes.map(|changes| self::changes(changes, place, notes)).unwrap_or_default();
        Entry { json, object, place, changes }
    };
    listed(entry, || place.member("entry"), notes).map(read).collect()
}

fn changes<'t, 'a>(changes: Json<'t, 'a>, place: Where, notes: &Notes) -> Vec<Change<'t, 'a>> {
    let read = |(json, step): (Json<'t, 'a>, Step)| {
        let place = Where { change: step, ..place };
        let object = object_or_note(json, place, notes);
        if let Some(object) = &object {
            drift::names(object, &["field", "value"], place, notes);
        }
        Change { json, object, place }
    };
    listed(changes, || place.member("changes"), notes).map(read).collect()
}

/// The elements of what should be an array. A lone object is taken for the one element.
fn listed<'t, 'a>(
    json: Json<'t, 'a>,
    path: impl Fn() -> String,
    notes: &Notes,
) -> impl Iterator<Item = (Json<'t, 'a>, Step)> {
    let shape = json.shape();
    if shape != Shape::Array {
        notes.add(path(), "not an array");
    }
    let lone = (shape == Shape::Object).then_some((json, Step::Lone));
    json.elements().enumerate().map(|(index, element)| (element, Step::Element(index))).chain(lone)
}

/// Notes when what should be an object is none, or has a member twice.
fn object_or_note<'t, 'a>(json: Json<'t, 'a>, place: Where, notes: &Notes) -> Option<Object<'t, 'a>> {
    let object = json.object();
    match &object {
        None => notes.add(place.path(), "not an object"),
        Some(object) if object.repeats() => notes.add(place.path(), "a member twice"),
        Some(_) => {}
    }
    object
}

/// Adds a member's name to a path.
pub(crate) fn push_name(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

/// Adds a position in an array to a path.
pub(crate) fn push_index(path: &mut String, index: usize) {
    path.push('[');
    path.push_str(&index.to_string());
    path.push(']');
}
