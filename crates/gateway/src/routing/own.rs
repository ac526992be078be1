//! Waypost's own headers, with their names as an endpoint likes them: made once, used for every attempt.

use std::sync::{Arc, LazyLock};

use hyper::header::HeaderName;

use crate::endpoint::headers::PREFIX;

/// A header of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// The app's name.
    App,
    /// When the notification arrived.
    ReceivedAt,
    /// The number of the attempt.
    Attempt,
    /// Set aside from its lane.
    Late,
    /// The replay that it is part of.
    Replay,
    /// Older than the endpoint likes.
    Stale,
    /// The notification's id, for a whole one.
    NotificationId,
    /// The event's id.
    EventId,
    /// The event's type.
    Event,
    /// The change's field.
    Field,
    /// The WABA.
    WabaId,
    /// The business number's id.
    PhoneNumberId,
    /// A dashboard test.
    Test,
    /// Which kind of body this is.
    Format,
}

/// Each with what follows the prefix, in the order of the enum.
const ALL: [(Own, &str); 14] = [
    (Own::App, "app"),
    (Own::ReceivedAt, "received-at"),
    (Own::Attempt, "attempt"),
    (Own::Late, "late"),
    (Own::Replay, "replay"),
    (Own::Stale, "stale"),
    (Own::NotificationId, "notification-id"),
    (Own::EventId, "event-id"),
    (Own::Event, "event"),
    (Own::Field, "field"),
    (Own::WabaId, "waba-id"),
    (Own::PhoneNumberId, "phone-number-id"),
    (Own::Test, "test"),
    (Own::Format, "format"),
];

/// The names with one prefix. None for those that are no header's name.
#[derive(Debug)]
pub(super) struct OwnNames([Option<HeaderName>; ALL.len()]);

/// Most endpoints share these.
static USUAL: LazyLock<Arc<OwnNames>> = LazyLock::new(|| Arc::new(OwnNames::new(PREFIX)));

impl OwnNames {
    /// The names with this prefix.
    pub(super) fn with_prefix(prefix: &str) -> Arc<Self> {
        if prefix.eq_ignore_ascii_case(PREFIX) { Arc::clone(&USUAL) } else { Arc::new(Self::new(prefix)) }
    }

    fn new(prefix: &str) -> Self {
        let prefix = prefix.to_ascii_lowercase();
        Self(ALL.map(|(_, name)| HeaderName::from_bytes(format!("{prefix}{name}").as_bytes()).ok()))
    }

    /// The name of one.
    pub(super) fn of(&self, own: Own) -> Option<HeaderName> {
        self.0.get(own as usize).cloned().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_header_has_the_name_that_stands_beside_it() {
        let names = OwnNames::with_prefix("X-Acme-");
        for (own, name) in ALL {
            assert_eq!(names.of(own).as_ref().map(HeaderName::as_str), Some(format!("x-acme-{name}").as_str()));
        }
    }
}
