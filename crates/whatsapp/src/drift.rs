//! The drift check: compares what came with what is known of it, at every depth, in one pass over the text.
//!
//! Nothing is built: names are compared where they stand, and a path is written only where something is odd. Whatever
//! lies below a member that nobody knows is passed over.

use std::borrow::Cow;
use std::cell::Cell;

use crate::array::Array;
use crate::json::{Cursor, Json, Object, Shape};
use crate::outline::{Kind, Member, Outline, Presence, Spelling};
use crate::part::Notes;
use crate::scene::Scene;
use crate::typed::{
    AutomaticEventsValue, CallsValue, EchoesValue, GroupsValue, HistoryValue, MessagesValue, Standby, StandbyValue,
    StateSyncValue, TrackingEventsValue, UserIdUpdateValue, UserPreferencesValue,
};
use crate::{field::Field, text, time};

/// Problems of one element that are told. An element full of them says no more.
const TOLD_MAX: u32 = 8;
/// Letters of an unknown name that are told.
const NAME_CHARS_MAX: usize = 64;

/// One comparison, and where to say what is odd.
pub(crate) struct Drift<'n> {
    notes: &'n Notes,
    left: Cell<u32>,
    /// True where the event's type is new: then the word that makes it new is told by the type, and not twice.
    new_type: bool,
    met_a_new_type: Cell<bool>,
}

/// Where in the body something stands. Written out only where it is told.
enum Path<'p> {
    Root(&'p str),
    Member(&'p Path<'p>, &'p str),
    Element(&'p Path<'p>, usize),
}

/// What was met of one object so far.
#[derive(Default)]
struct Met<'a> {
    /// One bit for each member of the outline.
    seen: u64,
    next: usize,
    tag: Option<Cow<'a, str>>,
    /// Names that are not in the outline, folded.
    unknown: Vec<String>,
}

impl<'n> Drift<'n> {
    pub(crate) fn new(notes: &'n Notes, new_type: bool) -> Self {
        Self { notes, left: Cell::new(TOLD_MAX), new_type, met_a_new_type: Cell::new(false) }
    }

    /// True where a word was met that makes the event's type new.
    pub(crate) fn met_a_new_type(&self) -> bool {
        self.met_a_new_type.get()
    }

    /// Compares an object whose members are already found, but for those that others look at.
    pub(crate) fn members(&self, object: &Object<'_>, outline: &Outline, path: &str, skip: &dyn Fn(&str) -> bool) {
        let root = Path::Root(path);
        let mut met = Met::default();
        for member in &object.members {
            if !skip(&member.name) {
                self.meet(&mut met, &member.name, &mut Cursor::new(member.value), outline, &root);
            } else if let Some((index, _)) = find(outline.members, &member.name, met.next) {
                met.seen |= 1 << index;
            }
        }
        self.finish(met, outline, &root);
    }

    fn tell(&self, path: &Path<'_>, what: &'static str) {
        if let Some(left) = self.left.get().checked_sub(1) {
            self.left.set(left);
            self.notes.add(path.text(), what);
        }
    }

