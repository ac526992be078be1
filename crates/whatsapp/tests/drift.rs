//! Meta leaves a member out, adds one or gives it another type: the operator hears it, once, with the place.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod common;

use std::collections::BTreeSet;

use common::{Tree, fixtures};

/// Members of an element that its reader needs, by array; of the value, by field, where the whole change is one event.
const NEEDED: &[(&str, &[&str])] = &[
    ("messages[]", &["id", "type", "timestamp"]),
    ("message_echoes[]", &["id", "type", "timestamp"]),
    ("statuses[]", &["id", "status", "timestamp"]),
    ("calls[]", &["id", "event", "timestamp"]),
    ("user_actions[]", &["action_type", "timestamp"]),
    ("groups[]", &["type", "timestamp"]),
    ("state_sync[]", &["action"]),
    ("user_preferences[]", &["category", "value", "timestamp"]),
    ("user_id_update[]", &["timestamp"]),
    ("automatic_events[]", &["id", "event_name", "timestamp"]),
    ("events[]", &["event_name", "timestamp"]),
    ("errors[]", &["code"]),
    ("standby.messages[]", &["id", "type", "timestamp"]),
    ("standby.message_echoes[]", &["id", "timestamp"]),
    ("standby.statuses[]", &["id", "status", "timestamp"]),
    ("account_alerts", &["entity_id"]),
    ("account_review_update", &["decision"]),
    ("account_settings_update", &["type", "timestamp"]),
    ("account_update", &["event"]),
    ("business_username_updates", &["display_phone_number", "status"]),
    ("flows", &["flow_id", "event"]),
    ("message_template_components_update", &["message_template_id"]),
    ("message_template_quality_update", &["message_template_id", "new_quality_score"]),
    ("message_template_status_update", &["message_template_id", "event"]),
    ("messaging_handovers", &["timestamp"]),
    ("partner_solutions", &["event", "solution_id", "solution_status"]),
    ("payment_configuration_update", &["configuration_name", "status"]),
    ("phone_number_name_update", &["decision", "display_phone_number", "requested_verified_name"]),
    ("phone_number_quality_update", &["display_phone_number", "event"]),
    ("security", &["display_phone_number", "event"]),
    ("template_category_update", &["message_template_id"]),
    ("template_correct_category_detection", &["message_template_id", "correct_category"]),
];

/// Where nothing at the top is needed, and the members are known all the same.
const WITH_KNOWN_MEMBERS: &[&str] = &["history[]", "business_capability_update"];

/// A way into a tree: names of members and positions of elements.
#[derive(Clone)]
enum Step {
    Member(String),
    Element(usize),
}

fn at<'t>(tree: &'t mut Tree, way: &[Step]) -> &'t mut Tree {
    way.iter().fold(tree, |tree, step| match (step, tree) {
        (Step::Member(name), Tree::Object(members)) => {
            &mut members.iter_mut().find(|(member, _)| member == name).unwrap().1
        }
        (Step::Element(index), Tree::Array(elements)) => &mut elements[*index],
        _ => panic!("no such way"),
    })
}

