//! Why a signature does not fit a body: the usual mistakes, tried one after the other and in pairs.
//!
//! A signature is an HMAC, so nothing can be read from it. What can be done is to undo each mistake that people make, and
//! see whether the signature fits then: the mistake that has to be undone is the one that was made. Pure; the order of the
//! trials and a bound on the bytes that are hashed keep it short.

mod header;
mod json_form;
mod mistake;
mod rewrite;
mod secret;
mod tokens;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::sign::AppSecret;
use header::Header;
use rewrite::Rewritten;
use secret::Key;

pub use mistake::{Clue, Escape, Mistake};

/// Bytes that are written and hashed at most: a second or so of work.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis {
    /// The signature fits the body as it is.
    Fits {
        /// Which of the secrets made it.
        secret: usize,
    },
    /// It fits once these mistakes are undone.
    Mistaken {
        /// Which of the secrets made it.
        secret: usize,
        /// What was done to header, secret and body; never empty.
        mistakes: Vec<Mistake>,
    },
    /// What was given as a signature is none.
    NoSignature,
    /// None of the usual mistakes explains it. A wrong secret is the first suspect: a client token, a verify token or
    /// another app's secret in its place cannot be told apart from it.
    Unexplained {
        /// What is odd about the body.
        clues: Vec<Clue>,
    },
}

/// Says whether the signature fits the body with one of the secrets, and if not, which usual mistakes explain that.
#[must_use]
pub fn diagnose(body: &[u8], signature: &str, secrets: &[AppSecret]) -> Diagnosis {
    let Some(header) = header::read(signature) else {
        return Diagnosis::NoSignature;
    };
    let keys = secret::variants(secrets);
    let mut left = BYTES_MAX;
    let mut seen = HashSet::new();
    for form in rewrite::forms(body) {
        let is_new = seen.insert(hash(&form.bytes));
        let trials = if is_new { &keys[..] } else { &[] };
        let work = (form.bytes.len() + 64).saturating_mul(trials.len() + 1);
        left = left.saturating_sub(work);
        if let Some(key) = trials.iter().find(|key| header.fits(&key.secret, &form.bytes)) {
            return explained(&header, key, &form);
        }
        if left == 0 {
            break;
        }
    }
    unexplained(body)
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn explained(header: &Header, key: &Key, form: &Rewritten) -> Diagnosis {
    let secret = key.position;
    let mistakes: Vec<Mistake> = header.mistakes.iter().chain(&key.mistake).chain(&form.mistakes).cloned().collect();
    if mistakes.is_empty() { Diagnosis::Fits { secret } } else { Diagnosis::Mistaken { secret, mistakes } }
}

fn unexplained(body: &[u8]) -> Diagnosis {
    let text = std::str::from_utf8(body);
    let clue = match text {
        _ if body.is_empty() => Some(Clue::Empty),
        Ok(text) if text.contains('\u{fffd}') => Some(Clue::ReplacementCharacters),
        Ok(text) if crate::json::nodes(text).is_none() => Some(Clue::NotJson),
        Ok(_) => None,
        Err(_) => Some(Clue::NotUtf8),
    };
    Diagnosis::Unexplained { clues: clue.into_iter().collect() }
}

#[cfg(test)]
mod tests;
