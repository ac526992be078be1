//! Delivering, from outside: what an endpoint is sent, and in which order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::{Value, json};
use support::gateway::{Gateway, Home, SECRET};
use support::meta::{self, Text};
use support::sink::{Arrival, HUB_SECRET, Say, Sink, WEBHOOK_SECRET, webhook_signature};
use support::until_true;
use support::wire::Wire;

/// A message with this id.
fn text(wamid: &str) -> Vec<u8> {
    Text::new(wamid).body()
}

/// Meta's id of the message in a delivery of Meta's format.
fn wamid(arrival: &Arrival) -> String {
    let value = &arrival.json()["entry"][0]["changes"][0]["value"];
    let id = &value["messages"][0]["id"];
    id.as_str().unwrap_or_default().to_owned()
}

fn wamids(arrivals: &[Arrival]) -> Vec<String> {
    arrivals.iter().map(wamid).collect()
}

/// The word for an endpoint's state.
fn state(gateway: &Gateway, endpoint: &str) -> String {
    let endpoint = gateway.api.get(&format!("/api/v1/endpoints/{endpoint}"));
    endpoint["state"].as_str().unwrap().to_owned()
}

#[test]
fn serve_to_one_handler_delivers_metas_own_bytes_signed_with_the_secret_that_the_handler_has() {
    let home = Home::bare();
    assert!(home.start().stop().success());
    let made = std::fs::read_to_string(home.store().join("development.toml")).unwrap();
    let secret = made.split('"').nth(3).unwrap();
    let sink = Sink::start_with(Some(secret), None);
    let gateway = home.start_with(&["--to", &sink.url("/handler?x=1"), "--print"]);
    let body = text("wamid.own");
    assert_eq!(meta::send(gateway.receive, "/webhooks/main", secret, &body).status, 200);
    let arrival = sink.wait_for(1).remove(0);
    assert_eq!((arrival.path.as_str(), &arrival.body), ("/handler?x=1", &body));
    assert_eq!(arrival.header("content-type"), "application/json");
    assert_eq!(arrival.header("x-waypost-event"), "messages.text");
    assert_eq!(arrival.attempt(), 1);

    until_true("the printed event", || gateway.printed.text().contains('\n'));
    let printed: Value = serde_json::from_str(gateway.printed.text().trim()).unwrap();
    assert_eq!((printed["id"].as_str(), &printed["message_id"]), (Some(arrival.id()), &"wamid.own".into()));
}

#[test]
fn the_events_of_one_body_are_delivered_each_by_itself() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    let bodies = [text("wamid.a"), text("wamid.b"), meta::status("wamid.c", "read", "16505551234")];
    gateway.take(&emulator::rebatch::merge(&bodies));
    let arrivals = sink.wait_for(3);
    assert_eq!(arrivals.iter().map(|arrival| &arrival.body).collect::<Vec<_>>(), bodies.iter().collect::<Vec<_>>());
}

#[test]
fn the_waypost_format_is_the_event_on_one_line_as_the_api_shows_it() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("bot", "format = 'waypost'"));
    let gateway = home.start();
    let pretty: Value = serde_json::from_slice(&text("wamid.lines")).unwrap();
    gateway.take(&serde_json::to_vec_pretty(&pretty).unwrap());
    let arrival = sink.wait_for(1).remove(0);
    assert!(!arrival.body.contains(&b'\n'));
    let event = arrival.json();
    let mut shown = gateway.api.get(&format!("/api/v1/events/{}", arrival.id()))["event"].clone();
    // What is known only later may differ.
    shown["duplicates"] = event["duplicates"].clone();
    assert_eq!(shown, event);
    assert_eq!((&event["type"], &event["app"]), (&"messages.text".into(), &"main".into()));
    assert_eq!(event["data"], pretty["entry"][0]["changes"][0]["value"]["messages"][0]);
}

