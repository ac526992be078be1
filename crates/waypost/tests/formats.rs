//! The form in which an endpoint gets its deliveries: bodies, headers, signatures, secrets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::gateway::{Gateway, Home, SECRET};
use support::meta::{self, Text};
use support::sink::{Arrival, HUB_SECRET, Sink, WEBHOOK_SECRET, webhook_signature};
use support::until_true;

const OTHER_NUMBER: &str = "999";

fn settled(gateway: &Gateway) {
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
}

/// Two messages to two numbers in one notification.
fn two_numbers(first: &str, second: &str) -> Vec<u8> {
    let change = |text: &Text<'_>| {
        let body: Value = serde_json::from_slice(&text.body()).unwrap();
        body["entry"][0]["changes"][0].to_string()
    };
    let ours = change(&Text { text: "for ours", ..Text::new(first) });
    let theirs = change(&Text { number: OTHER_NUMBER, text: "for theirs", ..Text::new(second) });
    let waba = meta::WABA;
    format!(r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{waba}","changes":[{ours},{theirs}]}}]}}"#)
        .into_bytes()
}

fn raw_sink() -> Sink {
    // The hub signature of a raw delivery is Meta's.
    Sink::start_with(None, Some(WEBHOOK_SECRET))
}

fn is_raw(arrival: &Arrival, body: &[u8]) -> bool {
    arrival.header("x-hub-signature-256") == meta::signature(SECRET, body)
        && arrival.body == body
        && arrival.id().starts_with("ntf_")
        && arrival.header("x-waypost-format") == "raw"
        && arrival.header("x-waypost-notification-id") == arrival.id()
}

#[test]
fn a_notification_goes_raw_once_and_byte_for_byte_with_metas_own_signature() {
    let sink = raw_sink();
    let home = Home::production(&sink.endpoint("tap", "format = 'raw'\nordered = true"));
    let gateway = home.start();
    let body = two_numbers("wamid.a", "wamid.b");
    gateway.take(&body);
    settled(&gateway);
    gateway.take(b"signed, and no JSON");
    settled(&gateway);
    let arrivals = sink.ledger();
    assert_eq!(arrivals.len(), 2, "one delivery for each notification");
    assert!(is_raw(&arrivals[0], &body), "{:?}", arrivals[0].headers);
    assert!(is_raw(&arrivals[1], b"signed, and no JSON"));
    assert_eq!(gateway.api.get("/api/v1/endpoints/tap")["ordered"], false);
    assert_eq!(gateway.api.total("unrouted"), 0);
    // A copy that Meta sends again brings nothing new.
    gateway.take(&body);
    assert_eq!(gateway.api.total("accepted"), 2);
}

#[test]
fn a_notification_that_holds_anothers_event_goes_as_meta_and_is_marked() {
    let sink = raw_sink();
    let rules = format!("format = 'raw'\nrules = [{{ phone_number_ids = ['{}'] }}]", meta::NUMBER);
    let home = Home::production(&sink.endpoint("tap", &rules));
    let gateway = home.start();
    gateway.take(&two_numbers("wamid.a", "wamid.b"));
    settled(&gateway);
    // Theirs is known by now: that it is a copy must not hide that it lies in the body.
    gateway.take(&two_numbers("wamid.c", "wamid.b"));
    settled(&gateway);
    let alone = Text::new("wamid.d").body();
    gateway.take(&alone);
    settled(&gateway);
    let arrivals = sink.wait_for(3);
    for arrival in &arrivals[..2] {
        let text = String::from_utf8(arrival.body.clone()).unwrap();
        assert!(text.contains("for ours") && !text.contains("theirs") && !text.contains(OTHER_NUMBER), "{text}");
        assert_eq!(arrival.header("x-waypost-format"), "meta");
        assert_eq!(arrival.header("x-hub-signature-256"), meta::signature(HUB_SECRET, &arrival.body));
        assert!(arrival.id().starts_with("evt_"));
    }
    assert!(is_raw(&arrivals[2], &alone));
}

