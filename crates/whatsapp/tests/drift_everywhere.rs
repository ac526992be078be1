//! Every member of every documented body is added to, removed or given another type, one at a time: each is told once,
//! at its path.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Tree, fixtures};

/// Members that Meta sends in two types: the name, and the second type.
const BOTH: &[(&str, &str)] = &[
    ("calling", "null"),
    ("disable_date", "text"),
    ("entity_id", "text"),
    ("expiration", "text"),
    ("max_daily_conversations_per_business", "text"),
    ("reason", "null"),
    ("rejection_reason", "null"),
];

/// Fields of which no payload is published.
const UNPUBLISHED: &[&str] = &["consumer_profile", "business_status_update"];

/// What the envelope and the arrays of elements are made of: where these are of another type, there is no event in its
/// usual place, and the problem is told in another way.
const SCAFFOLD: &[&str] = &[
    "object",
    "entry",
    "changes",
    "field",
    "value",
    "messages",
    "message_echoes",
    "statuses",
    "calls",
    "user_actions",
    "groups",
    "state_sync",
    "history",
    "user_preferences",
    "user_id_update",
    "automatic_events",
    "events",
    "errors",
];

/// Members whose absence is told wherever one of the documented bodies has them.
const ALWAYS_TOLD: &str = "action action_type added_participants alert_info alert_state alert_type amount audio \
    auth_international_rate_eligibility ban_info button button_reply call_permission_reply call_recording \
    call_transcript catalog_id chunk_order client_business_id close_time configuration_name contact control_passed \
    control_taken currency current custom_data date day_of_week decision detail disable_date display_phone_number \
    document edit effective_month entity_id entity_type error_type event event_name headline history_context \
    hostname interactive item_price join_request_id language latitude list_reply location longitude \
    marketing_messages_link_click_data media_type message_id message_template_button_text \
    message_template_button_type message_template_element message_template_id message_template_language \
    message_template_name new_category new_quality_score new_status nfm_reply offset open_time order \
    original_message_id owner_business_id partner_client_certification_info partner_client_certification_needed_info \
    payload payment payment_method phase phone_number_id phone_number_settings previous previous_quality_score \
    pricing_category pricing_model product_items product_retailer_id progress provider_mid provider_name quantity \
    reaction recipient recommendation region requested_verified_name response response_json restriction_type revoke \
    sdp_type session solution_status source_id source_type source_url sticker summary system threads threshold tier \
    tier_update_time timestamp transaction update_successful video violation_type volume_tier_info waba_ban_date \
    waba_ban_state waba_id";

/// One value of each type.
const OF_EACH_TYPE: &[(&str, &str)] = &[
    ("null", "null"),
    ("bool", "true"),
    ("number", "7.5"),
    ("text", "\"telepathy\""),
    ("array", "[[]]"),
    ("object", r#"{"telepathy":{}}"#),
];

fn type_of(tree: &Tree) -> &'static str {
    match tree {
        Tree::Object(_) => "object",
        Tree::Array(_) => "array",
        Tree::Scalar(text) => match text.as_bytes()[0] {
            b'"' => "text",
            b't' | b'f' => "bool",
            b'n' => "null",
            _ => "number",
        },
    }
}

/// A place in a body: its path, the name that leads to it, and what stands there.
struct Place<'t> {
    path: String,
    name: String,
    value: &'t Tree,
    /// Of the object that it is a member of; `None` for elements of arrays.
    in_object: bool,
}

/// Every place below a tree, in the order of the text.
fn places<'t>(tree: &'t Tree, path: &str, name: &str, found: &mut Vec<Place<'t>>) {
    match tree {
        Tree::Object(members) => {
            for (member, value) in members {
                let path = if path.is_empty() { member.clone() } else { format!("{path}.{member}") };
                found.push(Place { path: path.clone(), name: member.clone(), value, in_object: true });
                places(value, &path, member, found);
            }
        }
        Tree::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                let path = format!("{path}[{index}]");
                found.push(Place { path: path.clone(), name: name.to_owned(), value, in_object: false });
                places(value, &path, name, found);
            }
        }
        Tree::Scalar(_) => {}
    }
}

/// The tree with something else at a path; `None` leaves the member out.
fn with(tree: &Tree, path: &str, here: &str, new: Option<&Tree>) -> Tree {
    match tree {
        Tree::Object(members) => {
            let mut changed = Vec::new();
            for (name, value) in members {
                let place = if here.is_empty() { name.clone() } else { format!("{here}.{name}") };
                if place != path {
                    changed.push((name.clone(), with(value, path, &place, new)));
                } else if let Some(new) = new {
                    changed.push((name.clone(), new.clone()));
                }
            }
            Tree::Object(changed)
        }
        Tree::Array(elements) => {
            let of = |(index, value): (usize, &Tree)| {
                let place = format!("{here}[{index}]");
                if place == path { new.unwrap().clone() } else { with(value, path, &place, new) }
            };
            Tree::Array(elements.iter().enumerate().map(of).collect())
        }
        Tree::Scalar(text) => Tree::Scalar(text.clone()),
    }
}

