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

use common::{change, fixtures};
use whatsapp::catalogue::{self, Elements, Evidence, Field, Override, Permission, TimeSource};
use whatsapp::generate::{self, Seeded};

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

const NOW: i64 = 1_758_000_000;

/// Bodies that should each give one event of this type. A type has several shapes, so there are several.
fn generated(event_type: &str) -> impl Iterator<Item = String> {
    let of = |seed| generate::notification(event_type, NOW, &mut Seeded::new(seed));
    (0..8).map(move |seed| String::from_utf8(of(seed).expect("every catalogued type can be made")).unwrap())
}

#[test]
fn every_type_of_the_catalogue_can_be_read_from_a_body() {
    for (field, _, name) in types() {
        for body in generated(name) {
            let notification = whatsapp::read(body.as_bytes());
            assert_eq!(notification.events.len(), 1, "{body}");
            assert_eq!(notification.events[0].event_type.as_str(), name, "{body}");
            assert_eq!(notification.events[0].field, field.name, "{body}");
        }
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

/// The body with its entry's time a second later; the same body where the entry has none.
fn later(body: &str) -> String {
    let Some((before, rest)) = body.split_once(r#""time":"#).filter(|(before, _)| !before.contains("changes")) else {
        return body.to_owned();
    };
    let (time, after) = rest.split_once(',').unwrap();
    let seconds: i64 = time.trim_matches([' ', '"']).parse().unwrap();
    format!(r#"{before}"time":{},{after}"#, seconds + 1)
}

#[test]
fn an_event_has_its_time_from_where_the_catalogue_says() {
    let seconds = |body: &str| whatsapp::read(body.as_bytes()).events[0].occurred_at_seconds;
    let mut sources: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, elements, name) in types() {
        sources.entry(name).or_default().insert(match elements.time {
            TimeSource::Entry => "entry",
            TimeSource::Member(_) => "member",
            TimeSource::Nowhere => "nowhere",
            TimeSource::Unknown | _ => "unknown",
        });
    }
    for (name, expected) in sources.into_iter().filter(|(_, expected)| !expected.contains("unknown")) {
        let of = |body: String| match (seconds(&body), seconds(&later(&body))) {
            (None, None) => "nowhere",
            (before, after) if before == after => "member",
            (before, after) => {
                assert_eq!(before.map(|before| before + 1), after, "{body}");
                "entry"
            }
        };
        let found: BTreeSet<&str> = generated(name).map(of).collect();
        assert!(found.is_subset(&expected), "{name}: {found:?} where the catalogue says {expected:?}");
    }
}
