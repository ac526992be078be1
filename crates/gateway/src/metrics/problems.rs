//! Drift: what did not fit the known shapes, made countable. Labels are words of closed lists; neither a name that a
//! sender made up nor a path reaches them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::Deserialize;
use store::NewEvent;
use whatsapp::{Problem, catalogue};

use crate::cut::UNRESOLVED;

const OTHER: &str = "other";

/// One problem of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    pub(super) field: &'static str,
    pub(super) what: &'static str,
    /// Stands for the place in the body.
    place: u64,
}

#[derive(Debug, Deserialize)]
struct Told {
    path: String,
    what: String,
}

/// The problems of an event that is about to be kept.
pub(crate) fn problems_of(event: &NewEvent) -> Vec<Seen> {
    if event.problems_json == "[]" {
        return Vec::new();
    }
    let told: Vec<Told> = serde_json::from_str(&event.problems_json).unwrap_or_default();
    let field = field_label(&event.field);
    let seen = |told: &Told| Seen { field, what: what_label(&told.what), place: place(event, told) };
    told.iter().map(seen).collect()
}

/// What is odd about the envelope is told with each event of it, and was odd once.
pub(super) fn each_once(seen: impl IntoIterator<Item = Seen>) -> impl Iterator<Item = Seen> {
    let mut counted = HashSet::new();
    seen.into_iter().filter(move |seen| counted.insert((seen.what, seen.place)))
}

fn place(event: &NewEvent, told: &Told) -> u64 {
    let mut hasher = DefaultHasher::new();
    told.path.hash(&mut hasher);
    if told.what == UNRESOLVED {
        // Its path begins at the event; all others begin at the body.
        event.position.hash(&mut hasher);
    }
    hasher.finish()
}

/// Fields that no catalogue lists share one label.
fn field_label(field: &str) -> &'static str {
    catalogue::field(field).map_or(OTHER, |field| field.name)
}

fn what_label(what: &str) -> &'static str {
    let kinds = Problem::KINDS.iter().chain(&[UNRESOLVED]);
    kinds.copied().find(|kind| *kind == what).unwrap_or(OTHER)
}
