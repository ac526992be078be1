//! Replays and what people do by hand, from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::gateway::{Gateway, Home};
use support::meta::Text;
use support::sink::{Arrival, Say, Sink};
use support::{until, until_true};

const REPLAYS: &str = "/api/v1/replays";

fn text(wamid: &str) -> Vec<u8> {
    Text::new(wamid).body()
}

fn wamid(arrival: &Arrival) -> String {
    let id = &arrival.json()["entry"][0]["changes"][0]["value"]["messages"][0]["id"];
    id.as_str().unwrap().to_owned()
}

fn wamids(arrivals: &[Arrival]) -> Vec<String> {
    arrivals.iter().map(wamid).collect()
}

/// Messages `<prefix>0` … to an endpoint that is paused, given up.
#[track_caller]
fn bury(gateway: &Gateway, endpoint: &str, prefix: &str, count: usize) -> Vec<String> {
    gateway.api.post(&format!("/api/v1/endpoints/{endpoint}/pause"), None);
    let ids: Vec<String> = (0..count).map(|n| format!("wamid.{prefix}{n}")).collect();
    ids.iter().for_each(|id| gateway.take(&text(id)));
    let given_up = gateway.api.post(&format!("/api/v1/endpoints/{endpoint}/give-up"), None);
    assert_eq!(given_up["changed"], count);
    gateway.api.post(&format!("/api/v1/endpoints/{endpoint}/resume"), None);
    ids
}

/// Makes a replay, and waits until it is counted.
#[track_caller]
fn planned(gateway: &Gateway, request: &Value) -> Value {
    let made = gateway.api.post(REPLAYS, Some(request));
    state(gateway, made["id"].as_str().unwrap(), "planned")
}

/// Waits until a replay is in a state.
#[track_caller]
fn state(gateway: &Gateway, id: &str, state: &str) -> Value {
    until(&format!("{id} to be {state}"), || {
        Some(gateway.api.get(&format!("{REPLAYS}/{id}"))).filter(|replay| replay["state"] == state)
    })
}

#[track_caller]
fn steer(gateway: &Gateway, replay: &Value, call: &str) -> Value {
    gateway.api.post(&format!("{REPLAYS}/{}/{call}", replay["id"].as_str().unwrap()), None)
}

#[track_caller]
fn refused(answer: &(u16, Value), status: u16, code: &str) {
    assert_eq!((answer.0, &answer.1["code"]), (status, &code.into()), "{}", answer.1);
}

#[test]
fn a_dry_run_tells_a_count_and_what_is_started_then_is_exactly_that() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    let dead = bury(&gateway, "crm", "dead", 4);
    let plan = planned(&gateway, &json!({ "endpoint": "crm" }));
    assert_eq!((&plan["matched"], &plan["made"], &plan["bodies_gone"]), (&json!(4), &json!(0), &json!(0)));
    bury(&gateway, "crm", "later", 3);
    gateway.take(&text("wamid.live"));
    until_true("the live one", || sink.ledger().len() == 1);
    steer(&gateway, &plan, "start");
    let done = state(&gateway, plan["id"].as_str().unwrap(), "done");
    assert_eq!((&done["matched"], &done["made"]), (&json!(4), &json!(4)));
    let arrivals = sink.wait_for(5);
    assert_eq!(wamids(&arrivals[1..]), dead, "in order");
    for arrival in &arrivals[1..] {
        assert_eq!(arrival.header("x-waypost-replay"), plan["id"].as_str().unwrap());
        assert_eq!(arrival.header("webhook-id"), arrival.header("x-waypost-event-id"), "the event's own id");
    }
    assert!(!arrivals[0].headers.contains_key("x-waypost-replay"));
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    let shown = gateway.api.get(&format!("{REPLAYS}/{}", plan["id"].as_str().unwrap()));
    assert_eq!(shown["outcomes"]["accepted"], 4);
    assert_eq!((&shown["steps"][0]["by"], &shown["steps"][0]["what"]), (&json!("this machine"), &json!("made")));
    assert_eq!(shown["request"]["endpoint"], "crm");
    assert_eq!(gateway.api.get(REPLAYS)["rows"][0]["id"], plan["id"]);
    assert_eq!(planned(&gateway, &json!({ "endpoint": "crm" }))["matched"], 3, "what was accepted is not repeated");
}

