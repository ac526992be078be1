//! Receiving, from outside: what Meta may send, and what anybody may.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::gateway::{Gateway, Home, SECRET, VERIFY_TOKEN, basics};
use support::meta::{self, Text};
use support::sink::Sink;
use support::until;
use support::wire::{self, Reply, Wire};

const PATH: &str = "/webhooks/main";

/// A body of exactly so many bytes.
fn body_of(wamid: &str, bytes: usize) -> Vec<u8> {
    let bare = Text::new(wamid).body();
    let padding = "x".repeat(bytes - bare.len());
    let text = format!("hello{padding}");
    let body = Text { text: &text, ..Text::new(wamid) }.body();
    assert_eq!(body.len(), bytes);
    body
}

/// The code of a problem.
fn code(reply: &Reply) -> (u16, String) {
    let problem: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem["status"], reply.status);
    (reply.status, problem["code"].as_str().unwrap().to_owned())
}

fn refused(status: u16, word: &str) -> (u16, String) {
    (status, word.to_owned())
}

/// The ids of the messages that were kept, oldest first.
fn kept(gateway: &Gateway) -> Vec<String> {
    let mut ids: Vec<String> =
        gateway.api.events().iter().map(|event| event["message_id"].as_str().unwrap_or_default().to_owned()).collect();
    ids.reverse();
    ids
}

#[test]
fn a_handshake_is_answered_with_the_bare_challenge_when_mode_and_token_fit_in_any_order() {
    let home = Home::production("");
    let gateway = home.start();
    let get = |query: &str| {
        wire::exchange(gateway.receive, &wire::request("GET", &format!("{PATH}?{query}"), &[], b"")).unwrap()
    };
    for query in [
        format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={VERIFY_TOKEN}"),
        format!("hub.verify_token={VERIFY_TOKEN}&x=1&hub.challenge=1158201444&hub.mode=subscribe"),
    ] {
        let reply = get(&query);
        assert_eq!((reply.status, reply.text().as_str()), (200, "1158201444"));
        assert_eq!(reply.header("content-type"), Some("text/plain"));
    }
    for query in [
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong".to_owned(),
        format!("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={VERIFY_TOKEN}"),
        format!("hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}"),
        String::new(),
    ] {
        assert_eq!(code(&get(&query)), refused(403, "handshake_refused"), "{query}");
    }
}

#[test]
fn a_notification_is_taken_only_with_a_signature_that_fits_one_of_the_secrets() {
    let home = Home::with(&format!(
        "{}\n[[apps]]\nname = 'main'\nverify_token = 't'\nsecrets = ['old-secret', 'new-secret']\n",
        basics()
    ));
    let gateway = home.start();
    let body = Text::new("wamid.wrong").body();
    let send = |secret: &str, body: &[u8]| meta::send(gateway.receive, PATH, secret, body);
    assert_eq!(code(&send("other-secret", &body)), refused(401, "signature_wrong"));
    let unsigned = wire::request("POST", PATH, &[], &body);
    assert_eq!(code(&wire::exchange(gateway.receive, &unsigned).unwrap()), refused(401, "signature_missing"));
    let of_another_body = meta::signature("old-secret", b"another body");
    let forged = wire::request("POST", PATH, &[("X-Hub-Signature-256", &of_another_body)], &body);
    assert_eq!(code(&wire::exchange(gateway.receive, &forged).unwrap()), refused(401, "signature_wrong"));
    for secret in ["old-secret", "new-secret"] {
        let wamid = format!("wamid.{secret}");
        let reply = send(secret, &Text::new(&wamid).body());
        assert_eq!((reply.status, reply.body.len()), (200, 0));
    }
    assert_eq!(kept(&gateway), ["wamid.old-secret", "wamid.new-secret"]);
}

