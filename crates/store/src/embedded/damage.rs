//! What was found damaged: told to the operator once each, and counted.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rules::identity::{EventId, NotificationId};

use super::shared::lock;

/// Ids that are remembered as told. Beyond that, one may be told twice.
const TOLD_MAX: usize = 10_000;

/// What was found since the store was opened.
#[derive(Debug, Default)]
pub(super) struct Damage {
    found: AtomicU64,
    told: Mutex<HashSet<[u8; 16]>>,
    lost: Mutex<Option<String>>,
}

impl Damage {
    /// An event, or the body that it lies in.
    pub(super) fn event(&self, id: EventId) {
        if self.is_news(id.as_bytes()) {
            tracing::error!(
                event.id = %id,
                "what the store holds of an event is damaged: it is not delivered; `waypost store check` tells all"
            );
        }
    }

    /// A notification.
    pub(super) fn notification(&self, id: NotificationId) {
        if self.is_news(id.as_bytes()) {
            tracing::error!(
                notification.id = %id,
                "what the store holds of a notification is damaged; `waypost store check` tells all"
            );
        }
    }

    /// Something that was committed once was not there when the store was opened.
    pub(super) fn lost(&self, sentence: String) {
        *lock(&self.lost) = Some(sentence);
    }

    /// What the operator should know, in a sentence.
    pub(super) fn caution(&self) -> Option<String> {
        let lost = lock(&self.lost).clone();
        let damaged = Some(self.found()).filter(|found| *found > 0);
        let damaged =
            damaged.map(|found| format!("{found} records were found damaged; `waypost store check` tells which"));
        match (lost, damaged) {
            (Some(lost), Some(damaged)) => Some(format!("{lost}; {damaged}")),
            (lost, damaged) => lost.or(damaged),
        }
    }

    /// How many.
    pub(super) fn found(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }

    fn is_news(&self, id: &[u8; 16]) -> bool {
        let mut told = lock(&self.told);
        if told.len() >= TOLD_MAX {
            told.clear();
        }
        let is_news = told.insert(*id);
        drop(told);
        if is_news {
            self.found.fetch_add(1, Ordering::Relaxed);
        }
        is_news
    }
}