fn problems(tree: &Tree) -> Vec<(String, &'static str)> {
    let text = tree.compact();
    let notification = whatsapp::read(text.as_bytes());
    let of_events = notification.events.into_iter().flat_map(|event| event.problems);
    notification.problems.into_iter().chain(of_events).map(|problem| (problem.path, problem.what)).collect()
}

/// The documented bodies of published fields.
fn bodies() -> Vec<(String, Tree)> {
    let fixtures = fixtures().into_iter().filter(|(_, body)| body.len() < 20_000);
    let trees = fixtures.map(|(name, body)| (name, Tree::parse(std::str::from_utf8(&body).unwrap())));
    trees
        .filter(|(name, _)| !UNPUBLISHED.iter().any(|field| name.starts_with(field) || name.contains("unknown-field")))
        .collect()
}

fn check_each(mut check: impl FnMut(&str, &Tree, &Place<'_>)) {
    for (name, tree) in bodies() {
        let mut found = Vec::new();
        places(&tree, "", "", &mut found);
        found.iter().for_each(|place| check(&name, &tree, place));
    }
}

#[test]
fn a_value_of_another_type_is_told_once_at_its_path() {
    let (mut count, mut both) = (0, BTreeSet::new());
    check_each(|name, tree, place| {
        let scaffold = SCAFFOLD.contains(&place.name.as_str()) && !place.path.contains(".notes");
        if scaffold {
            return;
        }
        for (type_name, text) in OF_EACH_TYPE.iter().filter(|(name, _)| *name != type_of(place.value)) {
            let told = problems(&with(tree, &place.path, "", Some(&Tree::parse(text))));
            if told.is_empty() {
                both.insert((place.name.clone(), (*type_name).to_owned()));
                continue;
            }
            assert_eq!(told.len(), 1, "{name}: {} as {text}: {told:?}", place.path);
            let below = told[0].0.starts_with(&place.path);
            assert!(below, "{name}: {} as {text}: {told:?}", place.path);
            count += 1;
        }
    });
    assert!(count > 15_000, "{count}");
    let both: Vec<(&str, &str)> = both.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect();
    assert_eq!(both, BOTH);
}

#[test]
fn a_member_that_nobody_knows_is_told_once_at_its_path() {
    let mut count = 0;
    check_each(|name, tree, place| {
        let Tree::Object(members) = place.value else { return };
        // The names of notes are the business's own.
        if place.name == "notes" {
            return;
        }
        let mut more = members.clone();
        more.push(("telepathy".to_owned(), Tree::Scalar("1".to_owned())));
        let told = problems(&with(tree, &place.path, "", Some(&Tree::Object(more))));
        assert_eq!(told, [(format!("{}.telepathy", place.path), "unknown member")], "{name}");
        count += 1;
    });
    assert!(count > 1_800, "{count}");
}

#[test]
fn a_member_that_is_gone_is_told_at_its_path_and_nowhere_else() {
    // How often each name was told and not.
    let mut told_of: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    check_each(|name, tree, place| {
        if !place.in_object || SCAFFOLD.contains(&place.name.as_str()) || place.name == "standby" {
            return;
        }
        let told = problems(&with(tree, &place.path, "", None));
        let counts = told_of.entry(place.name.clone()).or_default();
        match told.as_slice() {
            [] => counts.1 += 1,
            [(path, "missing")] => {
                // Of two members of which one is needed, the first is named.
                let one_of_two = [
                    "violation_info",
                    "restriction_info",
                    "waba_info",
                    "phone_number",
                    "failed_participants",
                    "input",
                    "wa_id",
                    "user_id",
                    "alert_type",
                    "control_taken",
                ];
                assert!(
                    *path == place.path || one_of_two.contains(&place.name.as_str()),
                    "{name}: {} {told:?}",
                    place.path
                );
                counts.0 += 1;
            }
            _ => panic!("{name}: {}: {told:?}", place.path),
        }
    });
    let always = told_of.iter().filter(|(_, (_, not))| *not == 0).map(|(name, _)| name.as_str());
    let always = always.collect::<Vec<_>>().join(" ");
    assert_eq!(always, ALWAYS_TOLD.split_whitespace().collect::<Vec<_>>().join(" "));
}
