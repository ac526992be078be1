//! What is one event and what is two, and what stays in order with what.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use common::{body, types_and_keys};
use whatsapp::{Contact, Event, KeyScope, Lane};

/// The only event's key.
fn key(body: &str) -> String {
    let mut found = types_and_keys(body.as_bytes());
    assert_eq!(found.len(), 1, "{body}");
    found.remove(0).1
}

fn first<T>(body: &str, see: impl FnOnce(&Event<'_>) -> T) -> T {
    see(&whatsapp::read(body.as_bytes()).events[0])
}

fn names(wa_id: Option<&'static str>, user_id: Option<&'static str>) -> Contact<'static> {
    Contact {
        wa_id: wa_id.map(Into::into),
        user_id: user_id.map(Into::into),
        parent_user_id: None,
    }
}

fn status(members: &str) -> String {
    body(
        "messages",
        &format!(r#""statuses":[{{"id":"w","timestamp":"1758000000",{members}}}]"#),
    )
}

fn change(field: &str, time: u32, value: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","time":{time},"changes":[{{"field":"{field}","value":{value}}}]}}]}}"#
    )
}

#[test]
fn keys_are_written_as_the_reference_writes_them() {
    for (members, expected) in [
        (r#""status":"sent","recipient_id":"15""#, "st:7:w:sent:1758000000"),
        (
            r#""status":"sent","recipient_id":"g","recipient_type":"group""#,
            "st:7:w:sent:-:1758000000",
        ),
        (
            r#""status":"read","recipient_id":"g","recipient_participant_id":"15""#,
            "st:7:w:read:15:1758000000",
        ),
        (
            r#""status":"read","recipient_type":"group","participant_recipient_id":"15""#,
            "st:7:w:read:15:1758000000",
        ),
        (
            r#""status":"read","recipient_participant_id":"15","recipient_participant_user_id":"US.1""#,
            "st:7:w:read:US.1:1758000000",
        ),
        (
            r#""status":"failed","errors":[{"code":131049}]"#,
            "st:7:w:failed:1758000000:131049",
        ),
        (
            r#""status":"failed","errors":[{"code":"131026"}]"#,
            "st:7:w:failed:1758000000:131026",
        ),
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
    assert_ne!(
        key(&change(field, 1_758_000_000, approved)),
        key(&change(field, 1_758_000_001, approved))
    );

    let message = body("messages", r#""messages":[{"id":"w","type":"text"}]"#);
    let other_number = message.replace(r#""phone_number_id":"7""#, r#""phone_number_id":"8""#);
    assert_ne!(key(&message), key(&other_number));
    let echo = body("smb_message_echoes", r#""message_echoes":[{"id":"w","type":"text"}]"#);
    assert_ne!(key(&message), key(&echo));
    assert_ne!(
        key(&message),
        key(&body("history", r#""messages":[{"id":"w","type":"text"}]"#))
    );
}

#[test]
fn a_message_keeps_its_key_however_its_sender_is_named() {
    let by_phone = body(
        "messages",
        r#""contacts":[{"wa_id":"15"}],"messages":[{"id":"w","from":"15","type":"text"}]"#,
    );
    let by_id = body(
        "messages",
        r#""contacts":[{"user_id":"US.1"}],"messages":[{"id":"w","from_user_id":"US.1"}]"#,
    );
    assert_eq!(key(&by_phone), key(&by_id));
}

#[test]
fn elements_without_an_id_do_not_swallow_each_other() {
    let body = body(
        "messages",
        r#""messages":[{"type":"text","a":1},{"type":"text","a":2},3,4,{}]"#,
    );
    let mut keys: Vec<String> = types_and_keys(body.as_bytes())
        .into_iter()
        .map(|(_, key)| key)
        .collect();
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
    assert_eq!(
        keys,
        types_and_keys(one.replace(',', " ,\n").as_bytes()),
        "a redelivery is the same"
    );
    let other = body(
        "messages",
        r#""errors":[{"code":1},{"code":1}],"messages":[{"id":"w"}]"#,
    );
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

#[test]
fn both_spellings_of_the_username_field_are_one_event() {
    let value = r#"{"display_phone_number":"15","status":"reserved","username":"u"}"#;
    let [one, other] = ["business_username_update", "business_username_updates"];
    let read = |field| types_and_keys(change(field, 1_758_000_000, value).as_bytes());
    assert_eq!(read(one), read(other));
}

#[test]
fn a_quality_score_is_one_whatever_the_field_says() {
    let value = r#"{"previous_quality_score":"GREEN","new_quality_score":"RED","message_template_id":5}"#;
    for field in [
        "message_template_status_update",
        "message_template_quality_update",
        "never_heard_of",
    ] {
        let found = types_and_keys(change(field, 1_758_000_000, value).as_bytes());
        let expected = "message_template_quality_update:1:5:GREEN:RED:1758000000";
        assert_eq!(
            found,
            [("message_template_quality_update.red".to_owned(), expected.to_owned())],
            "{field}"
        );
    }
}

#[test]
fn a_category_change_is_impending_or_completed() {
    let kind = |value| {
        first(&change("template_category_update", 1_758_000_000, value), |e| {
            e.event_type.as_str().to_owned()
        })
    };
    assert_eq!(
        kind(r#"{"correct_category":"A","new_category":"B"}"#),
        "template_category_update.impending"
    );
    assert_eq!(
        kind(r#"{"category_update_timestamp":1758086400}"#),
        "template_category_update.impending"
    );
    assert_eq!(
        kind(r#"{"previous_category":"A","correct_category":"A"}"#),
        "template_category_update.completed"
    );
    assert_eq!(kind(r#"{"new_category":"B"}"#), "template_category_update.completed");
}

#[test]
fn contacts_are_matched_by_id_and_strangers_are_not_merged() {
    let contacts = r#""contacts":[{"wa_id":"22","user_id":"US.2"},{"wa_id":"11","user_id":"US.1"},{"wa_id":"33","user_id":"US.9"}]"#;
    let body = body(
        "messages",
        &format!(
            r#"{contacts},"messages":[{{"id":"a","from":"+11"}},{{"id":"b","from_user_id":"US.2"}},{{"id":"c","from":"33","from_user_id":"US.3"}},{{"id":"d"}}]"#
        ),
    );
    let events = whatsapp::read(body.as_bytes()).events;
    assert_eq!(events[0].contact, names(Some("11"), Some("US.1")));
    assert_eq!(events[1].contact, names(Some("22"), Some("US.2")));
    assert_eq!(
        events[2].contact,
        names(Some("33"), Some("US.3")),
        "a card of another user id is a stranger's"
    );
    assert!(events[3].contact.is_empty());
    assert_eq!(events[3].lane, Lane::Object("number:7".to_owned()));
}

#[test]
fn the_only_contact_belongs_to_a_lone_revoke() {
    let revoke = r#""contacts":[{"user_id":"US.1"}],"messages":[{"id":"a","from":"11","type":"revoke"}"#;
    first(&body("messages", &format!("{revoke}]")), |event| {
        assert_eq!(event.contact, names(Some("11"), Some("US.1")));
    });
    first(
        &body("messages", &format!(r#"{revoke},{{"id":"b","from":"12"}}]"#)),
        |event| {
            assert_eq!(event.contact, names(Some("11"), None));
        },
    );
}

#[test]
fn a_changed_number_links_the_old_conversation_to_the_new() {
    let system = r#""messages":[{"id":"a","from":"11","type":"system","timestamp":"1758000000",
        "system":{"type":"user_changed_number","wa_id":"22","user_id":"US.2","previous_user_id":"US.1"}}]"#;
    first(&body("messages", system), |event| {
        let Lane::Conversation(lane) = &event.lane else {
            panic!("{:?}", event.lane)
        };
        assert_eq!(lane.previous, names(Some("11"), Some("US.1")));
        assert_eq!(lane.contact, names(Some("22"), Some("US.2")));
        assert_eq!(event.contact, lane.contact);
        assert_eq!(lane.number, "7");
    });
}

#[test]
fn the_answer_to_a_contact_request_links_a_phone_to_a_user_id() {
    let answer = r#""messages":[{"id":"a","from_user_id":"US.1","type":"contacts",
        "contacts":[{"origin":"contact_request","phones":[{"phone":"+1 (650) 555-1234"}]}]}]"#;
    first(&body("messages", answer), |event| {
        assert_eq!(event.contact, names(Some("16505551234"), Some("US.1")))
    });
    first(
        &body("messages", &answer.replace("contact_request", "other")),
        |event| {
            assert_eq!(event.contact, names(None, Some("US.1")));
        },
    );
}

#[test]
fn a_call_is_about_its_user_side() {
    let call = |members: &str| {
        body(
            "calls",
            &format!(r#""calls":[{{"id":"c","event":"connect",{members}}}]"#),
        )
    };
    for (members, user) in [
        (r#""direction":"USER_INITIATED","from":"11","to":"15550783881""#, "11"),
        (
            r#""direction":"BUSINESS_INITIATED","from":"15550783881","to":"11""#,
            "11",
        ),
        (r#""from":"15550783881","to":"11""#, "11"),
        (r#""from":"11","to":"15550783881""#, "11"),
    ] {
        first(&call(members), |event| {
            assert_eq!(event.contact.wa_id.as_deref(), Some(user), "{members}");
            assert_eq!(event.lane, Lane::Object("call:7:c".to_owned()));
        });
    }
}

#[test]
fn lanes_follow_the_thing_that_an_event_is_about() {
    let object = |body: &str| {
        first(body, |event| match &event.lane {
            Lane::Object(name) => name.clone(),
            Lane::Conversation(_) => "conversation".to_owned(),
            Lane::Own => "own".to_owned(),
        })
    };
    let at = 1_758_000_000;
    for (body, lane) in [
        (
            body("messages", r#""messages":[{"id":"a","from":"1","group_id":"g"}]"#),
            "group:7:g",
        ),
        (
            status(r#""status":"sent","recipient_id":"g","recipient_type":"group""#),
            "group:7:g",
        ),
        (status(r#""status":"sent""#), "message:7:w"),
        (status(r#""status":"sent","recipient_id":"1""#), "conversation"),
        (
            body("history", r#""history":[{"metadata":{"phase":1,"chunk_order":2}}]"#),
            "history:7:1",
        ),
        (body("never_heard_of", r#""x":1"#), "number:7"),
        (change("never_heard_of", at, "{}"), "own"),
        (change("flows", at, r#"{"flow_id":"f"}"#), "flow:f"),
        (
            change("security", at, r#"{"display_phone_number":"+1 (555) 1"}"#),
            "number:15551",
        ),
        (
            change(
                "account_update",
                at,
                r#"{"event":"PARTNER_ADDED","waba_info":{"waba_id":"9"}}"#,
            ),
            "account:9",
        ),
        (
            change("message_template_status_update", at, r#"{"message_template_id":5}"#),
            "template:1:5",
        ),
        (change("partner_solutions", at, r#"{"solution_id":"s"}"#), "solution:s"),
    ] {
        assert_eq!(object(&body), lane, "{body}");
    }
}

#[test]
fn elements_are_found_by_their_array_whatever_the_field_says() {
    for (field, members, expected) in [
        ("messages", r#""calls":[{"event":"connect"}]"#, "calls.connect"),
        ("calls", r#""errors":[{"code":1}]"#, "calls.error"),
        (
            "message_echoes",
            r#""messages":[{"type":"text"}]"#,
            "message_echoes.text",
        ),
        (
            "messages",
            r#""message_echoes":[{"type":"text"}]"#,
            "message_echoes.text",
        ),
        ("", r#""messages":[{"type":"text"}]"#, "messages.text"),
        (
            "messages_v2",
            r#""statuses":[{"status":"sent"}]"#,
            "messages_v2.status.sent",
        ),
        (
            "standby",
            r#""standby":{"messages":[{"type":"interactive","interactive":{"type":"list_reply"}}]}"#,
            "standby.messages.interactive.list_reply",
        ),
        ("messages", r#""messages":{"type":"text"}"#, "messages.text"),
        ("messages", r#""messages":[]"#, "messages"),
        (
            "flows",
            r#""event":"CLIENT_ERROR_RATE","errors":[{"error_type":"X"}]"#,
            "flows.client_error_rate",
        ),
        ("messages", r#""contacts":[{"wa_id":"1"}]"#, "messages"),
        ("messages", r#""messages":[{"type":"Neu Art!"}]"#, "messages.neu_art_"),
        ("messages", r#""messages":[{"id":"x"}]"#, "messages"),
    ] {
        let found = types_and_keys(body(field, members).as_bytes());
        assert_eq!(found.len(), 1, "{members}");
        assert_eq!(found[0].0, expected, "{members}");
    }
}
