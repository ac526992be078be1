//! What counts as a duplicate: the key's text.
//!
//! A key is a list of parts with `:` between them. Inside a part `%`, `:`, `~` and control characters are percent-encoded,
//! and a part that is just `-` as well, so that no content can forge another key. A part longer than
//! [`PART_BYTES_MAX`] is replaced by `~` and its hash. A missing part is `-`; where the missing part was needed to tell
//! events apart, the key ends in `~` and the content hash, so that two strangers never fall together.

use crate::canon;

const PART_BYTES_MAX: usize = 256;

/// A key in the making.
#[derive(Debug)]
pub(crate) struct Key {
    text: String,
    incomplete: bool,
}

impl Key {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { text: part(prefix), incomplete: false }
    }

    /// A key that stands inside another one: its separators count as they are.
    pub(crate) fn inside(prefix: Option<&'static str>, name: &'static str) -> Self {
        let text = prefix.map_or_else(|| name.to_owned(), |prefix| format!("{prefix}:{name}"));
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
        self.text.push_str(&value.map_or_else(|| "-".to_owned(), part));
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
    let special = |char: char| matches!(char, '%' | ':' | '~') || char.is_control();
    if value.len() > PART_BYTES_MAX {
        return format!("~{}", canon::bytes_hash(value.as_bytes()));
    }
    if value == "-" {
        return "%2D".to_owned();
    }
    if !value.contains(special) {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len() + 8);
    for char in value.chars() {
        if special(char) {
            let mut bytes = [0; 4];
            char.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
        } else {
            out.push(char);
        }
    }
    out
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
