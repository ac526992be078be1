//! The catalogue and the reader say the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{body, change, fixtures};
use whatsapp::catalogue::{self, Elements, Evidence, Field, Override, Permission, TimeSource};

/// The subscription list of the dashboard in 2026, and two names of older lists.
const DASHBOARD: &str = "account_alerts account_review_update account_settings_update account_update automatic_events \
    business_capability_update business_status_update business_username_updates calls consumer_profile flows \
    group_lifecycle_update group_participants_update group_settings_update group_status_update history message_echoes \
    message_template_components_update message_template_quality_update message_template_status_update messages \
    messaging_handovers partner_solutions payment_configuration_update phone_number_name_update \
    phone_number_quality_update security smb_app_state_sync smb_message_echoes standby template_category_update \
    template_correct_category_detection tracking_events user_id_update user_preferences \
    campaign_status_update template_performance_metrics";

/// The thirteen fields that Meta's page on the callback override lists.
const OVERRIDABLE: &str = "account_settings_update calls consumer_profile group_lifecycle_update \
    group_participants_update group_settings_update group_status_update history message_echoes messages \
    messaging_handovers smb_app_state_sync smb_message_echoes";

fn names(wanted: impl Fn(&Field) -> bool) -> BTreeSet<&'static str> {
    catalogue::fields().iter().filter(|field| wanted(field)).map(|field| field.name).collect()
}

/// Each type of the catalogue with what its events are cut from.
fn types() -> Vec<(&'static Field, &'static Elements, &'static str)> {
    let of = |field: &'static Field| {
        field.elements.iter().flat_map(move |elements| elements.types.iter().map(move |name| (field, elements, *name)))
    };
    catalogue::fields().iter().flat_map(of).collect()
}

#[test]
fn every_field_that_the_dashboard_offers_is_in_the_catalogue() {
    assert_eq!(names(|_| true), DASHBOARD.split_whitespace().collect());
    assert!(catalogue::fields().is_sorted_by_key(|field| field.name));
}

#[test]
fn the_override_applies_where_metas_page_lists_it() {
    assert_eq!(names(|field| field.callback_override == Override::Applies), OVERRIDABLE.split_whitespace().collect());
    assert_eq!(names(|field| field.callback_override == Override::Unstated), BTreeSet::from(["standby"]));
}

#[test]
fn only_messages_need_the_permission_for_messaging() {
    assert_eq!(names(|field| field.permission == Permission::Messaging), BTreeSet::from(["messages"]));
}

#[test]
fn every_type_begins_with_the_name_of_its_field_and_has_one_field() {
    let mut homes: BTreeMap<&str, &str> = BTreeMap::new();
    for (field, _, name) in types() {
        assert!(name == field.name || name.starts_with(&format!("{}.", field.name)), "{name}");
        assert_eq!(*homes.entry(name).or_insert(field.name), field.name, "{name}");
    }
    let own = catalogue::own_types().iter().map(|own| own.name);
    let listed: BTreeSet<&str> = homes.into_keys().chain(own).collect();
    assert_eq!(listed, whatsapp::known_types().iter().copied().collect());
}

#[test]
fn every_field_says_what_it_is_and_where_that_is_written() {
    for field in catalogue::fields() {
        assert!(!field.meaning.is_empty() && !field.elements.is_empty(), "{}", field.name);
        let published = field.evidence != Evidence::Unpublished;
        assert!(field.page.is_some() || field.evidence != Evidence::Documented, "{}", field.name);
        assert!(field.evidence == Evidence::Documented || !field.doubts.is_empty(), "{}", field.name);
        let unknown = field.elements.iter().any(|elements| elements.time == TimeSource::Unknown);
        assert_ne!(unknown, published, "{}", field.name);
    }
}

#[test]
fn every_documented_body_is_of_a_catalogued_field_and_its_types_are_those_of_a_field() {
    let known: BTreeSet<&str> = types().into_iter().map(|(_, _, name)| name).collect();
    for (name, body) in fixtures() {
        for event in whatsapp::read(&body).events {
            assert!(catalogue::field(&event.field).is_some(), "{name}: {}", event.field);
            assert!(known.contains(event.event_type.as_str()), "{name}: {}", event.event_type.as_str());
        }
    }
}

