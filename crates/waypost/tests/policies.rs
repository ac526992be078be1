//! Policies, from outside: what an endpoint's own rules make of its answers, whose fault a failure is, and how long an
//! attempt may take.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use std::net::TcpListener;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use support::gateway::{Gateway, Home};
use support::meta::Text;
use support::sink::{Say, Sink};
use support::until_true;
use support::wild::{Deed, Wild};

fn text(wamid: &str) -> Vec<u8> {
    Text::new(wamid).body()
}

/// The first attempt that an endpoint's delivery had, once it is written down.
#[track_caller]
fn first_attempt(gateway: &Gateway, endpoint: &str) -> Value {
    let tried = |row: &Value| row["attempts"].as_u64() > Some(0) && row["in_flight"] == false;
    gateway.api.delivery(endpoint, "an attempt", tried)["attempt_log"][0].clone()
}

#[test]
fn every_failure_is_counted_as_the_fault_of_whoever_made_it() {
    const SLOW: &str = "timeout = '400ms'";
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = Wild::start(Deed::Silence);
    let reset = Wild::start(Deed::Reset);
    let plain = Wild::start(Deed::Write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    let broken = Wild::start(Deed::Write(b"SSH-2.0-hello\r\n"));
    let failing = Wild::start(Deed::Endless(503));
    let sink = Sink::start();
    sink.answer(|_| Say::Redirect("https://user:hunter2@elsewhere.example/in?token=hunter2".to_owned()));
    let endpoints = [
        "[[endpoints]]\nname = 'no-name'\nurl = 'https://nowhere.invalid/'\n".to_owned(),
        format!("[[endpoints]]\nname = 'refused'\nurl = 'http://{closed}/'\n"),
        silent.endpoint("silent", "http", SLOW),
        silent.endpoint("tls-stalls", "https", "connect_timeout = '300ms'"),
        reset.endpoint("reset", "http", ""),
        reset.endpoint("tls-ends", "https", ""),
        plain.endpoint("no-tls", "https", ""),
        broken.endpoint("no-http", "http", ""),
        failing.endpoint("endless", "http", SLOW),
        sink.endpoint("moved", ""),
        "[[endpoints]]\nname = 'guarded'\nurl = 'https://169.254.169.254/'\n".to_owned(),
    ];
    let home = Home::production(&endpoints.concat());
    let gateway = home.start();
    gateway.take(&text("wamid.fails"));
    let redirect = "answered 302, a redirect to elsewhere.example; redirects are not followed: set the endpoint's url to \
                    the address itself";
    for (endpoint, class, status, error) in [
        ("no-name", "their_network", None, "the host name does not resolve"),
        ("refused", "their_network", None, "the connection failed: refused"),
        ("silent", "their_network", None, "no answer within 400 ms (policy.timeout)"),
        ("tls-stalls", "their_network", None, "no connection within 300 ms (policy.connect_timeout)"),
        ("reset", "their_network", None, "the connection broke before the answer came"),
        ("tls-ends", "their_network", None, "the connection failed: reset"),
        ("no-tls", "their_network", None, "the TLS handshake failed: check the certificate and its chain"),
        ("no-http", "their_network", None, "the connection broke before the answer came"),
        ("endless", "their_answer", Some(503), "answered 503"),
        ("moved", "their_answer", Some(302), redirect),
        ("guarded", "our_configuration", None, ""),
    ] {
        let attempt = first_attempt(&gateway, endpoint);
        assert_eq!((&attempt["failure"], &attempt["http_status"]), (&json!(class), &json!(status)), "{endpoint}");
        if !error.is_empty() {
            assert_eq!(attempt["error"], error, "{endpoint}");
        }
    }
}

#[test]
fn a_body_without_an_end_holds_no_attempt_beyond_its_time_and_what_the_head_said_counts() {
    let policy = "timeout = '1s', gaps = ['1h']";
    let (accepting, refusing) = (Wild::start(Deed::Drip(200)), Wild::start(Deed::Drip(500)));
    let flooding = Wild::start(Deed::Endless(200));
    let endpoints = [
        accepting.endpoint("accepts", "http", policy),
        refusing.endpoint("refuses", "http", policy),
        flooding.endpoint("floods", "http", policy),
    ];
    let home = Home::production(&endpoints.concat());
    let gateway = home.start();
    gateway.take(&text("wamid.drips"));
    for (endpoint, wild, state) in
        [("accepts", &accepting, "accepted"), ("refuses", &refusing, "owed"), ("floods", &flooding, "accepted")]
    {
        let attempt = first_attempt(&gateway, endpoint);
        let delivery = gateway.api.delivery(endpoint, "a delivery", |_| true);
        assert_eq!(delivery["state"], state, "{endpoint}");
        assert!(attempt["duration_ms"].as_u64().unwrap() < 1_500, "{endpoint}: {attempt}");
        until_true("that the connection is let go", || wild.open.load(Ordering::SeqCst) == 0);
        assert_eq!(wild.came.load(Ordering::SeqCst), 1, "{endpoint}");
    }
    let snippet = first_attempt(&gateway, "refuses")["response_snippet"].as_str().unwrap().to_owned();
    assert!(snippet.len() > 3 && snippet.bytes().all(|byte| byte == b'x'), "what came in time is kept: {snippet:?}");
}

#[test]
fn an_endpoint_s_own_statuses_accept_end_or_repeat_a_delivery() {
    let sink = Sink::start();
    let policy =
        "policy = { preset = 'meta', success = ['200', '404'], final = ['401'], retry = ['5xx'], gaps = ['1h'] }";
    let home = Home::production(&sink.endpoint("crm", policy));
    let gateway = home.start();
    for (status, state, reason) in [
        (200, "accepted", Value::Null),
        (404, "accepted", Value::Null),
        (204, "dead", json!("refused_for_good")),
        (401, "dead", json!("refused_for_good")),
        (410, "dead", json!("refused_for_good")),
        (500, "owed", Value::Null),
    ] {
        sink.answer(move |_| Say::Status(status));
        let (wamid, from) = (format!("wamid.{status}"), format!("1650555{status:04}"));
        gateway.take(&Text { from: &from, ..Text::new(&wamid) }.body());
        let event = gateway.api.get(&format!("/api/v1/events/find?q={wamid}"))["rows"][0]["id"].clone();
        let ended = |row: &Value| row["event_id"] == event && row["attempts"] == 1 && row["in_flight"] == false;
        let delivery = gateway.api.delivery("crm", &format!("what {status} led to"), ended);
        assert_eq!((&delivery["state"], &delivery["reason"]), (&json!(state), &reason), "{status}");
    }
    assert_eq!(gateway.api.get("/api/v1/endpoints/crm")["state"], "active", "410 does not disable by this policy");
}

#[test]
fn a_policy_of_few_attempts_ends_a_delivery_and_the_lane_goes_on() {
    let sink = Sink::start();
    let policy = "policy = { gaps = ['100ms'], attempts_max = 2 }";
    let home = Home::production(&sink.endpoint("crm", policy));
    let gateway = home.start();
    sink.answer(|arrival| Say::Status(if arrival.happened().0 == "wamid.first" { 500 } else { 200 }));
    gateway.take(&text("wamid.first"));
    gateway.take(&text("wamid.second"));
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    let arrived: Vec<String> = sink.ledger().iter().map(|arrival| arrival.happened().0).collect();
    assert_eq!(arrived, ["wamid.first", "wamid.first", "wamid.second"]);
    let dead = gateway.api.delivery("crm", "the first", |row| row["state"] == "dead");
    assert_eq!((&dead["reason"], &dead["attempts"]), (&json!("policy_exhausted"), &json!(2)));
}

#[test]
fn retry_after_holds_the_whole_endpoint_where_the_policy_obeys_it_and_nobody_where_it_does_not() {
    let sink = Sink::start();
    let endpoints = sink.endpoint("obeys", "") + &sink.endpoint("ignores", "policy = { preset = '8x8' }");
    let home = Home::production(&endpoints);
    let gateway = home.start();
    sink.answer(|arrival| match arrival.happened().0.as_str() {
        "wamid.0" => Say::RetryAfter(503, 600),
        _ => Say::Status(200),
    });
    gateway.take(&text("wamid.0"));
    for endpoint in ["obeys", "ignores"] {
        let attempt = first_attempt(&gateway, endpoint);
        assert_eq!(attempt["http_status"], 503, "{endpoint}");
    }
    // Another conversation.
    gateway.take(&Text { from: "16505559999", ..Text::new("wamid.1") }.body());
    gateway.api.delivery("ignores", "the other", |row| row["state"] == "accepted");
    assert!(sink.at_path("/ignores").len() >= 2);
    assert_eq!(sink.at_path("/obeys").len(), 1, "the endpoint asked for quiet");
}

#[test]
fn the_api_tells_a_policy_as_it_was_written_and_refuses_nonsense_with_the_member() {
    let sink = Sink::start();
    let home = Home::production("");
    let gateway = home.start();
    let endpoint = |policy: Value| json!({ "id": "crm", "url": sink.url("/crm"), "policy": policy });
    let (status, problem) =
        gateway.api.answer("POST", "/api/v1/endpoints", Some(&endpoint(json!({ "timeout": "2m" }))));
    assert_eq!(status, 400);
    assert!(
        problem["detail"].as_str().unwrap().contains("policy.timeout: expected a time-out from 100 ms"),
        "{problem}"
    );
    let policy = json!({ "preset": "8x8", "timeout": "2s", "final": ["404"] });
    let made = gateway.api.post("/api/v1/endpoints", Some(&endpoint(policy.clone())));
    assert_eq!(made["policy"], policy);
    assert_eq!(gateway.api.get("/api/v1/endpoints/crm")["policy"], policy);
}

#[test]
fn a_policy_in_the_file_is_checked_with_its_line() {
    let home = Home::production("");
    let file = std::fs::read_to_string(home.path().join("waypost.toml")).unwrap();
    let wrong = "[[endpoints]]\nname = 'crm'\nurl = 'https://a.example/'\npolicy = { gaps = ['1s', 'soon'] }\n";
    home.write("waypost.toml", &format!("{file}\n{wrong}"));
    let output = home.command(&["check"]).output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("endpoints[0].policy.gaps[1]") && told.contains("expected a duration"), "{told}");
    let line = 1 + file.lines().count() + 4;
    assert!(told.contains(&format!(":{line}:")), "line {line}: {told}");
}

#[test]
fn places_that_slow_answers_held_are_free_again_for_others() {
    let drip = Wild::start(Deed::Drip(500));
    let sink = Sink::start();
    // Four places in all, and an endpoint that would like to hold them for ever.
    let endpoints = drip.endpoint("drips", "http", "timeout = '500ms', gaps = ['1h']") + &sink.endpoint("crm", "");
    let home = Home::production(&format!("in_flight_max = 4\n{endpoints}"));
    let gateway = home.start();
    for count in 0..12 {
        let (wamid, from) = (format!("wamid.{count}"), format!("1650555{count:04}"));
        gateway.take(&Text { from: &from, ..Text::new(&wamid) }.body());
    }
    sink.wait_for(12);
    until_true("that all were tried", || {
        let rows = gateway.api.rows("/api/v1/deliveries?endpoint=drips");
        rows.iter().all(|row| row["attempts"] == 1 && row["in_flight"] == false)
    });
    until_true("that no connection is held", || drip.open.load(Ordering::SeqCst) == 0);
}
