//! What is told of a run, and its sums.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::faults::Habit;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A receiver was asked to prove itself.
    Handshake {
        /// Its callback.
        url: String,
        /// What was wrong, in Meta's words.
        error: Option<String>,
    },
    /// A request was made.
    Attempt(Attempt),
    /// A notification is to be tried again.
    Retry {
        /// Which.
        notification: u64,
        /// After this long, as Meta's clock goes.
        after: Duration,
    },
    /// A notification ended without a 200 of every app.
    GaveUp {
        /// Which.
        notification: u64,
    },
    /// No app is subscribed to this.
    Nobody {
        /// Which.
        notification: u64,
        /// The account.
        waba: String,
        /// The field.
        field: String,
    },
    /// The Graph side was called.
    Graph {
        /// The method.
        method: String,
        /// The path, without its query, which may hold a token.
        path: String,
        /// What it answered.
        status: u16,
        /// The error's code, if it is one.
        code: Option<i64>,
    },
}

/// One request to one app.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The notification's number, from 1.
    pub notification: u64,
    /// Which attempt for this app.
    pub attempt: u32,
    /// The app.
    pub app: String,
    /// Where to.
    pub url: String,
    /// The types of its events; the first few.
    pub types: Vec<String>,
    /// How many events it has.
    pub events: usize,
    /// The bytes of its body.
    pub bytes: usize,
    /// What is unusual about it.
    pub habit: Option<Habit>,
    /// The status, or why there is none.
    pub result: Result<u16, String>,
    /// How long it took.
    pub duration: Duration,
    /// A receiver is right to refuse it.
    pub forged: bool,
}

/// The sums of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Things that happened.
    pub events: u64,
    /// Notifications that have to arrive.
    pub notifications: u64,
    /// Requests made, retries and forgeries among them.
    pub requests: u64,
    /// Notifications that every app answered 200.
    pub acknowledged: u64,
    /// Requests that were made because one before was not answered 200.
    pub retried: u64,
    /// Notifications that were given up after their time.
    pub given_up: u64,
    /// Notifications that no app is subscribed to.
    pub nobodys: u64,
    /// Notifications that still wait.
    pub pending: u64,
    /// Requests that nobody has to take: forged, bare, test sends.
    pub strange: u64,
    /// Forged requests that a receiver took all the same.
    pub forged_taken: u64,
}

impl Summary {
    /// True if everything that has to arrive has arrived wherever somebody wants it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.given_up == 0 && self.pending == 0
    }
}

/// The sums in the making.
#[derive(Debug, Default)]
pub(crate) struct Books {
    events: AtomicU64,
    numbered: AtomicU64,
    notifications: AtomicU64,
    requests: AtomicU64,
    acknowledged: AtomicU64,
    retried: AtomicU64,
    given_up: AtomicU64,
    nobodys: AtomicU64,
    strange: AtomicU64,
    forged_taken: AtomicU64,
}

/// How a notification ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Acknowledged,
    GivenUp,
    Nobodys,
    /// It did not have to arrive.
    Strange,
}

impl Books {
    pub(crate) fn event(&self) {
        add(&self.events);
    }

    /// A notification's number, from 1.
    pub(crate) fn notification(&self, must_arrive: bool) -> u64 {
        add(if must_arrive { &self.notifications } else { &self.strange });
        self.numbered.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn request(&self, is_retry: bool) {
        add(&self.requests);
        if is_retry {
            add(&self.retried);
        }
    }

    pub(crate) fn forged_taken(&self) {
        add(&self.forged_taken);
    }

    pub(crate) fn end(&self, end: End) {
        match end {
            End::Acknowledged => add(&self.acknowledged),
            End::GivenUp => add(&self.given_up),
            End::Nobodys => add(&self.nobodys),
            End::Strange => {}
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let [notifications, acknowledged] = [&self.notifications, &self.acknowledged].map(read);
        let [given_up, nobodys] = [&self.given_up, &self.nobodys].map(read);
        Summary {
            events: read(&self.events),
            notifications,
            requests: read(&self.requests),
            acknowledged,
            retried: read(&self.retried),
            given_up,
            nobodys,
            pending: notifications.saturating_sub(acknowledged + given_up + nobodys),
            strange: read(&self.strange),
            forged_taken: read(&self.forged_taken),
        }
    }
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}
