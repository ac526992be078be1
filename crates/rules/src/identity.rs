//! Identity of events and notifications.
//!
//! An event is what (scope, key) says it is: the same event in another batch, through another node, days later, has the
//! same id. The scope is the app, or the group that apps share.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Identity of an event: 128 bits of SHA-256 over its scope and key. Shown as `evt_` and 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId([u8; 16]);

/// Identity of a notification: 48 bits of arrival time in milliseconds, then chance. Shown as `ntf_` and 32 hexadecimal
/// digits; sorts by arrival.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NotificationId([u8; 16]);

impl EventId {
    /// The id of the event with this key in this scope (a group or an app).
    #[must_use]
    pub fn derive(scope: &str, key: &str) -> Self {
        let mut hash = Sha256::new();
        // The length keeps ("a", "bc") and ("ab", "c") apart.
        hash.update(u64::try_from(scope.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(scope.as_bytes());
        hash.update(key.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(digest.first_chunk::<16>().unwrap_or(&[0; 16]));
        Self(id)
    }
}

/// The partition of a key: the day of the event's own time, so that the same event meets the same partition whenever it
/// arrives. Keys without a time go to one of 16 partitions of their own, below zero.
#[must_use]
pub fn key_partition(occurred_at_seconds: Option<i64>, key: &str) -> i64 {
    match occurred_at_seconds {
        Some(seconds) => seconds.div_euclid(DAY_SECONDS).max(0),
        None => {
            let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
            -1 - i64::try_from(hash % 16).unwrap_or(0)
        }
    }
}

impl NotificationId {
    /// The id of a notification that arrived at this time, made unique by 80 bits of chance.
    #[must_use]
    pub fn new(received_at_ms: i64, chance: [u8; 10]) -> Self {
        let mut id = [0; 16];
        let time = received_at_ms.max(0).to_be_bytes();
        for (to, from) in id.iter_mut().zip(time.iter().skip(2).chain(chance.iter())) {
            *to = *from;
        }
        Self(id)
    }
}

macro_rules! sixteen_byte_id {
    ($name:ident, $prefix:literal) => {
        impl $name {
            /// The id with these bytes, as stored.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes, for storing.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                write!(f, "{:032x}", u128::from_be_bytes(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix($prefix).and_then(sixteen_bytes).map(Self).ok_or(NotAnId)
            }
        }
    };
}

sixteen_byte_id!(EventId, "evt_");
sixteen_byte_id!(NotificationId, "ntf_");

/// The text is not an id of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id: expected the prefix and 32 hexadecimal digits")
    }
}

impl std::error::Error for NotAnId {}

fn sixteen_bytes(hex: &str) -> Option<[u8; 16]> {
    if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(hex, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_depends_on_scope_and_key_alone_and_on_where_one_ends() {
        assert_eq!(EventId::derive("main", "msg:1:a"), EventId::derive("main", "msg:1:a"));
        assert_ne!(EventId::derive("main", "msg:1:a"), EventId::derive("other", "msg:1:a"));
        assert_ne!(EventId::derive("ab", "c"), EventId::derive("a", "bc"));
    }

    #[test]
    fn ids_read_back_as_written() {
        let event = EventId::derive("main", "key");
        assert_eq!(event.to_string().parse(), Ok(event));
        let notification = NotificationId::new(1_758_000_000_123, [7; 10]);
        assert_eq!(notification.to_string().parse(), Ok(notification));
        assert_eq!("evt_12".parse::<EventId>(), Err(NotAnId));
        assert_eq!("evt_+2345678901234567890123456789012".parse::<EventId>(), Err(NotAnId));
    }

    #[test]
    fn notification_ids_sort_by_arrival() {
        let early = NotificationId::new(1_000, [255; 10]);
        let late = NotificationId::new(1_001, [0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
    }
}
