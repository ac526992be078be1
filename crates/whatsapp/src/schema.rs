//! JSON Schemas (draft 2020-12) of what events say, made from the outlines.
//!
//! A schema refuses a member of another type than Meta sends, and the absence of one that is always there. It does not
//! refuse what is new: members and words that are added pass, because Meta adds them every month.

mod node;

use std::collections::BTreeMap;

pub use node::Node;

use crate::catalogue::{self, Elements};
use crate::outline::{Case, Kind, Member, Outline, Presence, Spelling, sentence};

/// The schema of an event's data, with the definitions that it refers to as `#/$defs/<name>`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DataSchema {
    /// The schema.
    pub schema: Node,
    /// What it refers to, by name.
    pub definitions: Vec<(String, Node)>,
}

/// The schema of the data of events of this type; `None` for a type that is not in the catalogue.
///
/// Where Meta publishes no payload, anything passes.
#[must_use]
pub fn data(event_type: &str) -> Option<DataSchema> {
    if catalogue::own_types().iter().any(|own| own.name == event_type) {
        return Some(anything("Whatever the notification holds there."));
    }
    let rows = catalogue::fields().iter().flat_map(|field| field.elements.iter().map(move |row| (field, row)));
    let rows: Vec<_> = rows.filter(|(_, row)| row.types.contains(&event_type)).collect();
    let (field, _) = rows.first()?;
    let words = words(field.name, event_type);
    let mut definitions = Definitions::default();
    let mut roots: Vec<Node> = Vec::new();
    for family in rows.iter().filter_map(|(_, row): &(_, &Elements)| row.family) {
        roots.push(definitions.refer(family.outline(), &words));
    }
    let schema = match roots.len() {
        0 => return Some(anything("No payload is published.")),
        1 => roots.pop()?,
        // Media that follow up on history come from both sides; only those of the business say to whom.
        _ => {
            let echo = roots.pop()?;
            let message = roots.pop()?;
            Node::object([("if", any_of(&["to", "to_user_id"])), ("then", echo), ("else", message)])
        }
    };
    Some(DataSchema { schema, definitions: definitions.done.into_iter().collect() })
}

fn anything(why: &str) -> DataSchema {
    DataSchema { schema: Node::object([("description", Node::text(why))]), definitions: Vec::new() }
}

/// The words behind the field's name that say which case of an outline the type is.
pub(crate) fn words<'t>(field: &str, event_type: &'t str) -> Vec<&'t str> {
    let rest = event_type.strip_prefix(field).unwrap_or_default();
    rest.split('.').filter(|word| !word.is_empty()).collect()
}