fn path(way: &[Step], member: &str) -> String {
    let mut path = String::new();
    for step in way.iter().chain(&[Step::Member(member.to_owned())]) {
        match step {
            Step::Member(name) if path.is_empty() => path.push_str(name),
            Step::Member(name) => path.push_str(&format!(".{name}")),
            Step::Element(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

fn names(tree: &Tree) -> Vec<String> {
    match tree {
        Tree::Object(members) => members.iter().map(|(name, _)| name.clone()).collect(),
        Tree::Array(_) | Tree::Scalar(_) => Vec::new(),
    }
}

fn length(tree: &Tree) -> usize {
    if let Tree::Array(elements) = tree { elements.len() } else { 0 }
}

/// Every way to something that has one of these members: the elements of its array, or the value of its field.
fn places(tree: &mut Tree, home: &str) -> Vec<Vec<Step>> {
    let member = |name: &str| Step::Member(name.to_owned());
    let mut found = Vec::new();
    for entry in 0..length(at(tree, &[member("entry")])) {
        let changes = [member("entry"), Step::Element(entry), member("changes")];
        for change in 0..length(at(tree, &changes)) {
            let change = [changes.as_slice(), &[Step::Element(change)]].concat();
            let field = at(tree, &[change.as_slice(), &[member("field")]].concat()).compact();
            let mut way = [change.as_slice(), &[member("value")]].concat();
            let Some(array) = home.strip_suffix("[]") else {
                found.extend((field == format!("\"{home}\"")).then_some(way));
                continue;
            };
            // Old messages are no messages: see the reader of `history`.
            let is_there = array.split('.').all(|name| {
                let there = names(at(tree, &way)).iter().any(|member| member == name);
                way.push(member(name));
                there
            });
            let past = field == "\"history\"" && array != "history";
            if is_there && !past && (array != "errors" || field == "\"messages\"") {
                let elements = length(at(tree, &way));
                found.extend((0..elements).map(|index| [way.as_slice(), &[Step::Element(index)]].concat()));
            }
        }
    }
    found
}

/// All problems of a body.
fn problems(tree: &Tree) -> Vec<(String, &'static str)> {
    let text = tree.compact();
    let notification = whatsapp::read(text.as_bytes());
    let of_events = notification.events.into_iter().flat_map(|event| event.problems);
    notification.problems.into_iter().chain(of_events).map(|problem| (problem.path, problem.what)).collect()
}

/// A needed member of a body, with its home and the way to what has it.
type Case = (&'static str, &'static str, Vec<Step>);

fn cases(tree: &mut Tree) -> Vec<Case> {
    let mut cases = Vec::new();
    for (home, needed) in NEEDED {
        for way in places(tree, home) {
            let there = names(at(tree, &way));
            let needed = needed.iter().filter(|member| there.iter().any(|name| name == *member));
            cases.extend(needed.map(|member| (*home, *member, way.clone())));
        }
    }
    cases
}

/// Changes each needed member of each documented body in turn, and asks for what must be told of it.
fn check(change: impl Fn(&mut Vec<(String, Tree)>, &str), what: &str) {
    let mut met = BTreeSet::new();
    for (name, body) in fixtures().into_iter().filter(|(_, body)| body.len() < 20_000) {
        let mut tree = Tree::parse(std::str::from_utf8(&body).unwrap());
        for (home, member, way) in cases(&mut tree) {
            let mut changed = tree.clone();
            let Tree::Object(members) = at(&mut changed, &way) else { panic!("{name}") };
            change(members, member);
            assert_eq!(problems(&changed), [(path(&way, member), what)], "{name}");
            met.insert((home, member));
        }
    }
    let wanted = NEEDED.iter().flat_map(|(home, needed)| needed.iter().map(|member| (*home, *member)));
    assert_eq!(met, wanted.collect(), "every needed member is in a fixture");
}

#[test]
fn a_needed_member_that_is_gone_is_told_once_at_its_path() {
    check(|members, gone| members.retain(|(name, _)| name != gone), "missing");
}

#[test]
fn a_member_that_no_source_knows_is_told_once_at_its_path() {
    let (mut met, new) = (BTreeSet::new(), "telepathy");
    for (name, body) in fixtures().into_iter().filter(|(_, body)| body.len() < 20_000) {
        let mut tree = Tree::parse(std::str::from_utf8(&body).unwrap());
        for home in WITH_KNOWN_MEMBERS.iter().copied().chain(NEEDED.iter().map(|(home, _)| *home)) {
            for way in places(&mut tree, home) {
                let mut changed = tree.clone();
                let Tree::Object(members) = at(&mut changed, &way) else { panic!("{name}") };
                members.push((new.to_owned(), Tree::Scalar("1".to_owned())));
                assert_eq!(problems(&changed), [(path(&way, new), "unknown member")], "{name}");
                met.insert(home);
            }
        }
    }
    assert_eq!(met.len(), NEEDED.len() + WITH_KNOWN_MEMBERS.len());
}

#[test]
fn of_a_new_type_the_type_is_told_and_not_its_member() {
    let body = common::body("messages", r#""messages":[{"id":"x","timestamp":"1758000000","type":"poll","poll":{}}]"#);
    let told = problems(&Tree::parse(&body));
    assert_eq!(told, [("entry[0].changes[0].value.messages[0]".to_owned(), "unknown type")]);
}

#[test]
fn of_many_and_odd_names_a_few_are_told_and_harmlessly() {
    let odd: String = (0..100).map(|index| format!(r#","{index}é\n{}":1"#, "x".repeat(500))).collect();
    let body = common::body("messages", &format!(r#""errors":[{{"code":1{odd}}}]"#));
    let told = problems(&Tree::parse(&body));
    assert_eq!(told.len(), 8);
    let plain = |path: &str| path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.[]".contains(&byte));
    assert!(told.iter().all(|(path, _)| path.len() < 128 && plain(path)), "{told:?}");
}
