//! How long reading takes, beside `serde_json::Value` on the same bytes in the same run: `cargo bench -p whatsapp`.
//!
//! Reading means all of it: grammar, cut, types, keys, lanes, and the comparison of every member with its outline. The last
//! column is what a delivery in Meta's format asks for: the body scanned, and its first event written alone.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it measures and prints"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds in which all take turns; the best of each counts, so that a busy machine disturbs all alike.
const ROUNDS: u32 = 100;

fn message(number: u64, text_bytes: usize) -> String {
    let text = "Could you tell me where my order is? ".repeat(text_bytes / 36 + 1);
    format!(
        r#"{{"from":"1655{number:07}","from_user_id":"US.1349120865530{number:07}","id":"wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA{number}","timestamp":"1758000000","type":"text","text":{{"body":"{text}"}}}}"#
    )
}

fn status(number: u64) -> String {
    format!(
        r#"{{"id":"wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI3MTE5MjY4{number}","status":"delivered","timestamp":"1758000000","recipient_id":"1655{number:07}","recipient_user_id":"US.1349120865530{number:07}","pricing":{{"billable":true,"pricing_model":"PMP","category":"utility","type":"regular"}},"biz_opaque_callback_data":"campaign=spring;step=3"}}"#
    )
}

fn contact(number: u64) -> String {
    format!(
        r#"{{"profile":{{"name":"Sheena Nelson"}},"wa_id":"1655{number:07}","user_id":"US.1349120865530{number:07}"}}"#
    )
}

fn body(contacts: &[String], array: &str, elements: &[String]) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"106540352242922"}},"contacts":[{}],"{array}":[{}]}},"field":"messages"}}]}}]}}"#,
        contacts.join(","),
        elements.join(",")
    )
}

/// A body of about this size made of statuses, each with its contact.
fn statuses(bytes: u64) -> String {
    let count = bytes / 480;
    let contacts: Vec<String> = (0..count).map(contact).collect();
    let statuses: Vec<String> = (0..count).map(status).collect();
    body(&contacts, "statuses", &statuses)
}

fn timed(run: &mut dyn FnMut()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}

/// What one run takes, in microseconds: the best of the rounds, in which all take turns.
fn compare<const N: usize>(bytes: usize, mut runs: [&mut dyn FnMut(); N]) -> [f64; N] {
    let repeat = (256 << 10) / bytes + 1;
    let mut best = [Duration::MAX; N];
    for _ in 0..ROUNDS {
        for (best, run) in best.iter_mut().zip(&mut runs) {
            *best = (*best).min(timed(&mut || (0..repeat).for_each(|_| run())));
        }
    }
    best.map(|time| time.as_secs_f64() * 1e6 / repeat as f64)
}

fn main() {
    let bodies = [
        ("one message of 2 KB", body(&[contact(1)], "messages", &[message(1, 1_400)])),
        ("64 KB of statuses", statuses(64 << 10)),
        ("3 MB of statuses", statuses(3 << 20)),
    ];
    println!("{:<22} {:>9} {:>12} {:>12} {:>7} {:>12}", "body", "bytes", "read µs", "Value µs", "ratio", "one meta µs");
    for (name, body) in bodies {
        let bytes = body.as_bytes();
        let [ours, theirs, meta] = compare(
            bytes.len(),
            [
                &mut || drop(black_box(whatsapp::read(black_box(bytes)))),
                &mut || drop(black_box(serde_json::from_slice::<serde_json::Value>(black_box(bytes)).unwrap())),
                &mut || drop(black_box(whatsapp::meta::encode(black_box(bytes), 0).unwrap())),
            ],
        );
        let ratio = ours / theirs;
        println!("{name:<22} {:>9} {ours:>12.1} {theirs:>12.1} {ratio:>7.2} {meta:>12.1}", bytes.len());
    }
}
