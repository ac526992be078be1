//! The two signatures of a delivery, and the check of Meta's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

type HmacSha256 = Hmac<Sha256>;

/// The key in a Standard Webhooks secret: `whsec_` and base64 of 24 to 64 bytes. None when it is not one.
#[must_use]
pub fn webhook_key(secret: &Secret) -> Option<Vec<u8>> {
    let encoded = secret.expose().strip_prefix("whsec_")?;
    BASE64.decode(encoded).ok().filter(|key| (24..=64).contains(&key.len()))
}

/// A fresh Standard Webhooks secret. None when the system gives no random numbers.
#[must_use]
pub fn new_webhook_secret() -> Option<Secret> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).ok()?;
    Some(Secret::new(format!("whsec_{}", BASE64.encode(key))))
}

/// `webhook-signature` over `{id}.{timestamp}.{body}` (Standard Webhooks).
#[must_use]
pub fn webhook_signature(key: &[u8], id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
    let mut mac = mac(key);
    mac.update(format!("{id}.{timestamp_seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
}

/// `X-Hub-Signature-256` over the body, as Meta makes it: the key is the secret's text, not decoded.
#[must_use]
pub fn hub_signature(secret: &Secret, body: &[u8]) -> String {
    let mut mac = mac(secret.expose().as_bytes());
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let mut header = String::with_capacity("sha256=".len() + 64);
    header.push_str("sha256=");
    header.extend(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
    header
}

/// The position of the secret that made this `X-Hub-Signature-256` over these bytes, in constant time for each.
#[must_use]
pub fn fitting_secret(secrets: &[Secret], header: &str, body: &[u8]) -> Option<usize> {
    let given = sha256_header(header)?;
    let fits = |secret: &Secret| {
        let mut mac = mac(secret.expose().as_bytes());
        mac.update(body);
        mac.verify_slice(&given).is_ok()
    };
    secrets.iter().position(fits)
}

/// The digest in `sha256=` and 64 hexadecimal digits.
fn sha256_header(header: &str) -> Option<[u8; 32]> {
    let hex = header.trim().strip_prefix("sha256=")?;
    if hex.len() != 64 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::string_slice, reason = "tests may fail loudly")]

    use super::*;

    /// Vectors of the reference, computed independently.
    const VECTORS: [(&str, &str, &str); 3] = [
        ("sesame", "hello world", "sha256=f39034b29165ec6a5104d9aef27266484ab26c8caa7bca8bcb2dd02e8be61b17"),
        ("sesame", "hello world2", "sha256=60905fdf409d0b4f721e99f6f25b31567a68a6b45e933d814e17a246be4c5a53"),
        ("secret", "test", "sha256=0329a06b62cd16b33eb6792be8c60b158d89a2ee3a876fce9a881ebb488c0914"),
    ];

    #[test]
    fn the_hub_signature_agrees_with_known_vectors() {
        for (key, body, expected) in VECTORS {
            assert_eq!(hub_signature(&Secret::new(key), body.as_bytes()), expected);
            let secrets = [Secret::new("other"), Secret::new(key)];
            assert_eq!(fitting_secret(&secrets, expected, body.as_bytes()), Some(1));
        }
    }

    #[test]
    fn a_signature_that_is_wrong_cut_or_of_another_kind_fits_nothing() {
        let (key, body, header) = VECTORS[0];
        let secrets = [Secret::new(key)];
        for bad in ["", "sha256=", &header[..70], &header.replace("f39", "f38"), &header[7..], "sha1=abc"] {
            assert_eq!(fitting_secret(&secrets, bad, body.as_bytes()), None, "{bad}");
        }
        assert_eq!(fitting_secret(&secrets, header, b"hello worle"), None);
    }

    #[test]
    fn the_webhook_signature_agrees_with_the_vector_of_the_standard() {
        let key = webhook_key(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let signature =
            webhook_signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_made_up_secret_is_a_valid_one() {
        assert!(webhook_key(&new_webhook_secret().unwrap()).is_some());
        assert_eq!(webhook_key(&Secret::new("whsec_AAAA")), None);
        assert_eq!(webhook_key(&Secret::new("plain")), None);
    }
}