#[test]
fn every_endpoint_gets_what_its_rules_match_and_nothing_else() {
    let sink = Sink::start();
    let rules: [(&str, &str); 5] = [
        ("texts", "{ types = ['messages.text'] }"),
        ("no-statuses", "{ fields = ['messages'], types = ['!messages.status.*'] }"),
        ("account", "{ waba_ids = ['222'] }"),
        ("number", "{ phone_number_ids = ['1001'] }, { fields = ['security'] }"),
        ("nothing", "{ apps = ['main'], waba_ids = ['333'] }"),
    ];
    let mut endpoints: String =
        rules.iter().map(|(name, rules)| sink.endpoint(name, &format!("rules = [{rules}]"))).collect();
    endpoints += &sink.endpoint("all", "");
    let home = Home::production(&endpoints);
    let gateway = home.start();
    gateway.take(&Text { waba: "111", number: "1001", ..Text::new("wamid.text") }.body());
    gateway.take(&Text { waba: "222", number: "2002", ..Text::new("wamid.other") }.body());
    gateway.take(&meta::status("wamid.status", "sent", "16505551234"));
    gateway.take(&meta::change("222", "security", r#"{"display_phone_number":"1","event":"PIN_CHANGED"}"#));
    gateway.take(&meta::change("111", "account_alerts", r#"{"entity_type":"WABA"}"#));
    let expected = BTreeMap::from([("/account", 2), ("/all", 5), ("/no-statuses", 2), ("/number", 2), ("/texts", 2)]);
    let found = |ledger: &[Arrival]| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        ledger.iter().for_each(|arrival| *counts.entry(arrival.path.clone()).or_default() += 1);
        counts
    };
    sink.wait_for(expected.values().sum());
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    let found = found(&sink.ledger());
    assert_eq!(found.iter().map(|(path, count)| (path.as_str(), *count)).collect::<BTreeMap<_, _>>(), expected);
}

/// The lanes of a sink's ledger: for each contact its positions in the order in which they came.
fn judge_order(ledger: &[Arrival], positions: &HashMap<String, (String, usize)>) {
    let mut last: HashMap<&str, (usize, &Arrival)> = HashMap::new();
    for arrival in ledger {
        let (contact, position) = &positions[&wamid(arrival)];
        if let Some((before, earlier)) = last.insert(contact, (*position, arrival)) {
            assert!(*position >= before, "contact {contact}: {before} before {position}");
            assert!(*position == before || earlier.accepted(), "contact {contact}: {before} still held the lane");
            assert!(earlier.ended.is_some_and(|ended| ended <= arrival.began), "contact {contact}: two at once");
        }
    }
}

#[test]
fn lanes_keep_their_order_while_one_in_five_is_refused_once_and_some_are_slow() {
    const CONTACTS: usize = 40;
    const EACH: usize = 5;
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    sink.answer(|arrival| {
        let id = wamid(arrival);
        let (contact, position) = id.split_once('.').and_then(|(_, rest)| rest.split_once('.')).unwrap();
        let (contact, position): (usize, usize) = (contact.parse().unwrap(), position.parse().unwrap());
        match (contact + position) % EACH {
            0 if arrival.attempt() == 1 && contact % 7 == 0 => Say::Close,
            0 if arrival.attempt() == 1 => Say::Status(500),
            1 if contact % 4 == 0 => Say::Later(Duration::from_millis(150), 200),
            _ => Say::Status(200),
        }
    });
    let mut positions = HashMap::new();
    let mut wire = Wire::open(gateway.receive).unwrap();
    for position in 0..EACH {
        for contact in 0..CONTACTS {
            let (id, from) = (format!("wamid.{contact}.{position}"), format!("1650555{contact:04}"));
            let body = Text { from: &from, ..Text::new(&id) }.body();
            wire.write(&meta::post("/webhooks/main", SECRET, &body)).unwrap();
            assert_eq!(wire.reply().unwrap().status, 200);
            positions.insert(id, (from, position));
        }
    }
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    let ledger = sink.ledger();
    judge_order(&ledger, &positions);
    let accepted: Vec<&Arrival> = ledger.iter().filter(|arrival| arrival.accepted()).collect();
    assert_eq!(accepted.len(), CONTACTS * EACH, "each accepted once");
    assert_eq!(ledger.len(), CONTACTS * EACH + CONTACTS, "each refusal is one more");
    assert_eq!(gateway.api.total("accepted"), (CONTACTS * EACH) as u64);
}

#[test]
fn a_paused_endpoint_gets_everything_in_order_when_it_is_resumed() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    gateway.take(&text("wamid.0"));
    sink.wait_for(1);
    gateway.api.post("/api/v1/endpoints/crm/pause", None);
    let waiting: Vec<String> = (1..20).map(|count| format!("wamid.{count}")).collect();
    waiting.iter().for_each(|wamid| gateway.take(&text(wamid)));
    assert_eq!(gateway.api.get("/api/v1/endpoints/crm")["owed"], 19);
    assert!(gateway.stop().success());
    let gateway = home.start();
    assert_eq!((state(&gateway, "crm").as_str(), sink.ledger().len()), ("paused", 1));
    gateway.api.post("/api/v1/endpoints/crm/resume", None);
    let arrivals = sink.wait_for(20);
    assert_eq!(wamids(&arrivals[1..]), waiting);
}

#[test]
fn removing_an_endpoint_ends_what_it_is_owed() {
    let sink = Sink::start();
    let home = Home::production("");
    let gateway = home.start();
    let endpoint = json!({ "id": "crm", "url": sink.url("/crm"), "paused": true });
    gateway.api.post("/api/v1/endpoints", Some(&endpoint));
    gateway.take(&text("wamid.1"));
    gateway.take(&text("wamid.2"));
    let (status, _) = gateway.api.answer("DELETE", "/api/v1/endpoints/crm", None);
    assert_eq!(status, 204);
    until_true("their end", || gateway.api.total("owed") == 0 && gateway.api.total("dead") == 2);
    for event in gateway.api.events() {
        let id = event["id"].as_str().unwrap();
        let shown = gateway.api.get(&format!("/api/v1/events/{id}"));
        assert_eq!(shown["deliveries"][0]["reason"], "endpoint_removed");
    }
    assert_eq!(gateway.api.answer("GET", "/api/v1/endpoints/crm", None).0, 404);
    assert!(sink.ledger().is_empty());
}

#[test]
fn one_dead_endpoint_does_not_hold_up_another() {
    let (dead, sink) = (Sink::start(), Sink::start());
    let home = Home::production(&(dead.endpoint("dead", "concurrency_max = 4") + &sink.endpoint("crm", "")));
    let gateway = home.start();
    dead.answer(|_| Say::Hang);
    for count in 0..50 {
        let (id, from) = (format!("wamid.{count}"), format!("1650555{count:04}"));
        gateway.take(&Text { from: &from, ..Text::new(&id) }.body());
    }
    sink.wait_for(50);
    assert_eq!(dead.wait_for(4).len(), 4, "no more at once than its cap");
}

#[test]
fn a_changed_endpoint_is_sent_to_by_its_new_definition() {
    let sink = Sink::start_with(None, None);
    let home = Home::production("");
    let gateway = home.start();
    let endpoint = |path: &str, more: Value| {
        let mut endpoint = json!({ "id": "crm", "url": sink.url(path) });
        endpoint.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        endpoint
    };
    let made = gateway.api.post("/api/v1/endpoints", Some(&endpoint("/old", json!({ "paused": true }))));
    let secret = made["webhook_secret"].as_str().unwrap();
    gateway.take(&text("wamid.1"));
    let (status, _) = gateway.api.answer(
        "PUT",
        "/api/v1/endpoints/crm",
        Some(&endpoint("/new", json!({ "hub_secret": HUB_SECRET }))),
    );
    assert_eq!(status, 200);
    gateway.api.post("/api/v1/endpoints/crm/resume", None);
    let arrival = sink.wait_for(1).remove(0);
    assert_eq!(arrival.path, "/new");
    assert_eq!(arrival.header("x-hub-signature-256"), meta::signature(HUB_SECRET, &arrival.body));
    let timestamp = arrival.header("webhook-timestamp");
    let expected = webhook_signature(secret, arrival.id(), timestamp, &arrival.body);
    assert_eq!(arrival.header("webhook-signature"), expected, "the secret that was made up stays");
    assert_ne!(secret, WEBHOOK_SECRET);
}

#[test]
fn what_is_in_flight_when_its_endpoint_is_paused_or_removed_ends_without_harm() {
    let sink = Sink::start();
    let home = Home::production(&(sink.endpoint("paused", "") + &sink.endpoint("removed", "")));
    let gateway = home.start();
    sink.answer(|_| Say::Later(Duration::from_millis(400), 200));
    gateway.take(&text("wamid.1"));
    gateway.take(&text("wamid.2"));
    sink.wait_for(2);
    gateway.api.post("/api/v1/endpoints/paused/pause", None);
    assert_eq!(gateway.api.answer("DELETE", "/api/v1/endpoints/removed", None).0, 204);
    let first = gateway.api.delivery("paused", "the end of the first", |row| row["state"] == "accepted");
    assert_eq!(first["attempts"], 1);
    let counted = |path: &str| sink.at_path(path).len();
    until_true("the end of the removed one's", || gateway.api.total("owed") == 1);
    assert_eq!((counted("/paused"), counted("/removed")), (1, 1), "nothing new was begun");
    gateway.api.post("/api/v1/endpoints/paused/resume", None);
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    assert_eq!((counted("/paused"), counted("/removed")), (2, 1));
    assert!(gateway.stop().success());
}

/// A call that began this many seconds ago, by its number.
fn call(number: u32, seconds_ago: i64) -> Vec<u8> {
    let at = meta::now_seconds() - seconds_ago;
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" },
        "calls": [{ "id": format!("wacid.{number}"), "event": "connect", "timestamp": at.to_string(),
            "direction": "USER_INITIATED", "from": "16505551234", "to": "15550783881",
            "session": { "sdp_type": "offer", "sdp": "v=0" } }],
    });
    meta::change("102290129340398", "calls", &value.to_string())
}

