//! Notifications that Meta could have sent: one of every catalogued type, valid by its schema, with fresh ids and times
//! around a moment that is passed in.
//!
//! The outlines say what to make. Randomness is passed in, so one seed gives one body:
//!
//! ```
//! use whatsapp::generate::{Seeded, notification};
//!
//! let body = notification("messages.text", 1_758_000_000, &mut Seeded::new(7)).unwrap();
//! let read = whatsapp::read(&body);
//! assert_eq!(read.events[0].event_type.as_str(), "messages.text");
//! assert!(read.problems.is_empty() && read.events[0].problems.is_empty());
//! ```

mod scalars;

use crate::catalogue::{self, Elements, Field};
use crate::outline::{Case, Kind, Outline, Presence};
use crate::schema::{Node, case_of, words};
use crate::typed::{Metadata, Profile};

/// Random numbers from a seed (SplitMix64): the same seed, the same numbers. Not for secrets.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// Numbers of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl Iterator for Seeded {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Some(mixed ^ (mixed >> 31))
    }
}

/// Makes a body with one event of this type. `None` for a type that no field of the catalogue has: a new one, or one of
/// this crate's own for what is broken.
///
/// An iterator that ends is taken for zeros from there on.
#[must_use]
pub fn notification(event_type: &str, now_seconds: i64, random: &mut dyn Iterator<Item = u64>) -> Option<Vec<u8>> {
    let rows = catalogue::fields().iter().flat_map(|field| field.elements.iter().map(move |row| (field, row)));
    let rows: Vec<_> = rows.filter(|(_, row)| row.types.contains(&event_type)).collect();
    let mut maker = Maker { now_seconds, random };
    let (field, row) = *rows.get(maker.below(rows.len()))?;
    let scene = maker.scene(field, row, event_type);
    let body = scene.body(None);
    // Who the event is about is what the reader makes of it.
    let contact = crate::read(body.as_bytes()).events.first().map(|event| event.contact.clone())?;
    let outline = crate::drift::of_value(crate::field::Field::of(field.name));
    let has_contacts =
        outline.is_some_and(|outline| outline.member("contacts").or(outline.member("standby")).is_some());
    if !has_contacts || contact.is_empty() || maker.coin() {
        return Some(body.into_bytes());
    }
    let mut profile = maker.object(const { &Profile::OUTLINE }, &[], event_type);
    if let Node::Object(members) = &mut profile {
        members.retain(|(name, _)| !["wa_id", "user_id", "parent_user_id"].contains(&name.as_str()));
    }
    let names = [("wa_id", contact.wa_id), ("user_id", contact.user_id), ("parent_user_id", contact.parent_user_id)];
    for (name, word) in names {
        if let Some(word) = word {
            profile.push(name, Node::text(&word));
        }
    }
    Some(scene.body(Some(profile)).into_bytes())
}

/// What one body is made of.
struct Scene {
    field: &'static str,
    entry_id: Node,
    /// Where the field has it.
    time: Option<Node>,
    /// Where the value has it.
    metadata: Option<Node>,
    /// The path of the array, or nothing where the value is the event.
    array: Option<&'static str>,
    data: Node,
}

impl Scene {
    fn body(&self, profile: Option<Node>) -> String {
        let mut value = match (&self.metadata, &self.data) {
            (Some(metadata), _) => {
                Node::object([("messaging_product", Node::text("whatsapp")), ("metadata", metadata.clone())])
            }
            (None, data) => data.clone(),
        };
        let contacts = profile.map(|profile| Node::Array(vec![profile]));
        if let Some(array) = self.array {
            let (outer, inner) = array.split_once('.').map_or((None, array), |(outer, inner)| (Some(outer), inner));
            let mut holder = Node::object([]);
            let into = if outer.is_some() { &mut holder } else { &mut value };
            contacts.into_iter().for_each(|contacts| into.push("contacts", contacts));
            into.push(inner, Node::Array(vec![self.data.clone()]));
            outer.into_iter().for_each(|outer| value.push(outer, holder.clone()));
        }
        let change = Node::object([("value", value), ("field", Node::text(self.field))]);
        let mut entry = Node::object([("id", self.entry_id.clone())]);
        self.time.iter().for_each(|time| entry.push("time", time.clone()));
        entry.push("changes", Node::Array(vec![change]));
        let object = Node::text(crate::envelope::OBJECT);
        Node::object([("object", object), ("entry", Node::Array(vec![entry]))]).compact()
    }
}

/// Makes values out of outlines.
struct Maker<'r> {
    now_seconds: i64,
    random: &'r mut dyn Iterator<Item = u64>,
}

