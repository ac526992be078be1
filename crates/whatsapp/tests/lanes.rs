//! Whom an event is about, and what it stays in order with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use common::{body, change, first, status};
use whatsapp::{Contact, Lane};

fn names(wa_id: Option<&'static str>, user_id: Option<&'static str>) -> Contact<'static> {
    Contact { wa_id: wa_id.map(Into::into), user_id: user_id.map(Into::into), parent_user_id: None }
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
    assert_eq!(events[2].contact, names(Some("33"), Some("US.3")), "a card of another user id is a stranger's");
    assert!(events[3].contact.is_empty());
    assert_eq!(events[3].lane, Lane::Object("number:7".to_owned()));
}

#[test]
fn the_only_contact_belongs_to_a_lone_revoke() {
    let revoke = r#""contacts":[{"user_id":"US.1"}],"messages":[{"id":"a","from":"11","type":"revoke"}"#;
    first(&body("messages", &format!("{revoke}]")), |event| {
        assert_eq!(event.contact, names(Some("11"), Some("US.1")));
    });
    first(&body("messages", &format!(r#"{revoke},{{"id":"b","from":"12"}}]"#)), |event| {
        assert_eq!(event.contact, names(Some("11"), None));
    });
}

#[test]
fn a_changed_number_links_the_old_conversation_to_the_new() {
    let system = r#""messages":[{"id":"a","from":"11","type":"system","timestamp":"1758000000",
        "system":{"type":"user_changed_number","wa_id":"22","user_id":"US.2","previous_user_id":"US.1"}}]"#;
    first(&body("messages", system), |event| {
        let Lane::Conversation(lane) = &event.lane else { panic!("{:?}", event.lane) };
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
    first(&body("messages", answer), |event| assert_eq!(event.contact, names(Some("16505551234"), Some("US.1"))));
    first(&body("messages", &answer.replace("contact_request", "other")), |event| {
        assert_eq!(event.contact, names(None, Some("US.1")));
    });
}

#[test]
fn a_call_is_about_its_user_side() {
    let call = |members: &str| body("calls", &format!(r#""calls":[{{"id":"c","event":"connect",{members}}}]"#));
    for (members, user) in [
        (r#""direction":"USER_INITIATED","from":"11","to":"15550783881""#, "11"),
        (r#""direction":"BUSINESS_INITIATED","from":"15550783881","to":"11""#, "11"),
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
        (body("messages", r#""messages":[{"id":"a","from":"1","group_id":"g"}]"#), "group:7:g"),
        (status(r#""status":"sent","recipient_id":"g","recipient_type":"group""#), "group:7:g"),
        (status(r#""status":"sent""#), "message:7:w"),
        (status(r#""status":"sent","recipient_id":"1""#), "conversation"),
        (body("history", r#""history":[{"metadata":{"phase":1,"chunk_order":2}}]"#), "history:7:1"),
        (body("never_heard_of", r#""x":1"#), "number:7"),
        (change("never_heard_of", at, "{}"), "own"),
        (change("flows", at, r#"{"flow_id":"f"}"#), "flow:f"),
        (change("security", at, r#"{"display_phone_number":"+1 (555) 1"}"#), "number:15551"),
        (change("account_update", at, r#"{"event":"PARTNER_ADDED","waba_info":{"waba_id":"9"}}"#), "account:9"),
        (change("message_template_status_update", at, r#"{"message_template_id":5}"#), "template:1:5"),
        (change("partner_solutions", at, r#"{"solution_id":"s"}"#), "solution:s"),
    ] {
        assert_eq!(object(&body), lane, "{body}");
    }
}
