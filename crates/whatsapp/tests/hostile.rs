//! Bodies that nobody should send.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use common::body;
use whatsapp::meta::Encoder;
use whatsapp::{Data, Lane};

fn only_type(body: &[u8]) -> String {
    let events = whatsapp::read(body).events;
    assert_eq!(events.len(), 1);
    events[0].event_type.as_str().to_owned()
}

#[test]
fn what_is_no_notification_is_one_unreadable_event() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let deep_inside = body("messages", &format!(r#""messages":[{{"id":"1","x":{deep}}}]"#));
    let cut_off = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"fie"#;
    let bodies: [&[u8]; 16] = [
        b"",
        b" ",
        b"null",
        b"17",
        b"\"text\"",
        b"{}",
        b"[]",
        b"[[]]",
        b"{\"entry\":5}",
        b"{\"entry\":[]}",
        b"{\"object\":\"whatsapp_business_account\"}",
        b"{\"a\":\"\xff\"}",
        b"{\"entry\":[{}]} trailing",
        cut_off.as_bytes(),
        deep.as_bytes(),
        deep_inside.as_bytes(),
    ];
    for body in bodies {
        let notification = whatsapp::read(body);
        assert_eq!(only_type(body), "notification.unreadable");
        let event = &notification.events[0];
        assert_eq!(event.data, Data::Bytes(body));
        assert_eq!(event.lane, Lane::Own);
        assert!(event.key.text.starts_with("unreadable:"));
        assert!(!notification.problems.is_empty());
    }
    assert_eq!(only_type("[".repeat(3_000_000).as_bytes()), "notification.unreadable");
    assert_eq!(only_type("{\"a\":".repeat(600_000).as_bytes()), "notification.unreadable");
}

#[test]
fn depth_that_a_parser_can_bear_is_read() {
    let inside = "[".repeat(200) + &"]".repeat(200);
    let body = body("messages", &format!(r#""messages":[{{"timestamp":"1758000000","type":"text","x":{inside}}}]"#));
    let event = &whatsapp::read(body.as_bytes()).events[0];
    assert_eq!(event.event_type.as_str(), "messages.text");
    assert!(event.key.text.starts_with("msg:7:-:~"), "{}", event.key.text);
}

#[test]
fn odd_strings_and_numbers_lose_no_event() {
    let digits = "9".repeat(100_000);
    let members = format!(
        r#""messages":[{{"id":{digits},"from":{digits},"timestamp":{digits},"type":"text","text":{{"body":"\u0000\ud83d"}}}},
        {{"id":"\ud800","from":"\ud83d\ude00","type":"\u0000","timestamp":1.758e9}}],"messages ":1,"\ud800":2"#
    );
    let body = body("messages", &members);
    let notification = whatsapp::read(body.as_bytes());
    assert_eq!(notification.events.len(), 2);
    assert!(notification.events[0].key.text.len() < 100, "keys stay short");
    assert_eq!(notification.events[0].occurred_at_seconds, None);
    assert_eq!(notification.events[1].event_type.as_str(), "messages._");
    assert_eq!(notification.events[1].occurred_at_seconds, Some(1_758_000_000));
}

#[test]
fn the_last_of_two_members_counts_and_is_told() {
    let body =
        body("messages", r#""messages":[{"id":"a","type":"text"}],"messages":[{"id":"b","id":"c","type":"text"}]"#);
    let notification = whatsapp::read(body.as_bytes());
    assert_eq!(notification.events.len(), 1);
    assert_eq!(notification.events[0].key.text, "msg:7:c");
    assert!(notification.problems.iter().any(|problem| problem.what == "a member twice"));
    assert!(notification.events[0].problems.iter().any(|problem| problem.what == "a member twice"));
}

#[test]
fn a_full_body_is_read_and_written_in_linear_time() {
    let mut statuses = Vec::new();
    let mut contacts = Vec::new();
    for number in 0..9_000 {
        let phone = 15_550_000_000_u64 + number;
        statuses.push(format!(
            r#"{{"id":"wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI{number}","status":"delivered","timestamp":"1758000000","recipient_id":"{phone}","pricing":{{"billable":true,"pricing_model":"PMP","category":"utility","type":"regular"}},"biz_opaque_callback_data":"{}"}}"#,
            "x".repeat(100)
        ));
        contacts.push(format!(r#"{{"wa_id":"{phone}","user_id":"US.{number}"}}"#));
    }
    let members = format!(r#""contacts":[{}],"statuses":[{}]"#, contacts.join(","), statuses.join(","));
    let body = body("messages", &members);
    assert!(body.len() > 3_000_000);
    let started = std::time::Instant::now();
    let encoder = Encoder::new(body.as_bytes());
    let events = &encoder.notification().events;
    assert_eq!(events.len(), 9_000);
    let written: usize = (0..9_000).map(|index| encoder.encode(index).unwrap().len()).sum();
    assert!(written < 3 * body.len());
    assert_eq!(events[8_999].contact.user_id.as_deref(), Some("US.8999"));
    // Far above what linear work takes without optimisation, far below what quadratic work would.
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn a_body_of_countless_scraps_is_kept_whole() {
    let scraps = body("messages", &format!(r#""messages":[{}1]"#, "1,".repeat(1_500_000)));
    assert_eq!(only_type(scraps.as_bytes()), "notification.unreadable");
    let entries = format!(r#"{{"entry":[{}{{}}]}}"#, "{},".repeat(1_000_000));
    assert_eq!(only_type(entries.as_bytes()), "notification.unreadable");
    let changes = format!(r#"{{"entry":[{{"changes":[{}{{}}]}}]}}"#, "{},".repeat(10_000));
    assert_eq!(only_type(changes.as_bytes()), "notification.unreadable");
    let envelopes = format!("[{}{{}}]", r#"{"entry":[{}]},"#.repeat(10_000));
    assert_eq!(only_type(envelopes.as_bytes()), "notification.unreadable");
    let standby = body("standby", &format!(r#""standby":{{"messages":[{}1]}}"#, "1,".repeat(10_000)));
    assert_eq!(whatsapp::read(standby.as_bytes()).problems[0].what, "too many events");
}

#[test]
fn a_body_of_the_smallest_elements_is_cut() {
    for (name, element) in
        [("statuses", r#"{"id":"w","status":"sent","timestamp":"1758000000"}"#), ("errors", r#"{"code":1}"#)]
    {
        let few = body("messages", &format!(r#""{name}":[{}]"#, [element; 100].join(",")));
        assert_eq!(whatsapp::read(few.as_bytes()).events.len(), 100);
    }
    let status = r#"{"id":"w","status":"sent","timestamp":"1758000000"}"#;
    let many = body("messages", &format!(r#""statuses":[{}]"#, vec![status; 20_000].join(",")));
    assert_eq!(whatsapp::read(many.as_bytes()).events.len(), 20_000);
}

#[test]
fn an_array_that_occurs_countless_times_is_written_in_linear_time() {
    let body = body("messages", &format!(r#"{}"messages":[{{"id":"w"}}]"#, r#""messages":[],"#.repeat(60_000)));
    let started = std::time::Instant::now();
    let encoder = Encoder::new(body.as_bytes());
    assert_eq!(encoder.notification().events.len(), 1);
    assert!(encoder.encode(0).unwrap().len() < 300);
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn a_byte_order_mark_changes_nothing_but_the_problems() {
    let plain = body("messages", r#""errors":[{"code":1}],"messages":[{"id":"w","type":"text"}]"#);
    let marked = format!("\u{feff}{plain}");
    assert_eq!(common::types_and_keys(plain.as_bytes()), common::types_and_keys(marked.as_bytes()));
    assert_eq!(whatsapp::read(marked.as_bytes()).problems.len(), 1);
}

#[test]
fn what_is_new_is_told() {
    for (field, members, what) in [
        ("never_heard_of", r#""x":1"#, "unknown field"),
        ("messages", r#""messages":[{"id":"w","type":"telepathy","timestamp":"1758000000"}]"#, "unknown type"),
        ("messages", r#""messages":[{"id":"w","type":"text","timestamp":"1758000000000"}]"#, "time out of range"),
        ("messages", r#""messages":[{"id":"w","type":"text","timestamp":[]}]"#, "not text"),
        ("messages", r#""messages":[{"id":"w","timestamp":"1758000000"}]"#, "missing"),
        ("messages", r#""messages":[7]"#, "not an object"),
    ] {
        let body = body(field, members);
        let events = whatsapp::read(body.as_bytes()).events;
        assert!(events[0].problems.iter().any(|problem| problem.what == what), "{members}: {:?}", events[0].problems);
    }
}