/// The case of an outline that a type's words name, and the words that are left for what lies deeper.
pub(crate) fn case_of<'w, 't>(
    outline: &'static Outline,
    words: &'w [&'t str],
) -> (Option<&'static Case>, &'w [&'t str]) {
    let found = words.iter().enumerate().find_map(|(index, word)| Some((index, outline.case(word)?)));
    match found {
        Some((index, case)) => (Some(case), words.get(index + 1..).unwrap_or_default()),
        None => (None, words),
    }
}

/// The definitions that were referred to so far.
#[derive(Default)]
struct Definitions {
    done: BTreeMap<String, Node>,
}

impl Definitions {
    /// Refers to an outline, and defines it if that is not yet done.
    fn refer(&mut self, outline: &'static Outline, words: &[&str]) -> Node {
        let name = outline.name.to_owned();
        if !self.done.contains_key(&name) {
            self.done.insert(name.clone(), Node::Null);
            let node = self.define(outline, words);
            self.done.insert(name, node);
        }
        Node::object([("$ref", Node::Text(format!("#/$defs/{}", outline.name)))])
    }

    fn define(&mut self, outline: &'static Outline, words: &[&str]) -> Node {
        let (case, deeper) = case_of(outline, words);
        let mut properties = Vec::new();
        for member in outline.members.iter().filter(|member| outline.allows(case, member.name)) {
            let is_named = case.is_some_and(|case| case.word == member.name);
            let words = if is_named { deeper } else { &[] };
            properties.push((member.name.to_owned(), self.member(member, words)));
        }
        let mut node = vec![
            ("type".to_owned(), Node::text("object")),
            ("description".to_owned(), Node::Text(sentence(outline.doc))),
            ("properties".to_owned(), Node::Object(properties)),
        ];
        let needs: Vec<_> = outline.needs.iter().chain(case.map(|case| case.needs).unwrap_or_default()).collect();
        let single = needs.iter().filter_map(|need| if let [name] = need { Some(*name) } else { None });
        let always = outline.members.iter().filter(|member| member.is_always_there()).map(|member| member.name);
        let required: Vec<Node> = always.chain(single).map(Node::text).collect();
        if !required.is_empty() {
            node.push(("required".to_owned(), Node::Array(required)));
        }
        let mut all: Vec<Node> = needs.iter().filter(|need| need.len() > 1).map(|need| any_of(need)).collect();
        if case.is_none()
            && let Some(tag) = outline.tag
        {
            all.extend(outline.cases.iter().filter(|case| !case.needs.is_empty()).map(|case| if_then(tag, case)));
        }
        if !all.is_empty() {
            node.push(("allOf".to_owned(), Node::Array(all)));
        }
        Node::Object(node)
    }

    fn member(&mut self, member: &Member, words: &[&str]) -> Node {
        let mut node = self.kind(&member.kind, member.is_always_there(), words);
        if member.presence == Presence::MaybeNull {
            let null = Node::object([("type", Node::text("null"))]);
            node = Node::object([("anyOf", Node::Array(vec![node, null]))]);
        }
        node.push("description", Node::Text(sentence(member.doc)));
        node
    }

    fn kind(&mut self, kind: &Kind, is_always_there: bool, words: &[&str]) -> Node {
        let typed = |name: &str| Node::object([("type", Node::text(name))]);
        match kind {
            Kind::Text(form) => {
                let mut node = typed("string");
                if is_always_there && form.names_a_thing() {
                    node.push("minLength", Node::Number(1));
                }
                node
            }
            Kind::Mixed(_) => either("string", "integer"),
            Kind::NumberId => typed("integer"),
            Kind::Time(spelling) => number("integer", *spelling, "^[0-9]+$"),
            Kind::Integer(spelling) => number("integer", *spelling, "^-?[0-9]+$"),
            Kind::Number(spelling) => number("number", *spelling, "^-?[0-9.eE+-]+$"),
            Kind::Flag => typed("boolean"),
            Kind::Words(words) => {
                let mut node = typed("string");
                node.push("examples", Node::Array(words.words.iter().map(|word| Node::text(word)).collect()));
                node
            }
            Kind::Object(outline) => self.refer(outline, words),
            Kind::List(kind) => {
                let mut node = typed("array");
                node.push("items", self.kind(kind, false, words));
                node
            }
            Kind::Map(kind) => {
                let mut node = typed("object");
                node.push("additionalProperties", self.kind(kind, false, &[]));
                node
            }
            Kind::OneOrMany(kind) => {
                let mut many = typed("array");
                many.push("items", self.kind(kind, false, &[]));
                Node::object([("anyOf", Node::Array(vec![self.kind(kind, false, &[]), many]))])
            }
            Kind::Any(why) => Node::object([("$comment", Node::text(why))]),
        }
    }
}

fn either(one: &str, other: &str) -> Node {
    Node::object([("type", Node::Array(vec![Node::text(one), Node::text(other)]))])
}

fn number(name: &str, spelling: Spelling, pattern: &str) -> Node {
    let mut node = match spelling {
        Spelling::Plain => return Node::object([("type", Node::text(name))]),
        Spelling::Quoted => Node::object([("type", Node::text("string"))]),
        Spelling::Either => either("string", name),
    };
    node.push("pattern", Node::text(pattern));
    node
}

fn any_of(names: &[&str]) -> Node {
    let required = |name: &&str| Node::object([("required", Node::Array(vec![Node::text(name)]))]);
    Node::object([("anyOf", Node::Array(names.iter().map(required).collect()))])
}

/// What the tag's word demands, where the type does not say the word.
fn if_then(tag: &str, case: &Case) -> Node {
    let word = Node::object([("const", Node::text(case.word))]);
    let has_word =
        [("properties", Node::Object(vec![(tag.to_owned(), word)])), ("required", Node::Array(vec![Node::text(tag)]))];
    let needs = case.needs.iter().map(|need| any_of(need)).collect();
    Node::object([("if", Node::object(has_word)), ("then", Node::object([("allOf", Node::Array(needs))]))])
}
