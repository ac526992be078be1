//! Endpoints that are down, from outside: suspended, probed, resumed in order; told apart from events that are refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use support::gateway::{Gateway, Home};
use support::meta::Text;
use support::sink::{Arrival, Say, Sink};
use support::{until, until_true};

fn endpoint(gateway: &Gateway, id: &str) -> Value {
    gateway.api.get(&format!("/api/v1/endpoints/{id}"))
}

fn is(gateway: &Gateway, id: &str, state: &str) -> bool {
    endpoint(gateway, id)["state"] == state
}

/// Messages of several people, each numbered.
fn take(gateway: &Gateway, people: usize, messages: std::ops::Range<usize>) {
    for n in messages {
        let from = format!("1650555{:04}", n % people);
        gateway.take(&Text { from: &from, ..Text::new(&format!("wamid.{n}")) }.body());
    }
}

/// The numbers of what one person's endpoint accepted, in the order of acceptance.
fn accepted(sink: &Sink, path: &str) -> Vec<usize> {
    let arrivals = sink.at_path(path);
    let number = |arrival: &Arrival| arrival.happened().0.strip_prefix("wamid.").unwrap().parse().unwrap();
    arrivals.iter().filter(|arrival| arrival.accepted()).map(number).collect()
}

#[test]
fn an_endpoint_that_is_down_is_suspended_probed_and_drained_in_order_when_it_is_back() {
    let sink = Sink::start();
    let home = Home::production(&format!("{}{}", sink.endpoint("down", ""), sink.endpoint("well", "")));
    let gateway = home.start();
    let back = Arc::new(AtomicBool::new(false));
    let is_back = Arc::clone(&back);
    sink.answer(move |arrival| {
        Say::Status(if arrival.path == "/down" && !is_back.load(Ordering::SeqCst) { 503 } else { 200 })
    });
    take(&gateway, 12, 0..60);
    until_true("that it is suspended", || is(&gateway, "down", "suspended"));
    let reason = endpoint(&gateway, "down")["state_reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("in a row failed") && reason.contains("503"), "{reason}");
    until_true("that the other has all", || accepted(&sink, "/well").len() == 60);
    until_true("that nothing is in flight", || {
        let rows = gateway.api.rows("/api/v1/deliveries?endpoint=down&state=owed");
        rows.iter().all(|row| row["in_flight"] == false)
    });
    let tried = sink.at_path("/down").len();
    assert!(tried < 60, "{tried}: it was not asked for ever");

    // A restart forgets neither the suspension nor what is owed.
    assert!(gateway.stop().success());
    let gateway = home.start();
    assert!(is(&gateway, "down", "suspended"));
    until_true("a probe", || sink.at_path("/down").len() > tried);
    assert!(sink.at_path("/down").len() <= tried + 2, "probes come one at a time");
    back.store(true, Ordering::SeqCst);
    until_true("that it is active", || is(&gateway, "down", "active"));
    until_true("that it has all", || accepted(&sink, "/down").len() == 60);
    let order = accepted(&sink, "/down");
    for person in 0..12 {
        let theirs: Vec<_> = order.iter().filter(|n| **n % 12 == person).collect();
        assert!(theirs.is_sorted(), "{theirs:?}");
    }
    let metrics = String::from_utf8(gateway.api.call("GET", "/metrics", &[], None).body).unwrap();
    assert!(metrics.contains(r#"waypost_endpoint_turns_total{endpoint="down",turn="resumed"} 1"#), "{metrics}");
}

#[test]
fn a_refused_event_suspends_nobody_and_its_lane_goes_on_after_the_hold() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", "lane_hold = '1s'"));
    let gateway = home.start();
    sink.answer(|arrival| Say::Status(if arrival.happened().0 == "wamid.0" { 422 } else { 200 }));
    take(&gateway, 1, 0..3);
    gateway.take(&Text { from: "16505559999", ..Text::new("wamid.777") }.body());
    until_true("the other lane", || accepted(&sink, "/crm").contains(&777));
    until("that something else is accepted after the first try", || {
        gateway.take(&Text { from: "16505559999", ..Text::new("wamid.778") }.body());
        accepted(&sink, "/crm").contains(&778).then_some(())
    });
    until_true("that the lane goes on", || accepted(&sink, "/crm").contains(&2));
    let order: Vec<_> = accepted(&sink, "/crm").into_iter().filter(|n| *n < 3).collect();
    assert_eq!(order, [1, 2]);
    let set_aside = gateway.api.delivery("crm", "the refused one", |row| row["late"] == true);
    assert_eq!(set_aside["state"], "owed", "it is tried on beside its lane");
    assert!(is(&gateway, "crm", "active"));
}

#[test]
fn operator_events_go_to_whoever_names_them_and_to_nobody_else() {
    let sink = Sink::start();
    let rules = "format = 'waypost'\n[[endpoints.rules]]\ntypes = ['waypost.*']\n";
    let home = Home::production(&format!("{}{}", sink.endpoint("down", ""), sink.endpoint("ops", rules)));
    let gateway = home.start();
    sink.answer(|arrival| if arrival.path == "/ops" { Say::Status(200) } else { Say::Close });
    take(&gateway, 12, 0..24);
    until_true("that it is told", || !sink.at_path("/ops").is_empty());
    let told = sink.at_path("/ops")[0].json();
    assert_eq!(told["type"], "waypost.endpoint.suspended");
    assert_eq!(told["data"]["endpoint"], "down");
    let reason = told["data"]["reason"].as_str().unwrap();
    assert!(reason.contains("the connection broke"), "{reason}");
    gateway.api.post("/api/v1/endpoints/down/pause", None);
    assert!(is(&gateway, "down", "paused"), "a person's word counts");
    assert!(sink.at_path("/down").iter().all(|arrival| arrival.header("x-waypost-field") == "messages"));
}

#[test]
fn what_an_endpoint_is_owed_beyond_its_limit_ends_and_is_told() {
    let sink = Sink::start();
    let rules = "format = 'waypost'\n[[endpoints.rules]]\ntypes = ['waypost.delivery.dead']\n";
    let paused = "paused = true\nbacklog = { age_max = '1s' }";
    let home = Home::production(&format!("{}{}", sink.endpoint("late", paused), sink.endpoint("ops", rules)));
    let gateway = home.start();
    take(&gateway, 3, 0..9);
    assert_eq!(endpoint(&gateway, "late")["owed"], 9);
    // Limits are looked at when a gateway starts, and once a minute.
    let mut gateway = Some(gateway);
    until_true("that nothing is owed", || {
        assert!(gateway.take().unwrap().stop().success());
        let owed = |gateway: &Gateway| endpoint(gateway, "late")["owed"].as_u64().unwrap();
        owed(gateway.insert(home.start())) == 0
    });
    let gateway = gateway.unwrap();
    let dead = gateway.api.rows("/api/v1/deliveries?endpoint=late&state=dead");
    assert!(dead.len() == 9 && dead.iter().all(|row| row["reason"] == "backlog_limit"));
    // They may have ended in several slices.
    until_true("that all of it is told", || {
        let told = sink.at_path("/ops");
        assert!(told.iter().all(|arrival| arrival.json()["data"]["reason"] == "backlog_limit"));
        told.iter().filter_map(|arrival| arrival.json()["data"]["count"].as_u64()).sum::<u64>() == 9
    });
}
