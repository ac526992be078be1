//! The header as it was given, and what is wrong with its form.

use super::mistake::Mistake;
use crate::sign::{AppSecret, sha1_digits, sha256_digits};

/// A digest that was read from a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    digits: String,
    is_sha1: bool,
    /// What is wrong with its form.
    pub(super) mistakes: Vec<Mistake>,
}

/// Reads a header's value, or the whole line. None when there is no digest in it.
pub(super) fn read(signature: &str) -> Option<Header> {
    let mut mistakes = Vec::new();
    let line = signature.trim();
    let value = match line.split_once(':') {
        Some((name, value)) if name.trim().to_ascii_lowercase().starts_with("x-hub-signature") => value.trim(),
        _ => line,
    };
    let bare = value.trim_matches(['"', '\'', ' ']);
    if bare.len() != value.len() {
        mistakes.push(Mistake::HeaderQuoted);
    }
    let (prefix, digits) = bare.split_once('=').unwrap_or(("", bare));
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let is_sha1 = match (prefix.to_ascii_lowercase().as_str(), digits.len()) {
        ("sha256" | "", 64) => false,
        ("sha1" | "", 40) => true,
        _ => return None,
    };
    if is_sha1 {
        mistakes.push(Mistake::Sha1);
    }
    if prefix.is_empty() {
        mistakes.push(Mistake::NoPrefix);
    }
    if bare.bytes().any(|byte| byte.is_ascii_uppercase()) {
        mistakes.push(Mistake::UpperCase);
    }
    Some(Header { digits: digits.to_ascii_lowercase(), is_sha1, mistakes })
}

impl Header {
    /// True if this secret makes this digest of these bytes.
    pub(super) fn fits(&self, secret: &AppSecret, body: &[u8]) -> bool {
        let made = if self.is_sha1 { sha1_digits(secret, body) } else { sha256_digits(secret, body) };
        made == self.digits
    }
}