    fn object<'a>(&self, cursor: &mut Cursor<'a>, outline: &Outline, path: &Path<'_>) {
        cursor.enter();
        let mut met = Met::default();
        while let Some(name) = cursor.value() {
            self.meet(&mut met, &text::decode(name.text()), cursor, outline, path);
        }
        cursor.leave();
        self.finish(met, outline, path);
    }

    /// Compares one member, whose value is next.
    fn meet<'a>(&self, met: &mut Met<'a>, name: &str, cursor: &mut Cursor<'a>, outline: &Outline, path: &Path<'_>) {
        let Some((index, member)) = find(outline.members, name, met.next) else {
            cursor.value();
            if met.unknown.len() < TOLD_MAX as usize {
                met.unknown.push(harmless(name));
            }
            return;
        };
        met.next = index + 1;
        let bit = 1 << index;
        if met.seen & bit != 0 {
            self.tell(path, "a member twice");
        }
        if outline.tag == Some(member.name) {
            met.tag = cursor.peek().and_then(Json::word);
        }
        let is_there = self.member(cursor, member, &Path::Member(path, member.name));
        met.seen = if is_there { met.seen | bit } else { met.seen & !bit };
    }

    /// Compares a member's value. False where it stands for nothing.
    fn member(&self, cursor: &mut Cursor<'_>, member: &Member, path: &Path<'_>) -> bool {
        if cursor.shape() == Some(Shape::Null) {
            cursor.value();
            if member.presence == Presence::Maybe {
                self.tell(path, "null");
            }
            return !member.is_always_there();
        }
        if let Kind::Text(form) = member.kind
            && form.names_a_thing()
            && cursor.peek().is_some_and(|json| json.text() == "\"\"")
        {
            cursor.value();
            return false;
        }
        self.value(cursor, &member.kind, path);
        true
    }

    fn value(&self, cursor: &mut Cursor<'_>, kind: &Kind, path: &Path<'_>) {
        let shape = cursor.shape();
        match (kind, shape) {
            (Kind::Object(outline), Some(Shape::Object)) => return self.object(cursor, outline, path),
            (Kind::List(kind) | Kind::OneOrMany(kind), Some(Shape::Array)) => return self.list(cursor, kind, path),
            (Kind::OneOrMany(kind), _) => return self.value(cursor, kind, path),
            (Kind::Map(kind), Some(Shape::Object)) => return self.map(cursor, kind, path),
            _ => {}
        }
        let odd = cursor.value().and_then(|json| self.odd(json, kind));
        if let Some(what) = odd {
            self.tell(path, what);
        }
    }

    fn list(&self, cursor: &mut Cursor<'_>, kind: &Kind, path: &Path<'_>) {
        cursor.enter();
        let mut index = 0;
        while cursor.shape().is_some() {
            self.value(cursor, kind, &Path::Element(path, index));
            index += 1;
        }
        cursor.leave();
    }

    fn map(&self, cursor: &mut Cursor<'_>, kind: &Kind, path: &Path<'_>) {
        cursor.enter();
        while let Some(name) = cursor.value() {
            self.value(cursor, kind, &Path::Member(path, &text::decode(name.text())));
        }
        cursor.leave();
    }

    /// What is the matter with a value that is not compared any deeper.
    fn odd(&self, json: Json<'_>, kind: &Kind) -> Option<&'static str> {
        let shape = json.shape();
        let is_text = shape == Shape::Text;
        match kind {
            Kind::Text(_) => (!is_text).then_some("not text"),
            Kind::Mixed(_) if is_text => None,
            Kind::Mixed(_) => (!is_integer(json)).then_some("not text"),
            Kind::NumberId => (!is_integer(json)).then_some("not an integer"),
            Kind::Integer(spelling) => {
                let fits = is_integer(json) || (is_text && spelling.allows_text() && is_digits(json));
                (!fits).then_some("not an integer")
            }
            Kind::Number(_) => (shape != Shape::Number).then_some("not a number"),
            Kind::Flag => (shape != Shape::Bool).then_some("not true or false"),
            Kind::Time(spelling) => odd_time(json, *spelling),
            Kind::Words(words) if is_text => {
                let is_known = json.word().is_none_or(|word| words.contains(&word));
                if !is_known && words.is_tag && self.new_type {
                    self.met_a_new_type.set(true);
                    return None;
                }
                (!is_known).then_some("unknown word")
            }
            Kind::Words(_) => Some("not text"),
            Kind::Object(_) | Kind::Map(_) => Some("not an object"),
            Kind::List(_) => Some("not an array"),
            Kind::OneOrMany(_) | Kind::Any(_) => None,
        }
    }

    /// Tells what is missing, and what nobody knows.
    fn finish(&self, met: Met<'_>, outline: &Outline, path: &Path<'_>) {
        for (index, member) in outline.members.iter().enumerate() {
            if member.is_always_there() && met.seen & (1 << index) == 0 {
                self.tell(&Path::Member(path, member.name), "missing");
            }
        }
        let is_there = |name: &&str| {
            let index = outline.members.iter().position(|member| member.name == *name);
            index.is_some_and(|index| met.seen & (1 << index) != 0)
        };
        let case = met.tag.as_deref().and_then(|word| outline.case(word));
        let of_case = case.map(|case| case.needs).unwrap_or_default();
        let is_of_case = |need: &&&[&str]| of_case.iter().any(|other| other.iter().any(|name| need.contains(name)));
        let of_all = outline.needs.iter().filter(|need| !is_of_case(need));
        for need in of_all.chain(of_case).filter(|need| !need.iter().any(is_there)) {
            let first = need.first().copied().unwrap_or_default();
            self.tell(&Path::Member(path, first), "missing");
        }
        let by_tag = |name: &str| {
            let new = met.tag.as_deref().filter(|_| case.is_none());
            new.is_some_and(|word| word == name || name.strip_suffix("_data") == Some(word))
        };
        for name in met.unknown.iter().filter(|name| !by_tag(name)) {
            self.tell(&Path::Member(path, name), "unknown member");
        }
    }
}

impl Path<'_> {
    fn text(&self) -> String {
        match self {
            Path::Root(path) => (*path).to_owned(),
            Path::Member(path, name) => crate::envelope::join(&path.text(), &harmless(name)),
            Path::Element(path, index) => format!("{}[{index}]", path.text()),
        }
    }
}

