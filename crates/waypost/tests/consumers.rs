//! What Waypost sends, judged by somebody else's code as it is published: `standardwebhooks` for Python and for JavaScript,
//! pywa's own server and handlers, the SDK of CloudEvents.
//!
//! `cargo xtask test` installs them, and names the Python in `WAYPOST_TEST_PYTHON` and the folder of the Node package in
//! `WAYPOST_TEST_NODE`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests may fail loudly"
)]

mod support;

use std::net::SocketAddr;

use support::consumer::Consumer;
use support::gateway::Home;
use support::meta::{self, Text};
use support::sink::{Arrival, HUB_SECRET, Sink, WEBHOOK_SECRET, webhook_signature};
use support::until_true;

/// Another secret than the sender's.
const OTHER_SECRET: &str = "whsec_QW5vdGhlciBzZWNyZXQgb2YgMjQgYnl0ZXM=";

/// The three headers of Standard Webhooks, as they came.
fn headers(arrival: &Arrival) -> [(&'static str, &str); 3] {
    ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| (name, arrival.header(name)))
}

fn block(name: &str, format: &str, at: SocketAddr) -> String {
    format!(
        "[[endpoints]]\nname = '{name}'\nurl = 'http://{at}/'\nformat = '{format}'\nhub_secret = '{HUB_SECRET}'\n\
         webhook_secret = '{WEBHOOK_SECRET}'\n"
    )
}

