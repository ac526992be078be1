//! Where each value of a JSON text sits, so that one can be replaced and all else stays byte for byte.
//!
//! A general JSON library would respell numbers and strings that this crate must leave as Meta wrote them. What a text
//! means is not judged here: a scan accepts somewhat more than JSON, and nothing that is not bracketed like JSON.

use std::ops::Range;

/// One value of a JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    /// The way to it from the root.
    pub(crate) path: Vec<Step<'a>>,
    /// Its bytes; a string's with the quotes.
    pub(crate) span: Range<usize>,
    /// What it is.
    pub(crate) kind: Kind,
}

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step<'a> {
    /// Into this member of an object (as spelled, escapes and all).
    Key(&'a str),
    /// Into this element of an array.
    Index(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    /// A number, `true`, `false` or `null`.
    Bare,
}

/// Deeper texts are not Meta's.
const DEPTH_MAX: usize = 64;

/// All values of this text, parents before children, in the order of the text. `None` if it is not JSON.
pub(crate) fn nodes(text: &str) -> Option<Vec<Node<'_>>> {
    let mut scan = Scan { text, at: 0, path: Vec::new(), nodes: Vec::new() };
    scan.value()?;
    scan.space();
    (scan.at == text.len()).then_some(scan.nodes)
}

/// The text with these spans replaced. Spans must be in order and apart.
pub(crate) fn splice<'a>(text: &str, replacements: impl IntoIterator<Item = (Range<usize>, &'a str)>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (span, replacement) in replacements {
        out.push_str(text.get(done..span.start).unwrap_or_default());
        out.push_str(replacement);
        done = span.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    path: Vec<Step<'a>>,
    nodes: Vec<Node<'a>>,
}

impl<'a> Scan<'a> {
    fn value(&mut self) -> Option<()> {
        self.space();
        if self.path.len() > DEPTH_MAX {
            return None;
        }
        let start = self.at;
        let position = self.nodes.len();
        let kind = match self.peek()? {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            _ => Kind::Bare,
        };
        self.nodes.push(Node { path: self.path.clone(), span: start..start, kind });
        match kind {
            Kind::Object => self.list(b'}', Self::member)?,
            Kind::Array => self.list(b']', Self::element)?,
            Kind::String => drop(self.string()?),
            Kind::Bare => self.bare()?,
        }
        self.nodes.get_mut(position)?.span.end = self.at;
        Some(())
    }

    fn list(&mut self, end: u8, mut item: impl FnMut(&mut Self, usize) -> Option<()>) -> Option<()> {
        self.at += 1;
        for count in 0.. {
            self.space();
            if count == 0 && self.take(end) {
                return Some(());
            }
            item(self, count)?;
            self.space();
            if self.take(end) {
                return Some(());
            }
            self.take(b',').then_some(())?;
        }
        None
    }

    fn member(&mut self, _: usize) -> Option<()> {
        let name = self.string()?;
        self.space();
        self.take(b':').then_some(())?;
        self.within(Step::Key(name))
    }

    fn element(&mut self, count: usize) -> Option<()> {
        self.within(Step::Index(count))
    }

    fn within(&mut self, step: Step<'a>) -> Option<()> {
        self.path.push(step);
        self.value()?;
        self.path.pop();
        Some(())
    }

    /// The string that starts here, without its quotes.
    fn string(&mut self) -> Option<&'a str> {
        self.take(b'"').then_some(())?;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.text.get(start..self.at - 1)
    }

    fn bare(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'a'..=b'z' | b'E' | b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]
    use super::*;

    #[test]
    fn every_value_is_found_where_it_sits() {
        let text = r#" {"a":[1, "x\"y"], "b":{}} "#;
        let found: Vec<(&str, usize)> =
            nodes(text).unwrap().iter().map(|node| (text.get(node.span.clone()).unwrap(), node.path.len())).collect();
        let expected = [(text.trim(), 0), (r#"[1, "x\"y"]"#, 1), ("1", 2), (r#""x\"y""#, 2), ("{}", 1)];
        assert_eq!(found, expected);
        assert_eq!(nodes(text).unwrap()[3].path, [Step::Key("a"), Step::Index(1)]);
    }

    #[test]
    fn what_is_not_bracketed_like_json_is_refused() {
        for text in ["", "{", "[1,]", r#"{"a"}"#, r#"{"a":1"#, "[1] 2", r#""x"#, r#""x\"#, "[1 2]", "{,}"] {
            assert_eq!(nodes(text), None, "{text}");
        }
        assert_eq!(nodes(&"[".repeat(100_000)), None);
    }

    #[test]
    fn every_documented_body_is_understood() {
        for fixture in crate::fixtures::all() {
            assert!(nodes(std::str::from_utf8(fixture.body).unwrap()).is_some(), "{}", fixture.name);
        }
    }
}
