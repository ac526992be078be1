//! Events as the gateway writes them are read and shown, and times are understood.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

use gateway::clock::parse_rfc3339;

use super::*;

const EVENT: &str = r#"{"id":"evt_1","type":"messages.text","field":"messages","app":"main","entry_id":"1","waba_id":"1",
    "business_id":null,"phone_number_id":"7","display_phone_number":"1555","contact":{"wa_id":"1666","user_id":null,
    "parent_user_id":null},"message_id":"wamid.1","key":"msg:7:wamid.1","lane":"contact:7:p:1666","occurred_at":null,
    "received_at":"r","notification_id":"ntf_1","test":true,"duplicates":2,"unrouted":true,
    "problems":[{"path":"a","what":"not a time"}],"data":{"n":1.50},"new_member":1}"#;

#[test]
fn an_event_is_a_row_with_what_is_to_be_noted() {
    let event: Event = serde_json::from_str(EVENT).unwrap();
    assert_eq!(event.cells().join("|"), "r|evt_1|messages.text|7|1666|unrouted, test, problems: 1, duplicates: 2");
}

#[test]
fn a_shown_event_has_its_problems_its_conflicts_and_its_data_as_sent() {
    let json =
        format!(r#"{{"event":{EVENT},"deliveries":[],"conflicts":[{{"notification_id":"ntf_2","received_at":"s"}}]}}"#);
    let shown: Shown = serde_json::from_str(&json).unwrap();
    let facts = shown.event.facts(&shown.conflicts);
    assert!(facts.contains("problem       a: not a time\n"), "{facts}");
    assert!(facts.ends_with("differs       a copy in ntf_2 from s"), "{facts}");
    assert_eq!(shown.event.data_text(), "{\n  \"n\": 1.50\n}");
}

#[test]
fn a_time_is_a_moment_or_so_long_ago() {
    let moment = "2026-03-01T10:00:00Z";
    assert_eq!(time("--since", Some(moment)).unwrap().as_deref(), Some(moment));
    let hour_ago = time("--since", Some("1h")).unwrap().unwrap();
    let age_ms = Clock::System.now_ms() - parse_rfc3339(&hour_ago).unwrap();
    assert!((3_600_000..3_660_000).contains(&age_ms), "{age_ms}");
    assert!(matches!(time("--since", Some("yesterday")), Err(Failure::Arguments(_))));
    assert!(matches!(time("--since", Some("9000000000years")), Err(Failure::Arguments(_))));
}