#[test]
fn a_body_of_the_limit_is_taken_and_one_byte_more_is_refused_without_reading_it() {
    let home = Home::limited("receive.body_bytes_max = 2_000", "");
    let gateway = home.start();
    gateway.take(&body_of("wamid.exact", 2_000));

    let over = body_of("wamid.over", 2_001);
    let announced = [("X-Hub-Signature-256", meta::signature(SECRET, &over)), ("Content-Length", "2001".to_owned())];
    let announced: Vec<(&str, &str)> = announced.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut wire = Wire::open(gateway.receive).unwrap();
    wire.write(&wire::request("POST", PATH, &announced, b"")).unwrap();
    let reply = wire.reply().unwrap();
    assert_eq!(code(&reply), refused(413, "body_too_large"));
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(wire.is_closed());

    assert_eq!(code(&send_chunked(&gateway, &over, 700)), refused(413, "body_too_large"));
    assert_eq!(kept(&gateway), ["wamid.exact"]);
}

fn send_chunked(gateway: &Gateway, body: &[u8], chunk_bytes: usize) -> Reply {
    let signature = meta::signature(SECRET, body);
    let headers = [("X-Hub-Signature-256", signature.as_str()), ("Transfer-Encoding", "chunked")];
    let mut request = wire::request("POST", PATH, &headers, b"");
    request.extend(wire::chunked(body, chunk_bytes));
    wire::exchange(gateway.receive, &request).unwrap()
}

#[test]
fn a_sender_that_pushes_far_more_than_the_limit_still_hears_413() {
    let home = Home::limited("receive.body_bytes_max = 2_000", "");
    let gateway = home.start();
    let huge = vec![b'x'; 8 * 1024 * 1024];
    let mut wire = Wire::open(gateway.receive).unwrap();
    // The gateway may close before all is written.
    drop(wire.write(&meta::post(PATH, SECRET, &huge)));
    assert_eq!(code(&wire.reply().unwrap()), refused(413, "body_too_large"));
}

#[test]
fn a_body_in_chunks_or_after_100_continue_is_taken() {
    let home = Home::production("");
    let gateway = home.start();
    let chunked = Text::new("wamid.chunked").body();
    assert_eq!(send_chunked(&gateway, &chunked, 7).status, 200);

    let body = Text::new("wamid.continue").body();
    let signature = meta::signature(SECRET, &body);
    let length = body.len().to_string();
    let headers =
        [("X-Hub-Signature-256", signature.as_str()), ("Content-Length", &length), ("Expect", "100-continue")];
    let mut wire = Wire::open(gateway.receive).unwrap();
    wire.write(&wire::request("POST", PATH, &headers, b"")).unwrap();
    assert_eq!(wire.reply().unwrap().status, 100);
    wire.write(&body).unwrap();
    assert_eq!(wire.reply().unwrap().status, 200);
    assert_eq!(kept(&gateway), ["wamid.chunked", "wamid.continue"]);
}

#[test]
fn a_cut_body_or_a_wrong_length_never_verifies_and_leaves_nothing() {
    let home = Home::production("");
    let gateway = home.start();
    let body = Text::new("wamid.cut").body();
    let signature = meta::signature(SECRET, &body);
    let with_length = |length: usize| {
        let length = length.to_string();
        let headers = [("X-Hub-Signature-256", signature.as_str()), ("Content-Length", length.as_str())];
        wire::request("POST", PATH, &headers, &body)
    };
    // Longer than what comes: the sender ends early.
    let mut wire = Wire::open(gateway.receive).unwrap();
    wire.write(&with_length(body.len() + 1)).unwrap();
    wire.end().unwrap();
    assert!(wire.reply().map_or(true, |reply| reply.status >= 400));
    // Shorter than what comes.
    let reply = wire::exchange(gateway.receive, &with_length(body.len() - 1)).unwrap();
    assert_eq!(code(&reply), refused(401, "signature_wrong"));
    // Chunks that end too early.
    let headers = [("X-Hub-Signature-256", signature.as_str()), ("Transfer-Encoding", "chunked")];
    let mut request = wire::request("POST", PATH, &headers, b"");
    let chunks = wire::chunked(&body, body.len() / 2);
    request.extend_from_slice(&chunks[..chunks.len() - 6]);
    let mut wire = Wire::open(gateway.receive).unwrap();
    wire.write(&request).unwrap();
    wire.end().unwrap();
    assert!(wire.reply().map_or(true, |reply| reply.status >= 400));

    gateway.take(&Text::new("wamid.whole").body());
    assert_eq!(kept(&gateway), ["wamid.whole"]);
    assert_eq!(gateway.api.total("notifications"), 1);
}