#[test]
fn a_delivery_as_new_has_a_webhook_id_of_its_own_and_the_event_keeps_its_id() {
    let sink = Sink::start();
    let home = Home::production(&(sink.endpoint("crm", "") + &sink.endpoint("copy", "rules = [{ types = ['none'] }]")));
    let gateway = home.start();
    gateway.take(&text("wamid.1"));
    let first = sink.wait_for(1).remove(0);
    until_true("that its acceptance is written", || gateway.api.total("owed") == 0);
    let request = json!({ "endpoint": "crm", "include_accepted": true, "as_new": true, "start": true, "to": "copy" });
    let made = gateway.api.post(REPLAYS, Some(&request));
    let again = sink.wait_for(2).remove(1);
    let replay = made["id"].as_str().unwrap();
    assert_eq!(again.path, "/copy");
    assert_eq!(again.header("x-waypost-event-id"), first.id());
    assert_eq!(again.id(), format!("{}.{replay}", first.id()));
    assert_eq!((&again.body, again.header("x-waypost-replay")), (&first.body, replay));
    assert_eq!(state(&gateway, replay, "done")["made"], 1);
}

#[test]
fn unrouted_events_are_replayed_to_an_endpoint_made_later() {
    let sink = Sink::start();
    let home = Home::production("");
    let gateway = home.start();
    let ids: Vec<String> = (0..5).map(|n| format!("wamid.{n}")).collect();
    ids.iter().for_each(|id| gateway.take(&text(id)));
    assert_eq!(gateway.api.rows("/api/v1/events?unrouted=true").len(), 5);
    let endpoint = json!({ "id": "late", "url": sink.url("/late"), "hub_secret": support::sink::HUB_SECRET,
        "webhook_secret": support::sink::WEBHOOK_SECRET });
    gateway.api.post("/api/v1/endpoints", Some(&endpoint));
    let plan = planned(&gateway, &json!({ "of": "unrouted", "to": "late" }));
    assert_eq!(plan["matched"], 5);
    steer(&gateway, &plan, "start");
    assert_eq!(wamids(&sink.wait_for(5)), ids);
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    assert_eq!(planned(&gateway, &json!({ "of": "unrouted", "to": "late" }))["matched"], 0);
}

#[test]
fn a_replay_keeps_its_rate() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", "ordered = false"));
    let gateway = home.start();
    bury(&gateway, "crm", "dead", 6);
    gateway.api.post(REPLAYS, Some(&json!({ "per_second": 10, "start": true })));
    let arrivals = sink.wait_for(6);
    let took = arrivals[5].began.duration_since(arrivals[0].began);
    assert!(took >= Duration::from_millis(350), "six at ten a second took {took:?}");
}

#[test]
fn a_replay_is_paused_survives_a_kill_and_makes_each_event_once() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    let dead = bury(&gateway, "crm", "dead", 30);
    let plan = planned(&gateway, &json!({ "per_second": 20 }));
    steer(&gateway, &plan, "start");
    sink.wait_for(2);
    gateway.kill();
    let gateway = home.start();
    sink.wait_for(5);
    assert_eq!(steer(&gateway, &plan, "pause")["state"], "paused");
    let made = state(&gateway, plan["id"].as_str().unwrap(), "paused")["made"].as_u64().unwrap();
    assert!((3..30).contains(&made), "{made}");
    assert!(gateway.stop().success());
    let gateway = home.start();
    assert_eq!(state(&gateway, plan["id"].as_str().unwrap(), "paused")["made"], made);
    steer(&gateway, &plan, "start");
    let done = state(&gateway, plan["id"].as_str().unwrap(), "done");
    assert_eq!(done["made"], 30);
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    // What was in flight at the kill, or accepted and not written, may come twice: at least once, and in order.
    let mut seen = std::collections::HashSet::new();
    let mut arrived = wamids(&sink.ledger());
    arrived.retain(|wamid| seen.insert(wamid.clone()));
    assert_eq!(arrived, dead);
    assert_eq!(gateway.api.rows("/api/v1/deliveries?endpoint=crm&state=accepted").len(), 30);
}

#[test]
fn a_cancelled_replay_gives_up_what_it_has_made() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    bury(&gateway, "crm", "dead", 5);
    gateway.api.post("/api/v1/endpoints/crm/pause", None);
    let plan = planned(&gateway, &json!({}));
    steer(&gateway, &plan, "start");
    until_true("what it made", || gateway.api.total("owed") == 5);
    let other = planned(&gateway, &json!({ "events": [] }));
    assert_eq!(other["matched"], 0, "they are owed already");
    steer(&gateway, &plan, "cancel");
    assert_eq!(gateway.api.total("owed"), 0);
    gateway.api.post("/api/v1/endpoints/crm/resume", None);
    gateway.take(&text("wamid.live"));
    assert_eq!(wamids(&sink.wait_for(1)), ["wamid.live"]);
}

