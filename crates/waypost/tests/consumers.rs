//! What Waypost sends, judged by somebody else's code: the `standardwebhooks` package for Python, as it is published.
//!
//! `cargo xtask test` installs it and names its Python in `WAYPOST_TEST_PYTHON`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests may fail loudly"
)]

mod support;

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use support::gateway::Home;
use support::meta::{self, Text};
use support::sink::{Arrival, Sink, WEBHOOK_SECRET, webhook_signature};
use support::wire;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/consumers/standard_webhooks.py");

/// The receiver in Python.
struct Consumer {
    child: Child,
    at: SocketAddr,
}

impl Consumer {
    /// None, with a note, where its package was not installed; on the build server that is a failure.
    #[expect(clippy::disallowed_methods, reason = "where the consumers are is for the environment to say")]
    fn start(secret: &str) -> Option<Self> {
        let Some(python) = std::env::var_os("WAYPOST_TEST_PYTHON") else {
            let need = "WAYPOST_TEST_PYTHON must name a Python with the packages of tests/consumers/requirements.txt; \
                        `cargo xtask consumers` makes one at target/consumers/bin/python";
            assert!(std::env::var_os("CI").is_none(), "{need}");
            eprintln!("not tested: {need}");
            return None;
        };
        let mut child =
            Command::new(python).args([SCRIPT, secret]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port.trim().parse().unwrap()));
        Some(Self { child, at })
    }

    /// What it answers to a delivery.
    fn judges(&self, headers: &[(&str, &str)], body: &[u8]) -> u16 {
        wire::exchange(self.at, &wire::request("POST", "/", headers, body)).unwrap().status
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The three headers of the standard, as they came.
fn headers(arrival: &Arrival) -> [(&'static str, &str); 3] {
    ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| (name, arrival.header(name)))
}

#[test]
fn the_standard_webhooks_package_accepts_every_delivery() {
    let Some(consumer) = Consumer::start(WEBHOOK_SECRET) else {
        return;
    };
    let endpoint = |name: &str, format: &str| {
        format!(
            "[[endpoints]]\nname = '{name}'\nurl = 'http://{}/'\nformat = '{format}'\n\
             webhook_secret = '{WEBHOOK_SECRET}'\n",
            consumer.at
        )
    };
    let home = Home::production(&(endpoint("meta", "meta") + &endpoint("waypost", "waypost")));
    let gateway = home.start();
    gateway.take(&Text { text: "Zo\\u00eb \\ud83d\\udc4d", ..Text::new("wamid.text") }.body());
    gateway.take(&Text { text: "Zoë 👍", ..Text::new("wamid.utf8") }.body());
    gateway.take(&meta::change("1", "account_update", r#"{"event":"VERIFIED_ACCOUNT"}"#));
    gateway.take(b"signed, and no JSON");
    support::until_true("that all are accepted", || gateway.api.total("owed") == 0);
    assert_eq!(gateway.api.total("accepted"), 8);
}

#[test]
fn the_standard_webhooks_package_refuses_a_flipped_byte_another_secret_and_an_old_timestamp() {
    let Some(consumer) = Consumer::start(WEBHOOK_SECRET) else {
        return;
    };
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    gateway.take(&Text::new("wamid.original").body());
    let arrival = sink.wait_for(1).remove(0);
    let (headers, body) = (headers(&arrival), &arrival.body);
    assert_eq!(consumer.judges(&headers, body), 204);

    for position in [0, body.len() / 2, body.len() - 1] {
        let mut flipped = body.clone();
        flipped[position] ^= 1;
        assert_eq!(consumer.judges(&headers, &flipped), 401, "byte {position}");
    }
    let [id, timestamp, signature] = headers;
    assert_eq!(consumer.judges(&[("webhook-id", "evt_another"), timestamp, signature], body), 401);

    let old = (meta::now_seconds() - 6 * 60).to_string();
    let of_old = webhook_signature(WEBHOOK_SECRET, id.1, &old, body);
    let replayed = [id, ("webhook-timestamp", old.as_str()), ("webhook-signature", of_old.as_str())];
    assert_eq!(consumer.judges(&replayed, body), 401, "an old one, however well signed");

    let other = Consumer::start("whsec_QW5vdGhlciBzZWNyZXQgb2YgMjQgYnl0ZXM=").unwrap();
    assert_eq!(other.judges(&headers, body), 401);
}
