//! Each mistake, made to a signed body, is found.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use super::*;
use crate::escape::{Escapes, wire_form};
use crate::sign::Signing;

/// The three spellings of the protocol's vectors and their signatures.
const PLAIN: &str = r#"{"text":"Zoë å👍 http://x/y <b> 50% a@b"}"#;
const ESCAPED: &str = r#"{"text":"Zo\u00eb \u00e5\ud83d\udc4d http:\/\/x\/y <b> 50% a@b"}"#;
const FULL: &str = r#"{"text":"Zo\u00eb \u00e5\ud83d\udc4d http:\/\/x\/y \u003Cb> 50\u0025 a\u0040b"}"#;
const OF_PLAIN: &str = "sha256=3a06cf072987dce4256a1c411394ea100a1860ea77474bf08eb96c2d76da0113";
const OF_ESCAPED: &str = "sha256=4bd4a05608dcf5c13abcdb94d8ee25d332397955f3275f3085d998c9d308608b";
const OF_FULL: &str = "sha256=4de9ca4f996706085db32b6b3ba3b3f2e796f2e39086264dbf16233b5e60a822";
const SECRET: &str = "test_app_secret";

fn signature(secret: &str, body: &[u8]) -> String {
    Signing::Right.headers(&AppSecret::new(secret), body).sha256.unwrap()
}

fn found(body: impl AsRef<[u8]>, signature: &str, secret: &str) -> Diagnosis {
    diagnose(body.as_ref(), signature, &[AppSecret::new("another"), AppSecret::new(secret)])
}

#[track_caller]
fn check(body: impl AsRef<[u8]>, signature: &str, secret: &str, mistakes: &[Mistake]) {
    let expected = Diagnosis::Mistaken { secret: 1, mistakes: mistakes.to_vec() };
    assert_eq!(found(body, signature, secret), expected);
}

#[test]
fn a_signature_that_fits_fits_and_says_which_secret_made_it() {
    for (body, signature) in [(PLAIN, OF_PLAIN), (ESCAPED, OF_ESCAPED), (FULL, OF_FULL)] {
        assert_eq!(found(body, signature, SECRET), Diagnosis::Fits { secret: 1 });
    }
    let vector = "sha256=f39034b29165ec6a5104d9aef27266484ab26c8caa7bca8bcb2dd02e8be61b17";
    assert_eq!(found("hello world", vector, "sesame"), Diagnosis::Fits { secret: 1 });
    assert_eq!(
        found("hello world", &format!("X-Hub-Signature-256: {vector}\n"), "sesame"),
        Diagnosis::Fits { secret: 1 }
    );
}

#[test]
fn lost_and_added_escapes_are_named_by_kind() {
    use Escape::{At, Less, Percent, Slash, Unicode};
    check(PLAIN, OF_ESCAPED, SECRET, &[Mistake::EscapesLost(vec![Unicode, Slash])]);
    check(PLAIN, OF_FULL, SECRET, &[Mistake::EscapesLost(vec![Unicode, Slash, Less, Percent, At])]);
    check(ESCAPED, OF_PLAIN, SECRET, &[Mistake::EscapesAdded(vec![Unicode, Slash])]);
    check(ESCAPED, OF_FULL, SECRET, &[Mistake::EscapesLost(vec![Less, Percent, At])]);
    check(ESCAPED.replace("\\/", "/"), OF_ESCAPED, SECRET, &[Mistake::EscapesLost(vec![Slash])]);
    check(FULL.replace("\\u0040", "@"), OF_FULL, SECRET, &[Mistake::EscapesLost(vec![At])]);
    let recased =
        ESCAPED.replace("\\u00eb", "\\u00EB").replace("\\u00e5", "\\u00E5").replace("\\ud83d\\udc4d", "\\uD83D\\uDC4D");
    check(recased, OF_ESCAPED, SECRET, &[Mistake::EscapesRecased]);
}

#[test]
fn json_that_was_written_anew_is_found_in_the_layouts_of_common_languages() {
    let spaced = ESCAPED.replace("\":\"", "\": \"");
    check(&spaced, OF_ESCAPED, SECRET, &[Mistake::SpaceAdded]);
    let python = spaced.replace("\\/", "/");
    check(python, OF_ESCAPED, SECRET, &[Mistake::EscapesLost(vec![Escape::Slash]), Mistake::SpaceAdded]);
    let fixture = crate::fixtures::find("messages/text").unwrap();
    let compact = wire_form(fixture.body, Escapes::None);
    // As it lies in the repository it is indented by two.
    check(&compact, &signature(SECRET, fixture.body.trim_ascii_end()), SECRET, &[Mistake::SpaceLost]);
    check(fixture.body.trim_ascii_end(), &signature(SECRET, &compact), SECRET, &[Mistake::SpaceAdded]);
}

