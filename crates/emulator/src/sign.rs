//! Signatures as Meta makes them: an HMAC of the raw body with the app secret.

use std::fmt;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// The secret of a Meta app. Never shown.
#[derive(Clone)]
pub struct AppSecret(Vec<u8>);

impl AppSecret {
    /// The secret with this text, used as it is: hexadecimal digits are not decoded.
    #[must_use]
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into())
    }

    /// True if it is this text: for secrets that are no secrets.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.0 == text.as_bytes()
    }

    /// For what tries other forms of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret")
    }
}

/// Values of the two signature headers; an absent one is not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// `X-Hub-Signature-256`: `sha256=` and 64 lower-case digits.
    pub sha256: Option<String>,
    /// `X-Hub-Signature`: `sha1=` and 40 lower-case digits.
    pub sha1: Option<String>,
}

/// How a body is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Signing {
    /// With the app's secret.
    #[default]
    Right,
    /// With another secret than the app's.
    Wrong,
    /// Not at all.
    Missing,
}

impl Signing {
    /// The headers for this body.
    #[must_use]
    pub fn headers(self, secret: &AppSecret, body: &[u8]) -> SignatureHeaders {
        match self {
            Self::Right => sign(secret, body),
            Self::Wrong => {
                let mut other = secret.clone();
                other.0.extend_from_slice(b"-of-another-app");
                sign(&other, body)
            }
            Self::Missing => SignatureHeaders::default(),
        }
    }
}

fn sign(secret: &AppSecret, body: &[u8]) -> SignatureHeaders {
    SignatureHeaders {
        sha256: Some(format!("sha256={}", sha256_digits(secret, body))),
        sha1: Some(format!("sha1={}", sha1_digits(secret, body))),
    }
}

/// What stands behind `sha256=`.
pub(crate) fn sha256_digits(secret: &AppSecret, body: &[u8]) -> String {
    hex_mac::<Hmac<Sha256>>(secret, body)
}

/// What stands behind `sha1=`.
pub(crate) fn sha1_digits(secret: &AppSecret, body: &[u8]) -> String {
    hex_mac::<Hmac<Sha1>>(secret, body)
}

fn hex_mac<M: Mac + KeyInit>(secret: &AppSecret, body: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of any length")]
    let mut mac = <M as KeyInit>::new_from_slice(&secret.0).expect("HMAC takes a key of any length");
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use super::*;

    fn check_sha256(key: &str, body: &str, hex: &str) {
        let headers = Signing::Right.headers(&AppSecret::new(key), body.as_bytes());
        assert_eq!(headers.sha256.unwrap(), format!("sha256={hex}"));
    }

    fn check_sha1(key: &str, body: &str, hex: &str) {
        let headers = Signing::Right.headers(&AppSecret::new(key), body.as_bytes());
        assert_eq!(headers.sha1.unwrap(), format!("sha1={hex}"));
    }

    #[test]
    fn signatures_are_those_of_the_published_vectors() {
        let hello = "f39034b29165ec6a5104d9aef27266484ab26c8caa7bca8bcb2dd02e8be61b17";
        check_sha256("sesame", "hello world", hello);
        let hello2 = "60905fdf409d0b4f721e99f6f25b31567a68a6b45e933d814e17a246be4c5a53";
        check_sha256("sesame", "hello world2", hello2);
        let test = "0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914";
        check_sha256("secret", "test", test);
        check_sha1("sesame", "hello world", "308de7627fe19e92294c4572a7f831bc1002809d");
        check_sha1("secret", "test", "1aa349585ed7ecbd3b9c486a30067e395ca4b356");
    }

    #[test]
    fn a_wrong_signature_has_the_right_form_and_a_missing_one_is_absent() {
        let secret = AppSecret::new("sesame");
        let right = Signing::Right.headers(&secret, b"x").sha256.unwrap();
        let wrong = Signing::Wrong.headers(&secret, b"x").sha256.unwrap();
        assert_ne!(right, wrong);
        assert_eq!(right.len(), wrong.len());
        assert_eq!(Signing::Missing.headers(&secret, b"x"), SignatureHeaders::default());
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert_eq!(format!("{:?}", AppSecret::new("sesame")), "AppSecret");
    }
}
