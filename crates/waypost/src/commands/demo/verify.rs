//! The receiver's own check of both signatures, written apart from the gateway's code that makes them. Constant time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A timestamp further from now than this is taken for a replay, as Standard Webhooks proposes.
const TOLERANCE_SECONDS: i64 = 300;

/// The headers of Standard Webhooks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standard<'a> {
    pub(super) id: &'a str,
    pub(super) timestamp: &'a str,
    pub(super) signature: &'a str,
}

/// Whether this `X-Hub-Signature-256` was made with this secret over these bytes.
pub(super) fn hub_fits(secret: &str, header: &str, body: &[u8]) -> bool {
    let digest = header.strip_prefix("sha256=").and_then(unhex);
    digest.is_some_and(|digest| fits(secret.as_bytes(), &[body], &digest))
}

/// Whether one of these `webhook-signature`s was made with this key over these bytes, and lately.
pub(super) fn standard_fits(key: &[u8], headers: Standard<'_>, body: &[u8], now_seconds: i64) -> bool {
    let Ok(at) = headers.timestamp.parse::<i64>() else {
        return false;
    };
    let prefix = format!("{}.{}.", headers.id, headers.timestamp);
    let fitting = |signature: &str| {
        let digest = signature.strip_prefix("v1,").and_then(|text| BASE64.decode(text).ok());
        digest.is_some_and(|digest| fits(key, &[prefix.as_bytes(), body], &digest))
    };
    at.abs_diff(now_seconds) <= TOLERANCE_SECONDS.unsigned_abs() && headers.signature.split(' ').any(fitting)
}

fn fits(key: &[u8], parts: &[&[u8]], digest: &[u8]) -> bool {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return false;
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.verify_slice(digest).is_ok()
}

/// The digest in 64 hexadecimal digits.
fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = text.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hub_signature_of_the_published_vector_fits_its_own_bytes_only() {
        let header = "sha256=f39034b29165ec6a5104d9aef27266484ab26c8caa7bca8bcb2dd02e8be61b17";
        assert!(hub_fits("sesame", header, b"hello world"));
        assert!(!hub_fits("sesame", header, b"hello worle"));
        assert!(!hub_fits("other", header, b"hello world"));
        for bad in ["", "sha256=", "sha256=f", "sha256=ää", "sha1=f390"] {
            assert!(!hub_fits("sesame", bad, b"hello world"), "{bad}");
        }
    }

    #[test]
    fn the_signature_of_the_standards_vector_fits_while_it_is_fresh() {
        let key = BASE64.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap_or_default();
        let (body, at) = (br#"{"test": 2432232314}"#, 1_614_265_330);
        let headers = Standard {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: "1614265330",
            signature: "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        };
        assert!(standard_fits(&key, headers, body, at + 300));
        assert!(!standard_fits(&key, headers, body, at + 301));
        assert!(!standard_fits(&key, headers, b"{}", at));
        assert!(!standard_fits(&key, Standard { id: "msg_x", ..headers }, body, at));
        assert!(!standard_fits(&key, Standard { timestamp: "soon", ..headers }, body, at));
    }
}
