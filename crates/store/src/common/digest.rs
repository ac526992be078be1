//! When two events say the same: digests of their bytes, and what they say as JSON.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::record::{NewEvent, NewNotification};

/// The first eight bytes of SHA-256, as both engines take integers.
pub(crate) fn short_hash(parts: &[&[u8]]) -> i64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    i64::from_be_bytes(*digest.first_chunk::<8>().unwrap_or(&[0; 8]))
}

/// The digest of an event's bytes.
pub(crate) fn digest(notification: &NewNotification, event: &NewEvent) -> i64 {
    short_hash(&[element(notification, event)])
}

/// The event's bytes within its body.
pub(crate) fn element<'n>(notification: &'n NewNotification, event: &NewEvent) -> &'n [u8] {
    notification.body.get(event.data_range.clone()).unwrap_or(&notification.body)
}

/// True when both say the same as JSON, or are the same bytes.
pub(crate) fn same_json(one: &[u8], other: &[u8]) -> bool {
    if one == other {
        return true;
    }
    // What is not JSON, or nested too deeply to be read safely, is compared by its bytes alone.
    match (serde_json::from_slice::<Value>(one), serde_json::from_slice::<Value>(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::same_json;

    #[test]
    fn member_order_white_space_and_escapes_say_nothing() {
        assert!(same_json(br#"{"a":1,"b":"\u0041"}"#, br#"{ "b": "A", "a": 1 }"#));
        assert!(!same_json(br#"{"a":1}"#, br#"{"a":2}"#));
        assert!(!same_json(b"not json", b"not json either"));
    }
}
