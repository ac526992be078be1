//! The content hash: one value has one hash, however its members are ordered, spaced, escaped and its numbers spelled.
//!
//! Objects are hashed on their own and enter their parent as a digest, so the work is linear in the text. Depth is
//! bounded by [`crate::json::DEPTH_MAX`].

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::json::{Json, Object, Shape};
use crate::text::{self, Piece};

/// SHA-256 over the canonical form, the first 128 bits in hex.
pub(crate) fn content_hash(value: Json<'_, '_>) -> String {
    let mut form = Vec::new();
    write(value, &mut form);
    bytes_hash(&form)
}

/// SHA-256 over plain bytes, the first 128 bits in hex.
pub(crate) fn bytes_hash(bytes: &[u8]) -> String {
    let mut hex = hex::encode(Sha256::digest(bytes));
    hex.truncate(32);
    hex
}

fn write(value: Json<'_, '_>, out: &mut Vec<u8>) {
    match value.shape() {
        Shape::Object => {
            if let Some(object) = value.object() {
                write_object(&object, out);
            }
        }
        Shape::Array => {
            out.push(b'[');
            value.elements().for_each(|element| write(element, out));
            out.push(b']');
        }
        Shape::Text => write_text(value, out),
        Shape::Number => write_counted(b'#', text::plain_number(value.text()).as_bytes(), out),
        Shape::Bool | Shape::Null => out.extend(value.text().as_bytes().first()),
    }
}

fn write_object(object: &Object<'_, '_>, out: &mut Vec<u8>) {
    // The members' forms stand at the end of `out`, one behind the other, until they are hashed; sorted are their places.
    let start = out.len();
    let mut places: Vec<Range<usize>> = Vec::new();
    for member in object.members() {
        let from = out.len();
        write_text(member.key(), out);
        write(member.value, out);
        places.push(from..out.len());
    }
    let form = |place: &Range<usize>| out.get(place.clone()).unwrap_or_default();
    places.sort_unstable_by(|one, other| form(one).cmp(form(other)));
    let mut hash = Sha256::new();
    places.iter().for_each(|place| hash.update(form(place)));
    out.truncate(start);
    out.push(b'{');
    out.extend(hash.finalize());
}

fn write_counted(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend((bytes.len() as u64).to_be_bytes());
    out.extend(bytes);
}

/// The string's characters in UTF-8; half of a surrogate pair keeps its own three bytes, so that two of them differ.
fn write_text(value: Json<'_, '_>, out: &mut Vec<u8>) {
    let (inner, escaped) = value.spelled();
    if !escaped {
        return write_counted(b'"', inner.as_bytes(), out);
    }
    let mut bytes = Vec::with_capacity(inner.len());
    text::decode_each(inner, |piece| match piece {
        Piece::Text(text) => bytes.extend(text.as_bytes()),
        Piece::Char(char) => bytes.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
        Piece::Lone(unit) => {
            let [high, low] = unit.to_be_bytes();
            bytes.extend([0xED, 0x80 | ((high & 0x0F) << 2) | (low >> 6), 0x80 | (low & 0x3F)]);
        }
    });
    write_counted(b'"', &bytes, out);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use super::*;
    use crate::json::Tape;

    fn hash(text: &str) -> String {
        content_hash(Tape::read(text).unwrap().root())
    }

    #[test]
    fn order_space_escapes_and_number_spelling_do_not_count() {
        let a = hash(r#"{"a":[1,2.50,"é"],"b":{"c":null,"d":true}}"#);
        assert_eq!(a, hash("{ \"b\" : {\"d\":true,\"c\":null},\n\"\\u0061\":[1.0,25e-1,\"\\u00e9\"]}"));
        assert_eq!(a.len(), 32);
    }

    #[test]
    fn what_differs_in_meaning_differs_in_hash() {
        let all = [
            r#"[1,2]"#,
            r#"[2,1]"#,
            r#"["1",2]"#,
            r#"[[1],2]"#,
            r#"[12]"#,
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":null}"#,
            r#"{}"#,
            r#"[]"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":2,"b":1}"#,
            r#"{"a":1,"b":2}"#,
            r#""\ud800""#,
            r#""\ud801""#,
            r#""\ufffd""#,
            r#"true"#,
            r#"null"#,
            r#""true""#,
        ];
        let hashes: std::collections::HashSet<String> = all.iter().map(|text| hash(text)).collect();
        assert_eq!(hashes.len(), all.len());
    }
}
