//! The one pass over a text: checks its grammar (RFC 8259) and writes the tape.
//!
//! What is open stands in a short list and not on the stack, so depth costs nothing. Strings are looked at eight bytes
//! at a time.

use super::{DEPTH_MAX, Node, Shape};

/// The nodes of a text; `None` when it is not JSON, or nested too deep.
pub(super) fn nodes(text: &str) -> Option<Vec<Node>> {
    // Positions are kept in four bytes.
    u32::try_from(text.len()).ok()?;
    // Meta's bodies have a node for every dozen bytes or so; long texts inside have fewer.
    const BYTES_A_NODE: usize = 14;
    const DEPTH_USUAL: usize = 16;
    let nodes = Vec::with_capacity(text.len() / BYTES_A_NODE + 8);
    let mut scan = Scan { bytes: text.as_bytes(), at: 0, nodes, open: Vec::with_capacity(DEPTH_USUAL) };
    scan.run()?;
    Some(scan.nodes)
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    /// The nodes of the objects and arrays that have not ended yet.
    open: Vec<u32>,
}

impl Scan<'_> {
    fn run(&mut self) -> Option<()> {
        loop {
            // A value is next.
            let start = self.next_byte()?;
            match start {
                b'{' | b'[' => {
                    if !self.opened(start)? {
                        continue;
                    }
                }
                b'"' => self.string()?,
                b't' => self.literal(b"true", Shape::Bool)?,
                b'f' => self.literal(b"false", Shape::Bool)?,
                b'n' => self.literal(b"null", Shape::Null)?,
                _ => self.number()?,
            }
            // A value has ended.
            loop {
                let Some(inside) = self.open.last().copied() else {
                    return self.next_byte().is_none().then_some(());
                };
                let in_object = self.nodes.get(inside as usize)?.shape == Shape::Object;
                match (self.next_byte()?, in_object) {
                    (b',', false) => self.at += 1,
                    (b',', true) => {
                        self.at += 1;
                        self.name()?;
                    }
                    (b'}', true) | (b']', false) => {
                        self.closed(inside)?;
                        continue;
                    }
                    _ => return None,
                }
                break;
            }
        }
    }

    /// The next byte that is no white space, without moving behind it.
    fn next_byte(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Opens an object or array, up to where its first value is next. True where it is empty and has ended.
    fn opened(&mut self, bracket: u8) -> Option<bool> {
        if self.open.len() >= DEPTH_MAX {
            return None;
        }
        let shape = if bracket == b'{' { Shape::Object } else { Shape::Array };
        // Both are known when it ends.
        let inside = self.push(Node { start: self.position(), end: 0, next: 0, shape, escaped: false })?;
        self.open.push(inside);
        self.at += 1;
        match (self.next_byte()?, shape) {
            (b'}', Shape::Object) | (b']', Shape::Array) => self.closed(inside).map(|()| true),
            (_, Shape::Object) => self.name().map(|()| false),
            _ => Some(false),
        }
    }

    fn closed(&mut self, inside: u32) -> Option<()> {
        self.at += 1;
        self.open.pop();
        let (end, next) = (self.position(), u32::try_from(self.nodes.len()).ok()?);
        let node = self.nodes.get_mut(inside as usize)?;
        (node.end, node.next) = (end, next);
        Some(())
    }

    /// A member's name and its colon.
    fn name(&mut self) -> Option<()> {
        if self.next_byte()? != b'"' {
            return None;
        }
        self.string()?;
        if self.next_byte()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// Where we are. The length of the text was checked, so nothing is cut off.
    fn position(&self) -> u32 {
        self.at as u32
    }

    fn push(&mut self, node: Node) -> Option<u32> {
        let at = u32::try_from(self.nodes.len()).ok()?;
        self.nodes.push(node);
        Some(at)
    }

    /// Writes down a value that has no others in it and that ends here.
    fn leaf(&mut self, start: u32, shape: Shape, escaped: bool) -> Option<()> {
        let next = u32::try_from(self.nodes.len() + 1).ok()?;
        self.nodes.push(Node { start, end: self.position(), next, shape, escaped });
        Some(())
    }

    fn literal(&mut self, word: &[u8], shape: Shape) -> Option<()> {
        let start = self.position();
        if !self.bytes.get(self.at..)?.starts_with(word) {
            return None;
        }
        self.at += word.len();
        self.leaf(start, shape, false)
    }

    fn number(&mut self) -> Option<()> {
        let start = self.position();
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.leaf(start, Shape::Number, false)
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        let start = self.position();
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at += plain_bytes(self.bytes.get(self.at..)?);
            match *self.bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return self.leaf(start, Shape::Text, escaped);
                }
                b'\\' => {
                    escaped = true;
                    self.at += escape(self.bytes.get(self.at + 1..)?)? + 1;
                }
                control if control < 0x20 => return None,
                // The last bytes of the text are looked at one by one.
                _ => self.at += 1,
            }
        }
    }
}

