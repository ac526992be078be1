//! Every member of every documented body goes missing or changes its type, one at a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use common::{Tree, fixtures};
use whatsapp::meta::Encoder;
use whatsapp::typed::Value;
use whatsapp::{Data, Event, KeyScope};

/// What becomes of the value at one place.
const CHANGES: [fn(&Tree) -> Tree; 9] = [
    |_| Tree::Scalar("null".to_owned()),
    |_| Tree::Scalar("5".to_owned()),
    |_| Tree::Scalar("true".to_owned()),
    |_| Tree::Scalar("\"\"".to_owned()),
    |_| Tree::Scalar("\"unheard: of\"".to_owned()),
    |_| Tree::Array(Vec::new()),
    |_| Tree::Object(Vec::new()),
    |value| Tree::Array(vec![value.clone()]),
    |value| Tree::Object(vec![("x".to_owned(), value.clone())]),
];

/// Calls `see` with the tree in which one place after the other is changed, removed or doubled.
fn mutate(tree: &mut Tree, whole: &dyn Fn(&Tree) -> Tree, see: &mut dyn FnMut(&Tree)) {
    match tree {
        Tree::Object(members) => {
            for index in 0..members.len() {
                let mut without = members.clone();
                let member = without.remove(index);
                see(&whole(&Tree::Object(without)));
                let mut twice = members.clone();
                twice.push(member);
                see(&whole(&Tree::Object(twice)));
                let mut value = members[index].1.clone();
                let place = |value: &Tree| {
                    let mut members = members.clone();
                    members[index].1 = value.clone();
                    whole(&Tree::Object(members))
                };
                CHANGES.iter().for_each(|change| see(&place(&change(&value))));
                mutate(&mut value, &place, see);
            }
        }
        Tree::Array(elements) => {
            for index in 0..elements.len() {
                let mut value = elements[index].clone();
                let place = |value: &Tree| {
                    let mut elements = elements.clone();
                    elements[index] = value.clone();
                    whole(&Tree::Array(elements))
                };
                CHANGES.iter().for_each(|change| see(&place(&change(&value))));
                mutate(&mut value, &place, see);
            }
        }
        Tree::Scalar(_) => {}
    }
}

fn text<'a>(data: Data<'a>) -> &'a str {
    match data {
        Data::Json(text) => text,
        Data::Bytes(bytes) => std::str::from_utf8(bytes).unwrap(),
    }
}

/// The typed view exists whatever the element is: a message stays a message, whichever of its members is odd.
fn check_typed(name: &str, event: &Event<'_>) {
    let is_message = text(event.data).starts_with('{') && event.event_type.as_str().starts_with("messages.");
    let is_raw = matches!(event.value(), Value::Raw(_) | Value::Bytes(_));
    assert!(!is_message || !is_raw, "{name}: {event:?}");
}

/// Nothing may vanish: what still stands in the body is in an event, or travels with one.
fn check(name: &str, elements: &[String], mutated: &str) {
    let encoder = Encoder::new(mutated.as_bytes());
    let events = &encoder.notification().events;
    assert!(!events.is_empty(), "{name}: {mutated}");
    let alone: Vec<String> =
        events.iter().map(|event| String::from_utf8(encoder.encode(event.origin.event).unwrap()).unwrap()).collect();
    for element in elements.iter().filter(|element| mutated.contains(element.as_str())) {
        let inside = events.iter().any(|event| text(event.data).contains(element.as_str()));
        assert!(inside || alone.iter().any(|alone| alone.contains(element)), "{name}: lost {element} of {mutated}");
    }
    for (event, alone) in events.iter().zip(&alone) {
        check_typed(name, event);
        let again = whatsapp::read(alone.as_bytes());
        assert_eq!(again.events.len(), 1, "{name}: {mutated}\n{alone}");
        assert_eq!(again.events[0].event_type, event.event_type, "{name}: {mutated}\n{alone}");
        if event.key.scope == KeyScope::Content && !event.key.text.starts_with("err:") {
            assert!(
                again.events[0].key == event.key || event.key.text.starts_with("unread"),
                "{name}: {mutated}\n{alone}"
            );
        }
        assert_eq!(again.events[0].lane, event.lane, "{name}: {mutated}\n{alone}");
        assert_eq!(text(again.events[0].data), text(event.data), "{name}: {mutated}\n{alone}");
    }
}

#[test]
fn a_member_of_another_type_costs_no_event_its_life() {
    let mut count = 0;
    for (name, body) in fixtures() {
        // Long bodies show nothing here that short ones do not, and the work grows with the square.
        if body.len() > 2_000 {
            continue;
        }
        let mut tree = Tree::parse(std::str::from_utf8(&body).unwrap());
        let compact = tree.compact();
        let events = whatsapp::read(compact.as_bytes()).events;
        let elements: Vec<String> = events.iter().map(|event| text(event.data).to_owned()).collect();
        mutate(&mut tree, &Tree::clone, &mut |mutated| {
            check(&name, &elements, &mutated.compact());
            count += 1;
        });
    }
    assert!(count > 50_000, "{count} mutations");
}
