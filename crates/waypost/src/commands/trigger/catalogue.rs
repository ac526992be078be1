//! What can be triggered by name.

use emulator::{Fixture, Sample, catalogue, fixtures};

use crate::exit::Failure;
use crate::table::Table;
use crate::terminal;

/// Names told when one is not known.
const NEAREST_MAX: usize = 3;

/// Prints every type with the body that stands for it.
pub(super) fn list(json: bool) -> Result<(), Failure> {
    let mut table = Table::new(&["TYPE", "BODY", "SHOWS"]);
    for (event_type, Sample { fixture, .. }) in catalogue::samples() {
        let origin = fixture.origin();
        let shows = origin.map_or("", |origin| origin.shows);
        if json {
            let source = origin.map(|origin| origin.source);
            let row =
                serde_json::json!({ "type": event_type, "body": name(&fixture), "shows": shows, "source": source });
            terminal::print(&row.to_string())?;
        } else {
            table.row([event_type, name(&fixture).to_owned(), shows.to_owned()]);
        }
    }
    if json { Ok(()) } else { table.print("nothing") }
}

/// The body for an event type, or the documented body of this name.
pub(super) fn find(word: &str) -> Result<Vec<u8>, Failure> {
    if word.contains('/') {
        let found = fixtures::find(word).map(|fixture| fixture.body.to_vec());
        return found
            .ok_or_else(|| unknown("there is no documented body", word, fixtures::all().map(|one| name(&one))));
    }
    let mut samples = catalogue::samples();
    if let Some(sample) = samples.remove(word) {
        return Ok(sample.body);
    }
    let message =
        if whatsapp::is_known_type(word) { "no documented body shows the type" } else { "there is no event type" };
    Err(unknown(message, word, samples.keys().map(String::as_str)))
}

fn unknown<'a>(message: &str, word: &str, names: impl Iterator<Item = &'a str>) -> Failure {
    let near = nearest(word, names);
    let hint = if near.is_empty() {
        "`waypost trigger --list` lists what there is".to_owned()
    } else {
        format!("near it: {}; `waypost trigger --list` lists all, --file sends a body of your own", near.join(", "))
    };
    Failure::Arguments(format!("{message} {word:?}\n    {hint}"))
}

/// The names that look like this word or have it within them, nearest first.
fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let far = word.chars().count().div_ceil(3);
    let distance = |name: &str| if name.contains(word) { 1 } else { strsim::damerau_levenshtein(word, name) };
    let mut near: Vec<_> = names.map(|name| (distance(name), name)).filter(|(distance, _)| *distance <= far).collect();
    near.sort_unstable();
    near.into_iter().map(|(_, name)| name).take(NEAREST_MAX).collect()
}

fn name(fixture: &Fixture) -> &'static str {
    let name = fixture.name;
    name.strip_suffix(".synth.json").or_else(|| name.strip_suffix(".json")).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn a_type_is_found_by_its_name_and_a_body_by_its_own() {
        for word in ["messages.text", "security.pin_reset_request", "messages/text-group"] {
            assert!(find(word).is_ok(), "{word}");
        }
    }

    #[test]
    fn an_unknown_type_is_told_with_the_nearest_names() {
        let told = |word: &str| find(word).unwrap_err().to_string();
        assert!(told("mesages.txt").contains("near it: messages.text"), "{}", told("mesages.txt"));
        assert!(told("pin_reset").contains("security.pin_reset_request"));
        assert!(told("messages/texd").contains("messages/text"));
        assert!(told("messages.voice").contains("no documented body shows the type \"messages.voice\""));
        assert!(told("qqqqqqqqqqqqqq").contains("--list"));
    }
}