/// Every format that goes to a receiver of Standard Webhooks is accepted by it.
fn accepts_every_delivery(consumer: &Consumer) {
    let formats = ["meta", "waypost", "cloudevents", "raw"];
    let home = Home::production(&formats.map(|format| block(format, format, consumer.at)).concat());
    let gateway = home.start();
    gateway.take(&Text { text: "Zo\\u00eb \\ud83d\\udc4d", ..Text::new("wamid.text") }.body());
    gateway.take(&Text { text: "Zoë 👍", ..Text::new("wamid.utf8") }.body());
    gateway.take(&meta::change("1", "account_update", r#"{"event":"VERIFIED_ACCOUNT"}"#));
    gateway.take(b"signed, and no JSON");
    until_true("that all are accepted", || gateway.api.total("owed") == 0);
    assert_eq!(gateway.api.total("accepted"), 16);
}

/// One delivery as it arrives at an endpoint.
fn one_delivery(format: &str) -> Arrival {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", &format!("format = '{format}'")));
    let gateway = home.start();
    gateway.take(&Text { text: "Zo\\u00eb", ..Text::new("wamid.original") }.body());
    sink.wait_for(1).remove(0)
}

/// A flipped byte, another secret, another id and an old timestamp are refused.
fn refuses_what_is_not_right(arrival: &Arrival, consumer: &Consumer, other: &Consumer) {
    let (headers, body) = (headers(arrival), &arrival.body);
    let content_type = ("content-type", arrival.header("content-type"));
    let judged = |consumer: &Consumer, [id, at, signature]: [(&str, &str); 3], body: &[u8]| {
        consumer.judges(&[id, at, signature, content_type], body)
    };
    assert_eq!(judged(consumer, headers, body), 204);
    for position in [0, body.len() / 2, body.len() - 1] {
        let mut flipped = body.clone();
        flipped[position] ^= 1;
        assert_eq!(judged(consumer, headers, &flipped), 401, "byte {position}");
    }
    let [id, timestamp, signature] = headers;
    assert_eq!(judged(consumer, [("webhook-id", "evt_another"), timestamp, signature], body), 401);
    let old = (meta::now_seconds() - 6 * 60).to_string();
    let of_old = webhook_signature(WEBHOOK_SECRET, id.1, &old, body);
    let replayed = [id, ("webhook-timestamp", old.as_str()), ("webhook-signature", of_old.as_str())];
    assert_eq!(judged(consumer, replayed, body), 401, "an old one, however well signed");
    assert_eq!(judged(other, headers, body), 401, "another secret");
}

#[test]
fn the_standard_webhooks_package_for_python_accepts_every_delivery() {
    let Some(consumer) = Consumer::python("standard_webhooks.py", &[WEBHOOK_SECRET]) else { return };
    accepts_every_delivery(&consumer);
}

#[test]
fn the_standard_webhooks_package_for_javascript_accepts_every_delivery() {
    let Some(consumer) = Consumer::node("standard_webhooks.mjs", &[WEBHOOK_SECRET]) else { return };
    accepts_every_delivery(&consumer);
}

#[test]
fn the_standard_webhooks_package_for_python_refuses_what_is_not_right() {
    let Some(consumer) = Consumer::python("standard_webhooks.py", &[WEBHOOK_SECRET]) else { return };
    let other = Consumer::python("standard_webhooks.py", &[OTHER_SECRET]).unwrap();
    refuses_what_is_not_right(&one_delivery("meta"), &consumer, &other);
}

#[test]
fn the_standard_webhooks_package_for_javascript_refuses_what_is_not_right() {
    let Some(consumer) = Consumer::node("standard_webhooks.mjs", &[WEBHOOK_SECRET]) else { return };
    let other = Consumer::node("standard_webhooks.mjs", &[OTHER_SECRET]).unwrap();
    refuses_what_is_not_right(&one_delivery("waypost"), &consumer, &other);
}

#[test]
fn the_sdk_of_cloudevents_reads_what_arrives() {
    let Some(consumer) = Consumer::python("cloud_events.py", &[WEBHOOK_SECRET]) else { return };
    let other = Consumer::python("cloud_events.py", &[OTHER_SECRET]).unwrap();
    refuses_what_is_not_right(&one_delivery("cloudevents"), &consumer, &other);
    let home = Home::production(&block("events", "cloudevents", consumer.at));
    let gateway = home.start();
    gateway.take(&Text { text: "Zo\\u00eb \\ud83d\\udc4d", ..Text::new("wamid.A=") }.body());
    let told = consumer.lines(2).pop().unwrap();
    let event: serde_json::Value = serde_json::from_str(&told).unwrap();
    let kept = &gateway.api.events()[0];
    assert_eq!(event["id"], kept["id"]);
    assert_eq!(event["type"], "com.meta.whatsapp.messages.text");
    assert_eq!(event["source"], format!("/apps/main/wabas/{}/phones/{}", meta::WABA, meta::NUMBER));
    assert_eq!(event["subject"], "wamid.A=");
    assert_eq!(event["data"]["text"]["body"], "Zoë 👍");
    let time = event["time"].as_str().unwrap().replace("+00:00", "Z");
    assert_eq!(time, kept["occurred_at"].as_str().unwrap());
}

/// The body with the user ids that Meta sends since 2026, which pywa reads.
fn with_user_ids(body: &[u8]) -> Vec<u8> {
    let contacts = r#""contacts":[{"profile":{"name":"Someone"},"wa_id":"16505551234"}],"statuses":"#;
    let text = std::str::from_utf8(body).unwrap().replace(r#""statuses":"#, contacts);
    [("wa_id", "user_id"), ("from", "from_user_id"), ("recipient_id", "recipient_user_id")]
        .iter()
        .fold(text, |text, (phone, user)| {
            let phone = format!(r#""{phone}":"16505551234""#);
            text.replace(&phone, &format!(r#"{phone},"{user}":"US.13491208655302741918""#))
        })
        .into_bytes()
}

#[test]
fn a_bot_of_pywa_gets_metas_own_form_and_checks_metas_own_signature() {
    let Some(bot) = Consumer::python("pywa_bot.py", &[HUB_SECRET, meta::NUMBER]) else { return };
    let home = Home::production(&block("bot", "meta", bot.at));
    let gateway = home.start();
    let text = |text, wamid| Text { text, ..Text::new(wamid) }.body();
    gateway.take(&with_user_ids(&text("Zo\\u00eb \\ud83d\\udc4d", "wamid.one")));
    gateway.take(&with_user_ids(&text("Zoë 👍", "wamid.two")));
    gateway.take(&with_user_ids(&meta::status("wamid.out", "delivered", "16505551234")));
    until_true("that all are accepted", || gateway.api.total("accepted") == 3);
    let mut told = bot.lines(3);
    told.sort();
    assert_eq!(told, ["message wamid.one Zoë 👍", "message wamid.two Zoë 👍", "status wamid.out delivered"]);

    let arrival = one_delivery("meta");
    let signature = arrival.header("x-hub-signature-256");
    let judged = |bot: &Consumer, body: &[u8]| {
        bot.judges(&[("x-hub-signature-256", signature), ("content-type", "application/json")], body)
    };
    let mut flipped = arrival.body.clone();
    flipped[20] ^= 1;
    assert_eq!(judged(&bot, &flipped), 403);
    let other = Consumer::python("pywa_bot.py", &["another secret", meta::NUMBER]).unwrap();
    assert_eq!(judged(&other, &arrival.body), 403);
    assert_eq!(bot.lines(3).len(), 3, "what was refused reached no handler");
    assert_eq!(judged(&bot, &arrival.body), 200);
}
