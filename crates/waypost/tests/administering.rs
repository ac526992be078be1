//! The API, from outside: who may do what, what is refused, and what never shows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use serde_json::{Value, json};
use support::api::Api;
use support::gateway::{Gateway, Home, SECRET, VERIFY_TOKEN};
use support::meta::{self, Text};
use support::sink::{HUB_SECRET, Say, Sink, WEBHOOK_SECRET};
use support::wire;
use support::{until, until_true};

const ENDPOINTS: &str = "/api/v1/endpoints";

fn endpoint(id: &str) -> Value {
    json!({ "id": id, "url": "https://crm.example.com/in" })
}

/// A new key: its id, and the API with it.
#[track_caller]
fn key(gateway: &Gateway, scope: &str, owner: &str) -> (String, Api) {
    let input = json!({ "name": "a key", "scope": scope, "owner": owner });
    let made = gateway.api.post("/api/v1/keys", Some(&input));
    let id = made["id"].as_str().unwrap().to_owned();
    (id, gateway.api.with_key(made["key"].as_str()))
}

#[track_caller]
fn refused(answer: &(u16, Value), status: u16, code: &str) {
    assert_eq!((answer.0, &answer.1["code"]), (status, &code.into()), "{}", answer.1);
    assert_eq!(answer.1["status"], status);
    assert!(answer.1["detail"].as_str().is_some_and(|detail| detail.ends_with('.')));
}

#[test]
fn a_webhook_secret_that_is_made_up_is_answered_once_and_never_again() {
    let home = Home::production("");
    let gateway = home.start();
    let made = gateway.api.post(ENDPOINTS, Some(&endpoint("crm")));
    let secret = made["webhook_secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    let again = [
        gateway.api.call("GET", "/api/v1/endpoints/crm", &[], None),
        gateway.api.call("GET", ENDPOINTS, &[], None),
        gateway.api.call("PUT", "/api/v1/endpoints/crm", &[], Some(&endpoint("crm"))),
    ];
    for reply in again {
        assert_eq!(reply.status, 200);
        assert!(!reply.text().contains("whsec_") && !reply.text().contains("\"webhook_secret\""), "{}", reply.text());
    }
    let mut given = endpoint("given");
    given["webhook_secret"] = WEBHOOK_SECRET.into();
    let made = gateway.api.post(ENDPOINTS, Some(&given));
    assert!(!made.to_string().contains("whsec_"), "what the caller gave is not repeated: {made}");
}

#[test]
fn a_change_made_on_an_old_copy_is_refused_with_412() {
    let home = Home::production("");
    let gateway = home.start();
    let made = gateway.api.call("POST", ENDPOINTS, &[], Some(&endpoint("crm")));
    assert_eq!(made.status, 201);
    let old = made.header("etag").unwrap().to_owned();
    let path = "/api/v1/endpoints/crm";
    let put = |etag: &str| gateway.api.call("PUT", path, &[("If-Match", etag)], Some(&endpoint("crm")));
    let changed = put(&old);
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(old.as_str()));
    let late = put(&old);
    refused(&(late.status, serde_json::from_slice(&late.body).unwrap()), 412, "version_conflict");
    assert_eq!(gateway.api.call("DELETE", path, &[("If-Match", &old)], None).status, 412);
    let now = changed.header("etag").unwrap();
    assert_eq!(gateway.api.call("DELETE", path, &[("If-Match", now)], None).status, 204);
}

#[test]
fn a_create_that_is_repeated_with_its_idempotency_key_makes_one_endpoint() {
    let home = Home::production("");
    let gateway = home.start();
    let input = json!({ "url": "https://crm.example.com/in" });
    let create = |key: &str| gateway.api.call("POST", ENDPOINTS, &[("Idempotency-Key", key)], Some(&input));
    let id = |reply: &wire::Reply| serde_json::from_slice::<Value>(&reply.body).unwrap()["id"].clone();
    let (first, second, other) = (create("one"), create("one"), create("two"));
    assert_eq!((first.status, second.status, other.status), (201, 200, 201));
    assert_eq!(id(&first), id(&second));
    assert_ne!(id(&first), id(&other));
    assert_eq!(gateway.api.get(ENDPOINTS)["rows"].as_array().unwrap().len(), 2);
}

