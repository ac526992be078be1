//! What a megabyte costs at worst: `cargo bench -p whatsapp --bench hostile`. Fails above the limit.
//!
//! Each shape is made to be bad for one part of the reader: its depth, its comparison of names, its search for people, its
//! hashes. The cost is told in milliseconds of processor time for each megabyte of the body.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "it measures and prints"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use whatsapp::{eightbyeight, meta, typed};

const LIMIT_MS_PER_MB: f64 = 50.0;
const ROUNDS: u32 = 10;
const SIZE: usize = 1 << 20;

/// `make(0)`, `make(1)`, … with commas between them, to about a megabyte.
fn list(make: impl Fn(usize) -> String) -> String {
    let mut out = make(0);
    let mut number = 1;
    while out.len() < SIZE {
        out.push(',');
        out.push_str(&make(number));
        number += 1;
    }
    out
}

fn envelope(entries: &str) -> String {
    format!(r#"{{"object":"whatsapp_business_account","entry":[{entries}]}}"#)
}

fn change(field: &str, value: &str) -> String {
    envelope(&format!(r#"{{"id":"1","time":1758000000,"changes":[{{"field":"{field}","value":{value}}}]}}"#))
}

fn value(members: &str) -> String {
    change("messages", &format!(r#"{{"messaging_product":"whatsapp","metadata":{{"phone_number_id":"7"}},{members}}}"#))
}

fn status(number: usize, phone: usize) -> String {
    format!(r#"{{"id":"w{number}","status":"sent","timestamp":"1758000000","recipient_id":"{phone}"}}"#)
}

fn shapes() -> Vec<(&'static str, String)> {
    let nested = "[".repeat(200) + &"]".repeat(200);
    let objects = r#"{"a":"#.repeat(200) + "1" + &"}".repeat(200);
    let member = |number: usize| format!(r#""m{number}":{number}"#);
    let twice = |_: usize| r#""id":"1""#.to_owned();
    let same = |number: usize| format!(r#"{{"wa_id":"1","user_id":"US.{number}"}}"#);
    let text = r#"{"id":"w","from":"1","timestamp":"1758000000","type":"text""#;
    let many = |card: &dyn Fn(usize) -> String, phone: &dyn Fn(usize) -> usize| {
        let half = |make: &dyn Fn(usize) -> String| (0..9_000).map(make).collect::<Vec<_>>().join(",");
        let statuses = half(&|number| status(number, phone(number)));
        value(&format!(r#""contacts":[{}],"statuses":[{statuses}]"#, half(card)))
    };
    vec![
        ("brackets and nothing else", "[".repeat(SIZE)),
        ("objects in objects, never closed", r#"{"a":"#.repeat(SIZE / 5)),
        ("quotes and nothing else", "\"".repeat(SIZE)),
        ("backslashes in a string", format!("\"{}\"", "\\\\".repeat(SIZE / 2))),
        ("scalars where elements belong", value(&format!(r#""messages":[{}]"#, list(|_| "1".to_owned())))),
        ("empty entries", envelope(&list(|_| "{}".to_owned()))),
        ("empty changes", envelope(&format!(r#"{{"changes":[{}]}}"#, list(|_| "{}".to_owned())))),
        ("envelopes in an array", format!("[{}]", list(|_| change("messages", "{}")))),
        ("an envelope with countless members", format!(r#"{{"entry":[{{}}],{}}}"#, list(member))),
        ("a value with countless members", value(&list(member))),
        ("an element with countless members", value(&format!(r#""messages":[{text},{}}}]"#, list(member)))),
        ("one member again and again", value(&format!(r#""messages":[{text},{}}}]"#, list(twice)))),
        ("arrays again and again", value(&list(|_| r#""messages":[]"#.to_owned()))),
        ("arrays 200 deep, without an id", value(&format!(r#""messages":[{{"x":[{}]}}]"#, list(|_| nested.clone())))),
        ("objects 40 deep to be hashed", change("flows", &format!("[{}]", list(|_| objects.clone())))),
        ("a change to be hashed, wide", change("flows", &format!("{{{}}}", list(member)))),
        ("a long text", value(&format!(r#""messages":[{text},"text":{{"body":"{}"}}}}]"#, "x".repeat(SIZE)))),
        (
            "a long text of escapes",
            value(&format!(r#""messages":[{text},"text":{{"body":"{}"}}}}]"#, "\\ud83d".repeat(SIZE / 6))),
        ),
        ("an id of a megabyte", value(&format!(r#""messages":[{{"id":{}}}]"#, "9".repeat(SIZE)))),
        ("numbers with exponents", value(&format!(r#""x":[{}]"#, list(|_| "-1.25e-300".to_owned())))),
        ("one phone on all contacts", many(&same, &|_| 1)),
        ("contacts in another order", many(&|n| format!(r#"{{"wa_id":"{}"}}"#, (n * 7919) % 9_000), &|n| n)),
        (
            "test events, whose keys need the whole",
            envelope(&format!(
                r#"{{"id":"0","changes":[{{"field":"messages","value":{{"statuses":[{}]}}}}]}}"#,
                list(|n| status(n, n))
            )),
        ),
        (
            "changes with one status each",
            envelope(&format!(
                r#"{{"id":"1","changes":[{}]}}"#,
                list(|n| format!(r#"{{"field":"messages","value":{{"statuses":[{}]}}}}"#, status(n, n)))
            )),
        ),
    ]
}

/// How long this thread has been running, without the time in which others did. Where the system does not tell, how long
/// it is since the start.
fn cpu_time(start: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// The milliseconds of processor time that one run takes for each megabyte. The clock ticks every few milliseconds, so
/// it is the mean of several runs.
fn cost(bytes: usize, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    let before = cpu_time(start);
    (0..ROUNDS).for_each(|_| run());
    let each = cpu_time(start).saturating_sub(before) / ROUNDS;
    each.as_secs_f64() * 1e3 / (bytes as f64 / 1e6)
}

fn main() {
    println!("{:<42} {:>9} {:>8} {:>8} {:>8} {:>8}", "ms for each MB of", "bytes", "read", "value", "meta", "8x8");
    let mut worst = 0.0_f64;
    for (name, body) in shapes() {
        let bytes = body.as_bytes();
        let frame = eightbyeight::Frame {
            event_id: "e",
            account_id: "a",
            received_at_seconds: 1_758_000_000,
            documented_only: false,
        };
        let costs = [
            cost(bytes.len(), || drop(black_box(whatsapp::read(black_box(bytes))))),
            cost(bytes.len(), || drop(black_box(typed::read("messages.text", black_box(&body))))),
            cost(bytes.len(), || drop(black_box(meta::encode(black_box(bytes), 0)))),
            cost(bytes.len(), || drop(black_box(eightbyeight::encode(black_box(bytes), 0, &frame)))),
        ];
        println!(
            "{name:<42} {:>9} {:>8.1} {:>8.1} {:>8.1} {:>8.1}",
            bytes.len(),
            costs[0],
            costs[1],
            costs[2],
            costs[3]
        );
        worst = costs.into_iter().fold(worst, f64::max);
    }
    println!("worst: {worst:.1} ms for each MB; the limit is {LIMIT_MS_PER_MB} ms");
    assert!(worst <= LIMIT_MS_PER_MB, "above the limit");
}
