//! Secrets: values that never show themselves.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use thiserror::Error;

/// A secret text. Its `Debug` prints nothing of it, and it cannot be serialised by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for signing and comparing. Nothing that comes from here may be logged or answered.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Seals secrets for the store: XChaCha20-Poly1305 with a random nonce, bound to what the secret belongs to.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

/// Why a sealed text could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// It was sealed with another key, for another owner, or was altered.
    #[error("the secrets in the store were sealed with another key: give the key that this store was made with")]
    WrongKey,
    /// It is not a sealed text.
    #[error("a sealed secret in the store is damaged")]
    Damaged,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    NoChance,
}

const PREFIX: &str = "sealed:1:";
const NONCE_BYTES: usize = 24;

impl Sealer {
    /// A sealer with this key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.into()) }
    }

    /// Seals a secret. `owner` says what it belongs to: a sealed text that is moved to another place does not open.
    pub fn seal(&self, owner: &str, secret: &Secret) -> Result<String, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| SealError::NoChance)?;
        let payload = Payload { msg: secret.expose().as_bytes(), aad: owner.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Damaged)?;
        Ok(format!("{PREFIX}{}", BASE64.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Opens what [`Sealer::seal`] made for the same owner.
    pub fn open(&self, owner: &str, sealed: &str) -> Result<Secret, SealError> {
        let encoded = sealed.strip_prefix(PREFIX).ok_or(SealError::Damaged)?;
        let bytes = BASE64.decode(encoded).map_err(|_| SealError::Damaged)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Damaged)?;
        let payload = Payload { msg: sealed, aad: owner.as_bytes() };
        let opened = self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::WrongKey)?;
        String::from_utf8(opened).map(Secret::new).map_err(|_| SealError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn a_secret_never_shows_itself() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(Secret)");
    }

    #[test]
    fn a_sealed_secret_opens_with_its_key_for_its_owner_only() {
        let sealer = Sealer::new(&[1; 32]);
        let sealed = sealer.seal("crm/hub", &Secret::new("hunter2")).unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_eq!(sealer.open("crm/hub", &sealed).unwrap().expose(), "hunter2");
        assert_eq!(sealer.open("other/hub", &sealed), Err(SealError::WrongKey));
        assert_eq!(Sealer::new(&[2; 32]).open("crm/hub", &sealed), Err(SealError::WrongKey));
        assert_eq!(sealer.open("crm/hub", "sealed:1:AAAA"), Err(SealError::Damaged));
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        let sealer = Sealer::new(&[1; 32]);
        let secret = Secret::new("hunter2");
        assert_ne!(sealer.seal("a", &secret).unwrap(), sealer.seal("a", &secret).unwrap());
    }
}
