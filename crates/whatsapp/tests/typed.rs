//! The typed view shows all that was sent.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod common;

use common::{body, change, fixtures};
use whatsapp::typed::{
    AccountEvent, Content, InteractiveType, MessageStatus, MessageType, PricingCategory, Time, Value, ViolationType,
};

fn see<T>(body: &str, see: impl FnOnce(Value<'_>) -> T) -> T {
    see(whatsapp::read(body.as_bytes()).events[0].value())
}

#[test]
fn every_documented_event_is_understood_to_its_last_member() {
    for (name, body) in fixtures() {
        for event in whatsapp::read(&body).events {
            let value = event.value();
            let unpublished = matches!(event.field.as_ref(), "consumer_profile" | "business_status_update");
            assert_eq!(matches!(value, Value::Raw(_)), unpublished, "{name}");
            // What is not understood stands in some `other`.
            let shown = format!("{value:?}");
            let others = shown.matches("other: Others([").count();
            assert_eq!(others, shown.matches("other: Others([])").count(), "{name}: {shown}");
            let whatsapp::Data::Json(data) = event.data else { panic!("{name}") };
            assert_eq!(whatsapp::typed::read(event.event_type.as_str(), data), Some(value), "{name}");
        }
    }
}

#[test]
fn a_message_is_read_with_its_content() {
    let text = body(
        "messages",
        r#""messages":[{"id":"w","from":"15","timestamp":1758000000,"type":"text","text":{"body":"h\u00e9"},"new":[1]}]"#,
    );
    see(&text, |value| {
        let Value::Message(message) = value else { panic!("{value:?}") };
        assert_eq!(message.text(), Some("hé"));
        assert_eq!(message.timestamp, Some(Time(1_758_000_000)));
        assert_eq!(message.kind, Some(MessageType::Text));
        assert_eq!(message.other.get("new").unwrap().as_str(), "[1]");
    });
    let answer = r#""messages":[{"id":"w","type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"a","title":"A"}}}]"#;
    see(&body("messages", answer), |value| {
        let Value::Message(message) = value else { panic!("{value:?}") };
        let Content::Interactive(answer) = message.content() else { panic!("{message:?}") };
        assert_eq!(answer.kind, Some(InteractiveType::ListReply));
        assert_eq!(message.text(), Some("A"));
    });
}

#[test]
fn the_profile_of_a_person_is_found_by_id() {
    let members = r#""contacts":[{"wa_id":"16","profile":{"name":"Ann"}},{"wa_id":"15","profile":{"name":"Bea"}}],
        "messages":[{"id":"w","from":"15","timestamp":"1758000000","type":"text","text":{"body":"x"}},
        {"id":"v","from":"17","timestamp":"1758000000","type":"text","text":{"body":"x"}}]"#;
    let body = body("messages", members);
    let read = whatsapp::read(body.as_bytes());
    let name = |index: usize| Some(read.events[index].profile()?.profile?.name?.into_owned());
    assert_eq!((name(0).as_deref(), name(1)), (Some("Bea"), None));
}

#[test]
fn ids_beyond_what_a_float_can_hold_keep_every_digit() {
    let id = "90071992547409931234567890";
    let value = format!(r#"{{"event":"APPROVED","message_template_id":{id}}}"#);
    see(&change("message_template_status_update", 1_758_000_000, &value), |value| {
        let Value::TemplateStatusUpdate(update) = value else { panic!("{value:?}") };
        assert_eq!(update.message_template_id.as_deref(), Some(id));
    });
}

#[test]
fn a_word_that_is_not_in_its_set_is_kept_and_one_in_another_spelling_is_known() {
    let members = r#""statuses":[{"id":"w","status":"SENT","timestamp":"1758000000","pricing":{"category":"authentication_international","pricing_model":"Neu"}}]"#;
    see(&body("messages", members), |value| {
        let Value::Status(status) = value else { panic!("{value:?}") };
        assert_eq!(status.status, Some(MessageStatus::Sent));
        let pricing = status.pricing.unwrap();
        assert_eq!(pricing.category, Some(PricingCategory::AuthenticationInternational));
        assert_eq!(pricing.pricing_model.unwrap().as_str(), "Neu");
    });
}

#[test]
fn a_member_of_another_type_costs_nothing_but_itself() {
    let value = r#"{"event":"ACCOUNT_VIOLATION","phone_number":{"a":1},"violation_info":{"violation_type":"SCAM"},"country":null}"#;
    see(&change("account_update", 1_758_000_000, value), |value| {
        let Value::AccountUpdate(update) = value else { panic!("{value:?}") };
        assert_eq!(update.event, Some(AccountEvent::AccountViolation));
        assert_eq!(update.violation_info.unwrap().violation_type, Some(ViolationType::Scam));
        assert_eq!((update.phone_number, update.country), (None, None));
        assert_eq!(update.other.get("phone_number").unwrap().as_str(), r#"{"a":1}"#);
    });
}

#[test]
fn a_new_type_is_read_as_its_siblings_are() {
    let poll = r#""messages":[{"id":"w","from":"15","timestamp":"1758000000","type":"poll","poll":{"x":1}}]"#;
    see(&body("messages", poll), |value| {
        let Value::Message(message) = value else { panic!("{value:?}") };
        assert_eq!(message.content(), Content::Other);
        assert_eq!(message.kind.as_ref().unwrap().as_str(), "poll");
        assert_eq!(message.other.get("poll").unwrap().as_str(), r#"{"x":1}"#);
    });
    see(&body("consumer_profile", r#""x":1"#), |value| assert!(matches!(value, Value::Raw(_))));
    assert!(matches!(whatsapp::read(b"\xff").events[0].value(), Value::Bytes(b"\xff")));
}
