//! What scripts cause, judged by the real reader.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::collections::{HashMap, HashSet};

use super::*;
use crate::bodies::Stage;
use crate::scenario::{READY, Scenario};

const NOW: i64 = 1_790_000_000;

/// Every webhook of a scenario in the order of time, with its second.
fn played(scenario: &Scenario, seed: u64) -> Vec<(i64, Vec<u8>)> {
    let mut play = Play::new(seed, NOW);
    let mut world = scenario.world.clone();
    let mut deeds = Vec::new();
    let mut at = Duration::ZERO;
    for step in &scenario.script {
        at += step.after;
        for time in 0..step.repeat {
            let begins = at + step.every * time;
            let caused = play.step(step, &world, &scenario.mischief);
            deeds.extend(caused.into_iter().map(|(after, deed)| (begins + after, deed)));
        }
    }
    deeds.sort_by_key(|(after, _)| *after);
    let webhook = |(after, deed): (Duration, Deed)| {
        let second = NOW + i64::try_from(after.as_secs()).unwrap();
        let occurrence = play.occurrence(&deed, &mut world, second);
        (second, occurrence.unwrap_or_else(|| panic!("{deed:?}")).body)
    };
    deeds.into_iter().map(webhook).collect()
}

fn ready(name: &str) -> Scenario {
    Scenario::parse(Scenario::ready(name).unwrap().text).unwrap()
}

#[test]
fn every_ready_scenario_is_read_without_a_problem_and_belongs_to_its_world() {
    for ready in READY {
        let scenario = Scenario::parse(ready.text).unwrap();
        for (_, body) in played(&scenario, 1) {
            let read = whatsapp::read(&body);
            assert!(read.problems.is_empty() && !read.events.is_empty(), "{}", ready.name);
            for event in read.events {
                let shown = format!("{} {} {:?}", ready.name, event.event_type.as_str(), event.problems);
                assert!(event.problems.is_empty(), "{shown}");
                assert!(event.waba_id.is_none_or(|id| scenario.world.waba(&id).is_some()), "{shown}");
                assert!(event.phone_number_id.is_none_or(|id| scenario.world.number(&id).is_some()), "{shown}");
            }
        }
    }
}

#[test]
fn no_event_of_a_scenario_comes_twice_nor_in_another_run() {
    for ready in READY {
        let scenario = Scenario::parse(ready.text).unwrap();
        let mut seen = HashSet::new();
        for (second, body) in [played(&scenario, 1), played(&scenario, 2)].concat() {
            for event in whatsapp::read(&body).events {
                // Of some management events nothing but the second tells the runs apart.
                if event.message_id.is_some() {
                    assert!(seen.insert(event.key.text.clone()), "{} {second} {}", ready.name, event.key.text);
                }
            }
        }
    }
}

#[test]
fn times_are_present_and_go_forward() {
    for name in ["hello", "support-desk", "calls", "template-life"] {
        for (second, body) in played(&ready(name), 1) {
            for event in whatsapp::read(&body).events {
                let at = event.occurred_at_seconds.unwrap_or(second);
                assert!((second - 60..=second).contains(&at), "{name} {} {at} {second}", event.event_type.as_str());
            }
        }
    }
}

/// The statuses of each message, in the order in which they come.
fn statuses(scenario: &Scenario) -> HashMap<String, Vec<String>> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for (_, body) in played(scenario, 1) {
        for event in whatsapp::read(&body).events {
            if let Some(word) = event.event_type.as_str().strip_prefix("messages.status.") {
                let id = event.message_id.unwrap().into_owned();
                found.entry(id).or_default().push(word.to_owned());
            }
        }
    }
    found
}

#[test]
fn a_message_of_the_business_is_sent_then_delivered_then_read() {
    let lives = statuses(&ready("support-desk"));
    let mut shapes: Vec<String> = lives.into_values().map(|life| life.join(" ")).collect();
    shapes.sort();
    assert_eq!(shapes, ["failed", "sent delivered", "sent delivered read", "sent delivered read"]);
}

#[test]
fn each_fault_of_a_messages_life_is_seen() {
    let lives = |faults: &str| {
        let text = format!("[[script]]\ndo = 'answer'\n[faults]\n{faults} = 100\n");
        statuses(&Scenario::parse(&text).unwrap()).into_values().next().unwrap().join(" ")
    };
    assert_eq!(lives("read-without-delivered"), "sent read");
    assert_eq!(lives("read-before-delivered"), "sent read delivered");
    assert_eq!(lives("delivered-and-failed"), "sent delivered failed read");
    assert_eq!(Stage::Failed(1).word(), "failed");
}

#[test]
fn a_label_stands_for_the_id_of_its_message() {
    let bodies = played(&ready("support-desk"), 1);
    let events: Vec<_> = bodies.iter().flat_map(|(_, body)| whatsapp::read(body).events).collect();
    let sent: HashSet<String> = events
        .iter()
        .filter(|event| event.event_type.as_str() == "messages.status.sent")
        .map(|event| event.message_id.clone().unwrap().into_owned())
        .collect();
    let text = |event: &whatsapp::Event<'_>| format!("{:?}", event.data);
    let reaction = events.iter().find(|event| event.event_type.as_str() == "messages.reaction").unwrap();
    assert!(sent.iter().any(|id| text(reaction).contains(id.as_str())));
}

#[test]
fn a_call_keeps_its_id_and_a_template_its_name() {
    let calls = played(&ready("calls"), 1);
    let mut moments: HashMap<String, Vec<String>> = HashMap::new();
    for event in calls.iter().flat_map(|(_, body)| whatsapp::read(body).events) {
        if event.field == "calls" && event.event_type.as_str() != "calls.call_recording_available" {
            let id = event.message_id.unwrap().into_owned();
            moments.entry(id).or_default().push(event.event_type.as_str().trim_start_matches("calls.").to_owned());
        }
    }
    let mut moments: Vec<String> = moments.into_values().map(|moments| moments.join(" ")).collect();
    moments.sort();
    let expected = [
        "connect terminate",
        "connect terminate",
        "status.ringing connect status.accepted terminate",
        "status.ringing status.rejected terminate",
    ];
    assert_eq!(moments, expected);
    for (_, body) in played(&ready("template-life"), 1) {
        let text = String::from_utf8(body).unwrap();
        let named = text.contains("autumn_offer") || text.contains("order_update") || text.contains("\"statuses\"");
        assert!(named, "{text}");
    }
}

#[test]
fn one_seed_plays_the_same_and_another_does_not() {
    for ready in READY {
        let scenario = Scenario::parse(ready.text).unwrap();
        assert!(played(&scenario, 1) == played(&scenario, 1), "{}", ready.name);
        assert!(played(&scenario, 1) != played(&scenario, 2), "{}", ready.name);
    }
}
