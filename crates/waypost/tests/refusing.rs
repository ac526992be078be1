//! Refusals, from outside: what becomes of a delivery that an endpoint, its network or our settings refuse.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use std::time::Duration;

use gateway::clock::parse_rfc3339;
use serde_json::Value;
use support::gateway::{Gateway, Home, SECRET};
use support::meta::Text;
use support::sink::{Arrival, Say, Sink};
use support::until_true;

/// A message with this id.
fn text(wamid: &str) -> Vec<u8> {
    Text::new(wamid).body()
}

fn time(value: &Value) -> i64 {
    parse_rfc3339(value.as_str().unwrap()).unwrap()
}

/// The word for an endpoint's state.
fn state(gateway: &Gateway, endpoint: &str) -> String {
    let endpoint = gateway.api.get(&format!("/api/v1/endpoints/{endpoint}"));
    endpoint["state"].as_str().unwrap().to_owned()
}

#[test]
fn after_a_5xx_the_same_delivery_comes_again_with_the_next_attempt_number() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    sink.answer(|arrival| Say::Status(if arrival.attempt() == 1 { 502 } else { 204 }));
    gateway.take(&text("wamid.again"));
    let arrivals = sink.wait_for(2);
    assert_eq!(arrivals.iter().map(Arrival::attempt).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(arrivals[0].id(), arrivals[1].id());
    assert_eq!(arrivals[0].body, arrivals[1].body);
    let gap = arrivals[1].began - arrivals[0].began;
    assert!((Duration::from_secs(5)..Duration::from_secs(8)).contains(&gap), "{gap:?}");
    let delivery = gateway.api.delivery("crm", "an accepted one", |row| row["state"] == "accepted");
    let log = delivery["attempt_log"].as_array().unwrap();
    let statuses: Vec<_> = log.iter().map(|attempt| attempt["http_status"].as_u64()).collect();
    assert_eq!(statuses, [Some(502), Some(204)]);
}

#[test]
fn a_delivery_waits_as_long_as_retry_after_says() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    sink.answer(|_| Say::RetryAfter(429, 600));
    gateway.take(&text("wamid.later"));
    let delivery = gateway.api.delivery("crm", "an attempt", |row| row["attempts"] == 1 && row["due_at"].is_string());
    assert_eq!(delivery["state"], "owed");
    let wait_ms = time(&delivery["due_at"]) - time(&delivery["attempt_log"][0]["started_at"]);
    assert!((600_000..605_000).contains(&wait_ms), "{wait_ms}");
}

#[test]
fn an_endpoint_that_answers_410_is_disabled_and_hears_nothing_more() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    sink.answer(|_| Say::Status(410));
    gateway.take(&text("wamid.gone"));
    until_true("that it is disabled", || state(&gateway, "crm") == "disabled");
    let delivery = gateway.api.delivery("crm", "its end", |row| row["state"] == "dead");
    assert_eq!(delivery["reason"], "endpoint_gone");
    gateway.take(&text("wamid.unheard"));
    let found = gateway.api.get("/api/v1/events/find?q=wamid.unheard");
    assert_eq!(found["rows"][0]["unrouted"], true);
    assert!(gateway.stop().success());
    let gateway = home.start();
    assert_eq!(state(&gateway, "crm"), "disabled", "a restart does not forget it");
    assert_eq!(sink.ledger().len(), 1);
}

#[test]
fn a_redirect_is_a_failure_and_is_not_followed() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    let elsewhere = sink.url("/elsewhere");
    sink.answer(move |_| Say::Redirect(elsewhere.clone()));
    gateway.take(&text("wamid.moved"));
    let delivery = gateway.api.delivery("crm", "an attempt", |row| row["attempts"] == 1 && row["due_at"].is_string());
    assert_eq!((&delivery["state"], &delivery["attempt_log"][0]["http_status"]), (&"owed".into(), &302.into()));
    assert!(sink.at_path("/elsewhere").is_empty());
}

#[test]
fn no_answer_and_a_closed_connection_are_failures_of_their_network() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    sink.answer(|_| Say::Close);
    gateway.take(&text("wamid.closed"));
    let delivery = gateway.api.delivery("crm", "an attempt", |row| row["attempts"] == 1 && row["due_at"].is_string());
    let attempt = &delivery["attempt_log"][0];
    assert_eq!((&attempt["failure"], &attempt["http_status"]), (&"their_network".into(), &Value::Null));
    assert_eq!(attempt["error"], "the connection broke before the answer came");
}

#[test]
fn private_addresses_are_refused_in_production_with_the_setting_that_would_allow_them() {
    let sink = Sink::start();
    let port = sink.at.port();
    let config = format!(
        "{}\n[[apps]]\nname = 'main'\nverify_token = 't'\nsecrets = ['{SECRET}']\n\
         [[endpoints]]\nname = 'address'\nurl = 'http://127.0.0.1:{port}/'\n\
         [[endpoints]]\nname = 'name'\nurl = 'https://localhost:{port}/'\n\
         [[endpoints]]\nname = 'metadata'\nurl = 'http://169.254.169.254/latest/meta-data'\n\
         [[endpoints]]\nname = 'mapped'\nurl = 'http://[::ffff:127.0.0.1]:{port}/'\n",
        support::gateway::basics()
    );
    let home = Home::with(&config);
    let gateway = home.start();
    gateway.take(&text("wamid.ssrf"));
    for endpoint in ["address", "name", "metadata", "mapped"] {
        let tried = |row: &Value| row["attempts"] == 1 && row["due_at"].is_string();
        let delivery = gateway.api.delivery(endpoint, "a refused attempt", tried);
        let attempt = &delivery["attempt_log"][0];
        assert_eq!(attempt["failure"], "our_configuration", "{endpoint}");
        let error = attempt["error"].as_str().unwrap();
        assert!(error.contains("outbound.allow_networks") && error.contains("outbound.allow_hosts"), "{error}");
    }
    assert!(sink.ledger().is_empty());
}

#[test]
fn a_disabled_endpoint_gets_what_it_is_still_owed_when_a_person_resumes_it() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", "paused = true"));
    let gateway = home.start();
    for count in 0..40 {
        let (id, from) = (format!("wamid.{count}"), format!("1650555{:04}", count % 4));
        gateway.take(&Text { from: &from, ..Text::new(&id) }.body());
    }
    sink.answer(|_| Say::Status(410));
    gateway.api.post("/api/v1/endpoints/crm/resume", None);
    until_true("that it is disabled", || state(&gateway, "crm") == "disabled");
    until_true("that nothing is in flight", || {
        let rows = gateway.api.rows("/api/v1/deliveries?endpoint=crm");
        rows.iter().all(|row| row["in_flight"] == false)
    });
    let refused = sink.ledger().len();
    assert!(refused < 40, "{refused}: it was not asked for ever");
    sink.answer(|_| Say::Status(200));
    gateway.api.post("/api/v1/endpoints/crm/resume", None);
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    let (dead, accepted) = (gateway.api.total("dead"), gateway.api.total("accepted"));
    assert_eq!((dead, accepted), (refused as u64, 40 - refused as u64));
    assert_eq!(sink.ledger().len(), 40, "each was offered once");
}