#[test]
fn what_was_owed_raw_stays_raw_when_the_format_changes() {
    let sink = raw_sink();
    let home = Home::production("");
    let gateway = home.start();
    let mut input = json!({ "id": "tap", "url": sink.url("/tap"), "format": "raw", "webhook_secret": WEBHOOK_SECRET,
        "hub_secret": HUB_SECRET, "paused": true });
    gateway.api.post("/api/v1/endpoints", Some(&input));
    let body = two_numbers("wamid.a", "wamid.b");
    gateway.take(&body);
    input["format"] = "meta".into();
    assert_eq!(gateway.api.answer("PUT", "/api/v1/endpoints/tap", Some(&input)).0, 200);
    gateway.api.post("/api/v1/endpoints/tap/resume", None);
    settled(&gateway);
    gateway.take(&Text::new("wamid.c").body());
    settled(&gateway);
    let arrivals = sink.ledger();
    assert_eq!(arrivals.len(), 2);
    assert!(is_raw(&arrivals[0], &body));
    assert_eq!(arrivals[1].header("x-waypost-format"), "");
}

#[test]
fn management_events_go_in_the_form_of_8x8_and_the_rest_ends_as_left_out() {
    let sink = Sink::start();
    let eight = |name: &str, only: bool| {
        let more = format!("format = '8x8'\neight_by_eight = {{ account_id = 'acme', documented_only = {only} }}");
        sink.endpoint(name, &more)
    };
    let home = Home::production(&(eight("all", false) + &eight("documented", true)));
    let gateway = home.start();
    gateway.take(&Text::new("wamid.a").body());
    let restriction =
        r#"{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"R","expiration":1769435420}]}"#;
    let body = meta::change("7", "account_update", restriction);
    gateway.take(&body);
    gateway.take(&meta::change("7", "security", r#"{"event":"PIN_CHANGED"}"#));
    settled(&gateway);
    assert_eq!((sink.at_path("/all").len(), sink.at_path("/documented").len()), (2, 1));
    assert_eq!(gateway.api.total("skipped"), 3);
    let left_out = gateway.api.delivery("all", "the one that was left out", |row| row["state"] == "skipped");
    assert_eq!(left_out["reason"], "format_left_out");

    let (all, documented) = (sink.at_path("/all")[0].json(), sink.at_path("/documented")[0].json());
    assert_eq!(all, documented);
    assert_eq!(all["eventType"], "account_update");
    assert_eq!((&all["accountId"], &all["businessAccountId"]), (&json!("acme"), &json!("7")));
    assert_eq!(all["eventDetails"]["restrictionInfo"][0]["expiration"], "2026-01-26T13:50:20.00Z");
    let id = all["eventId"].as_str().unwrap();
    assert_eq!((id.len(), id.as_bytes()[14]), (36, b'8'));
    assert_eq!(sink.at_path("/all")[1].json()["eventDetails"]["rawEvent"]["field"], "security");
}

#[test]
fn an_endpoint_has_headers_of_its_own_beside_waypost_s_under_its_own_prefix() {
    let sink = Sink::start();
    let more = "header_prefix = 'X-Other-'\nheaders = { X-Api-Key = 'k-1', X-Tenant = 'acme' }\n\
                auth = { basic = { user = 'me', password = 'pass word' } }";
    let home = Home::production(&sink.endpoint("crm", more));
    let gateway = home.start();
    gateway.take(&Text::new("wamid.a").body());
    let arrival = sink.wait_for(1).remove(0);
    assert_eq!(arrival.header("x-api-key"), "k-1");
    assert_eq!(arrival.header("x-tenant"), "acme");
    assert_eq!(arrival.header("authorization"), "Basic bWU6cGFzcyB3b3Jk");
    assert_eq!(arrival.header("x-other-event"), "messages.text");
    assert_eq!(arrival.header("x-other-attempt"), "1");
    assert!(!arrival.headers.keys().any(|name| name.starts_with("x-waypost-")), "{:?}", arrival.headers);
    let shown = gateway.api.get("/api/v1/endpoints/crm");
    assert_eq!(shown["form"]["header_names"], json!(["X-Api-Key", "X-Tenant"]));
    assert_eq!(shown["form"]["auth"], "basic");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_member() {
    let home = Home::production("");
    let gateway = home.start();
    for (members, told) in [
        (json!({ "format": "8x8" }), "eight_by_eight"),
        (json!({ "headers": { "Host": "x" } }), "headers.Host"),
        (json!({ "headers": { "X-Key": "a\r\nb" } }), "headers.X-Key"),
        (json!({ "header_prefix": "Content-" }), "header_prefix"),
        (json!({ "auth": { "bearer": "a", "basic": { "user": "u", "password": "p" } } }), "auth"),
        (json!({ "proxy": "https://proxy" }), "proxy"),
        (json!({ "tls": { "ca": "no PEM" } }), "tls.ca"),
        (json!({ "hub_secret_next": { "secret": "x", "at": "tomorrow" } }), "hub_secret_next.at"),
        (
            json!({ "webhook_secrets_old": [{ "secret": "x", "until": "2026-01-01T00:00:00Z" }] }),
            "webhook_secrets_old[0].secret",
        ),
    ] {
        let mut input = json!({ "url": "https://crm.example.com/" });
        input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let (status, problem) = gateway.api.answer("POST", "/api/v1/endpoints", Some(&input));
        assert_eq!(status, 400, "{members}");
        assert!(problem["detail"].as_str().unwrap().contains(told), "{problem}");
    }
    // A secret in the wrong place is not quoted back.
    let input = json!({ "url": "https://crm.example.com/", "auth": "hunter2" });
    let (status, problem) = gateway.api.answer("POST", "/api/v1/endpoints", Some(&input));
    assert_eq!(status, 400);
    assert!(!problem.to_string().contains("hunter2"), "{problem}");
}

#[test]
fn while_a_webhook_secret_is_rotated_both_sign_and_after_it_the_new_one_alone() {
    let sink = Sink::start_with(Some(HUB_SECRET), None);
    let home = Home::production("");
    let gateway = home.start();
    let input =
        json!({ "id": "crm", "url": sink.url("/crm"), "hub_secret": HUB_SECRET, "webhook_secret": WEBHOOK_SECRET });
    gateway.api.post("/api/v1/endpoints", Some(&input));
    let rotated = gateway.api.post("/api/v1/endpoints/crm/secrets/rotate", Some(&json!({ "overlap": "1h" })));
    let fresh = rotated["webhook_secret"].as_str().unwrap().to_owned();
    assert_eq!(rotated["form"]["webhook_secrets_old_until"].as_array().unwrap().len(), 1);
    gateway.take(&Text::new("wamid.a").body());
    let arrival = sink.wait_for(1).remove(0);
    let signed = |arrival: &Arrival, secret: &str| {
        webhook_signature(secret, arrival.id(), arrival.header("webhook-timestamp"), &arrival.body)
    };
    let expected = [signed(&arrival, &fresh), signed(&arrival, WEBHOOK_SECRET)].join(" ");
    assert_eq!(arrival.header("webhook-signature"), expected);

    // The overlap survives a restart, and ends when it is told to. (A kill would repeat what was not written yet.)
    assert!(gateway.stop().success());
    let gateway = home.start();
    let ended = json!({ "id": "crm", "url": sink.url("/crm"),
        "webhook_secrets_old": [{ "secret": WEBHOOK_SECRET, "until": "2020-01-01T00:00:00Z" }] });
    assert_eq!(gateway.api.answer("PUT", "/api/v1/endpoints/crm", Some(&ended)).0, 200);
    gateway.take(&Text::new("wamid.b").body());
    let arrival = sink.wait_for(2).pop().unwrap();
    assert_eq!(arrival.header("webhook-signature"), signed(&arrival, &fresh));
}

#[test]
fn a_hub_secret_switches_at_its_moment() {
    let sink = Sink::start_with(None, Some(WEBHOOK_SECRET));
    let next = |at: &str| format!("hub_secret_next = {{ secret = 'the next one', at = '{at}' }}");
    let past = sink.endpoint("past", &next("2020-01-01T00:00:00Z"));
    let home = Home::production(&(past + &sink.endpoint("future", &next("2999-01-01T00:00:00Z"))));
    let gateway = home.start();
    gateway.take(&Text::new("wamid.a").body());
    sink.wait_for(2);
    for (path, secret) in [("/past", "the next one"), ("/future", HUB_SECRET)] {
        let arrival = sink.at_path(path).remove(0);
        assert_eq!(arrival.header("x-hub-signature-256"), meta::signature(secret, &arrival.body), "{path}");
    }
}

/// The bytes of every file below a folder.
fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(bytes_below(&path)) } else { all.extend(std::fs::read(&path).unwrap()) }
    }
    all
}

