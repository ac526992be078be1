//! A cursor over JSON text that is known to be valid. It only finds where values begin and end, so every value stays a
//! slice of the body, nesting costs no stack, and nothing is decoded that nobody asks for.
//!
//! The grammar is checked once, by `serde_json`, when the body comes in; after that the cursor may trust it.

use std::borrow::Cow;

use crate::text;

/// Deeper bodies are kept raw: no documented one reaches 20, and whoever reads the data after us may recurse.
pub(crate) const DEPTH_MAX: u32 = 256;

/// One JSON value as text, without white space around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<'a>(&'a str);

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

impl<'a> Json<'a> {
    /// Checks a whole text. `None` when it is not JSON, or nested beyond [`DEPTH_MAX`].
    pub(crate) fn check(body: &'a str) -> Option<Self> {
        serde_json::from_str::<serde::de::IgnoredAny>(body).ok()?;
        (depth(body) <= DEPTH_MAX).then(|| Self(body.trim_matches([' ', '\t', '\r', '\n'])))
    }

    /// A text that was checked before.
    pub(crate) fn known(text: &'a str) -> Self {
        Self(text)
    }

    /// The value's exact text.
    pub(crate) fn text(self) -> &'a str {
        self.0
    }

    pub(crate) fn shape(self) -> Shape {
        shape_of(self.0.as_bytes().first().copied())
    }

    pub(crate) fn is_null(self) -> bool {
        self.shape() == Shape::Null
    }

    /// The decoded string, or a number in its plain spelling: Meta quotes ids in one place and not in another.
    pub(crate) fn word(self) -> Option<Cow<'a, str>> {
        match self.shape() {
            Shape::Text => Some(text::decode(self.0)),
            Shape::Number => Some(text::plain_number(self.0)),
            Shape::Object | Shape::Array | Shape::Bool | Shape::Null => None,
        }
    }

    /// The elements of an array; nothing for other shapes.
    pub(crate) fn elements(self) -> impl Iterator<Item = Json<'a>> {
        let mut steps = Cursor::inside(self, Shape::Array);
        std::iter::from_fn(move || steps.value())
    }

    /// The members of an object in their order; `None` for other shapes.
    pub(crate) fn object(self) -> Option<Object<'a>> {
        (self.shape() == Shape::Object).then(|| {
            // Most elements have fewer members than this, and nothing is moved while they are found.
            const MEMBERS_USUAL: usize = 12;
            let mut steps = Cursor::inside(self, Shape::Object);
            let mut members = Vec::with_capacity(MEMBERS_USUAL.min(self.0.len() / 8));
            members.extend(std::iter::from_fn(|| steps.member()));
            Object { members }
        })
    }
}

/// One member of an object.
#[derive(Debug, Clone)]
pub(crate) struct Member<'a> {
    /// The name as sent, with its quotes.
    pub(crate) spelling: &'a str,
    /// The name decoded.
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Json<'a>,
}

/// An object's members, one level deep.
#[derive(Debug, Clone)]
pub(crate) struct Object<'a> {
    pub(crate) members: Vec<Member<'a>>,
}

impl<'a> Object<'a> {
    /// The member of this name that counts: the last one.
    pub(crate) fn get(&self, name: &str) -> Option<Json<'a>> {
        self.members.iter().rev().find(|member| member.name == name).map(|member| member.value)
    }

    /// As [`Object::get`], with `null` read as absent.
    pub(crate) fn some(&self, name: &str) -> Option<Json<'a>> {
        self.get(name).filter(|value| !value.is_null())
    }

    /// True when a name occurs more than once.
    pub(crate) fn repeats(&self) -> bool {
        let mut names: Vec<&str> = self.members.iter().map(|member| member.name.as_ref()).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair.first() == pair.last())
    }
}

