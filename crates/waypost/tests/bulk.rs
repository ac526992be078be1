//! Much at once, from outside: large bodies, many events in one, many endpoints, a long backlog, many connections.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;

use emulator::Load;
use serde_json::{Value, json};
use support::gateway::{Home, SECRET};
use support::meta::{self, Happened, Text, now_seconds};
use support::sink::{Arrival, Say, Sink};
use support::until_true;
use support::wire::{self, Wire};

#[test]
fn a_body_of_three_mebibytes_is_kept_and_delivered_byte_for_byte() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    let long = "x".repeat(3 * 1024 * 1024);
    let body = Text { text: &long, ..Text::new("wamid.long") }.body();
    gateway.take(&body);
    assert!(sink.wait_for(1)[0].body == body);
}

#[test]
fn ten_thousand_events_of_one_body_are_all_kept_and_small_bodies_get_through_beside_them() {
    let home = Home::limited("receive.body_bytes_max = 16_777_216", "");
    let gateway = home.start();
    let body = Load::new(1, 500).next_batch(10_000, now_seconds()).body;
    let at = gateway.receive;
    std::thread::scope(|scope| {
        let large = scope.spawn(move || meta::send(at, "/webhooks/main", SECRET, &body).status);
        for count in 0..20 {
            gateway.take(&Text::new(&format!("wamid.small.{count}")).body());
        }
        assert_eq!(large.join().unwrap(), 200);
    });
    assert_eq!(gateway.api.total("events"), 10_020);
}

#[test]
fn one_event_goes_to_each_of_fifty_endpoints() {
    let sink = Sink::start();
    let home = Home::production("");
    let gateway = home.start();
    let endpoints: Vec<Value> = (0..50)
        .map(|n| {
            json!({ "id": format!("e{n}"), "url": sink.url(&format!("/e{n}")),
                "hub_secret": support::sink::HUB_SECRET, "webhook_secret": support::sink::WEBHOOK_SECRET })
        })
        .collect();
    gateway.api.post("/api/v1/apply", Some(&json!({ "endpoints": endpoints })));
    gateway.take(&Text::new("wamid.everywhere").body());
    let arrivals = sink.wait_for(50);
    let paths: HashSet<&str> = arrivals.iter().map(|arrival| arrival.path.as_str()).collect();
    let ids: HashSet<&str> = arrivals.iter().map(Arrival::id).collect();
    assert_eq!((arrivals.len(), paths.len(), ids.len()), (50, 50, 1));
}

#[test]
fn a_long_backlog_is_delivered_in_the_order_of_its_lanes_even_when_some_are_refused_once() {
    const EVENTS: usize = 2_500;
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", "paused = true"));
    let gateway = home.start();
    let mut load = Load::new(fastrand::u64(..), 60);
    let mut places = HashMap::new();
    for _ in 0..EVENTS / 10 {
        let batch = load.next_batch(10, now_seconds());
        gateway.take(&batch.body);
        for item in batch.items {
            places.insert(Happened::from(&item), (item.wa_id, item.position));
        }
    }
    // One in each lane, early and late ones.
    let refused: HashSet<(String, u64)> = (0..60_u64).map(|lane| (format!("1650{lane:07}"), lane % 30)).collect();
    let known = places.clone();
    sink.answer(move |arrival| {
        let again = arrival.attempt() > 1 || !refused.contains(&known[&arrival.happened()]);
        Say::Status(if again { 200 } else { 500 })
    });
    assert_eq!(gateway.api.total("owed"), EVENTS as u64);
    gateway.api.post("/api/v1/endpoints/crm/resume", None);
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    let mut next: HashMap<String, u64> = HashMap::new();
    for arrival in sink.ledger().iter().filter(|arrival| arrival.accepted()) {
        let (contact, position) = &places[&arrival.happened()];
        let expected = next.entry(contact.clone()).or_default();
        assert_eq!(expected, position, "contact {contact}");
        *expected += 1;
    }
    assert_eq!(next.values().sum::<u64>(), EVENTS as u64);
}

#[test]
fn connections_above_the_cap_are_turned_away_and_those_below_it_go_on() {
    let home = Home::limited("receive.connections_max = 2", "");
    let gateway = home.start();
    let request = meta::post("/webhooks/main", SECRET, &Text::new("wamid.first").body());
    let mut first = Wire::open(gateway.receive).unwrap();
    first.write(&request).unwrap();
    assert_eq!(first.reply().unwrap().status, 200);
    let mut second = Wire::open(gateway.receive).unwrap();
    second.write(&request).unwrap();
    assert_eq!(second.reply().unwrap().status, 200);
    let mut third = Wire::open(gateway.receive).unwrap();
    match third.reply() {
        Ok(reply) => assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1"))),
        Err(error) => assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof), "{error}"),
    }
    drop(second);
    until_true("room", || {
        let reply = wire::exchange(gateway.receive, &request);
        reply.is_ok_and(|reply| reply.status == 200)
    });
    first.write(&request).unwrap();
    assert_eq!(first.reply().unwrap().status, 200);
}

#[test]
fn idle_and_half_sent_connections_do_not_hinder_others() {
    let home = Home::production("");
    let gateway = home.start();
    let slow: Vec<Wire> = (0..300)
        .map(|count| {
            let mut wire = Wire::open(gateway.receive).unwrap();
            let start: &[u8] = match count % 3 {
                0 => b"",
                1 => b"POST /webhooks/main HTT",
                _ => b"POST /webhooks/main HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n{",
            };
            wire.write(start).unwrap();
            wire
        })
        .collect();
    for count in 0..20 {
        gateway.take(&Text::new(&format!("wamid.{count}")).body());
    }
    assert_eq!(gateway.api.total("events"), 20);
    drop(slow);
}

#[test]
fn a_flood_of_headers_is_refused_and_harms_nobody() {
    let home = Home::production("");
    let gateway = home.start();
    let many: Vec<(String, String)> = (0..500).map(|n| (format!("X-{n}"), "x".repeat(50))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let endless = [("X-Long", "x".repeat(600_000))];
    let endless: Vec<(&str, &str)> = endless.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for headers in [many, endless] {
        let mut wire = Wire::open(gateway.receive).unwrap();
        // It may close before all is written.
        drop(wire.write(&wire::request("POST", "/webhooks/main", &headers, b"{}")));
        assert!(wire.reply().map_or(true, |reply| reply.status == 431));
    }
    gateway.take(&Text::new("wamid.after").body());
}