#[test]
fn what_makes_no_sense_is_refused_with_the_member_that_is_wrong() {
    let home = Home::production("");
    let gateway = home.start();
    let post = |input: Value| gateway.api.answer("POST", ENDPOINTS, Some(&input));
    let unknown = post(json!({ "id": "crm", "url": "https://x.example/", "hubsecret": "hunter2" }));
    refused(&unknown, 400, "bad_request");
    assert!(unknown.1["detail"].as_str().unwrap().contains("hubsecret"));
    assert!(!unknown.1.to_string().contains("hunter2"));
    for (input, member) in [
        (json!({ "url": "ftp://x.example/" }), "url"),
        (json!({ "url": "https://user:hunter2@x.example/" }), "url"),
        (json!({ "url": "https://x.example/", "webhook_secret": "whsec_hunter2" }), "webhook_secret"),
        (json!({ "url": "https://x.example/", "id": "a b" }), "id"),
        (json!({ "url": "https://x.example/", "rules": [{ "types": ["a*b"] }] }), "rules[0].types[0]"),
        (json!({ "url": "https://x.example/", "lane_hold": "soon" }), "lane_hold"),
    ] {
        let answer = post(input);
        refused(&answer, 400, "bad_request");
        assert_eq!(answer.1["member"], member);
        assert!(!answer.1.to_string().contains("hunter2"), "{}", answer.1);
    }
    assert_eq!(post(endpoint("crm")).0, 201);
    refused(&post(endpoint("crm")), 409, "exists");
    refused(&gateway.api.answer("GET", "/api/v1/nothing", None), 404, "no_such_path");
    refused(&gateway.api.answer("DELETE", "/api/v1/events", None), 405, "api_method_not_allowed");
    refused(&gateway.api.answer("GET", "/api/v1/events/evt_nothing", None), 404, "not_found");
}

#[test]
fn a_bad_query_is_answered_as_a_problem() {
    let home = Home::production("");
    let gateway = home.start();
    for path in [
        "/api/v1/events?tpye=x",
        "/api/v1/events?limit=many",
        "/api/v1/events?since=yesterday",
        "/api/v1/deliveries?state=lost",
        "/api/v1/events/find",
        "/api/v1/deliveries/first",
    ] {
        let reply = gateway.api.call("GET", path, &[], None);
        assert!((400..500).contains(&reply.status), "{path}: {} {}", reply.status, reply.text());
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{path}: {}", reply.text());
    }
}

#[test]
fn without_a_key_there_is_nothing_but_health_and_metrics() {
    let home = Home::production("");
    let gateway = home.start();
    for api in [gateway.api.with_key(None), gateway.api.with_key(Some("wpk_wrong"))] {
        for path in ["/api/v1/status", "/api/v1/events", ENDPOINTS, "/api/v1/keys", "/api/v1/apps", "/api/v1/numbers"] {
            refused(&api.answer("GET", path, None), 401, "unauthorized");
        }
        refused(&api.answer("POST", ENDPOINTS, Some(&endpoint("crm"))), 401, "unauthorized");
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(api.answer("GET", path, None).0, 200, "{path}");
        }
    }
}

#[test]
fn a_key_may_do_what_its_scope_says_until_it_is_revoked() {
    let home = Home::production("");
    let gateway = home.start();
    gateway.api.post(ENDPOINTS, Some(&endpoint("crm")));
    let (read_id, read) = key(&gateway, "read", "");
    let (_, operate) = key(&gateway, "operate", "");
    let (_, admin) = key(&gateway, "admin", "");
    let pause = |api: &Api| api.answer("POST", "/api/v1/endpoints/crm/pause", None);
    let make = |api: &Api, id: &str| api.answer("POST", ENDPOINTS, Some(&endpoint(id)));
    for api in [&read, &operate, &admin] {
        assert_eq!(api.answer("GET", "/api/v1/events", None).0, 200);
    }
    refused(&pause(&read), 403, "forbidden");
    assert_eq!((pause(&operate).0, pause(&admin).0), (204, 204));
    refused(&make(&read, "a"), 403, "forbidden");
    refused(&make(&operate, "b"), 403, "forbidden");
    assert_eq!(make(&admin, "c").0, 201);
    refused(&operate.answer("GET", "/api/v1/keys", None), 403, "forbidden");

    let (status, _) = gateway.api.answer("DELETE", &format!("/api/v1/keys/{read_id}"), None);
    assert_eq!(status, 204);
    refused(&read.answer("GET", "/api/v1/events", None), 401, "unauthorized");
    assert!(gateway.stop().success());
    let gateway = home.start();
    let again = |api: &Api| gateway.api.with_key(api.key.as_deref()).answer("GET", "/api/v1/events", None).0;
    assert_eq!((again(&read), again(&operate)), (401, 200), "keys live as long as the store");
}

#[test]
fn an_owners_key_sees_and_makes_only_what_is_theirs() {
    let home = Home::production("");
    let gateway = home.start();
    for owner in ["anna", "bert"] {
        let mut input = endpoint(owner);
        input["owner"] = owner.into();
        gateway.api.post(ENDPOINTS, Some(&input));
    }
    let (_, anna) = key(&gateway, "admin", "anna");
    let rows = anna.get(ENDPOINTS)["rows"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["id"], "anna");
    let berts = "/api/v1/endpoints/bert";
    refused(&anna.answer("GET", berts, None), 404, "not_found");
    refused(&anna.answer("PUT", berts, Some(&endpoint("bert"))), 404, "not_found");
    refused(&anna.answer("DELETE", berts, None), 404, "not_found");
    refused(&anna.answer("POST", "/api/v1/endpoints/bert/pause", None), 404, "not_found");
    for path in ["/api/v1/events", "/api/v1/deliveries", "/api/v1/status", "/api/v1/keys", "/api/v1/numbers"] {
        refused(&anna.answer("GET", path, None), 403, "forbidden");
    }
    let made = anna.post(ENDPOINTS, Some(&endpoint("hers")));
    assert_eq!(made["owner"], "anna");
    let mut foreign = endpoint("his");
    foreign["owner"] = "bert".into();
    refused(&anna.answer("POST", ENDPOINTS, Some(&foreign)), 403, "forbidden");
    assert_eq!(anna.answer("DELETE", "/api/v1/endpoints/hers", None).0, 204);
}

