//! Routing, from outside: overrides, labels, what is unrouted, and why.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use serde_json::{Value, json};
use support::gateway::{Gateway, Home, run_to_the_end};
use support::meta::{NUMBER, Text, WABA, change};
use support::sink::Sink;
use support::until_true;

fn text(wamid: &str) -> Vec<u8> {
    Text::new(wamid).body()
}

/// The paths that were sent something, once nothing is owed; then forgotten.
#[track_caller]
fn reached(gateway: &Gateway, sink: &Sink, before: usize) -> Vec<String> {
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    let mut paths: Vec<String> = sink.ledger()[before..].iter().map(|arrival| arrival.path.clone()).collect();
    paths.sort();
    paths
}

#[track_caller]
fn put_labels(gateway: &Gateway, labels: &Value) -> (u16, Value) {
    gateway.api.answer("PUT", "/api/v1/labels", Some(labels))
}

#[test]
fn the_most_narrowly_named_of_those_that_override_gets_every_field_and_the_others_get_it_too() {
    let sink = Sink::start();
    let endpoints = sink.endpoint("everybody", "")
        + &sink.endpoint("app", "override = true")
        + &sink.endpoint("waba", &format!("override = true\nrules = [{{ waba_ids = ['{WABA}'] }}]"))
        + &sink.endpoint("number", &format!("override = true\nrules = [{{ phone_number_ids = ['{NUMBER}'] }}]"));
    let home = Home::production(&endpoints);
    let gateway = home.start();
    gateway.take(&text("wamid.1"));
    assert_eq!(reached(&gateway, &sink, 0), ["/everybody", "/number"]);
    gateway.take(&Text { number: "999", ..Text::new("wamid.2") }.body());
    assert_eq!(reached(&gateway, &sink, 2), ["/everybody", "/waba"]);
    gateway.take(&change(WABA, "account_alerts", r#"{"entity_type":"WABA"}"#));
    assert_eq!(reached(&gateway, &sink, 4), ["/everybody", "/waba"]);
    gateway.take(&Text { waba: "1", number: "2", ..Text::new("wamid.3") }.body());
    assert_eq!(reached(&gateway, &sink, 6), ["/app", "/everybody"]);

    // A paused winner keeps what is its own.
    gateway.api.post("/api/v1/endpoints/number/pause", None);
    gateway.take(&text("wamid.4"));
    until_true("what everybody gets", || sink.at_path("/everybody").len() == 5);
    assert_eq!(gateway.api.get("/api/v1/endpoints/number")["owed"], 1);
    assert_eq!((sink.at_path("/waba").len(), sink.at_path("/app").len()), (2, 1));
    gateway.api.post("/api/v1/endpoints/number/resume", None);
    assert_eq!(reached(&gateway, &sink, 8), ["/everybody", "/number"]);
}

#[test]
fn a_winner_that_is_disabled_competes_no_more_and_cannot_come_back_beside_its_successor() {
    let sink = Sink::start();
    let number = format!("override = true\nrules = [{{ phone_number_ids = ['{NUMBER}'] }}]");
    let home = Home::production(&(sink.endpoint("old", &number) + &sink.endpoint("all", "override = true")));
    let gateway = home.start();
    sink.answer(|arrival| support::sink::Say::Status(if arrival.path == "/old" { 410 } else { 200 }));
    gateway.take(&text("wamid.1"));
    until_true("its end", || gateway.api.get("/api/v1/endpoints/old")["state"] == "disabled");
    gateway.take(&text("wamid.2"));
    assert_eq!(reached(&gateway, &sink, 1), ["/all"]);
    let rules = json!([{ "phone_number_ids": [NUMBER] }]);
    let new = json!({ "id": "new", "url": sink.url("/new"), "rules": rules, "override": true });
    gateway.api.post("/api/v1/endpoints", Some(&new));
    let (status, problem) = gateway.api.answer("POST", "/api/v1/endpoints/old/resume", None);
    assert_eq!((status, &problem["code"]), (409, &json!("override_clash")));
}

#[test]
fn two_that_could_be_meant_equally_are_refused_wherever_they_come_from_with_both_names() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", "override = true\nrules = [{ types = ['messages.*'] }]"));
    let gateway = home.start();
    let clash = |(status, problem): (u16, Value)| {
        assert_eq!((status, &problem["code"]), (409, &json!("override_clash")), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("crm") && detail.contains("bot"), "{detail}");
    };
    let bot = |rules: Value, overrides: bool| json!({ "id": "bot", "url": sink.url("/bot"), "rules": rules, "override": overrides });
    let statuses = json!([{ "fields": ["messages"], "types": ["messages.status.*"] }]);
    clash(gateway.api.answer("POST", "/api/v1/endpoints", Some(&bot(statuses.clone(), true))));
    gateway.api.post("/api/v1/endpoints", Some(&bot(json!([{ "types": ["calls.*"] }]), true)));
    clash(gateway.api.answer("PUT", "/api/v1/endpoints/bot", Some(&bot(json!([]), true))));
    for plan in [true, false] {
        let crm = json!({ "name": "crm", "url": sink.url("/crm"), "override": true });
        let apply = json!({ "endpoints": [crm], "plan": plan });
        clash(gateway.api.answer("POST", "/api/v1/apply", Some(&apply)));
    }
    assert_eq!(gateway.api.answer("PUT", "/api/v1/endpoints/bot", Some(&bot(statuses, false))).0, 200);

    let crm = sink.endpoint("crm", "override = true");
    let home = Home::production(&(crm + &sink.endpoint("bot", "override = true\nrules = [{ apps = ['main'] }]")));
    let (code, told) = run_to_the_end(home.command(&["check"]));
    assert_ne!(code, Some(0));
    assert!(told.contains("crm and bot both have override = true"), "{told}");
}

#[test]
fn a_label_stands_for_the_wabas_and_numbers_that_bear_it_from_then_on() {
    let sink = Sink::start();
    let label = |name: &str| sink.endpoint(name, &format!("rules = [{{ labels = ['{name}'] }}]\noverride = true"));
    let home = Home::production(&(label("acme") + &label("beta")));
    let gateway = home.start();
    gateway.take(&text("wamid.0"));
    assert_eq!(gateway.api.rows("/api/v1/events?unrouted=true").len(), 1);
    let both =
        json!([{ "on": "waba", "id": WABA, "labels": ["acme"] }, { "on": "number", "id": "999", "labels": ["beta"] }]);
    assert_eq!(put_labels(&gateway, &both).0, 204);
    assert_eq!(gateway.api.get("/api/v1/labels"), both);
    gateway.take(&text("wamid.1"));
    gateway.take(&Text { number: "999", ..Text::new("wamid.2") }.body());
    assert_eq!(reached(&gateway, &sink, 0), ["/acme", "/beta"]);

    let (status, problem) = put_labels(&gateway, &json!([{ "on": "waba", "id": "5", "labels": ["acme", "beta"] }]));
    assert_eq!((status, &problem["code"]), (409, &json!("override_clash")));
    let (status, _) = put_labels(&gateway, &json!([{ "on": "waba", "id": "5", "labels": ["a b"] }]));
    assert_eq!(status, 400);

    // From the shell, and over a restart.
    let (code, told) = run_to_the_end(home.command(&["labels", "clear", "number", "999"]));
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run_to_the_end(home.command(&["labels", "set", "waba", "beta", WABA, "77"]));
    assert_eq!(code, Some(0), "{told}");
    assert!(gateway.stop().success());
    let gateway = home.start();
    gateway.take(&Text { number: "999", ..Text::new("wamid.3") }.body());
    assert_eq!(reached(&gateway, &sink, 2), ["/beta"]);
    let wabas: Vec<Value> = gateway.api.get("/api/v1/labels").as_array().unwrap().clone();
    assert_eq!(wabas.len(), 2);
}

#[test]
fn an_event_is_explained_rule_by_rule_with_what_its_deliveries_are() {
    let sink = Sink::start();
    let endpoints = sink.endpoint("all", "")
        + &sink.endpoint("calls", "rules = [{ types = ['calls.*'] }, { types = ['*', '!messages.*'] }]")
        + &sink.endpoint("wide", "override = true")
        + &sink.endpoint("narrow", &format!("override = true\nrules = [{{ waba_ids = ['{WABA}'] }}]"));
    let home = Home::production(&endpoints);
    let gateway = home.start();
    gateway.take(&text("wamid.1"));
    assert_eq!(reached(&gateway, &sink, 0), ["/all", "/narrow"]);
    let id = gateway.api.events()[0]["id"].as_str().unwrap().to_owned();
    let explained = gateway.api.get(&format!("/api/v1/events/{id}/explain"));
    let endpoint = |name: &str| {
        let all = explained["endpoints"].as_array().unwrap();
        all.iter().find(|endpoint| endpoint["endpoint"] == name).unwrap().clone()
    };
    assert_eq!((&endpoint("all")["gets_it"], &endpoint("narrow")["gets_it"]), (&json!(true), &json!(true)));
    assert_eq!(endpoint("calls")["rules"][0]["because"], "types: messages.text is none of calls.*");
    assert_eq!(endpoint("calls")["rules"][1]["because"], "types: messages.text is excluded by !messages.*");
    assert_eq!(endpoint("wide")["because"], "narrow overrides by its WABA, this one by its app");
    let states: Vec<&Value> = explained["deliveries"].as_array().unwrap().iter().map(|row| &row["state"]).collect();
    assert_eq!(states, ["accepted", "accepted"]);
    let mut command = home.command(&["endpoints", "explain", &id]);
    let out = command.output().unwrap();
    let printed: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(printed["endpoints"], explained["endpoints"], "elsewhere than on a terminal it is JSON");
    assert_eq!(gateway.api.answer("GET", "/api/v1/events/evt_0/explain", None).0, 404);
}
