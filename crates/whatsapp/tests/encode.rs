//! One event written as a notification of its own reads as the same event.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use std::collections::BTreeSet;

use common::{Tree, body, fixtures};
use whatsapp::meta::{self, Encoder};
use whatsapp::{Data, Event, KeyScope};

fn key_depends_on_the_notification(event: &Event<'_>) -> bool {
    event.key.scope == KeyScope::Arrival
        || event.key.text.starts_with("err:")
        || event.key.text.starts_with("unreadable:")
}

fn check(name: &str, body: &[u8]) {
    let encoder = Encoder::new(body);
    let events = &encoder.notification().events;
    assert!(!events.is_empty(), "{name}");
    for (index, event) in events.iter().enumerate() {
        assert_eq!(usize::try_from(event.origin.event).unwrap(), index, "{name}");
        let alone = encoder.encode(event.origin.event).unwrap();
        assert_eq!(meta::encode(body, event.origin.event).as_ref(), Some(&alone), "{name}");
        let shown = String::from_utf8_lossy(&alone).into_owned();
        let again = whatsapp::read(&alone);
        assert_eq!(again.events.len(), 1, "{name}: {shown}");
        let again = &again.events[0];
        assert_eq!(again.event_type, event.event_type, "{name}: {shown}");
        assert_eq!(again.lane, event.lane, "{name}: {shown}");
        assert_eq!(again.contact, event.contact, "{name}: {shown}");
        assert_eq!(again.test, event.test, "{name}: {shown}");
        assert_eq!(again.occurred_at_seconds, event.occurred_at_seconds, "{name}: {shown}");
        assert_eq!(again.phone_number_id, event.phone_number_id, "{name}: {shown}");
        if let (Data::Json(again), Data::Json(event)) = (again.data, event.data) {
            assert_eq!(again, event, "{name}: {shown}");
        }
        if !key_depends_on_the_notification(event) {
            assert_eq!(again.key, event.key, "{name}: {shown}");
        }
    }
    assert_eq!(encoder.encode(u32::try_from(events.len()).unwrap()), None);
}

#[test]
fn every_documented_event_survives_being_written_alone() {
    for (name, body) in fixtures() {
        check(&name, &body);
        check(&format!("wrapped {name}"), &[b"[", body.as_slice(), b", ", &body, b"]"].concat());
        let reversed = Tree::parse(std::str::from_utf8(&body).unwrap()).reversed().text();
        check(&format!("reversed {name}"), reversed.as_bytes());
    }
}

const MIXED: &str = r#"
 "contacts":[{"wa_id":"11","user_id":"US.1"},{"wa_id":"22"},{"wa_id":"99"},{"user_id":"US.3"}],
 "conversation_context" : {"type" :"summary"},
 "messages":[{"id":"m1","from":"11","timestamp":"1758000000","type":"text"},
   {"id":"m2","type":"revoke","timestamp":"1758000000","revoke":{}},"scalar",null,{},[1]],
 "statuses":[{"id":"s1","status":"read","timestamp":"1758000000","recipient_id":"22"},
   {"id":"p1","type":"payment","status":"captured","timestamp":"1758000000","payment":{}}],
 "message_echoes":[{"id":"e1","to_user_id":"US.3","timestamp":"1758000000","type":"text"}],
 "calls":[{"id":"c1","event":"connect","timestamp":"1758000000"}],
 "user_actions":[{"action_type":"x"}],"groups":[{"type":"group_create"}],"state_sync":[{"action":"add"}],
 "history":[{"metadata":{"phase":0,"chunk_order":1}},{"errors":[{"code":1}]}],
 "user_preferences":[{"value":"stop"}],"user_id_update":[{"user_id":{"previous":"a","current":"b"}}],
 "automatic_events":[{"id":"a1","event_name":"Purchase"}],"events":[{"event_name":"sent"}],
 "standby":{"contacts":[{"wa_id":"55"},{"wa_id":"66"}],"other":1,
   "messages":[{"id":"t1","from":"55","timestamp":"1758000000","type":"text"}],
   "message_echoes":[{"id":"t2","message":{"to":"66"}}],"statuses":[{"id":"t3","status":"sent"}]},
 "errors":[{"code":131000},{"code":1}]"#;

