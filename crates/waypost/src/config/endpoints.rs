//! `[[endpoints]]`: the shape is the API's own ([`EndpointInput`]), so serde reads it, and this finds the lines.
//!
//! serde stops at the first mistake and quotes values. So the entry that a mistake points at is taken out and the rest is
//! read again until nothing is wrong, and of each message only the part that quotes nothing is kept.

use std::ops::Range;

use gateway::endpoint::{BadEndpoint, EndpointInput};
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use super::problem::{At, Origin, nearest};
use super::reader::Reader;

/// Mistakes told of one endpoint at most.
const MISTAKES_MAX: usize = 20;

const UNKNOWN_KEY: &str = "unknown key";

/// An endpoint as declared, with the places of its entries.
#[derive(Debug)]
pub(crate) struct DeclaredEndpoint {
    /// Where it begins.
    pub(crate) here: At<()>,
    /// What was read; None when anything was wrong.
    pub(crate) input: Option<EndpointInput>,
    /// Where each of its entries stands, by its key within the endpoint (`rules[0].types[1]`).
    places: Vec<(String, Origin)>,
}

impl DeclaredEndpoint {
    /// The place of one of its members, or of the nearest thing around it.
    pub(crate) fn at(&self, member: &str) -> At<()> {
        let around = |key: &str| {
            let rest = member.strip_prefix(key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        // The innermost comes last, and the value after its key.
        let place = self.places.iter().rfind(|(key, _)| around(key));
        At {
            value: (),
            key: format!("{}.{member}", self.here.key),
            origin: place.map_or_else(|| self.here.origin.clone(), |(_, origin)| origin.clone()),
        }
    }

    /// The place of a member's key.
    fn at_key(&self, member: &str) -> At<()> {
        let place = self.places.iter().find(|(key, _)| key == member);
        At { origin: place.map_or_else(|| self.here.origin.clone(), |(_, origin)| origin.clone()), ..self.at(member) }
    }

    /// The place of what [`EndpointInput::check`] found.
    pub(crate) fn at_bad(&self, bad: &BadEndpoint) -> At<()> {
        // The file calls it by the other name.
        self.at(if bad.member == "id" { "name" } else { &bad.member })
    }
}

/// Reads all declared endpoints.
pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Vec<DeclaredEndpoint> {
    let items = reader.items("endpoints");
    items.into_iter().map(|(here, value)| read_one(reader, here, value)).collect()
}

fn read_one(reader: &mut Reader<'_, '_>, here: At<()>, value: &Spanned<DeValue<'_>>) -> DeclaredEndpoint {
    let mut spans = Vec::new();
    note_places("", value, &mut spans);
    let place = |(key, span): &(String, Range<usize>)| (key.clone(), reader.origin(span.start));
    let mut declared = DeclaredEndpoint { places: spans.iter().map(place).collect(), here, input: None };
    let mut rest = value.clone();
    let mut taken: Vec<&str> = Vec::new();
    while taken.len() < MISTAKES_MAX {
        let error = match EndpointInput::deserialize(ValueDeserializer::from(rest.clone())) {
            Ok(input) => {
                declared.input = taken.is_empty().then_some(input);
                break;
            }
            Err(error) => error,
        };
        if missing_key(error.message()).is_some_and(|key| taken.contains(&key)) {
            break;
        }
        let member = error.span().and_then(|span| around(&span, &spans));
        tell(reader, &declared, member, error.message());
        match member {
            Some(member) if take_out(&mut rest, member) => taken.push(member),
            Some(_) | None => break,
        }
    }
    declared
}

fn tell(reader: &mut Reader<'_, '_>, declared: &DeclaredEndpoint, member: Option<&str>, message: &str) {
    let (message, hint) = without_values(message);
    let at = match member {
        Some(member) if message == UNKNOWN_KEY => declared.at_key(member),
        Some(member) => declared.at(member),
        None => declared.here.clone(),
    };
    reader.reading().problems.error(&at, message).maybe_hint(hint);
}

/// The keys and spans of everything below a value, outermost first.
fn note_places(prefix: &str, value: &Spanned<DeValue<'_>>, places: &mut Vec<(String, Range<usize>)>) {
    match value.get_ref() {
        DeValue::Table(table) => {
            for (word, below) in table {
                let word_span = word.span();
                let word: &str = word.get_ref();
                let key = if prefix.is_empty() { word.to_owned() } else { format!("{prefix}.{word}") };
                places.push((key.clone(), word_span));
                places.push((key.clone(), below.span()));
                note_places(&key, below, places);
            }
        }
        DeValue::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                let key = format!("{prefix}[{n}]");
                places.push((key.clone(), item.span()));
                note_places(&key, item, places);
            }
        }
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

/// The innermost entry around a span.
fn around<'a>(span: &Range<usize>, places: &'a [(String, Range<usize>)]) -> Option<&'a str> {
    let holds = |place: &&(String, Range<usize>)| place.1.start <= span.start && span.end <= place.1.end;
    places.iter().rev().find(holds).map(|(key, _)| key.as_str())
}