#[test]
fn no_secret_of_an_endpoint_shows_in_answers_logs_or_the_store() {
    const MARK: &str = "hunter2hunter2";
    let sink = Sink::start_with(None, None);
    let home = Home::production("");
    let gateway = home.start_with(&[]);
    // Base64 of 24 and more bytes, recognisable.
    let whsec = |n: usize| format!("whsec_{MARK}{}", "A".repeat(22 + 4 * n));
    let input = json!({ "id": "crm", "url": sink.url("/crm"), "hub_secret": format!("{MARK}-hub"),
        "webhook_secret": whsec(0),
        "hub_secret_next": { "secret": format!("{MARK}-next"), "at": "2999-01-01T00:00:00Z" },
        "webhook_secrets_old": [{ "secret": whsec(1), "until": "2999-01-01T00:00:00Z" }],
        "headers": { "X-Api-Key": format!("{MARK}-key") }, "auth": { "bearer": format!("{MARK}-token") } });
    let mut answers = vec![gateway.api.call("POST", "/api/v1/endpoints", &[], Some(&input)).text()];
    gateway.take(&Text::new("wamid.a").body());
    assert!(sink.wait_for(1)[0].header("authorization").contains(MARK), "it is in force");
    let update = json!({ "url": sink.url("/crm2") });
    answers.push(gateway.api.call("PUT", "/api/v1/endpoints/crm", &[], Some(&update)).text());
    gateway.take(&Text::new("wamid.b").body());
    assert!(sink.wait_for(2)[1].header("x-api-key").contains(MARK), "what is left out stays");
    let rotate = json!({ "secret": whsec(2) });
    let rotated = gateway.api.call("POST", "/api/v1/endpoints/crm/secrets/rotate", &[], Some(&rotate));
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    for path in ["/api/v1/endpoints", "/api/v1/endpoints/crm", "/api/v1/status", "/api/v1/deliveries", "/metrics"] {
        answers.push(gateway.api.call("GET", path, &[], None).text());
    }
    let bad =
        json!({ "id": "bad", "url": "https://crm.example.com", "webhook_secret": MARK, "headers": { "Host": MARK } });
    answers.push(gateway.api.call("POST", "/api/v1/endpoints", &[], Some(&bad)).text());
    for answer in &answers {
        assert!(!answer.contains(MARK), "{answer}");
    }
    let told = gateway.told.text();
    drop(gateway);
    assert!(!told.contains(MARK));
    let store = bytes_below(&home.store());
    assert!(!store.windows(MARK.len()).any(|window| window == MARK.as_bytes()), "the store shows a secret");
}

