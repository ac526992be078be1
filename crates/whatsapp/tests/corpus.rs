//! What the fuzzers found worth keeping, through the same functions on any toolchain.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail loudly")]

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "there it is a crate")]
mod fuzzed;

use std::path::Path;

use fuzzed::{OF_NOTIFICATIONS, OF_TYPED, Target};

/// Runs the targets on every file of one corpus; gives how many there are.
fn replay(corpus: &str, targets: &[Target]) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let files = std::fs::read_dir(folder).unwrap();
    let run = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        for (name, target) in targets {
            let outcome = std::panic::catch_unwind(|| target(&bytes));
            assert!(outcome.is_ok(), "{name} fails on {}", path.display());
        }
    };
    files.map(|file| run(&file.unwrap().path())).count()
}

#[test]
fn every_body_of_the_corpus_keeps_the_promises_of_every_way_in() {
    assert!(replay("notifications", OF_NOTIFICATIONS) >= 150);
}

#[test]
fn every_stored_event_of_the_corpus_reads_into_a_value() {
    assert!(replay("typed", OF_TYPED) >= 150);
}
