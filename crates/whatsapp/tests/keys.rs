//! What is one event and what is two.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use common::{body, change, first, status, types_and_keys};
use whatsapp::KeyScope;

/// The only event's key.
fn key(body: &str) -> String {
    let mut found = types_and_keys(body.as_bytes());
    assert_eq!(found.len(), 1, "{body}");
    found.remove(0).1
}

#[test]
fn keys_are_written_as_the_reference_writes_them() {
    for (members, expected) in [
        (r#""status":"sent","recipient_id":"15""#, "st:7:w:sent:1758000000"),
        (r#""status":"sent","recipient_id":"g","recipient_type":"group""#, "st:7:w:sent:-:1758000000"),
        (r#""status":"read","recipient_id":"g","recipient_participant_id":"15""#, "st:7:w:read:15:1758000000"),
        (r#""status":"read","recipient_type":"group","participant_recipient_id":"15""#, "st:7:w:read:15:1758000000"),
        (
            r#""status":"read","recipient_participant_id":"15","recipient_participant_user_id":"US.1""#,
            "st:7:w:read:US.1:1758000000",
        ),
        (r#""status":"failed","errors":[{"code":131049}]"#, "st:7:w:failed:1758000000:131049"),
        (r#""status":"failed","errors":[{"code":"131026"}]"#, "st:7:w:failed:1758000000:131026"),
        (
            r#""type":"payment","status":"captured","payment":{"reference_id":"r","transaction":{"id":"t","status":"s"}}"#,
            "pay:7:w:r:captured:t:s:1758000000",
        ),
        (r#""type":"call","status":"RINGING""#, "callst:7:w:RINGING"),
    ] {
        assert_eq!(key(&status(members)), expected);
    }
}

#[test]
fn what_happens_twice_has_two_keys() {
    let approved = r#"{"event":"APPROVED","message_template_id":5}"#;
    let field = "message_template_status_update";
    assert_ne!(key(&change(field, 1_758_000_000, approved)), key(&change(field, 1_758_000_001, approved)));

    let message = body("messages", r#""messages":[{"id":"w","type":"text"}]"#);
    let other_number = message.replace(r#""phone_number_id":"7""#, r#""phone_number_id":"8""#);
    assert_ne!(key(&message), key(&other_number));
    let echo = body("smb_message_echoes", r#""message_echoes":[{"id":"w","type":"text"}]"#);
    assert_ne!(key(&message), key(&echo));
    assert_ne!(key(&message), key(&body("history", r#""messages":[{"id":"w","type":"text"}]"#)));
}

#[test]
fn a_message_keeps_its_key_however_its_sender_is_named() {
    let by_phone = body("messages", r#""contacts":[{"wa_id":"15"}],"messages":[{"id":"w","from":"15","type":"text"}]"#);
    let by_id = body("messages", r#""contacts":[{"user_id":"US.1"}],"messages":[{"id":"w","from_user_id":"US.1"}]"#);
    assert_eq!(key(&by_phone), key(&by_id));
}

#[test]
fn elements_without_an_id_do_not_swallow_each_other() {
    let body = body("messages", r#""messages":[{"type":"text","a":1},{"type":"text","a":2},3,4,{}]"#);
    let mut keys: Vec<String> = types_and_keys(body.as_bytes()).into_iter().map(|(_, key)| key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
}

#[test]
fn an_error_of_the_number_is_one_event_per_notification_and_position() {
    let one = body("messages", r#""errors":[{"code":1},{"code":1}]"#);
    let keys = types_and_keys(one.as_bytes());
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
    assert_eq!(keys, types_and_keys(one.replace(',', " ,\n").as_bytes()), "a redelivery is the same");
    let other = body("messages", r#""errors":[{"code":1},{"code":1}],"messages":[{"id":"w"}]"#);
    assert!(types_and_keys(other.as_bytes()).iter().all(|key| !keys.contains(key)));
}

#[test]
fn a_test_send_is_marked_and_arrives_each_time() {
    let real = body("messages", r#""messages":[{"id":"w","type":"text"}]"#);
    let test = real.replace(r#""id":"1""#, r#""id":"0""#);
    first(&test, |event| {
        assert!(event.test && event.key.scope == KeyScope::Arrival);
        assert!(event.key.text.starts_with("msg:7:w:"), "{}", event.key.text);
        assert_eq!((event.entry_id.as_deref(), event.waba_id.as_deref()), (Some("0"), None));
    });
    first(&test.replace(r#""id":"0""#, r#""id":0"#), |event| assert!(event.test));
    first(&real, |event| assert!(!event.test));
}
