//! What an event is called.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use common::{body, change, first, types_and_keys};

#[test]
fn a_category_change_is_impending_or_completed() {
    let kind =
        |value| first(&change("template_category_update", 1_758_000_000, value), |e| e.event_type.as_str().to_owned());
    assert_eq!(kind(r#"{"correct_category":"A","new_category":"B"}"#), "template_category_update.impending");
    assert_eq!(kind(r#"{"category_update_timestamp":1758086400}"#), "template_category_update.impending");
    assert_eq!(kind(r#"{"previous_category":"A","correct_category":"A"}"#), "template_category_update.completed");
    assert_eq!(kind(r#"{"new_category":"B"}"#), "template_category_update.completed");
}

#[test]
fn elements_are_found_by_their_array_whatever_the_field_says() {
    for (field, members, expected) in [
        ("messages", r#""calls":[{"event":"connect"}]"#, "calls.connect"),
        ("calls", r#""errors":[{"code":1}]"#, "calls.error"),
        ("message_echoes", r#""messages":[{"type":"text"}]"#, "message_echoes.text"),
        ("messages", r#""message_echoes":[{"type":"text"}]"#, "message_echoes.text"),
        ("", r#""messages":[{"type":"text"}]"#, "messages.text"),
        ("messages_v2", r#""statuses":[{"status":"sent"}]"#, "messages_v2.status.sent"),
        (
            "standby",
            r#""standby":{"messages":[{"type":"interactive","interactive":{"type":"list_reply"}}]}"#,
            "standby.messages.interactive.list_reply",
        ),
        ("messages", r#""messages":{"type":"text"}"#, "messages.text"),
        ("messages", r#""messages":[]"#, "messages"),
        ("flows", r#""event":"CLIENT_ERROR_RATE","errors":[{"error_type":"X"}]"#, "flows.client_error_rate"),
        ("messages", r#""contacts":[{"wa_id":"1"}]"#, "messages"),
        ("messages", r#""messages":[{"type":"Neu Art!"}]"#, "messages.neu_art_"),
        ("messages", r#""messages":[{"id":"x"}]"#, "messages"),
    ] {
        let found = types_and_keys(body(field, members).as_bytes());
        assert_eq!(found.len(), 1, "{members}");
        assert_eq!(found[0].0, expected, "{members}");
    }
}

#[test]
fn a_quality_score_is_one_whatever_the_field_says() {
    let value = r#"{"previous_quality_score":"GREEN","new_quality_score":"RED","message_template_id":5}"#;
    for field in ["message_template_status_update", "message_template_quality_update", "never_heard_of"] {
        let found = types_and_keys(change(field, 1_758_000_000, value).as_bytes());
        let expected = "message_template_quality_update:1:5:GREEN:RED:1758000000";
        assert_eq!(found, [("message_template_quality_update.red".to_owned(), expected.to_owned())], "{field}");
    }
}

#[test]
fn both_spellings_of_the_username_field_are_one_event() {
    let value = r#"{"display_phone_number":"15","status":"reserved","username":"u"}"#;
    let [one, other] = ["business_username_update", "business_username_updates"];
    let read = |field| types_and_keys(change(field, 1_758_000_000, value).as_bytes());
    assert_eq!(read(one), read(other));
}
