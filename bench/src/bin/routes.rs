//! What routing costs an event, in nanoseconds, at 1, 100 and 10,000 endpoints of several kinds.
//!
//! `cargo run --release -p bench --bin routes`. Each kind has rules of which one endpoint wants the event, however many
//! there are, so that the column tells what the others cost; in the last kind all want it.

use std::time::{Duration, Instant};

use rules::route::{Facts, Labelled, Labels, Pattern, Routes, Rule, Wants};

const ENDPOINTS: [usize; 3] = [1, 100, 10_000];
const MEASURED: Duration = Duration::from_millis(300);

type Kind = (&'static str, bool, fn(usize) -> Rule);

/// By what endpoints are told apart, whether they override, and the rule of the n-th.
const KINDS: [Kind; 7] = [
    ("a number each", false, |n| Rule { phone_number_ids: vec![format!("n{n}")], ..Rule::default() }),
    ("a number each, overriding", true, |n| Rule { phone_number_ids: vec![format!("n{n}")], ..Rule::default() }),
    ("a WABA each", false, |n| Rule { waba_ids: vec![format!("w{n}")], ..Rule::default() }),
    ("a label each", false, |n| Rule { labels: vec![format!("l{n}")], ..Rule::default() }),
    ("an app each", false, |n| Rule { apps: vec![format!("a{n}")], ..Rule::default() }),
    ("a type each", false, |n| Rule { types: patterns(&format!("messages.t{n}")), ..Rule::default() }),
    ("everything", false, |_| Rule::default()),
];

fn main() {
    let facts = Facts {
        app: "a0",
        field: "messages",
        event_type: "messages.t0",
        waba_id: Some("w0"),
        phone_number_id: Some("n0"),
        owner: None,
        test: false,
    };
    say("| endpoints told apart by | 1 | 100 | 10,000 |");
    say("| --- | --- | --- | --- |");
    for (name, overrides, rule) in KINDS {
        let each: Vec<String> = ENDPOINTS.iter().map(|count| ns(*count, overrides, rule, &facts).to_string()).collect();
        say(&format!("| {name} | {} |", each.join(" | ")));
    }
}

fn ns(count: usize, overrides: bool, rule: fn(usize) -> Rule, facts: &Facts<'_>) -> u128 {
    let wants = |target| Wants { target, rules: vec![rule(target)], overrides, owner: String::new() };
    let mut labels = Labels::default();
    (0..count).for_each(|n| labels.add(Labelled::Waba, &format!("w{n}"), &format!("l{n}")));
    let routes = Routes::compile((0..count).map(wants), labels);
    let (began, mut events) = (Instant::now(), 0_u128);
    while began.elapsed() < MEASURED {
        for _ in 0..100 {
            let got = std::hint::black_box(routes.matching(std::hint::black_box(facts)));
            assert!(got.first() == Some(&0), "the first endpoint wants it");
        }
        events += 100;
    }
    began.elapsed().as_nanos() / events
}

fn patterns(text: &str) -> Vec<Pattern> {
    Pattern::parse(text).into_iter().collect()
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its table")]
fn say(text: &str) {
    println!("{text}");
}