/// A place in a text, moving from value to value.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Before the value.
    pub(crate) fn new(json: Json<'a>) -> Self {
        Self { text: json.0, at: 0 }
    }

    /// Behind the opening bracket of a value of this shape; at the end where it is of another.
    fn inside(json: Json<'a>, shape: Shape) -> Self {
        let at = if json.shape() == shape { 1 } else { json.0.len() };
        Self { text: json.0, at }
    }

    /// Steps over the opening bracket of the next value.
    pub(crate) fn enter(&mut self) {
        self.skip_blank();
        self.at += 1;
    }

    /// Steps over the closing bracket.
    pub(crate) fn leave(&mut self) {
        self.skip_blank();
        self.at += 1;
    }

    /// The shape of the next value; `None` before a closing bracket and at the end.
    pub(crate) fn shape(&mut self) -> Option<Shape> {
        self.skip_blank();
        let byte = *self.text.as_bytes().get(self.at)?;
        (!matches!(byte, b'}' | b']')).then(|| shape_of(Some(byte)))
    }

    /// The next value, without moving.
    pub(crate) fn peek(&mut self) -> Option<Json<'a>> {
        self.shape()?;
        if self.at == 0 {
            // Before the one value that the text is: its end is known.
            return Some(Json(self.text));
        }
        self.text.get(self.at..value_end(self.text.as_bytes(), self.at)).map(Json)
    }

    /// The next value, moving behind it.
    pub(crate) fn value(&mut self) -> Option<Json<'a>> {
        let json = self.peek()?;
        self.at += json.0.len();
        Some(json)
    }

    fn member(&mut self) -> Option<Member<'a>> {
        let spelling = self.value()?.0;
        let value = self.value()?;
        Some(Member { spelling, name: text::decode(spelling), value })
    }

    fn skip_blank(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':');
        self.at += rest.iter().take_while(|byte| blank(byte)).count();
    }
}

fn shape_of(first: Option<u8>) -> Shape {
    match first {
        Some(b'{') => Shape::Object,
        Some(b'[') => Shape::Array,
        Some(b'"') => Shape::Text,
        Some(b't' | b'f') => Shape::Bool,
        Some(b'n') => Shape::Null,
        Some(_) | None => Shape::Number,
    }
}

fn value_end(bytes: &[u8], start: usize) -> usize {
    match bytes.get(start) {
        Some(b'"') => string_end(bytes, start),
        Some(b'{' | b'[') => nested_end(bytes, start),
        Some(_) | None => {
            let rest = bytes.get(start..).unwrap_or_default();
            let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n');
            start + rest.iter().position(ends).unwrap_or(rest.len())
        }
    }
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += plain_bytes(bytes, at).max(1),
        }
    }
    bytes.len()
}

/// How many bytes from here on are surely no quote and no backslash, looking at eight at a time.
fn plain_bytes(bytes: &[u8], start: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The lowest high bit that is set marks the first byte that is zero.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (eights, _) = bytes.get(start..).unwrap_or_default().as_chunks::<8>();
    for (index, eight) in eights.iter().enumerate() {
        let word = u64::from_le_bytes(*eight);
        let found = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return index * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    eights.len() * 8
}

fn nested_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut open) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' if open <= 1 => return at + 1,
            b'}' | b']' => open -= 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn depth(body: &str) -> u32 {
    let bytes = body.as_bytes();
    let (mut at, mut open, mut deepest) = (0, 0_u32, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => {
                open = open.saturating_add(1);
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]
    use super::*;

    #[test]
    fn members_and_elements_are_slices_of_the_text() {
        let text = r#" { "a" : [ 1 , "]\"," , { "x" : "}" } , null ] , "b\"" : -1.5e3 , "" : true } "#;
        let object = Json::check(text).unwrap().object().unwrap();
        let names: Vec<&str> = object.members.iter().map(|member| member.name.as_ref()).collect();
        assert_eq!(names, ["a", "b\"", ""]);
        let elements: Vec<&str> = object.get("a").unwrap().elements().map(Json::text).collect();
        assert_eq!(elements, ["1", r#""]\",""#, r#"{ "x" : "}" }"#, "null"]);
        assert_eq!(object.get("b\"").unwrap().word().unwrap(), "-1500");
        assert_eq!(object.get("").unwrap().shape(), Shape::Bool);
    }

    #[test]
    fn the_last_of_two_members_counts() {
        let object = Json::check(r#"{"a":1,"\u0061":2}"#).unwrap().object().unwrap();
        assert!(object.repeats());
        assert_eq!(object.get("a").unwrap().text(), "2");
    }

    #[test]
    fn only_json_of_bearable_depth_passes() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::check(&nested(256)).is_some());
        for text in ["", "{", "{}x", "01", "\"\u{0}\"", nested(257).as_str()] {
            assert!(Json::check(text).is_none(), "{text}");
        }
    }
}
