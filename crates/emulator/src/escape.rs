//! The spelling of a body on the wire.
//!
//! Meta signs what it sends, and what it sends is ASCII: `\uXXXX` in lower case, surrogate pairs, `\/`. The older
//! documents also name `\u003C`, `\u0025` and `\u0040`, with a capital where one appears. All spellings mean the same
//! JSON value; a receiver that does not verify the raw bytes fails on one of them.

use std::fmt::Write as _;

/// How much of a body is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Escapes {
    /// Nothing: plain UTF-8.
    None,
    /// As Meta sends: all that is not ASCII, and `/`.
    #[default]
    Meta,
    /// As [`Escapes::Meta`], and `<`, `%` and `@` as well.
    Full,
}

/// The body on one line without insignificant white space, spelled with these escapes. Escapes that the body already has
/// are kept. Bytes that are not UTF-8 come back as they are.
#[must_use]
pub fn wire_form(body: &[u8], escapes: Escapes) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(body) else {
        return body.to_vec();
    };
    let mut out = String::with_capacity(body.len());
    let mut in_string = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                in_string = !in_string;
                out.push(c);
            }
            '\\' if in_string => {
                out.push(c);
                out.extend(chars.next());
            }
            _ if in_string => spell(&mut out, c, escapes),
            ' ' | '\n' | '\r' | '\t' => {}
            _ => out.push(c),
        }
    }
    out.into_bytes()
}

fn spell(out: &mut String, c: char, escapes: Escapes) {
    match (escapes, c) {
        (Escapes::None, _) => out.push(c),
        (Escapes::Meta | Escapes::Full, '/') => out.push_str("\\/"),
        (Escapes::Full, '<') => out.push_str("\\u003C"),
        (Escapes::Full, '%') => out.push_str("\\u0025"),
        (Escapes::Full, '@') => out.push_str("\\u0040"),
        (Escapes::Meta | Escapes::Full, _) if c.is_ascii() => out.push(c),
        (Escapes::Meta | Escapes::Full, _) => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                #[expect(clippy::expect_used, reason = "writing to a String cannot fail")]
                write!(out, "\\u{unit:04x}").expect("a String takes all text");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use super::*;
    use crate::sign::{AppSecret, Signing};

    const PLAIN: &str = r#"{"text":"Zoë å👍 http://x/y <b> 50% a@b"}"#;

    fn check(escapes: Escapes, spelled: &str, signature: &str) {
        let body = wire_form(PLAIN.as_bytes(), escapes);
        assert_eq!(std::str::from_utf8(&body).unwrap(), spelled);
        let headers = Signing::Right.headers(&AppSecret::new("test_app_secret"), &body);
        assert_eq!(headers.sha256.unwrap(), format!("sha256={signature}"));
    }

    #[test]
    fn the_three_spellings_are_metas_byte_for_byte() {
        let plain = "3a06cf072987dce4256a1c411394ea100a1860ea77474bf08eb96c2d76da0113";
        check(Escapes::None, PLAIN, plain);
        let meta = r#"{"text":"Zo\u00eb \u00e5\ud83d\udc4d http:\/\/x\/y <b> 50% a@b"}"#;
        let signature = "4bd4a05608dcf5c13abcdb94d8ee25d332397955f3275f3085d998c9d308608b";
        check(Escapes::Meta, meta, signature);
        let full = r#"{"text":"Zo\u00eb \u00e5\ud83d\udc4d http:\/\/x\/y \u003Cb> 50\u0025 a\u0040b"}"#;
        let signature = "4de9ca4f996706085db32b6b3ba3b3f2e796f2e39086264dbf16233b5e60a822";
        check(Escapes::Full, full, signature);
    }

    #[test]
    fn white_space_goes_outside_strings_alone_and_escapes_stay_single() {
        let body = br#"{ "a" : [ 1,
            "x \" y\\ \/ \u00E4" ] }"#;
        let expected = br#"{"a":[1,"x \" y\\ \/ \u00E4"]}"#;
        assert_eq!(wire_form(body, Escapes::Meta), expected);
        assert_eq!(wire_form(expected, Escapes::Meta), expected);
    }
}
