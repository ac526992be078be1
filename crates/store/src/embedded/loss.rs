//! Whether a store that is opened has lost what it had once committed.

use std::fs;
use std::path::PathBuf;

use super::ledger::Ledger;
use super::mark::Mark;
use super::open::Paths;
use super::shared::Shared;
use super::wal::{self, Broken};

/// What was there before SQLite read it.
#[derive(Debug, Default)]
pub(super) struct Before {
    log: Option<Broken>,
    mark: Option<Mark>,
}

/// Looks at the files. Whoever calls holds the folder's lock.
pub(super) fn look(paths: &Paths) -> Before {
    let log = wal::scan(&paths.wal).unwrap_or_else(|error| {
        tracing::warn!(%error, "the log could not be looked at before it was opened");
        None
    });
    if log.is_some() {
        keep_aside(paths);
    }
    Before { log, mark: Mark::read(&paths.folder) }
}

/// The same, for who only looks.
pub(super) fn look_only(paths: &Paths) -> Before {
    Before { log: wal::scan(&paths.wal).unwrap_or_default(), mark: Mark::read(&paths.folder) }
}

impl Before {
    /// What is lost in a store with these totals, in a sentence each.
    pub(super) fn lost(&self, ledger: &Ledger) -> Vec<String> {
        let broken = self.log.map(|Broken { frame, commits }| {
            format!(
                "the log is damaged at frame {frame}: that transaction and {commits} behind it cannot be read, and are \
                 lost unless they had been copied into the database"
            )
        });
        let missing = self.mark.and_then(|mark| mark.missing(ledger));
        let missing = missing.map(|what| format!("{what} had been committed, and are not there"));
        broken.into_iter().chain(missing).collect()
    }
}

/// Tells the operator of what is lost, once, and for as long as the store is open.
pub(super) fn tell(shared: &Shared, before: &Before, ledger: &Ledger) {
    let lost = before.lost(ledger);
    for sentence in &lost {
        tracing::error!("the store has lost something: {sentence}");
    }
    if !lost.is_empty() {
        shared.damage.lost(lost.join("; "));
    }
}

/// Keeps the log that SQLite is about to give up, for whoever wants to look for what is in it. The first one stays: it is
/// the one that matters.
fn keep_aside(paths: &Paths) {
    let mut name = paths.wal.as_os_str().to_owned();
    name.push(".damaged");
    let aside = PathBuf::from(name);
    if !aside.exists()
        && let Err(error) = fs::copy(&paths.wal, &aside)
    {
        tracing::warn!(%error, "the damaged log could not be kept aside");
    }
}
