//! What the generators make is what was asked for, and nothing in it is odd.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::collections::{BTreeMap, BTreeSet};

use whatsapp::generate::{Seeded, notification};
use whatsapp::meta::Encoder;
use whatsapp::outline::{self, Presence};
use whatsapp::typed::Value;
use whatsapp::{Data, catalogue};

const NOW: i64 = 1_790_000_000;
const SEEDS: u64 = 30;

/// Every type that some field has.
fn types() -> Vec<&'static str> {
    let all: BTreeSet<&str> = catalogue::fields().iter().flat_map(catalogue::Field::types).collect();
    all.into_iter().collect()
}

/// Calls `see` with bodies of every type.
fn each(mut see: impl FnMut(&'static str, u64, &[u8])) {
    for name in types() {
        for seed in 0..SEEDS {
            see(name, seed, &notification(name, NOW, &mut Seeded::new(seed)).unwrap());
        }
    }
}

#[test]
fn a_body_has_one_event_of_the_type_that_was_asked_for_and_no_problem() {
    each(|name, seed, body| {
        let read = whatsapp::read(body);
        let shown = || format!("{name} {seed}: {}", String::from_utf8_lossy(body));
        assert_eq!(read.events.len(), 1, "{}", shown());
        let event = &read.events[0];
        assert_eq!(event.event_type.as_str(), name, "{}", shown());
        assert_eq!(read.problems, [], "{}", shown());
        assert_eq!(event.problems, [], "{}", shown());
        assert!(!event.test, "{}", shown());
        if let Some(seconds) = event.occurred_at_seconds {
            assert!((NOW - 3_600..=NOW).contains(&seconds), "{}", shown());
        }
        let value = event.value();
        assert_eq!(matches!(value, Value::Raw(_)), outline::of_type(name).is_none(), "{}", shown());
        let others = format!("{value:?}");
        assert_eq!(others.matches("other: Others([").count(), others.matches("other: Others([])").count(), "{others}");
    });
}

#[test]
fn an_event_that_is_written_alone_keeps_its_key_and_its_data() {
    each(|name, _, body| {
        let encoder = Encoder::new(body);
        let event = &encoder.notification().events[0];
        let alone = encoder.encode(0).unwrap();
        let again = whatsapp::read(&alone);
        assert_eq!(again.events.len(), 1, "{name}");
        let again = &again.events[0];
        assert_eq!((&again.event_type, &again.contact, &again.lane), (&event.event_type, &event.contact, &event.lane));
        let (Data::Json(one), Data::Json(other)) = (event.data, again.data) else { panic!("{name}") };
        assert_eq!(one, other, "{name}");
        if !event.key.text.starts_with("err:") {
            assert_eq!(again.key, event.key, "{name}");
        }
    });
}

#[test]
fn two_seeds_give_two_keys_and_one_seed_gives_one_body() {
    for name in types() {
        let body = |seed| notification(name, NOW, &mut Seeded::new(seed)).unwrap();
        assert_eq!(body(1), body(1), "{name}");
        let keys: BTreeSet<String> =
            (0..SEEDS).map(|seed| whatsapp::read(&body(seed)).events.remove(0).key.text).collect();
        assert_eq!(keys.len(), usize::try_from(SEEDS).unwrap(), "{name}");
    }
}

#[test]
fn every_optional_member_is_there_once_and_missing_once() {
    let mut seen: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
    each(|name, _, body| {
        let read = whatsapp::read(body);
        let Data::Json(data) = read.events[0].data else { panic!("{name}") };
        let data: BTreeMap<String, serde_json::Value> = serde_json::from_str(data).unwrap();
        for member in data.into_keys() {
            *seen.entry(name).or_default().entry(member).or_default() += 1;
        }
    });
    let never = ["metadata", "threads", "previous_category", "correct_category", "category_update_timestamp"];
    for name in types().into_iter().filter(|name| *name != "history.media") {
        let Some(outline) = outline::of_type(name) else { continue };
        let case = name.split('.').skip(1).find_map(|word| outline.case(word));
        let allowed = outline.members.iter().filter(|member| outline.allows(case, member.name));
        for member in allowed.filter(|member| member.presence != Presence::Always && !never.contains(&member.name)) {
            let count = seen[name].get(member.name).copied().unwrap_or_default();
            let declined = outline.name == "History";
            assert!(count > 0 || declined, "{name}: {} never there", member.name);
            let needs = outline.needs.iter().chain(case.map(|case| case.needs).unwrap_or_default());
            let is_needed = needs.filter(|need| need.len() == 1).any(|need| need.contains(&member.name));
            assert!(is_needed || declined || count < SEEDS, "{name}: {} always there", member.name);
        }
    }
}

#[test]
fn an_unknown_type_and_one_for_what_is_broken_are_not_made() {
    assert_eq!(notification("messages.telepathy", NOW, &mut Seeded::new(1)), None);
    assert_eq!(notification("notification.unreadable", NOW, &mut Seeded::new(1)), None);
    assert!(notification("messages.text", NOW, &mut std::iter::empty()).is_some());
}
