//! For each event type a body with an event of that type: what can be sent by name.
//!
//! A documented body where there is one; a generated one, valid by the type's schema, for the rest of the catalogue.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use whatsapp::generate::{Seeded, notification};

use crate::fixtures::{self, Fixture};
use crate::fresh::{Fresh, freshen};
use crate::rebatch;

/// The moment that generated bodies are from, in Unix seconds; sending makes it the present.
const GENERATED_AT_SECONDS: i64 = 1_790_000_000;
/// Generated bodies that the plainest is chosen from.
const TRIALS: u64 = 16;

/// A body that shows a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The documented body that it is from. None for a generated one.
    pub fixture: Option<Fixture>,
    /// The body, of one change if the documented one can be split.
    pub body: Vec<u8>,
}

/// What speaks against a body as the example of a type; the smallest is best.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Flaws {
    /// What the dashboard sends looks like nothing real.
    test: bool,
    /// More than the one event.
    others: usize,
    problems: usize,
    /// Values that are not Meta's own.
    made_up: bool,
    /// The plainest case has the shortest name.
    name_length: usize,
}

/// The best body for each type that a documented body shows, and for each of the catalogue, by type.
#[must_use]
pub fn samples() -> BTreeMap<String, Sample> {
    let mut samples = DOCUMENTED.clone();
    for event_type in whatsapp::known_types() {
        if !samples.contains_key(*event_type)
            && let Some(body) = generated(event_type)
        {
            samples.insert((*event_type).to_owned(), Sample { fixture: None, body });
        }
    }
    samples
}

/// The body for one type. None where neither the documents nor the catalogue have the type.
#[must_use]
pub fn sample(event_type: &str) -> Option<Sample> {
    let generated = || generated(event_type).map(|body| Sample { fixture: None, body });
    DOCUMENTED.get(event_type).cloned().or_else(generated)
}

/// The plainest of a few bodies, the same in every run; rather one that can be made new, and one with a person's phone
/// number, so that it can be set.
fn generated(event_type: &str) -> Option<Vec<u8>> {
    let is_stale = |body: &[u8]| {
        let renewed = |seed| freshen(body, &mut Fresh::new(seed, GENERATED_AT_SECONDS));
        renewed(1) == renewed(2)
    };
    let is_nobodys = |body: &[u8]| whatsapp::read(body).events.iter().all(|event| event.contact.wa_id.is_none());
    (0..TRIALS)
        .filter_map(|seed| notification(event_type, GENERATED_AT_SECONDS, &mut Seeded::new(seed)))
        .min_by_key(|body| (is_stale(body), is_nobodys(body), body.len()))
}

/// Found once: every documented body is read for it.
static DOCUMENTED: LazyLock<BTreeMap<String, Sample>> = LazyLock::new(documented);

fn documented() -> BTreeMap<String, Sample> {
    let mut best: BTreeMap<String, (Flaws, Sample)> = BTreeMap::new();
    for fixture in fixtures::all() {
        for body in rebatch::split(fixture.body) {
            for (event_type, flaws) in types_in(&body, &fixture) {
                let better = best.get(&event_type).is_none_or(|(known, _)| flaws < *known);
                if better {
                    best.insert(event_type, (flaws, Sample { fixture: Some(fixture), body: body.clone() }));
                }
            }
        }
    }
    best.into_iter().map(|(event_type, (_, sample))| (event_type, sample)).collect()
}

fn types_in(body: &[u8], fixture: &Fixture) -> Vec<(String, Flaws)> {
    let events = whatsapp::read(body).events;
    let others = events.len().saturating_sub(1);
    let made_up = fixture.name.ends_with(".synth.json");
    let flaws = |event: &whatsapp::Event<'_>| Flaws {
        test: event.test,
        others,
        problems: event.problems.len(),
        made_up,
        name_length: fixture.name.len(),
    };
    events.iter().map(|event| (event.event_type.as_str().to_owned(), flaws(event))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]
    use super::*;

    #[test]
    fn a_sample_shows_its_type_and_the_plainest_case_of_it() {
        let samples = samples();
        for (event_type, sample) in &samples {
            let events = whatsapp::read(&sample.body).events;
            assert!(events.iter().any(|event| event.event_type.as_str() == event_type), "{event_type}");
        }
        assert_eq!(samples["messages.text"].fixture.unwrap().name, "messages/text.json");
        assert!(samples.contains_key("security.pin_reset_request"));
    }

    #[test]
    fn every_type_that_a_documented_body_shows_has_one() {
        let samples = samples();
        for fixture in fixtures::all() {
            for event in whatsapp::read(fixture.body).events {
                assert!(samples.contains_key(event.event_type.as_str()), "{} {:?}", fixture.name, event.event_type);
            }
        }
    }

    #[test]
    fn every_type_of_the_catalogue_has_one_that_reads_without_a_problem() {
        let samples = samples();
        for event_type in whatsapp::known_types() {
            let sample = samples.get(*event_type);
            let Some(sample) = sample.filter(|sample| sample.fixture.is_none()) else {
                assert!(sample.is_some() || OURS.iter().any(|ours| event_type.starts_with(ours)), "{event_type}");
                continue;
            };
            let read = whatsapp::read(&sample.body);
            assert!(read.problems.is_empty() && read.events[0].problems.is_empty(), "{event_type}");
            assert_eq!(crate::catalogue::sample(event_type).as_ref(), Some(sample));
        }
    }

    /// Types of the reader's own, for what is broken.
    const OURS: [&str; 2] = ["notification.", "object."];
}