#[test]
fn an_event_is_found_by_its_id_its_message_its_contact_and_its_number() {
    let home = Home::production("");
    let gateway = home.start();
    gateway.take(&Text { from: "4915112345678", ..Text::new("wamid.found") }.body());
    gateway.take(&Text { from: "4915100000000", number: "999", ..Text::new("wamid.other") }.body());
    let event = gateway.api.get("/api/v1/events?phone_number_id=106540352242922")["rows"][0].clone();
    for wanted in [event["id"].as_str().unwrap(), "wamid.found", "4915112345678", "%2B49%20151%2012345678"] {
        let found = until("the index", || {
            let found = gateway.api.get(&format!("/api/v1/events/find?q={wanted}"));
            (found["rows"] != json!([])).then_some(found)
        });
        assert_eq!(found["rows"].as_array().unwrap().len(), 1, "{wanted}");
        assert_eq!(found["rows"][0]["id"], event["id"], "{wanted}");
    }
}

/// Everything that must not show, as it was used.
const PHONE: &str = "4917098765432";
const BODY: &str = "the quick brown secret";

#[test]
fn secrets_show_nowhere_and_phone_numbers_and_messages_in_no_log_and_no_metric() {
    let sink = Sink::start();
    let endpoints = sink.endpoint("good", "") + &sink.endpoint("bad", "") + &sink.endpoint("closed", "");
    // The most talkative that the configuration allows.
    let home = Home::production(&(endpoints + "[logs]\nlevel = 'trace'\n"));
    let mut gateway = home.start();
    gateway.errors_expected = true;
    sink.answer(|arrival| match arrival.path.as_str() {
        "/bad" => Say::Status(500),
        "/closed" => Say::Close,
        _ => Say::Status(200),
    });
    let body = Text { from: PHONE, text: BODY, ..Text::new("wamid.private") }.body();
    gateway.take(&body);
    gateway.take(&emulator::rebatch::array_wrapped(&body));
    gateway.take(&body[..body.len() - 1]);
    assert_eq!(meta::send(gateway.receive, "/webhooks/main", "another-secret", &body).status, 401);
    assert_eq!(meta::send(gateway.receive, "/webhooks/none", SECRET, &body).status, 404);
    let handshake = format!("/webhooks/main?hub.mode=subscribe&hub.challenge=1&hub.verify_token={VERIFY_TOKEN}");
    let handshake = wire::exchange(gateway.receive, &wire::request("GET", &handshake, &[], b"")).unwrap();
    assert_eq!(handshake.status, 200);
    let made = gateway.api.post(ENDPOINTS, Some(&endpoint("made")));
    let made_secret = made["webhook_secret"].as_str().unwrap().to_owned();
    let (_, read) = key(&gateway, "read", "");
    let tried = |row: &Value| row["attempts"] == 1 && row["due_at"].is_string();
    for endpoint in ["bad", "closed"] {
        gateway.api.delivery(endpoint, "a failed attempt", tried);
    }
    until_true("the good one", || sink.at_path("/good").len() == 2);

    let local = gateway.api.key.clone().unwrap();
    let read_key = read.key.clone().unwrap();
    let seal = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
    let secrets = [SECRET, VERIFY_TOKEN, HUB_SECRET, WEBHOOK_SECRET, &made_secret, &local, &read_key, seal, "sealed:"];
    let event = gateway.api.events()[0]["id"].as_str().unwrap().to_owned();
    for path in [
        "/api/v1/status",
        "/api/v1/apps",
        "/api/v1/events",
        &format!("/api/v1/events/{event}"),
        "/api/v1/deliveries",
        "/api/v1/deliveries/1",
        ENDPOINTS,
        "/api/v1/endpoints/good",
        "/api/v1/endpoints/made",
        "/api/v1/numbers",
        "/api/v1/keys",
        "/api/v1/openapi.json",
        "/metrics",
        "/readyz",
    ] {
        let reply = gateway.api.call("GET", path, &[], None);
        assert_eq!(reply.status, 200, "{path}");
        absent(&reply.text(), path, &secrets);
    }
    let metrics = gateway.api.call("GET", "/metrics", &[], None).text();
    let people = [PHONE, BODY, "wamid.private", meta::DISPLAY, meta::NUMBER, meta::WABA];
    absent(&metrics, "metrics", &people);
    assert!(metrics.contains("waypost_attempts_total"), "{metrics}");

    gateway.terminate();
    gateway.wait();
    let told = gateway.told.text();
    absent(&told, "the log", &secrets);
    absent(&told, "the log", &people);
    assert!(told.contains("an attempt failed") && told.contains(&event), "event ids may show: {told}");
}

#[track_caller]
fn absent(text: &str, place: &str, words: &[&str]) {
    for word in words {
        assert!(!text.contains(word), "{place} shows {word}: {text}");
    }
}
