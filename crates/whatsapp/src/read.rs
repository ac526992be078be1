//! The way in: bytes to events.

use crate::cut;
use crate::envelope::Reading;
use crate::event::Notification;

/// Reads one webhook body. Never fails and never panics: what cannot be cut is one event.
#[must_use]
pub fn read(body: &[u8]) -> Notification<'_> {
    cut::cut(&Reading::new(body))
}