/// A proxy that takes CONNECT, and what it was asked for.
fn connect_proxy() -> (std::net::SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let noted = Arc::clone(&noted);
            std::thread::spawn(move || tunnel(stream, &noted));
        }
    });
    (at, asked)
}

fn tunnel(mut near: TcpStream, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        near.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap().to_owned();
    let mut far = TcpStream::connect(&target).ok()?;
    asked.lock().unwrap().push(target);
    near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let (mut near_too, mut far_too) = (near.try_clone().ok()?, far.try_clone().ok()?);
    std::thread::spawn(move || std::io::copy(&mut near_too, &mut far_too));
    std::io::copy(&mut far, &mut near).ok()?;
    Some(())
}

#[test]
fn deliveries_take_the_proxy_of_their_endpoint_or_that_for_all() {
    let sink = Sink::start();
    let ((for_all, asked_all), (own, asked_own)) = (connect_proxy(), connect_proxy());
    let more = format!("proxy = 'http://{for_all}'\n")
        + &sink.endpoint("usual", "")
        + &sink.endpoint("own", &format!("proxy = 'http://{own}'"))
        + &sink.endpoint("direct", "proxy = 'none'");
    let home = Home::production(&more);
    let gateway = home.start();
    gateway.take(&Text::new("wamid.a").body());
    settled(&gateway);
    assert_eq!(gateway.api.total("accepted"), 3);
    for asked in [asked_all, asked_own] {
        assert_eq!(*asked.lock().unwrap(), [sink.at.to_string()]);
    }
    assert_eq!(gateway.api.get("/api/v1/endpoints/own")["form"]["proxy"], format!("http://{own}"));
}
