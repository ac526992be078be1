//! The drift check: compares what came with what is known of it, at every depth, in one walk over the tape.
//!
//! Nothing is built: names are compared where they stand, and a path is written only where something is odd. Whatever
//! lies below a member that nobody knows is passed over.

use std::borrow::Cow;
use std::cell::Cell;

use crate::array::Array;
use crate::envelope::{Where, push_index, push_name};
use crate::json::{self, Json, Object, Shape};
use crate::outline::{Kind, Member, Outline, Presence, Spelling};
use crate::part::Notes;
use crate::scene::Scene;
use crate::typed::{
    AutomaticEventsValue, CallsValue, EchoesValue, GroupsValue, HistoryValue, MessagesValue, Standby, StandbyValue,
    StateSyncValue, TrackingEventsValue, UserIdUpdateValue, UserPreferencesValue,
};
use crate::{field::Field, time};

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
pub(crate) enum Path<'p> {
    Root(&'p dyn Fn() -> String),
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

    /// Compares an object, but for the members that others look at.
    pub(crate) fn members(
        &self,
        object: &Object<'_, '_>,
        outline: &Outline,
        path: &Path<'_>,
        skip: &dyn Fn(json::Member<'_, '_>) -> bool,
    ) {
        let mut met = Met::default();
        for member in object.members() {
            if !skip(member) {
                self.meet(&mut met, member, outline, path);
            } else if let Some((index, _)) = find(outline.members, member, met.next) {
                met.seen |= 1 << index;
            }
        }
        self.finish(met, outline, path);
    }

    fn tell(&self, path: &Path<'_>, what: &'static str) {
        if let Some(left) = self.left.get().checked_sub(1) {
            self.left.set(left);
            self.notes.add(path.text(), what);
        }
    }

    fn object(&self, object: &Object<'_, '_>, outline: &Outline, path: &Path<'_>) {
        let mut met = Met::default();
        for member in object.members() {
            self.meet(&mut met, member, outline, path);
        }
        self.finish(met, outline, path);
    }

    /// Compares one member.
    fn meet<'a>(&self, met: &mut Met<'a>, sent: json::Member<'_, 'a>, outline: &Outline, path: &Path<'_>) {
        let Some((index, member)) = find(outline.members, sent, met.next) else {
            if met.unknown.len() < TOLD_MAX as usize {
                met.unknown.push(harmless(&sent.name()).into_owned());
            }
            return;
        };
        met.next = index + 1;
        let bit = 1 << index;
        if met.seen & bit != 0 {
            self.tell(path, "a member twice");
        }
        if outline.tag == Some(member.name) {
            met.tag = sent.value.word();
        }
        let is_there = self.member(sent.value, member, &Path::Member(path, member.name));
        met.seen = if is_there { met.seen | bit } else { met.seen & !bit };
    }

    /// Compares a member's value. False where it stands for nothing.
    fn member(&self, json: Json<'_, '_>, member: &Member, path: &Path<'_>) -> bool {
        if json.is_null() {
            if member.presence == Presence::Maybe {
                self.tell(path, "null");
            }
            return !member.is_always_there();
        }
        if let Kind::Text(form) = member.kind
            && form.names_a_thing()
            && json.is_text("")
        {
            return false;
        }
        self.value(json, &member.kind, path);
        true
    }

    fn value(&self, json: Json<'_, '_>, kind: &Kind, path: &Path<'_>) {
        match (kind, json.shape()) {
            (Kind::Object(outline), Shape::Object) => {
                if let Some(object) = json.object() {
                    self.object(&object, outline, path);
                }
            }
            (Kind::List(kind) | Kind::OneOrMany(kind), Shape::Array) => {
                for (index, element) in json.elements().enumerate() {
                    self.value(element, kind, &Path::Element(path, index));
                }
            }
            (Kind::OneOrMany(kind), _) => self.value(json, kind, path),
            (Kind::Map(kind), Shape::Object) => {
                for member in json.object().into_iter().flat_map(|object| object.members()) {
                    self.value(member.value, kind, &Path::Member(path, &member.name()));
                }
            }
            (_, shape) => {
                if let Some(what) = self.odd(json, shape, kind) {
                    self.tell(path, what);
                }
            }
        }
    }

    /// What is the matter with a value that is not compared any deeper.
    fn odd(&self, json: Json<'_, '_>, shape: Shape, kind: &Kind) -> Option<&'static str> {
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
            Path::Root(path) => path(),
            Path::Member(path, name) => {
                let mut path = path.text();
                push_name(&mut path, &harmless(name));
                path
            }
            Path::Element(path, index) => {
                let mut path = path.text();
                push_index(&mut path, *index);
                path
            }
        }
    }
}