/// The length of what follows a backslash.
fn escape(rest: &[u8]) -> Option<usize> {
    match rest.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(1),
        b'u' => rest.get(1..5)?.iter().all(u8::is_ascii_hexdigit).then_some(5),
        _ => None,
    }
}

/// How many bytes from here on are surely no quote, no backslash and no control character: eight at a time while a string
/// is short, which most are, and then more at a time.
fn plain_bytes(bytes: &[u8]) -> usize {
    const SHORT: usize = 32;
    let (eights, _) = bytes.get(..SHORT).unwrap_or(bytes).as_chunks::<8>();
    for (index, eight) in eights.iter().enumerate() {
        let found = odd_bytes(*eight);
        if found != 0 {
            return index * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let (many, _) = bytes.get(SHORT..).unwrap_or_default().as_chunks::<SHORT>();
    let plain = many.iter().take_while(|bytes| !bytes.iter().fold(false, |odd, byte| odd | is_odd(*byte))).count();
    eights.len() * 8 + plain * SHORT
}

fn is_odd(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

/// The lowest high bit that is set marks the first of the bytes that [`is_odd`].
fn odd_bytes(eight: [u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(eight);
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let is_small = word.wrapping_sub(ONES * 0x20) & !word;
    (is_zero(word ^ (ONES * u64::from(b'"'))) | is_zero(word ^ (ONES * u64::from(b'\\'))) | is_small) & HIGH
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use super::*;

    fn is_json(text: &str) -> bool {
        nodes(text).is_some()
    }

    #[test]
    fn the_grammar_is_that_of_another_parser() {
        let pieces = [
            "",
            " ",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\"a\"",
            "\"\\u00e9\"",
            "\"\\u00g9\"",
            "\"\\x\"",
            "\"\n\"",
            "0",
            "-",
            "-0",
            "01",
            "1.",
            "1.5",
            ".5",
            "1e",
            "1e+",
            "1E-7",
            "+1",
            "true",
            "tru",
            "null",
            "nul",
            "false",
            "\u{feff}",
            "\u{1f}",
            "\u{7f}",
            "é",
        ];
        let mut tried = 0;
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for text in [format!("{a}{b}{c}"), format!("[{a}{b}{c}]"), format!("{{\"x\":{a},{b}:{c}}}")] {
                        let other = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
                        assert_eq!(is_json(&text), other, "{text:?}");
                        tried += 1;
                    }
                }
            }
        }
        assert!(tried > 100_000);
    }

    #[test]
    fn a_string_ends_where_it_ends_at_every_offset() {
        for length in 0..120 {
            for end in ["\"", "\\\"\"", "\\\\\"", "é\""] {
                let text = format!("[\"{}{end},7]", "x".repeat(length));
                assert_eq!(nodes(&text).unwrap().len(), 3, "{text}");
                let broken = format!("[\"{}\u{1}{end},7]", "é".repeat(length));
                assert!(!is_json(&broken), "{broken}");
            }
        }
    }

    #[test]
    fn only_json_of_bearable_depth_passes() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let mixed = |depth: usize| r#"{"a":["#.repeat(depth) + &"]}".repeat(depth);
        assert!(is_json(&nested(256)) && is_json(&mixed(128)));
        for text in ["", "{", "{}x", "01", "\"\u{0}\"", &nested(257), &mixed(129), &nested(100_000)] {
            assert!(!is_json(text));
        }
    }
}