/// Takes an entry out, so that the rest can be read. False when there is nothing to take.
fn take_out(value: &mut Spanned<DeValue<'_>>, member: &str) -> bool {
    let (step, rest) = first_step(member);
    match (value.get_mut(), step) {
        (DeValue::Table(table), Step::Key(key)) => {
            let Some(word) = table.keys().find(|word| word.get_ref().as_ref() == key).cloned() else {
                return false;
            };
            if rest.is_empty() {
                return table.remove(&word).is_some();
            }
            table.get_mut(&word).is_some_and(|below| take_out(below, rest))
        }
        (DeValue::Array(items), Step::Item(n)) => {
            let Some(item) = items.get_mut(n) else { return false };
            if !rest.is_empty() {
                return take_out(item, rest);
            }
            // A list cannot lose an item without moving the places of those after it: an empty text stands in.
            let was_text = item.get_ref().is_str();
            *item.get_mut() = DeValue::String(std::borrow::Cow::Borrowed(""));
            !was_text
        }
        _ => false,
    }
}

fn missing_key(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

fn first_step(member: &str) -> (Step<'_>, &str) {
    if let Some((n, rest)) = member.strip_prefix('[').and_then(|member| member.split_once(']')) {
        return (Step::Item(n.parse().unwrap_or(usize::MAX)), rest.trim_start_matches('.'));
    }
    let end = member.find(['.', '[']).unwrap_or(member.len());
    let (key, rest) = member.split_at_checked(end).unwrap_or((member, ""));
    (Step::Key(key), rest.trim_start_matches('.'))
}

/// What serde says, without the value that it quotes, and the nearest right word.
fn without_values(message: &str) -> (String, Option<String>) {
    if message.starts_with("missing field") || message.starts_with("duplicate field") {
        return (message.replace("field", "key"), None);
    }
    let Some((before, expected)) = message.rsplit_once(", expected ") else {
        return ("cannot be read".to_owned(), None);
    };
    if before.starts_with("unknown field") || before.starts_with("unknown variant") {
        let unknown_key = before.starts_with("unknown field");
        let right: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        let word = before.split('`').nth(1).unwrap_or_default();
        let hint = nearest(word, right).map(|near| format!("did you mean `{near}`?"));
        let message = if unknown_key { UNKNOWN_KEY.to_owned() } else { format!("expected {expected}") };
        return (message, hint);
    }
    let expected = match expected {
        "a string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "u8" | "u32" | "u64" | "usize" => "a whole number",
        "f64" => "a number",
        "a map" => "a table",
        table if table.starts_with("struct ") => "a table",
        other => other,
    };
    (format!("expected {expected}"), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_serde_says_no_value_is_left() {
        let cases = [
            ("invalid type: string \"hunter2, expected peace\", expected a boolean", "expected true or false"),
            ("invalid value: integer `-1`, expected u32", "expected a whole number"),
            ("invalid type: string \"hunter2\", expected struct AuthInput", "expected a table"),
            ("unknown field `hunter2`, expected `url` or `name`", "unknown key"),
            ("unknown variant `hunter2`, expected `meta` or `waypost`", "expected `meta` or `waypost`"),
            ("hunter2", "cannot be read"),
            ("missing field `url`", "missing key `url`"),
        ];
        for (message, wanted) in cases {
            assert_eq!(without_values(message), (wanted.to_owned(), None));
        }
        let (_, hint) = without_values("unknown field `urll`, expected one of `id`, `url`");
        assert_eq!(hint.as_deref(), Some("did you mean `url`?"));
    }
}
