//! Claims about every documented body.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use std::collections::BTreeMap;

use common::{Tree, fixtures, root, types_and_keys};
use whatsapp::{Data, KeyScope};

/// What the index calls an item, from an event's type.
fn item(event_type: &str) -> &'static str {
    let starts = |start: &str| event_type.starts_with(start);
    match event_type {
        "messages.error" => "error",
        "history.chunk" => "history_chunk",
        "history.declined" => "history_error",
        "history.media" => "history_media",
        "standby.message_echoes" => "standby_echo",
        "consumer_profile" => "raw",
        "user_id_update" => "user_id_update",
        _ if starts("messages.status.") => "status",
        _ if starts("messages.payment.") => "payment_status",
        _ if starts("messages.user_action.") => "user_action",
        _ if starts("messages.") => "message",
        _ if starts("message_echoes.") || starts("smb_message_echoes.") => "echo",
        _ if starts("smb_app_state_sync.") => "state_sync",
        _ if starts("calls.status.") => "call_status",
        _ if starts("calls.") => "call",
        _ if starts("messaging_handovers.") => "handover",
        _ if starts("standby.messages.") => "standby_message",
        _ if starts("standby.status.") => "standby_status",
        _ if starts("group_") => "group",
        _ => "other",
    }
}

#[test]
fn every_messaging_body_gives_the_items_that_the_index_promises() {
    let index = std::fs::read_to_string(root().join("INDEX-messaging.md")).unwrap();
    let mut rows = 0;
    for row in index.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = row.split(" | ");
        let file = cells.next().unwrap().trim_matches(['|', ' ', '`']);
        let mut expected = BTreeMap::<&str, usize>::new();
        for promise in cells.next().unwrap().split(", ") {
            let (name, count) = promise.trim().split_once('×').unwrap_or((promise.trim(), "1"));
            let name = if name == "history_media_echo" { "history_media" } else { name };
            *expected.entry(name).or_default() += count.parse::<usize>().unwrap();
        }
        let body = std::fs::read(root().join(file)).unwrap();
        let mut found = BTreeMap::<&str, usize>::new();
        for event in whatsapp::read(&body).events {
            *found.entry(item(event.event_type.as_str())).or_default() += 1;
        }
        assert_eq!(found, expected, "{file}");
        rows += 1;
    }
    assert!(rows > 130, "{rows} rows of the index were read");
}

#[test]
fn every_management_body_gives_one_event_per_change() {
    let index = std::fs::read_to_string(root().join("INDEX-management.md")).unwrap();
    for file in index.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(file, _)| file) {
        let body = std::fs::read_to_string(root().join(file)).unwrap();
        let changes = body.matches("\"field\"").count();
        assert_eq!(whatsapp::read(body.as_bytes()).events.len(), changes, "{file}");
    }
}

#[test]
fn documented_bodies_have_known_types_and_no_problems() {
    for (name, body) in fixtures() {
        let notification = whatsapp::read(&body);
        assert_eq!(notification.problems, [], "{name}");
        for event in notification.events {
            assert_eq!(event.problems, [], "{name}");
            assert!(whatsapp::is_known_type(event.event_type.as_str()), "{name}: {}", event.event_type.as_str());
            assert_eq!(event.test, event.entry_id.as_deref() == Some("0"), "{name}");
            assert_eq!(event.key.scope == KeyScope::Arrival, event.test, "{name}");
        }
    }
}

#[test]
fn data_is_a_slice_of_the_body() {
    for (name, body) in fixtures() {
        for event in whatsapp::read(&body).events {
            let Data::Json(text) = event.data else { panic!("{name}: not JSON") };
            assert!(body.as_ptr_range().contains(&text.as_ptr()), "{name}");
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(), "{name}");
        }
    }
}

#[test]
fn order_of_members_white_space_and_escapes_do_not_change_an_event() {
    for (name, body) in fixtures() {
        let text = std::str::from_utf8(&body).unwrap();
        let rewritten = Tree::parse(text).reversed().text();
        let (before, after) = (whatsapp::read(&body), whatsapp::read(rewritten.as_bytes()));
        assert_eq!(types_and_keys(&body), types_and_keys(rewritten.as_bytes()), "{name}");
        for (before, after) in before.events.iter().zip(&after.events) {
            assert_eq!(before.lane, after.lane, "{name}");
            assert_eq!(before.contact, after.contact, "{name}");
            assert_eq!(before.occurred_at_seconds, after.occurred_at_seconds, "{name}");
            assert_eq!(before.origin, after.origin, "{name}");
        }
    }
}

#[test]
fn a_body_wrapped_in_an_array_and_a_bare_change_read_like_the_normal_form() {
    for (name, body) in fixtures() {
        let normal = types_and_keys(&body);
        let wrapped = [b"[", body.as_slice(), b"]"].concat();
        assert_eq!(types_and_keys(&wrapped), normal, "{name}");
        assert_eq!(whatsapp::read(&wrapped).problems.len(), 1, "{name}");
    }
    let (text, bare) =
        (include_str!("../../../fixtures/payloads/messages/text.json"), r#"{"field":"messages","value":VALUE}"#);
    let Tree::Object(body) = Tree::parse(text) else { panic!() };
    let Some((_, Tree::Array(entries))) = body.into_iter().find(|(name, _)| name == "entry") else { panic!() };
    let Tree::Object(entry) = entries.into_iter().next().unwrap() else { panic!() };
    let Some((_, Tree::Array(changes))) = entry.into_iter().find(|(name, _)| name == "changes") else { panic!() };
    let Tree::Object(change) = changes.into_iter().next().unwrap() else { panic!() };
    let value = change.into_iter().find(|(name, _)| name == "value").unwrap().1.text();
    let bare = bare.replace("VALUE", &value);
    let notification = whatsapp::read(bare.as_bytes());
    assert_eq!(types_and_keys(bare.as_bytes()), types_and_keys(text.as_bytes()));
    assert_eq!(notification.problems.len(), 1);
    assert_eq!(notification.events[0].entry_id, None);
}
