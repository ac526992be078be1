//! JSON text and its tape: one pass checks the grammar and writes down where every value begins and ends.
//!
//! Everything after that pass steps from node to node and never looks at the same byte twice. A value stays a slice of
//! the body, nesting costs no stack, and nothing is decoded that nobody asks for.

mod scan;

use std::borrow::Cow;

use crate::text;

/// Deeper bodies are kept raw: no documented one reaches 20, and whoever reads the data after us may recurse.
pub(crate) const DEPTH_MAX: usize = 256;

/// What kind of value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Object,
    Array,
    Text,
    Number,
    Bool,
    Null,
}

/// One value: where it stands, and where the next one begins. An object's names are nodes too, each before its value.
#[derive(Debug, Clone, Copy)]
struct Node {
    start: u32,
    end: u32,
    /// The position on the tape behind this value and all that is in it.
    next: u32,
    shape: Shape,
    /// True for a string that has a backslash.
    escaped: bool,
}

impl Node {
    /// True for a string of exactly this content.
    #[inline]
    fn is_text(&self, text: &str, word: &str) -> bool {
        // Most comparisons end here.
        let may_be = (self.end - self.start) as usize == word.len() + 2 || self.escaped;
        may_be && self.is_really_text(text, word)
    }

    fn is_really_text(&self, text: &str, word: &str) -> bool {
        let inner = self.start as usize + 1..self.end as usize - 1;
        if self.escaped {
            return text.get(inner).is_some_and(|inner| text::decode(inner) == word);
        }
        text.as_bytes().get(inner) == Some(word.as_bytes())
    }
}

/// A text that is JSON, with the nodes of its values.
#[derive(Debug)]
pub(crate) struct Tape<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

/// A position on a tape, for those who keep the tape as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot(u32);

impl<'a> Tape<'a> {
    /// Reads a whole text. `None` when it is not JSON, or nested beyond [`DEPTH_MAX`].
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        scan::nodes(text).map(|nodes| Self { text, nodes })
    }

    /// The value that the text is.
    pub(crate) fn root(&self) -> Json<'_, 'a> {
        self.at(Spot(0))
    }

    /// The value at a position that [`Json::spot`] gave.
    pub(crate) fn at(&self, spot: Spot) -> Json<'_, 'a> {
        Json { tape: self, at: spot.0 }
    }

    fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(at as usize)
    }
}

/// One JSON value on a tape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<'t, 'a> {
    tape: &'t Tape<'a>,
    at: u32,
}

impl<'t, 'a> Json<'t, 'a> {
    fn node(self) -> Option<&'t Node> {
        self.tape.node(self.at)
    }

    pub(crate) fn spot(self) -> Spot {
        Spot(self.at)
    }

    /// The value's exact text, without white space around it.
    pub(crate) fn text(self) -> &'a str {
        self.node().and_then(|node| self.tape.text.get(node.start as usize..node.end as usize)).unwrap_or_default()
    }

    pub(crate) fn shape(self) -> Shape {
        self.node().map_or(Shape::Null, |node| node.shape)
    }

    pub(crate) fn is_null(self) -> bool {
        self.shape() == Shape::Null
    }

    /// How many values it is made of, itself and names included.
    pub(crate) fn values(self) -> usize {
        self.node().map_or(0, |node| (node.next - self.at) as usize)
    }

    /// What stands between the quotes of a string, as sent; for other shapes all of it.
    fn inner(self) -> &'a str {
        let text = self.text();
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
    }

    /// The decoded string, or a number in its plain spelling: Meta quotes ids in one place and not in another.
    pub(crate) fn word(self) -> Option<Cow<'a, str>> {
        let node = self.node()?;
        match node.shape {
            Shape::Text if node.escaped => Some(text::decode(self.inner())),
            Shape::Text => Some(Cow::Borrowed(self.inner())),
            Shape::Number => Some(text::plain_number(self.text())),
            Shape::Object | Shape::Array | Shape::Bool | Shape::Null => None,
        }
    }

    /// True for a string of exactly this content.
    pub(crate) fn is_text(self, word: &str) -> bool {
        self.node().is_some_and(|node| node.shape == Shape::Text && node.is_text(self.tape.text, word))
    }

    /// The string's content as it is spelled, and whether anything in it is escaped.
    pub(crate) fn spelled(self) -> (&'a str, bool) {
        (self.inner(), self.node().is_some_and(|node| node.escaped))
    }

    /// The elements of an array; nothing for other shapes.
    pub(crate) fn elements(self) -> Elements<'t, 'a> {
        let end = self.node().filter(|node| node.shape == Shape::Array).map_or(0, |node| node.next);
        Elements { tape: self.tape, at: self.at + 1, end }
    }

    /// The object's members; `None` for other shapes.
    pub(crate) fn object(self) -> Option<Object<'t, 'a>> {
        let end = self.node().filter(|node| node.shape == Shape::Object)?.next;
        Some(Object { json: self, end })
    }
}

/// Steps through the elements of an array.
#[derive(Debug, Clone)]
pub(crate) struct Elements<'t, 'a> {
    tape: &'t Tape<'a>,
    at: u32,
    end: u32,
}