impl Maker<'_> {
    fn next(&mut self) -> u64 {
        self.random.next().unwrap_or_default()
    }

    /// A number below this one; 0 below 0.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        usize::try_from(self.next().checked_rem(end).unwrap_or_default()).unwrap_or_default()
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(self.below(of.len())).copied()
    }

    fn scene(&mut self, field: &'static Field, row: &'static Elements, event_type: &str) -> Scene {
        let data = match row.family {
            Some(family) => self.object(family.outline(), &words(field.name, event_type), event_type),
            None => Node::object([("event", Node::text("something")), ("detail", Node::text("not published"))]),
        };
        let has_own_time = row.array.is_some() || row.time != catalogue::TimeSource::Entry;
        Scene {
            field: field.name,
            entry_id: Node::Text(self.digits(15)),
            time: (!has_own_time).then_some(Node::Number(self.now_seconds)),
            metadata: row.array.map(|_| self.object(const { &Metadata::OUTLINE }, &[], event_type)),
            array: row.array,
            data,
        }
    }

    fn object(&mut self, outline: &'static Outline, words: &[&str], event_type: &str) -> Node {
        let (named, deeper) = case_of(outline, words);
        let case = named.or_else(|| {
            let index = self.below(outline.cases.len());
            outline.cases.get(index)
        });
        let (must, never) = bent(outline, event_type);
        let needs = outline.needs.iter().chain(case.map(|case| case.needs).unwrap_or_default());
        let mut needed: Vec<&str> = must.to_vec();
        for need in needs {
            if !need.iter().any(|name| needed.contains(name)) {
                needed.extend(self.pick(need));
            }
        }
        let mut members = Vec::new();
        let allowed = outline.members.iter().filter(|member| outline.allows(case, member.name));
        for member in allowed.filter(|member| !never.contains(&member.name)) {
            let is_needed = member.is_always_there() || needed.contains(&member.name);
            if !is_needed && self.coin() {
                continue;
            }
            if member.presence == Presence::MaybeNull && self.coin() {
                members.push((member.name.to_owned(), Node::Null));
                continue;
            }
            let is_tag = outline.tag == Some(member.name);
            let node = match case.filter(|_| is_tag) {
                Some(case) => Node::text(case.word),
                None => {
                    let words = inner_words(case, words, deeper, member.name);
                    self.value(&member.kind, words, event_type)
                }
            };
            members.push((member.name.to_owned(), node));
        }
        Node::Object(members)
    }

    fn value(&mut self, kind: &'static Kind, words: &[&str], event_type: &str) -> Node {
        match kind {
            Kind::Object(outline) => self.object(outline, words, event_type),
            Kind::List(kind) => {
                let length = 1 + self.below(2);
                Node::Array((0..length).map(|_| self.value(kind, words, event_type)).collect())
            }
            Kind::OneOrMany(kind) if self.coin() => self.value(kind, words, event_type),
            Kind::OneOrMany(kind) => Node::Array(vec![self.value(kind, words, event_type)]),
            Kind::Map(kind) => {
                let names = ["key1", "key2"];
                let member = |name: &str| (name.to_owned(), self.value(kind, &[], event_type));
                Node::Object(names.map(member).to_vec())
            }
            Kind::Words(set) => {
                let of_type = set.words.iter().filter(|_| set.is_tag);
                let named =
                    of_type.copied().find(|known| words.iter().any(|word| crate::outline::same_word(word, known)));
                Node::text(named.or_else(|| self.pick(set.words)).unwrap_or_default())
            }
            Kind::Any(_) => Node::object([("not_described", Node::Flag(true))]),
            Kind::Text(_)
            | Kind::Mixed(_)
            | Kind::NumberId
            | Kind::Time(_)
            | Kind::Integer(_)
            | Kind::Number(_)
            | Kind::Flag => self.scalar(kind),
        }
    }
}

/// The type's words that a member looks at: all of them where no case is named, else those behind the case's own.
fn inner_words<'w, 't>(case: Option<&Case>, all: &'w [&'t str], deeper: &'w [&'t str], member: &str) -> &'w [&'t str] {
    match case {
        // The score before is not the one that the type says.
        _ if member.starts_with("previous_") => &[],
        None => all,
        Some(case) if case.word == member => deeper,
        Some(_) => &[],
    }
}

/// Members that must be there, and members that must not: where the reader tells two types apart by them.
fn bent(outline: &Outline, event_type: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match (outline.name, event_type) {
        ("History", "history.declined") => (&["errors"], &["threads", "metadata"]),
        ("History", _) => (&["threads", "metadata"], &["errors"]),
        ("TemplateCategoryUpdate", "template_category_update.impending") => {
            (&["correct_category"], &["previous_category"])
        }
        ("TemplateCategoryUpdate", _) => (&["previous_category"], &["category_update_timestamp"]),
        _ => (&[], &[]),
    }
}
