//! What the tests from outside share: a gateway as a process, a sink on loopback, a client for its API, Meta's side.
//!
//! Everything that is judged is written down outside the gateway's process.

#![allow(dead_code, reason = "each test file uses its own part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests may fail loudly"
)]

pub(crate) mod api;
pub(crate) mod consumer;
pub(crate) mod gateway;
pub(crate) mod meta;
pub(crate) mod sink;
pub(crate) mod wild;
pub(crate) mod wire;

use std::time::{Duration, Instant};

/// The longest that a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until there is something. Fails with what it waited for.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until it is true.
#[track_caller]
pub(crate) fn until_true(what: &str, mut look: impl FnMut() -> bool) {
    until(what, || look().then_some(()));
}