/// Tells the members of a part of the envelope that nobody knows.
pub(crate) fn names(object: &Object<'_>, known: &[&str], path: &str, notes: &Notes) {
    let drift = Drift::new(notes, false);
    for member in object.members.iter().filter(|member| !known.contains(&member.name.as_ref())) {
        drift.tell(&Path::Member(&Path::Root(path), &member.name), "unknown member");
    }
}

/// What is the matter with an entry's time: a number, which some pages print as a text.
pub(crate) fn odd_entry_time(json: Json<'_>) -> Option<&'static str> {
    if json.is_null() { Some("null") } else { odd_time(json, Spelling::Either) }
}

/// Compares the members of a value that its elements share.
pub(crate) fn shared(scene: &Scene<'_>, notes: &Notes) {
    let (Some(value), Some(outline)) = (&scene.value, of_value(scene.field)) else {
        return;
    };
    let drift = Drift::new(notes, false);
    let split = |standby: bool, name: &str| {
        scene.split.iter().any(|array| array.in_standby() == standby && array.name() == name)
    };
    // What is no array was told when the elements were looked for.
    let odd = |name: &str| scene.odd_array && Array::ALL.iter().any(|array| array.name() == name);
    let standby = value.some("standby").and_then(Json::object);
    // Of the arrays of `standby` some are elements, so its members are looked at one by one as well.
    if let Some(standby) = standby.as_ref().filter(|_| scene.field == Field::Standby) {
        let path = crate::envelope::join(&scene.value_path, "standby");
        drift.members(standby, const { &Standby::OUTLINE }, &path, &|name| split(true, name) || odd(name));
    }
    drift.members(value, outline, &scene.value_path, &|name| {
        split(false, name) || odd(name) || (name == "standby" && standby.is_some())
    });
}

/// What is known of the values of a field whose elements are events.
pub(crate) fn of_value(field: Field) -> Option<&'static Outline> {
    Some(match field {
        Field::Messages => const { &MessagesValue::OUTLINE },
        Field::MessageEchoes | Field::SmbMessageEchoes => const { &EchoesValue::OUTLINE },
        Field::StateSync => const { &StateSyncValue::OUTLINE },
        Field::History => const { &HistoryValue::OUTLINE },
        Field::Calls => const { &CallsValue::OUTLINE },
        Field::Standby => const { &StandbyValue::OUTLINE },
        Field::Groups => const { &GroupsValue::OUTLINE },
        Field::UserPreferences => const { &UserPreferencesValue::OUTLINE },
        Field::UserIdUpdate => const { &UserIdUpdateValue::OUTLINE },
        Field::AutomaticEvents => const { &AutomaticEventsValue::OUTLINE },
        Field::TrackingEvents => const { &TrackingEventsValue::OUTLINE },
        Field::Handovers | Field::ConsumerProfile | Field::Management | Field::Unknown | Field::Missing => return None,
    })
}

/// The member of this name. Members mostly come in the order of the outline, so the search begins behind the last one.
fn find(members: &'static [Member], name: &str, from: usize) -> Option<(usize, &'static Member)> {
    let (before, after) = members.split_at_checked(from).unwrap_or((&[], members));
    let skipped = members.len() - after.len();
    let found = after.iter().position(|member| member.name == name).map(|index| index + skipped);
    let index = found.or_else(|| before.iter().position(|member| member.name == name))?;
    members.get(index).map(|member| (index, member))
}

fn is_integer(json: Json<'_>) -> bool {
    json.shape() == Shape::Number && json.word().is_some_and(|word| digits(word.strip_prefix('-').unwrap_or(&word)))
}

fn is_digits(json: Json<'_>) -> bool {
    json.word().is_some_and(|word| digits(word.strip_prefix('-').unwrap_or(&word)))
}

fn digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn odd_time(json: Json<'_>, spelling: Spelling) -> Option<&'static str> {
    match json.shape() {
        Shape::Text if spelling.allows_text() => {}
        Shape::Number if spelling.allows_number() => {}
        Shape::Text => return Some("not an integer"),
        Shape::Object | Shape::Array | Shape::Bool | Shape::Null if spelling == Spelling::Plain => {
            return Some("not an integer");
        }
        Shape::Object | Shape::Array | Shape::Number | Shape::Bool | Shape::Null => return Some("not text"),
    }
    json.word().and_then(|word| time::seconds(&word).err())
}

/// A name is made by the sender: only letters that every real one has, and not too many.
fn harmless(name: &str) -> String {
    let fold = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' };
    name.chars().take(NAME_CHARS_MAX).map(fold).collect()
}
