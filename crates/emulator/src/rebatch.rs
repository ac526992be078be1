//! The same events in other bodies: Meta may group differently each time it sends.
//!
//! Entries and changes move as they are spelled; only the brackets around them are new.

use std::ops::Range;

use crate::json::{self, Kind, Node, Step};

/// One body with the entries of all these, in order. Bodies without an envelope are left out.
#[must_use]
pub fn merge<B: AsRef<[u8]>>(bodies: &[B]) -> Vec<u8> {
    let entries: Vec<&str> = bodies
        .iter()
        .filter_map(|body| Envelope::read(body.as_ref()))
        .flat_map(|envelope| envelope.entries().collect::<Vec<_>>())
        .collect();
    in_envelope(&entries.join(","))
}

/// One body with the changes of all these, in order: neighbours whose entries say the same share one entry. Bodies without
/// an envelope are left out.
#[must_use]
pub fn gather<B: AsRef<[u8]>>(bodies: &[B]) -> Vec<u8> {
    /// What stands before the changes of an entry, the changes, and what stands behind them.
    type Parts = (String, Vec<String>, String);
    let mut entries: Vec<Parts> = Vec::new();
    for envelope in bodies.iter().filter_map(|body| Envelope::read(body.as_ref())) {
        for change in envelope.spans(is_change) {
            let Some((before, text, after)) = envelope.around(&change) else { continue };
            match entries.last_mut() {
                Some((first, changes, last)) if *first == before && *last == after => changes.push(text.to_owned()),
                Some(_) | None => entries.push((before.to_owned(), vec![text.to_owned()], after.to_owned())),
            }
        }
    }
    let entries: Vec<String> =
        entries.into_iter().map(|(before, changes, after)| [before, changes.join(","), after].concat()).collect();
    in_envelope(&entries.join(","))
}

/// One body per change. A body without changes is its own only part.
#[must_use]
pub fn split(body: &[u8]) -> Vec<Vec<u8>> {
    let Some(envelope) = Envelope::read(body) else {
        return vec![body.to_vec()];
    };
    let parts: Vec<Vec<u8>> = envelope
        .spans(is_change)
        .filter_map(|change| envelope.entry_with_only(&change))
        .map(|entry| in_envelope(&entry))
        .collect();
    if parts.is_empty() { vec![body.to_vec()] } else { parts }
}

/// The body wrapped in an array, as an older page of Meta's prints it.
#[must_use]
pub fn array_wrapped(body: &[u8]) -> Vec<u8> {
    [b"[", body, b"]"].concat()
}

/// The body's first change alone, as people copy it from the App Dashboard: `{"field": …, "value": …}`.
#[must_use]
pub fn bare_sample(body: &[u8]) -> Option<Vec<u8>> {
    let envelope = Envelope::read(body)?;
    let change = envelope.spans(is_change).next()?;
    Some(envelope.text.get(change)?.as_bytes().to_vec())
}

/// How many changes the body has.
#[must_use]
pub fn changes(body: &[u8]) -> usize {
    Envelope::read(body).map_or(0, |envelope| envelope.spans(is_change).count())
}

fn in_envelope(entries: &str) -> Vec<u8> {
    format!(r#"{{"object":"whatsapp_business_account","entry":[{entries}]}}"#).into_bytes()
}

struct Envelope<'a> {
    text: &'a str,
    nodes: Vec<Node<'a>>,
}

impl<'a> Envelope<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let nodes = json::nodes(text)?;
        Some(Self { text, nodes })
    }

    fn spans(&self, wanted: impl Fn(&Node<'_>) -> bool) -> impl Iterator<Item = Range<usize>> {
        self.nodes.iter().filter(move |node| wanted(node)).map(|node| node.span.clone())
    }

    fn entries(&self) -> impl Iterator<Item = &'a str> {
        let text = self.text;
        self.spans(is_entry).filter_map(move |span| text.get(span))
    }

    /// The entry around this change, without the other changes.
    fn entry_with_only(&self, change: &Range<usize>) -> Option<String> {
        let (before, change, after) = self.around(change)?;
        Some([before, change, after].concat())
    }

    /// What stands before the changes of this change's entry, the change, and what stands behind them.
    fn around(&self, change: &Range<usize>) -> Option<(&'a str, &'a str, &'a str)> {
        let around = |span: &Range<usize>| span.start < change.start && change.end < span.end;
        let entry = self.spans(is_entry).find(around)?;
        let list = self.spans(is_change_list).find(around)?;
        let before = self.text.get(entry.start..=list.start)?;
        let after = self.text.get(list.end - 1..entry.end)?;
        Some((before, self.text.get(change.clone())?, after))
    }
}

fn is_entry(node: &Node<'_>) -> bool {
    matches!(node.path.as_slice(), [Step::Key("entry"), Step::Index(_)])
}

fn is_change_list(node: &Node<'_>) -> bool {
    let path = [Step::Key("entry"), Step::Key("changes")];
    matches!(node.path.as_slice(), [entry, Step::Index(_), changes] if [*entry, *changes] == path)
        && node.kind == Kind::Array
}

fn is_change(node: &Node<'_>) -> bool {
    let path = [Step::Key("entry"), Step::Key("changes")];
    matches!(node.path.as_slice(), [entry, Step::Index(_), changes, Step::Index(_)] if [*entry, *changes] == path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]
    use super::*;

    const TWO: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","time":5,"changes":[{"a":1}, {"b":2}]},{"changes":[{"c":3}],"id":"2"}]}"#;

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn split_bodies_have_one_change_each_and_keep_what_their_entry_says() {
        let parts: Vec<String> = split(TWO.as_bytes()).into_iter().map(text).collect();
        let expected = [
            r#"{"object":"whatsapp_business_account","entry":[{"id":"1","time":5,"changes":[{"a":1}]}]}"#,
            r#"{"object":"whatsapp_business_account","entry":[{"id":"1","time":5,"changes":[{"b":2}]}]}"#,
            r#"{"object":"whatsapp_business_account","entry":[{"changes":[{"c":3}],"id":"2"}]}"#,
        ];
        assert_eq!(parts, expected);
        assert_eq!(changes(TWO.as_bytes()), 3);
    }

    #[test]
    fn a_merged_body_has_the_changes_of_all_in_order() {
        let merged = merge(&split(TWO.as_bytes()));
        let parts: Vec<Vec<u8>> = split(&merged);
        assert_eq!(parts, split(TWO.as_bytes()));
        assert_eq!(text(merge(&[b"no json"])), r#"{"object":"whatsapp_business_account","entry":[]}"#);
    }

    #[test]
    fn gathered_changes_share_an_entry_where_their_entries_say_the_same() {
        let parts = split(TWO.as_bytes());
        assert_eq!(text(gather(&parts)), TWO.replace(r#"{"a":1}, {"b":2}"#, r#"{"a":1},{"b":2}"#));
        let apart = [&parts[0], &parts[2], &parts[1]];
        assert_eq!(split(&gather(&apart)), apart.map(Clone::clone));
    }

    #[test]
    fn the_bare_sample_is_the_first_change_and_the_wrapped_body_is_an_array() {
        assert_eq!(text(bare_sample(TWO.as_bytes()).unwrap()), r#"{"a":1}"#);
        assert_eq!(bare_sample(b"{}"), None);
        assert_eq!(array_wrapped(b"{}"), b"[{}]");
        assert_eq!(split(b"{}"), [b"{}"]);
    }
}