/// Every scalar of a tree with the names on the way to it; positions in arrays do not count.
fn facts(tree: &Tree, path: &str, found: &mut BTreeSet<(String, String)>) {
    match tree {
        Tree::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(name, value)| facts(value, &format!("{path}/{name}"), found));
        }
        Tree::Array(elements) if !elements.is_empty() => {
            elements.iter().for_each(|value| facts(value, &format!("{path}[]"), found));
        }
        Tree::Object(_) | Tree::Array(_) | Tree::Scalar(_) => {
            found.insert((path.to_owned(), tree.compact()));
        }
    }
}

fn check_that_nothing_is_lost(name: &str, body: &[u8]) {
    let of = |body: &[u8], found: &mut BTreeSet<_>| {
        facts(&Tree::parse(std::str::from_utf8(body).unwrap()), "", found);
    };
    let (mut whole, mut parts) = (BTreeSet::new(), BTreeSet::new());
    of(body, &mut whole);
    let encoder = Encoder::new(body);
    for event in &encoder.notification().events {
        of(&encoder.encode(event.origin.event).unwrap(), &mut parts);
    }
    let lost: Vec<_> = whole.difference(&parts).collect();
    let invented: Vec<_> = parts.difference(&whole).collect();
    assert!(lost.is_empty() && invented.is_empty(), "{name}: lost {lost:?}, invented {invented:?}");
}

#[test]
fn the_events_of_a_notification_written_alone_hold_together_all_that_it_held() {
    for (name, body) in fixtures() {
        check_that_nothing_is_lost(&name, &body);
    }
    for field in ["messages", "calls", "history", "standby", "never_heard_of"] {
        check_that_nothing_is_lost(field, body(field, MIXED).as_bytes());
    }
}

#[test]
fn an_event_is_told_from_all_its_siblings_whatever_the_field() {
    let fields = [
        "messages",
        "calls",
        "history",
        "message_echoes",
        "smb_message_echoes",
        "standby",
        "tracking_events",
        "flows",
        "messaging_handovers",
        "user_preferences",
        "never_heard_of",
        "group_status_update",
        "",
    ];
    for field in fields {
        let body = body(field, MIXED);
        let count = whatsapp::read(body.as_bytes()).events.len();
        assert!(count >= 21, "{field}: {count}");
        check(field, body.as_bytes());
        check(field, Tree::parse(&body).reversed().text().as_bytes());
    }
}

#[test]
fn contacts_of_siblings_are_left_out_and_those_of_nobody_stay() {
    let body = body("messages", MIXED);
    let encoder = Encoder::new(body.as_bytes());
    let text = |index| String::from_utf8(encoder.encode(index).unwrap()).unwrap();
    let first = text(0);
    assert!(first.contains(r#""contacts":[{"wa_id":"11","user_id":"US.1"},{"wa_id":"99"}]"#), "{first}");
    assert!(first.contains(r#""conversation_context":{"type" :"summary"}"#), "{first}");
    assert!(!first.contains("s1") && !first.contains("standby"), "{first}");
}

#[test]
fn errors_stay_with_the_call_that_they_belong_to() {
    let body = body("calls", r#""calls":[{"id":"c1","event":"terminate"}],"errors":[{"code":138021}]"#);
    let encoder = Encoder::new(body.as_bytes());
    assert_eq!(encoder.notification().events.len(), 1);
    assert!(String::from_utf8(encoder.encode(0).unwrap()).unwrap().contains("138021"));
}

#[test]
fn odd_bodies_survive_being_written_alone() {
    let odd: &[&[u8]] = &[
        b"", b"{}", b"[]", b"null", b"\xff\xfe", b"{\"object\":\"page\",\"entry\":[]}", b"{\"entry\":{\"id\":1,\"changes\":{}}}",
        b"[{\"object\":\"page\"},{\"entry\":[1,{},{\"id\":\"4\",\"changes\":[]},{\"changes\":[3,{},{\"field\":\"x\"}]}]},7]",
        b"{\"field\":\"security\",\"value\":{\"event\":\"PIN_CHANGED\"},\"more\":1}",
        b"\xef\xbb\xbf{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":\"messages\",\"value\":{}}]}]}",
        b"{\"object\":5,\"entry\":[{\"field\":\"messages\",\"changes\":[{\"value\":{\"messages\":[1],\"messages\":[{\"id\":\"2\"}]}}]}],\"entry\":[{\"id\":\"9\",\"changes\":[{\"value\":3,\"field\":\"y\"}]}]}",
    ];
    for body in odd {
        check(&String::from_utf8_lossy(body), body);
    }
}
