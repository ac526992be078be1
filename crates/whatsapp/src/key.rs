//! What counts as a duplicate: the key's text.
//!
//! A key is a list of parts with `:` between them. Inside a part `%`, `:`, `~` and control characters are percent-encoded,
//! and a part that is just `-` as well, so that no content can forge another key. A part longer than
//! [`PART_BYTES_MAX`] is replaced by `~` and its hash. A missing part is `-`; where the missing part was needed to tell
//! events apart, the key ends in `~` and the content hash, so that two strangers never fall together.

use crate::canon;

const PART_BYTES_MAX: usize = 256;
/// Most keys are shorter.
const KEY_BYTES_USUAL: usize = 128;

/// A key in the making.
#[derive(Debug)]
pub(crate) struct Key {
    text: String,
    incomplete: bool,
}

impl Key {
    pub(crate) fn new(prefix: &str) -> Self {
        let mut text = String::with_capacity(KEY_BYTES_USUAL);
        push_part(prefix, &mut text);
        Self { text, incomplete: false }
    }

    /// A key that stands inside another one: its separators count as they are.
    pub(crate) fn inside(prefix: Option<&'static str>, name: &'static str) -> Self {
        let mut text = String::with_capacity(KEY_BYTES_USUAL);
        if let Some(prefix) = prefix {
            text.push_str(prefix);
            text.push(':');
        }
        text.push_str(name);
        Self { text, incomplete: false }
    }

    /// A part without which the event has no identity.
    pub(crate) fn need(mut self, value: Option<&str>) -> Self {
        self.incomplete |= value.is_none();
        self.may(value)
    }

    /// A part that may be absent.
    pub(crate) fn may(mut self, value: Option<&str>) -> Self {
        self.text.push(':');
        match value {
            Some(value) => push_part(value, &mut self.text),
            None => self.text.push('-'),
        }
        self
    }

    /// Ends the key; `hash` is asked only where a needed part was missing.
    pub(crate) fn end(mut self, hash: impl FnOnce() -> String) -> String {
        if self.incomplete {
            self.text.push_str(":~");
            self.text.push_str(&hash());
        }
        self.text
    }
}

/// One part, escaped and bounded. Lanes are made of the same parts.
pub(crate) fn part(value: &str) -> String {
    let mut out = String::new();
    push_part(value, &mut out);
    out
}

fn push_part(value: &str, out: &mut String) {
    let special = |char: char| matches!(char, '%' | ':' | '~') || char.is_control();
    // Letters beyond ASCII are looked at one by one, these here many at a time: nothing ends the loop early.
    let plain = |byte: u8| matches!(byte, b' '..=b'}') && byte != b'%' && byte != b':';
    if value.len() > PART_BYTES_MAX {
        out.push('~');
        out.push_str(&canon::bytes_hash(value.as_bytes()));
    } else if value == "-" {
        out.push_str("%2D");
    } else if value.bytes().fold(true, |all, byte| all & plain(byte)) {
        out.push_str(value);
    } else {
        for char in value.chars() {
            if special(char) {
                let mut bytes = [0; 4];
                char.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
            } else {
                out.push(char);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_in_a_part_cannot_forge_another_key() {
        let forged = Key::new("msg").need(Some("7:wamid.A")).need(Some("x")).end(String::new);
        let honest = Key::new("msg").need(Some("7")).need(Some("wamid.A:x")).end(String::new);
        assert_eq!(forged, "msg:7%3Awamid.A:x");
        assert_ne!(forged, honest);
    }

    #[test]
    fn a_missing_part_is_told_from_a_dash_and_brings_the_hash() {
        let missing = Key::new("msg").need(None).end(|| "h".to_owned());
        assert_eq!(missing, "msg:-:~h");
        assert_eq!(Key::new("msg").need(Some("-")).end(String::new), "msg:%2D");
        assert_eq!(Key::new("x").may(None).end(|| "h".to_owned()), "x:-");
    }

    #[test]
    fn a_very_long_part_is_hashed() {
        assert_eq!(part(&"a".repeat(1000)).len(), 33);
    }
}