/// Tells the members of a part of the envelope that nobody knows.
pub(crate) fn names(object: &Object<'_, '_>, known: &[&str], place: Where, notes: &Notes) {
    let drift = Drift::new(notes, false);
    let root = || place.path();
    for member in object.members().filter(|member| !known.iter().any(|name| member.is(name))) {
        drift.tell(&Path::Member(&Path::Root(&root), &member.name()), "unknown member");
    }
}

/// What is the matter with an entry's time: a number, which some pages print as a text.
pub(crate) fn odd_entry_time(json: Json<'_, '_>) -> Option<&'static str> {
    if json.is_null() { Some("null") } else { odd_time(json, Spelling::Either) }
}

/// Compares the members of a value that its elements share.
pub(crate) fn shared(scene: &Scene<'_, '_>, notes: &Notes) {
    let (Some(value), Some(outline)) = (&scene.value, of_value(scene.field)) else {
        return;
    };
    let drift = Drift::new(notes, false);
    let split = |standby: bool, member: json::Member<'_, '_>| {
        scene.split.iter().any(|array| array.in_standby() == standby && member.is(array.name()))
    };
    // What is no array was told when the elements were looked for.
    let odd = |member: json::Member<'_, '_>| scene.odd_array && Array::ALL.iter().any(|array| member.is(array.name()));
    let root = || scene.value_path();
    let root = Path::Root(&root);
    let standby = value.some("standby").and_then(Json::object);
    // Of the arrays of `standby` some are elements, so its members are looked at one by one as well.
    if let Some(standby) = standby.as_ref().filter(|_| scene.field == Field::Standby) {
        let path = Path::Member(&root, "standby");
        let skip = |member: json::Member<'_, '_>| split(true, member) || odd(member);
        drift.members(standby, const { &Standby::OUTLINE }, &path, &skip);
    }
    drift.members(value, outline, &root, &|member| {
        split(false, member) || odd(member) || (standby.is_some() && member.is("standby"))
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

/// What is known of a member. Members mostly come in the order of the outline, so the search begins behind the last one.
fn find(members: &'static [Member], sent: json::Member<'_, '_>, from: usize) -> Option<(usize, &'static Member)> {
    let (before, after) = members.split_at_checked(from).unwrap_or((&[], members));
    let skipped = members.len() - after.len();
    let name = sent.name();
    let found = after.iter().position(|member| member.name == name).map(|index| index + skipped);
    let index = found.or_else(|| before.iter().position(|member| member.name == name))?;
    members.get(index).map(|member| (index, member))
}

fn is_integer(json: Json<'_, '_>) -> bool {
    json.shape() == Shape::Number && json.word().is_some_and(|word| digits(word.strip_prefix('-').unwrap_or(&word)))
}

fn is_digits(json: Json<'_, '_>) -> bool {
    json.word().is_some_and(|word| digits(word.strip_prefix('-').unwrap_or(&word)))
}

fn digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn odd_time(json: Json<'_, '_>, spelling: Spelling) -> Option<&'static str> {
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
fn harmless(name: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.len() <= NAME_CHARS_MAX && name.bytes().all(plain) {
        return Cow::Borrowed(name);
    }
    let fold = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' };
    name.chars().take(NAME_CHARS_MAX).map(fold).collect()
}