#[test]
fn a_call_that_waited_for_more_than_a_minute_is_skipped_unless_the_endpoint_wants_it_marked() {
    let (plain, marking) = (Sink::start(), Sink::start());
    let ages = "ages = [{ types = ['calls.connect'], older_than = '60s', then = 'mark' }]";
    let home = Home::production(&(plain.endpoint("plain", "") + &marking.endpoint("marking", ages)));
    let gateway = home.start();
    gateway.take(&call(1, 3_600));
    gateway.take(&call(2, 0));
    assert_eq!(plain.wait_for(1)[0].json()["entry"][0]["changes"][0]["value"]["calls"][0]["id"], "wacid.2");
    let marked: BTreeMap<String, bool> = marking
        .wait_for(2)
        .iter()
        .map(|arrival| {
            let call = &arrival.json()["entry"][0]["changes"][0]["value"]["calls"][0]["id"];
            (call.as_str().unwrap().to_owned(), arrival.headers.contains_key("x-waypost-stale"))
        })
        .collect();
    assert_eq!(marked, BTreeMap::from([("wacid.1".to_owned(), true), ("wacid.2".to_owned(), false)]));
    let skipped = gateway.api.delivery("plain", "the skipped call", |delivery| delivery["state"] == "skipped");
    assert_eq!((&skipped["reason"], &skipped["attempts"]), (&json!("too_old"), &json!(0)));
}