#[test]
fn what_happened_to_the_ends_of_a_body_is_found() {
    check(format!("{ESCAPED}\n"), OF_ESCAPED, SECRET, &[Mistake::NewlineAdded]);
    check(format!("{ESCAPED}\r\n"), OF_ESCAPED, SECRET, &[Mistake::NewlineAdded]);
    check(ESCAPED, &signature(SECRET, format!("{ESCAPED}\n").as_bytes()), SECRET, &[Mistake::NewlineLost]);
    check(format!("\u{feff}{ESCAPED}"), OF_ESCAPED, SECRET, &[Mistake::MarkAdded]);
    check(ESCAPED, &signature(SECRET, format!("\u{feff}{ESCAPED}").as_bytes()), SECRET, &[Mistake::MarkLost]);
    check("{\r\n}", &signature(SECRET, b"{\n}"), SECRET, &[Mistake::CrAdded]);
    check("{\n}", &signature(SECRET, b"{\r\n}"), SECRET, &[Mistake::CrLost]);
}

#[test]
fn a_wrong_decoding_is_found() {
    let mojibake: String = r#"{"a":"Zoë"}"#.bytes().map(char::from).collect();
    check(mojibake, &signature(SECRET, r#"{"a":"Zoë"}"#.as_bytes()), SECRET, &[Mistake::ReadAsLatin1]);
    check(b"{\"a\":\"Zo\xeb\"}", &signature(SECRET, r#"{"a":"Zoë"}"#.as_bytes()), SECRET, &[Mistake::WrittenAsLatin1]);
}

#[test]
fn what_is_wrong_with_the_header_is_found() {
    check("test", "0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914", "secret", &[Mistake::NoPrefix]);
    check("test", "sha1=1aa349585ed7ecbd3b9c486a30067e395ca4b356", "secret", &[Mistake::Sha1]);
    let upper = OF_PLAIN.to_ascii_uppercase();
    check(PLAIN, &upper, SECRET, &[Mistake::UpperCase]);
    check(PLAIN, &format!("\"{OF_PLAIN}\""), SECRET, &[Mistake::HeaderQuoted]);
    for none in ["", "sha256=", "sha256=12", "v1,abc=", "sha256=zz"] {
        assert_eq!(found(PLAIN, none, SECRET), Diagnosis::NoSignature, "{none}");
    }
}

#[test]
fn what_is_wrong_with_the_secret_is_found() {
    check(PLAIN, OF_PLAIN, " test_app_secret\n", &[Mistake::SecretPadded]);
    check(PLAIN, OF_PLAIN, "\"test_app_secret\"", &[Mistake::SecretQuoted]);
    check(PLAIN, &signature("test_app_secret\n", PLAIN.as_bytes()), SECRET, &[Mistake::SignedWithNewline]);
    let decoded = Signing::Right.headers(&AppSecret::new([0xab, 0xcd]), PLAIN.as_bytes()).sha256.unwrap();
    check(PLAIN, &decoded, "abcd", &[Mistake::SignedWithDecodedHex]);
}

#[test]
fn two_mistakes_at_once_are_found() {
    let lost = vec![Escape::Unicode, Escape::Slash];
    let body = format!("{PLAIN}\n");
    check(&body, OF_ESCAPED, SECRET, &[Mistake::NewlineAdded, Mistake::EscapesLost(lost.clone())]);
    check(PLAIN, OF_ESCAPED, "test_app_secret ", &[Mistake::SecretPadded, Mistake::EscapesLost(lost)]);
}

#[test]
fn what_nothing_explains_is_left_unexplained_with_what_is_odd() {
    let clues = |body: &[u8]| match found(body, OF_FULL, "wrong") {
        Diagnosis::Unexplained { clues } => clues,
        other @ (Diagnosis::Fits { .. } | Diagnosis::Mistaken { .. } | Diagnosis::NoSignature) => panic!("{other:?}"),
    };
    assert_eq!(clues(FULL.as_bytes()), []);
    assert_eq!(clues(b""), [Clue::Empty]);
    assert_eq!(clues("{\"a\":\"Zo\u{fffd}\"}".as_bytes()), [Clue::ReplacementCharacters]);
    assert_eq!(clues(b"{\"a\":"), [Clue::NotJson]);
    assert_eq!(clues(b"{\"a\":\"\xff\xfe\"}").len(), 1);
}

#[test]
fn a_large_body_is_given_up_in_bounded_work() {
    let large = format!(r#"{{"a":"{}"}}"#, "ë/".repeat(200_000));
    assert_eq!(found(large, OF_FULL, "wrong"), Diagnosis::Unexplained { clues: Vec::new() });
}