#[test]
fn an_unknown_path_is_404_and_another_method_405_with_allow() {
    let home = Home::production("");
    let gateway = home.start();
    let body = Text::new("wamid.lost").body();
    let elsewhere = meta::send(gateway.receive, "/webhooks/mian", SECRET, &body);
    assert_eq!(code(&elsewhere), refused(404, "unknown_callback_path"));
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let reply = wire::exchange(gateway.receive, &wire::request(method, PATH, &[], b"")).unwrap();
        assert_eq!(code(&reply), refused(405, "method_not_allowed"), "{method}");
        assert_eq!(reply.header("allow"), Some("GET, POST"));
    }
    assert!(kept(&gateway).is_empty());
}

#[test]
fn above_the_bytes_in_flight_503_comes_at_once_and_what_was_begun_is_finished() {
    let home = Home::limited("receive.body_bytes_max = 2_000\nreceive.bytes_in_flight_max = 2_000", "");
    let gateway = home.start();
    let slow = meta::post(PATH, SECRET, &body_of("wamid.slow", 2_000));
    let (most, rest) = slow.split_at(slow.len() - 10);
    // Whichever arrives first has the bytes: the slow one must.
    let (mut slow, refusal, took) = until("a refusal", || {
        let mut slow = Wire::open(gateway.receive).unwrap();
        slow.write(most).unwrap();
        let started = Instant::now();
        let reply = gateway.send(&Text::new("wamid.more").body());
        (reply.status != 200).then(|| (slow, reply, started.elapsed()))
    });
    assert_eq!(code(&refusal), refused(503, "overloaded"));
    assert!(refusal.header("retry-after").is_some());
    assert!(took < Duration::from_millis(500), "{took:?}");
    slow.write(rest).unwrap();
    assert_eq!(slow.reply().unwrap().status, 200);
    gateway.take(&Text::new("wamid.after").body());
    assert!(kept(&gateway).contains(&"wamid.slow".to_owned()));
}

