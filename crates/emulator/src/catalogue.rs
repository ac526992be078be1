//! For each event type a documented body with an event of that type: what can be sent by name.

use std::collections::BTreeMap;

use crate::fixtures::{self, Fixture};
use crate::rebatch;

/// A documented body that shows a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The documented body that it is from.
    pub fixture: Fixture,
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

/// The best body for each type that a documented body shows, by type.
#[must_use]
pub fn samples() -> BTreeMap<String, Sample> {
    let mut best: BTreeMap<String, (Flaws, Sample)> = BTreeMap::new();
    for fixture in fixtures::all() {
        for body in rebatch::split(fixture.body) {
            for (event_type, flaws) in types_in(&body, &fixture) {
                let better = best.get(&event_type).is_none_or(|(known, _)| flaws < *known);
                if better {
                    best.insert(event_type, (flaws, Sample { fixture, body: body.clone() }));
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
        assert_eq!(samples["messages.text"].fixture.name, "messages/text.json");
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
        let known = whatsapp::known_types();
        let shown = known.iter().filter(|name| samples.contains_key(**name)).count();
        assert!(shown * 2 > known.len(), "{shown} of {}", known.len());
    }
}