#[test]
fn an_owed_delivery_is_tried_at_once_or_given_up_by_hand() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    sink.answer(|arrival| match arrival.attempt() {
        1 => Say::RetryAfter(503, 3_000),
        _ => Say::Status(200),
    });
    gateway.take(&text("wamid.1"));
    let waiting = gateway.api.delivery("crm", "a failed attempt", |row| row["attempts"] == 1);
    let path = format!("/api/v1/deliveries/{}", waiting["number"]);
    assert_eq!(gateway.api.post(&format!("{path}/retry"), None)["changed"], 1);
    assert_eq!(sink.wait_for(2)[1].attempt(), 2);
    gateway.api.delivery("crm", "its end", |row| row["state"] == "accepted");
    refused(&gateway.api.answer("POST", &format!("{path}/retry"), None), 409, "delivery_ended");
    refused(&gateway.api.answer("POST", &format!("{path}/give-up"), None), 409, "delivery_ended");
    refused(&gateway.api.answer("POST", "/api/v1/deliveries/999/retry", None), 404, "not_found");

    gateway.take(&text("wamid.2"));
    gateway.take(&text("wamid.3"));
    let waiting = gateway.api.delivery("crm", "a failed attempt", |row| row["attempts"] == 1 && row["state"] == "owed");
    let given_up = gateway.api.post(&format!("/api/v1/deliveries/{}/give-up", waiting["number"]), None);
    assert_eq!(given_up["changed"], 1);
    let shown = gateway.api.get(&format!("/api/v1/deliveries/{}", waiting["number"]));
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("dead"), &json!("given_up")));
    // The endpoint still asks for quiet; a hand on all of it ends that.
    gateway.api.post("/api/v1/endpoints/crm/retry", None);
    assert_eq!(wamid(&sink.wait_for(4)[3]), "wamid.3");
    gateway.api.post("/api/v1/endpoints/crm/give-up", None);
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
}

#[test]
fn a_test_goes_to_one_endpoint_alone_and_answers_with_its_outcome() {
    let sink = Sink::start();
    let rules = "rules = [{ types = ['calls.*'], test = false }]";
    let home = Home::production(&(sink.endpoint("crm", rules) + &sink.endpoint("other", "")));
    let gateway = home.start();
    let path = "/api/v1/endpoints/crm/test";
    let tested = gateway.api.post(path, None);
    assert_eq!(
        (&tested["accepted"], &tested["delivery"]["attempt_log"][0]["http_status"]),
        (&json!(true), &json!(200))
    );
    let arrival = sink.wait_for(1).remove(0);
    assert_eq!((arrival.path.as_str(), arrival.header("x-waypost-test")), ("/crm", "true"));
    assert_eq!(tested["event_id"], arrival.id());

    sink.answer(|_| Say::Status(422));
    let tested = gateway.api.post(path, None);
    assert_eq!((&tested["accepted"], &tested["delivery"]["reason"]), (&json!(false), &json!("given_up")));
    assert_eq!(tested["delivery"]["attempt_log"][0]["http_status"], 422);
    assert_eq!(gateway.api.total("owed"), 0, "it is not tried again");
    sink.answer(|_| Say::Status(200));
    let keyed = || {
        let reply = gateway.api.call("POST", path, &[("Idempotency-Key", "k")], None);
        serde_json::from_slice::<Value>(&reply.body).unwrap()
    };
    assert_eq!(keyed()["event_id"], keyed()["event_id"]);
    assert_eq!((sink.ledger().len(), sink.at_path("/other").len()), (3, 0));
    gateway.api.post("/api/v1/endpoints/crm/pause", None);
    refused(&gateway.api.answer("POST", path, None), 409, "endpoint_inactive");
}

