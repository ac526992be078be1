//! Freshened bodies as a receiver sees them: judged by the real reader.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

use std::collections::HashMap;

use emulator::{Escapes, Fresh, Habits, fixtures, freshen, misbehave, rebatch, wire_form};
use whatsapp::KeyScope;

const NOW: i64 = 1_790_000_000;

fn wire(body: &[u8], fresh: &mut Fresh) -> Vec<u8> {
    wire_form(&freshen(body, fresh), Escapes::Meta)
}

/// Keys of the events in a body that are the same event wherever they arrive.
fn keys(body: &[u8]) -> Vec<String> {
    let events = whatsapp::read(body).events;
    let content = events.into_iter().filter(|event| event.key.scope == KeyScope::Content);
    content.map(|event| event.key.text).collect()
}

/// All documented bodies, three rounds in each of several runs that begin ten minutes apart.
#[test]
fn no_key_comes_twice_in_a_run_nor_in_runs_after_it() {
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut repeated = Vec::new();
    for (run, begun) in [(1, 0), (2, 600), (3, 1200)] {
        let mut fresh = Fresh::new(run, NOW + begun);
        for (round, fixture) in (0..3).flat_map(|round| fixtures::all().map(move |fixture| (round, fixture))) {
            let here = format!("{} (run {run}, round {round})", fixture.name);
            for key in keys(&wire(fixture.body, &mut fresh)) {
                // One body may tell one thing twice; that is the documented body's own doing.
                let before = seen.insert(key.clone(), here.clone()).filter(|before| *before != here);
                repeated.extend(before.map(|before| format!("{before} and {here}: {key}")));
            }
        }
    }
    assert!(repeated.is_empty(), "{} keys came twice:\n{}", repeated.len(), repeated.join("\n"));
}

#[test]
fn a_fresh_body_reads_as_the_documented_one_does() {
    let mut fresh = Fresh::new(1, NOW);
    for fixture in fixtures::all() {
        let new = wire(fixture.body, &mut fresh);
        let describe = |body: &[u8]| -> Vec<_> {
            let events = whatsapp::read(body).events;
            events
                .into_iter()
                .map(|event| (event.event_type, event.test, event.contact.is_empty(), event.problems))
                .collect()
        };
        assert_eq!(describe(&new), describe(fixture.body), "{}", fixture.name);
    }
}

#[test]
fn an_event_happens_at_present() {
    let mut fresh = Fresh::new(1, NOW);
    for fixture in fixtures::all().filter(|fixture| !fixture.name.starts_with("history/")) {
        let body = wire(fixture.body, &mut fresh);
        for event in whatsapp::read(&body).events.iter().filter(|event| !event.test) {
            let age = event.occurred_at_seconds.map_or(0, |at| NOW - at);
            assert!((0..=300).contains(&age), "{} is {age} s old", fixture.name);
            assert!(event.event_type.as_str() != "calls.connect" || age == 0, "{}", fixture.name);
        }
    }
}

#[test]
fn a_bad_day_changes_no_key() {
    let mut fresh = Fresh::new(1, NOW);
    let bodies: Vec<Vec<u8>> = fixtures::all().map(|fixture| wire(fixture.body, &mut fresh)).collect();
    let sorted = |mut keys: Vec<String>| {
        // Value errors are known by the whole body, so they do change with their company.
        keys.retain(|key| !key.starts_with("err"));
        keys.sort_unstable();
        keys.dedup();
        keys
    };
    let expected = sorted(bodies.iter().flat_map(|body| keys(body)).collect());
    let posts = misbehave(&bodies, &Habits::BAD_DAY, &mut fastrand::Rng::with_seed(5));
    let genuine = posts.iter().filter(|post| post.is_genuine());
    assert_eq!(sorted(genuine.flat_map(|post| keys(&post.body)).collect()), expected);
    assert_eq!(sorted(keys(&rebatch::merge(&bodies))), expected);
}

#[test]
fn load_bodies_read_as_their_lists_say() {
    let mut load = emulator::Load::new(1, 4);
    for size in [1, 1, 1, 1, 1, 50] {
        let sent = load.next_batch(size, NOW);
        let notification = whatsapp::read(&sent.body);
        assert!(notification.problems.is_empty());
        assert_eq!(notification.events.len(), sent.items.len());
        for (event, item) in notification.events.iter().zip(&sent.items) {
            assert!(event.problems.is_empty());
            assert_eq!(event.message_id.as_deref(), Some(item.wamid.as_str()));
            assert_eq!(event.contact.wa_id.as_deref(), Some(item.wa_id.as_str()));
        }
    }
}