impl<'t, 'a> Iterator for Elements<'t, 'a> {
    type Item = Json<'t, 'a>;

    fn next(&mut self) -> Option<Json<'t, 'a>> {
        if self.at >= self.end {
            return None;
        }
        let json = Json { tape: self.tape, at: self.at };
        self.at = json.node()?.next;
        Some(json)
    }
}

/// One member of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'t, 'a> {
    key: Json<'t, 'a>,
    pub(crate) value: Json<'t, 'a>,
}

impl<'t, 'a> Member<'t, 'a> {
    /// The name as a string of its own.
    pub(crate) fn key(&self) -> Json<'t, 'a> {
        self.key
    }

    /// The name decoded.
    pub(crate) fn name(&self) -> Cow<'a, str> {
        self.key.word().unwrap_or_default()
    }

    /// The name as sent, with its quotes.
    pub(crate) fn spelling(&self) -> &'a str {
        self.key.text()
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.key.is_text(name)
    }
}

/// A value that is an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object<'t, 'a> {
    json: Json<'t, 'a>,
    end: u32,
}

impl<'t, 'a> Object<'t, 'a> {
    /// The object as a value.
    pub(crate) fn json(&self) -> Json<'t, 'a> {
        self.json
    }

    /// The members in their order.
    pub(crate) fn members(&self) -> Members<'t, 'a> {
        Members { tape: self.json.tape, at: self.json.at + 1, end: self.end }
    }

    /// The member of this name that counts: the last one.
    pub(crate) fn get(&self, name: &str) -> Option<Json<'t, 'a>> {
        let (tape, mut at, mut found) = (self.json.tape, self.json.at + 1, None);
        while at < self.end {
            let (key, value) = (tape.node(at)?, tape.node(at + 1)?);
            if key.is_text(tape.text, name) {
                found = Some(at + 1);
            }
            at = value.next;
        }
        found.map(|at| Json { tape, at })
    }

    /// As [`Object::get`], with `null` read as absent.
    pub(crate) fn some(&self, name: &str) -> Option<Json<'t, 'a>> {
        self.get(name).filter(|value| !value.is_null())
    }

    /// True when a name occurs more than once.
    pub(crate) fn repeats(&self) -> bool {
        // Names that fall into different drawers differ. In nearly every object all do, and nothing more is compared.
        let mut drawers = 0_u64;
        let is_alone = |member: Member<'_, '_>| {
            let Some(key) = member.key.node() else { return false };
            let last = self.json.tape.text.as_bytes().get(key.end as usize - 2).copied().unwrap_or_default();
            let drawer = 1 << (((key.end - key.start) * 7 + u32::from(last)) % 64);
            let is_alone = !key.escaped && drawers & drawer == 0;
            drawers |= drawer;
            is_alone
        };
        if self.members().all(is_alone) {
            return false;
        }
        let mut names: Vec<Cow<'_, str>> = self.members().map(|member| member.name()).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair.first() == pair.last())
    }
}

/// Steps through the members of an object.
#[derive(Debug, Clone)]
pub(crate) struct Members<'t, 'a> {
    tape: &'t Tape<'a>,
    at: u32,
    end: u32,
}

impl<'t, 'a> Iterator for Members<'t, 'a> {
    type Item = Member<'t, 'a>;

    fn next(&mut self) -> Option<Member<'t, 'a>> {
        if self.at >= self.end {
            return None;
        }
        let key = Json { tape: self.tape, at: self.at };
        let value = Json { tape: self.tape, at: self.at + 1 };
        self.at = value.node()?.next;
        Some(Member { key, value })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]
    use super::*;

    #[test]
    fn members_and_elements_are_slices_of_the_text() {
        let text = r#" { "a" : [ 1 , "]\"," , { "x" : "}" } , null ] , "b\"" : -1.5e3 , "" : true } "#;
        let tape = Tape::read(text).unwrap();
        let object = tape.root().object().unwrap();
        let names: Vec<_> = object.members().map(|member| member.name()).collect();
        assert_eq!(names, ["a", "b\"", ""]);
        let elements: Vec<&str> = object.get("a").unwrap().elements().map(Json::text).collect();
        assert_eq!(elements, ["1", r#""]\",""#, r#"{ "x" : "}" }"#, "null"]);
        assert_eq!(object.get("b\"").unwrap().word().unwrap(), "-1500");
        assert_eq!(object.get("").unwrap().shape(), Shape::Bool);
        assert_eq!(tape.root().text(), text.trim());
    }

    #[test]
    fn the_last_of_two_members_counts() {
        for more in ["", r#","b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0"#] {
            let text = format!(r#"{{"a":1,"\u0061":2{more}}}"#);
            let tape = Tape::read(&text).unwrap();
            let object = tape.root().object().unwrap();
            assert!(object.repeats());
            assert_eq!(object.get("a").unwrap().text(), "2");
            let text = format!(r#"{{"a":1{more}}}"#);
            assert!(!Tape::read(&text).unwrap().root().object().unwrap().repeats());
        }
    }
}