#[test]
fn what_makes_no_sense_is_refused_and_keys_do_what_their_scope_says() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", "owner = 'acme'"));
    let gateway = home.start();
    for request in [
        json!({ "of": "unrouted" }),
        json!({ "of": "events", "to": "crm", "states": ["dead"] }),
        json!({ "states": ["owed"] }),
        json!({ "type": "a*b" }),
        json!({ "since": "yesterday" }),
        json!({ "events": ["evt_1"] }),
        json!({ "per_second": 0 }),
        json!({ "sinc": "2026-03-01T10:00:00Z" }),
    ] {
        let answer = gateway.api.answer("POST", REPLAYS, Some(&request));
        refused(&answer, 400, "bad_request");
    }
    refused(&gateway.api.answer("POST", REPLAYS, Some(&json!({ "to": "nobody" }))), 404, "not_found");
    refused(&gateway.api.answer("GET", "/api/v1/replays/rpl_9", None), 404, "not_found");
    let key = |scope: &str, owner: &str| {
        let input = json!({ "name": format!("{scope} key"), "scope": scope, "owner": owner });
        let made = gateway.api.post("/api/v1/keys", Some(&input));
        gateway.api.with_key(made["key"].as_str())
    };
    let (read, operate, acme, beta) =
        (key("read", ""), key("operate", ""), key("operate", "acme"), key("operate", "beta"));
    refused(&read.answer("POST", REPLAYS, Some(&json!({}))), 403, "forbidden");
    refused(&read.answer("POST", "/api/v1/endpoints/crm/test", None), 403, "forbidden");
    refused(&acme.answer("POST", REPLAYS, Some(&json!({}))), 403, "forbidden");
    refused(&beta.answer("POST", "/api/v1/endpoints/crm/test", None), 404, "not_found");
    assert_eq!(acme.answer("POST", "/api/v1/endpoints/crm/test", None).0, 200);
    let keyed = || {
        let headers = [("Idempotency-Key", "once")];
        let reply = operate.call("POST", REPLAYS, &headers, Some(&json!({})));
        assert_eq!(reply.status, 201);
        serde_json::from_slice::<Value>(&reply.body).unwrap()["id"].clone()
    };
    assert_eq!(keyed(), keyed());
    assert_eq!(gateway.api.get(REPLAYS)["rows"][0]["made_by"], "operate key");
    assert_eq!(read.answer("GET", REPLAYS, None).0, 200);
}

#[test]
fn the_same_is_done_from_the_shell() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    let run = |arguments: &[&str]| {
        let ran = home.command(arguments).output().unwrap();
        let out = String::from_utf8(ran.stdout).unwrap();
        (ran.status.code().unwrap(), out, String::from_utf8(ran.stderr).unwrap())
    };
    let dead = bury(&gateway, "crm", "dead", 3);
    let (code, out, told) = run(&["replay", "--endpoint", "crm", "--since", "1h", "--dry-run", "--json"]);
    assert_eq!(code, 0, "{told}");
    let plan: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&plan["state"], &plan["matched"]), (&json!("planned"), &json!(3)));
    let (code, _, told) = run(&["replay", "start", plan["id"].as_str().unwrap()]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(wamids(&sink.wait_for(3)), dead);

    let (code, _, told) = run(&["replay", "--endpoint", "crm", "--include-accepted"]);
    assert_eq!(code, 2, "nobody can be asked: {told}");
    assert!(told.contains("3 can be sent"), "{told}");
    let (code, out, told) = run(&["replay", "--endpoint", "crm", "--include-accepted", "--yes", "--wait"]);
    assert_eq!(code, 0, "{told}");
    assert!(out.contains("3 matched: 3 can be sent"), "{out}");
    sink.wait_for(6);
    let (code, out, _) = run(&["replay", "list"]);
    assert_eq!((code, out.lines().count()), (0, 3));

    assert_eq!(run(&["endpoints", "test", "crm"]).0, 0);
    sink.answer(|_| Say::Status(500));
    let (code, out, _) = run(&["endpoints", "test", "crm"]);
    assert!(code == 1 && out.contains("answered 500"), "{out}");
    gateway.take(&text("wamid.stuck"));
    let stuck = gateway.api.delivery("crm", "a failed attempt", |row| row["attempts"] == 1 && row["state"] == "owed");
    let number = stuck["number"].to_string();
    assert_eq!(run(&["deliveries", "retry", &number]).1, "1 due at once\n");
    gateway.api.delivery("crm", "another attempt", |row| row["number"] == stuck["number"] && row["attempts"] == 2);
    assert_eq!(run(&["deliveries", "give-up", &number]).0, 2);
    assert_eq!(run(&["deliveries", "give-up", &number, "--yes"]).1, "1 given up\n");
    assert_eq!(gateway.api.total("owed"), 0);
}