#[test]
fn above_the_requests_in_flight_some_get_503_quickly_and_none_that_got_200_is_lost() {
    let home = Home::limited("receive.requests_in_flight_max = 2", "");
    let gateway = home.start();
    let answers: Vec<(String, Reply, Duration)> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..16)
            .map(|sender| {
                let at = gateway.receive;
                scope.spawn(move || {
                    let mut wire = Wire::open(at).unwrap();
                    (0..30)
                        .map(|count| {
                            let wamid = format!("wamid.{sender}.{count}");
                            let request = meta::post(PATH, SECRET, &Text::new(&wamid).body());
                            let started = Instant::now();
                            wire.write(&request).unwrap();
                            (wamid, wire.reply().unwrap(), started.elapsed())
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });
    let (taken, turned_away): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, reply, _)| reply.status == 200);
    assert!(!taken.is_empty() && !turned_away.is_empty());
    for (_, reply, _) in &turned_away {
        assert_eq!(code(reply), refused(503, "overloaded"));
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
    let mut times: Vec<Duration> = turned_away.iter().map(|(_, _, took)| *took).collect();
    times.sort_unstable();
    let median = times[times.len() / 2];
    assert!(median < Duration::from_millis(100), "{median:?}");
    let mut expected: Vec<String> = taken.into_iter().map(|(wamid, _, _)| wamid).collect();
    let mut found = kept(&gateway);
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn an_array_around_a_body_and_a_bare_sample_are_read_like_the_normal_form() {
    let home = Home::production("");
    let gateway = home.start();
    for (wamid, strange) in [
        ("wamid.array", emulator::rebatch::array_wrapped as fn(&[u8]) -> Vec<u8>),
        ("wamid.bare", |body| emulator::rebatch::bare_sample(body).unwrap()),
    ] {
        let normal = Text::new(wamid).body();
        gateway.take(&strange(&normal));
        gateway.take(&normal);
        let found = gateway.api.get(&format!("/api/v1/events/find?q={wamid}"));
        let rows = found["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "the same event in both forms: {found}");
        assert_eq!(rows[0]["type"], "messages.text");
        assert_eq!(rows[0]["data"]["text"]["body"], "hello");
        assert!(!rows[0]["problems"].as_array().unwrap().is_empty(), "{found}");
    }
}

/// Signed bodies that are no notification, and the type that each is kept as.
fn strange_bodies() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let deep = |open: &str, close: &str| [open.repeat(100_000), close.repeat(100_000)].concat().into_bytes();
    let mut invalid = Text::new("wamid.invalid").body();
    invalid[200] = 0xff;
    // `{}` as gzip writes it.
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00".to_vec();
    vec![
        ("gzip", gzip, "notification.unreadable"),
        ("not JSON", b"hub.mode=subscribe".to_vec(), "notification.unreadable"),
        ("nothing", Vec::new(), "notification.unreadable"),
        ("deep", deep("[", "]"), "notification.unreadable"),
        ("deep objects", deep("{\"a\":", "}"), "notification.unreadable"),
        ("invalid UTF-8", invalid, "notification.unreadable"),
        ("other object", br#"{"object":"page","entry":[{"id":"1"}]}"#.to_vec(), "object.page"),
    ]
}

#[test]
fn what_is_signed_and_strange_is_kept_byte_for_byte_shown_and_forwarded() {
    let sink = Sink::start();
    let endpoints = sink.endpoint("meta", "") + &sink.endpoint("waypost", "format = 'waypost'");
    let home = Home::production(&endpoints);
    let gateway = home.start();
    for (name, body, event_type) in strange_bodies() {
        let reply = gateway.send(&body);
        assert_eq!(reply.status, 200, "{name}");
        let event = gateway.api.get("/api/v1/events?limit=1")["rows"][0].clone();
        assert_eq!(event["type"], event_type, "{name}");
        let notification = event["notification_id"].as_str().unwrap();
        let raw = gateway.api.call("GET", &format!("/api/v1/notifications/{notification}/body"), &[], None);
        assert!(raw.status == 200 && raw.body == body, "{name}: {}", raw.status);
        let id = event["id"].as_str().unwrap();
        let at = |path: &str| {
            until(&format!("{name} at {path}"), || sink.at_path(path).into_iter().find(|arrival| arrival.id() == id))
        };
        assert!(at("/meta").body == body, "{name}: Meta's own bytes");
        assert_eq!(at("/waypost").json()["type"], event_type, "{name}");
    }
}

#[test]
fn a_gzip_body_that_says_so_is_not_unpacked() {
    let home = Home::production("");
    let gateway = home.start();
    let (_, body, _) = strange_bodies().remove(0);
    let signature = meta::signature(SECRET, &body);
    let headers = [("X-Hub-Signature-256", signature.as_str()), ("Content-Encoding", "gzip")];
    let reply = wire::exchange(gateway.receive, &wire::request("POST", PATH, &headers, &body)).unwrap();
    assert_eq!(reply.status, 200);
    let event = &gateway.api.events()[0];
    assert_eq!((&event["type"], &event["data"]), (&"notification.unreadable".into(), &Value::Null));
    assert!(event["data_base64"].as_str().unwrap().starts_with("H4sI"));
}

#[test]
fn two_apps_of_one_group_give_an_event_once_and_apps_without_a_group_twice() {
    let app = |name: &str, more: &str| {
        format!("[[apps]]\nname = '{name}'\nverify_token = 't'\nsecrets = ['secret-of-{name}']\n{more}\n")
    };
    let apps =
        [app("one", "group = 'ours'\npaths = ['/one', '/also/one']"), app("two", "group = 'ours'"), app("alone", "")];
    let home = Home::with(&format!("{}\n{}", basics(), apps.concat()));
    let gateway = home.start();
    let body = Text::new("wamid.shared").body();
    for (path, secret) in [
        ("/one", "secret-of-one"),
        ("/also/one", "secret-of-one"),
        ("/webhooks/two", "secret-of-two"),
        ("/webhooks/alone", "secret-of-alone"),
    ] {
        assert_eq!(meta::send(gateway.receive, path, secret, &body).status, 200, "{path}");
    }
    let other = meta::send(gateway.receive, "/webhooks/two", "secret-of-one", &body);
    assert_eq!(code(&other), refused(401, "signature_wrong"));
    let mut apps: Vec<(String, u64)> = gateway
        .api
        .events()
        .iter()
        .map(|event| (event["app"].as_str().unwrap().to_owned(), event["duplicates"].as_u64().unwrap()))
        .collect();
    apps.sort_unstable();
    assert_eq!(apps, [("alone".to_owned(), 0), ("one".to_owned(), 2)]);
}

#[test]
fn a_security_event_gets_its_number_once_a_message_has_taught_it_and_after_a_restart() {
    let home = Home::production("");
    let gateway = home.start();
    let security = |event: &str| {
        meta::change(
            meta::WABA,
            "security",
            &format!(r#"{{"display_phone_number":"+1 555-078-3881","event":"{event}"}}"#),
        )
    };
    let last = |gateway: &Gateway| gateway.api.get("/api/v1/events?limit=1&field=security")["rows"][0].clone();
    gateway.take(&security("PIN_CHANGED"));
    let before = last(&gateway);
    assert_eq!(before["phone_number_id"], Value::Null);
    assert!(!before["problems"].as_array().unwrap().is_empty());
    gateway.take(&Text::new("wamid.teacher").body());
    gateway.take(&security("PIN_RESET_REQUEST"));
    let after = last(&gateway);
    assert_eq!(after["type"], "security.pin_reset_request");
    assert_eq!((&after["phone_number_id"], &after["problems"]), (&meta::NUMBER.into(), &Value::Array(vec![])));

    assert!(gateway.stop().success());
    let gateway = home.start();
    gateway.take(&security("PIN_REQUEST_SUCCESS"));
    assert_eq!(last(&gateway)["phone_number_id"], meta::NUMBER);
}

#[test]
fn a_repeat_in_another_batch_is_the_same_event_and_is_counted() {
    let home = Home::production("");
    let gateway = home.start();
    let one = Text::new("wamid.one").body();
    let two = Text::new("wamid.two").body();
    gateway.take(&one);
    gateway.take(&emulator::rebatch::merge(&[two.as_slice(), one.as_slice()]));
    gateway.take(&emulator::rebatch::merge(&[one.as_slice(), two.as_slice()]));
    let mut ids = kept(&gateway);
    ids.sort_unstable();
    assert_eq!(ids, ["wamid.one", "wamid.two"]);
    assert_eq!(gateway.api.total("duplicates"), 3);
}

#[test]
fn headers_that_do_not_arrive_within_ten_seconds_cost_the_connection_and_nobody_else_anything() {
    let home = Home::production("");
    let gateway = home.start();
    let mut slow = Wire::open(gateway.receive).unwrap();
    slow.write(b"POST /webhooks/main HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    let started = std::time::Instant::now();
    gateway.take(&Text::new("wamid.beside").body());
    // Reading waits until the gateway closes the connection; a byte of an answer may come before.
    drop(slow.reply());
    let waited = started.elapsed().as_secs();
    assert!((9..=12).contains(&waited), "{waited} s");
}
