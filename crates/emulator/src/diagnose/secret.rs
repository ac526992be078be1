//! The secrets as they may have been used.

use super::mistake::Mistake;
use crate::sign::AppSecret;

/// A secret in one form.
pub(super) struct Key {
    /// Which of the given secrets.
    pub(super) position: usize,
    pub(super) secret: AppSecret,
    /// What makes it differ from the given one.
    pub(super) mistake: Option<Mistake>,
}

/// All forms of all secrets; the given ones first.
pub(super) fn variants(secrets: &[AppSecret]) -> Vec<Key> {
    let given =
        secrets.iter().enumerate().map(|(position, secret)| Key { position, secret: secret.clone(), mistake: None });
    let others = secrets.iter().enumerate().flat_map(|(position, secret)| {
        let others = others(secret.bytes()).into_iter();
        others.map(move |(bytes, mistake)| Key { position, secret: AppSecret::new(bytes), mistake: Some(mistake) })
    });
    given.chain(others).collect()
}

fn others(secret: &[u8]) -> Vec<(Vec<u8>, Mistake)> {
    let mut forms = Vec::new();
    let trimmed = secret.trim_ascii();
    if trimmed.len() != secret.len() {
        forms.push((trimmed.to_vec(), Mistake::SecretPadded));
    }
    for quote in [b'"', b'\'', b'`'] {
        if let Some(inner) = trimmed.strip_prefix(&[quote]).and_then(|rest| rest.strip_suffix(&[quote])) {
            forms.push((inner.trim_ascii().to_vec(), Mistake::SecretQuoted));
        }
    }
    for end in [&b"\n"[..], b"\r\n"] {
        forms.push(([trimmed, end].concat(), Mistake::SignedWithNewline));
    }
    if let Some(decoded) = hex(trimmed) {
        forms.push((decoded, Mistake::SignedWithDecodedHex));
    }
    forms
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}