/// An element from which the reader should make this type, as JSON members.
fn element(array: &str, words: &[&str]) -> String {
    let time = r#""timestamp":"1758000000""#;
    let named = format!(r#""id":"x","from":"1555","to":"1556",{time}"#);
    match (array, words) {
        ("messages" | "message_echoes" | "standby.messages", [kind]) => {
            format!(r#"{named},"type":"{kind}","{kind}":{{}}"#)
        }
        ("messages" | "standby.messages", [kind, inner]) => {
            format!(r#"{named},"type":"{kind}","{kind}":{{"type":"{inner}"}}"#)
        }
        ("standby.message_echoes", []) => format!(r#""id":"x",{time},"message":{{"to":"1556"}}"#),
        ("statuses", ["payment", word]) => format!(r#""id":"x",{time},"type":"payment","status":"{word}""#),
        ("statuses" | "standby.statuses", ["status", word]) => format!(r#""id":"x",{time},"status":"{word}""#),
        ("errors", ["error"]) => r#""code":1"#.to_owned(),
        ("user_actions", ["user_action", word]) => format!(r#"{time},"action_type":"{word}","click_id":"c""#),
        ("calls", [word]) => format!(r#"{named},"event":"{word}""#),
        ("groups", [word]) => format!(r#"{time},"group_id":"g","type":"{word}""#),
        ("state_sync", [word]) => {
            format!(r#""action":"{word}","contact":{{"user_id":"u"}},"metadata":{{"timestamp":"1758000000"}}"#)
        }
        ("history", ["declined"]) => r#""errors":[{"code":2593109}]"#.to_owned(),
        ("history", ["chunk"]) => r#""metadata":{"phase":0,"chunk_order":1},"threads":[]"#.to_owned(),
        ("automatic_events", [word]) => format!(r#""id":"x",{time},"event_name":"{word}""#),
        ("events", [word]) => format!(r#"{time},"event_name":"{word}""#),
        ("user_id_update", []) => format!(r#"{time},"user_id":{{"previous":"a","current":"b"}}"#),
        ("user_preferences", [word]) => format!(r#"{time},"user_id":"u","category":"c","value":"{word}""#),
        _ => panic!("{array}: {words:?}"),
    }
}

/// The value of a change that is one event, from which the reader should make this type.
fn value(field: &str, word: &str) -> String {
    let ids = match field {
        "account_alerts" => r#""entity_id":"1","#,
        "business_username_updates" | "phone_number_name_update" | "phone_number_quality_update" | "security" => {
            r#""display_phone_number":"15","#
        }
        "flows" => r#""flow_id":"f","#,
        "partner_solutions" => r#""solution_id":"s","solution_status":"DRAFT","#,
        name if name.contains("template") => r#""message_template_id":5,"#,
        _ => "",
    };
    let kind = match field {
        "account_alerts" => format!(r#""alert_type":"{word}""#),
        "account_review_update" => format!(r#""decision":"{word}""#),
        "phone_number_name_update" => format!(r#""decision":"{word}","requested_verified_name":"n""#),
        "account_settings_update" | "messaging_handovers" => {
            let peers = r#""recipient":{"phone_number_id":"7"},"sender":{"phone_number":"1"},"#;
            let peers = if field == "messaging_handovers" { peers } else { "" };
            format!(r#"{peers}"type":"{word}","timestamp":"1758000000","{word}":{{"phone_number_id":"7"}}"#)
        }
        "business_username_updates" => format!(r#""status":"{word}""#),
        "payment_configuration_update" => {
            format!(r#""status":"{word}","configuration_name":"c","updated_timestamp":1758000000"#)
        }
        "message_template_quality_update" => format!(r#""previous_quality_score":"RED","new_quality_score":"{word}""#),
        "template_category_update" if word == "impending" => r#""correct_category":"A""#.to_owned(),
        "template_category_update" => r#""previous_category":"A""#.to_owned(),
        "template_correct_category_detection" => r#""correct_category":"A""#.to_owned(),
        "business_capability_update" => r#""max_phone_numbers_per_waba":25"#.to_owned(),
        "message_template_components_update" => r#""message_template_name":"n""#.to_owned(),
        _ => format!(r#""event":"{word}""#),
    };
    format!("{{{ids}{kind}}}")
}

/// A body that should give one event of this type.
fn synthetic(field: &Field, elements: &Elements, event_type: &str) -> String {
    let rest = event_type.strip_prefix(field.name).unwrap();
    let mut words: Vec<&str> = rest.split('.').filter(|word| !word.is_empty()).collect();
    let Some(array) = elements.array else {
        let value = value(field.name, words.first().copied().unwrap_or_default());
        return change(field.name, 1_758_000_000, &value);
    };
    let Some(inner) = array.strip_prefix("standby.") else {
        if field.name == "history" && words == ["media"] {
            words = vec!["image"];
        }
        return body(field.name, &format!(r#""{array}":[{{{}}}]"#, element(array, &words)));
    };
    if field.name == "standby" && words.first().is_some_and(|word| *word == inner) {
        words.remove(0);
    }
    body(field.name, &format!(r#""standby":{{"{inner}":[{{{}}}]}}"#, element(array, &words)))
}

#[test]
fn every_type_of_the_catalogue_can_be_read_from_a_body() {
    for (field, elements, name) in types() {
        let body = synthetic(field, elements, name);
        let notification = whatsapp::read(body.as_bytes());
        assert_eq!(notification.events.len(), 1, "{body}");
        let event = &notification.events[0];
        assert_eq!(event.event_type.as_str(), name, "{body}");
    }
}

#[test]
fn every_type_of_ours_can_be_read_from_a_body() {
    let entries = r#"{"object":"whatsapp_business_account","entry":[ENTRY]}"#;
    let bodies = [
        ("notification.change", change("", 1, "{}")),
        ("notification.entry", entries.replace("ENTRY", r#"{"id":"1"}"#)),
        ("notification.unreadable", "{".to_owned()),
    ];
    let own: Vec<&str> = catalogue::own_types().iter().map(|own| own.name).collect();
    assert_eq!(own, bodies.each_ref().map(|(name, _)| *name));
    for (name, body) in bodies {
        assert_eq!(common::types_and_keys(body.as_bytes())[0].0, name);
    }
}

#[test]
fn an_event_has_its_time_from_where_the_catalogue_says() {
    for (field, elements, name) in types() {
        let body = synthetic(field, elements, name);
        // The two places get two times, so that one cannot stand for the other.
        let apart = body.replace(r#""time":1758000000"#, r#""time":1758000001"#);
        let seconds = whatsapp::read(apart.as_bytes()).events[0].occurred_at_seconds;
        match elements.time {
            TimeSource::Entry => assert_eq!(seconds, Some(1_758_000_001), "{name}"),
            TimeSource::Member(_) => assert_eq!(seconds, Some(1_758_000_000), "{name}"),
            TimeSource::Nowhere => assert_eq!(seconds, None, "{name}"),
            TimeSource::Unknown | _ => {}
        }
    }
}
