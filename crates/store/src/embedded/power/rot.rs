//! A disk that rots: one bit turned, or a file cut short, in a store that nobody has open.
//!
//! SQLite's format has checksums in its log and none in its database, so not every flip can be noticed. What these tests
//! hold is that nothing makes the program panic or hang, and they count what became of each flip: `docs/reliability.md`
//! tells the figures, those that are not as one would wish among them.

use std::collections::BTreeMap;
use std::path::Path;

use fastrand::Rng;
use testdisk::{Cut, Disk, Held};

use super::work::{self, Sent};
use super::{folder, judge, setting, tell};
use crate::embedded::{Embedded, EmbeddedOptions, check};
use crate::seam::Store;

/// What became of a damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// Everything is read as it was sent.
    Harmless,
    /// The store is not opened, and says why.
    RefusedToOpen,
    /// `waypost store check` tells, while the store can be opened.
    ToldByTheCheck,
    /// Events are missing, and nobody says so.
    LostInSilence,
    /// A body is not what was sent, and nobody says so.
    AlteredInSilence,
}

async fn fate(folder: &Path, sent: &[Sent]) -> Fate {
    let told = !check(folder).is_ok_and(|report| report.is_clean());
    let Ok(store) = Embedded::open(EmbeddedOptions::new(folder)) else { return Fate::RefusedToOpen };
    let told = told || !check(folder).is_ok_and(|report| report.is_clean());
    let there = judge::payloads(&store, sent).await;
    store.close().await;
    let (mut altered, mut missing) = (false, false);
    for sent in sent.iter().filter(|sent| sent.of.is_none()) {
        for event in &sent.notification.events {
            match there.get(&event.id) {
                Some(payload) => altered |= payload.body.as_ref() != Some(&sent.notification.body),
                None => missing = true,
            }
        }
    }
    match (told, altered, missing) {
        (true, _, _) => Fate::ToldByTheCheck,
        (false, true, _) => Fate::AlteredInSilence,
        (false, false, true) => Fate::LostInSilence,
        (false, false, false) => Fate::Harmless,
    }
}

/// What a store held at some moment, and what had been sent.
struct Whole {
    held: Held,
    sent: Vec<Sent>,
    chance: Rng,
}

async fn whole() -> Whole {
    testdisk::install();
    let seed = setting("WAYPOST_POWER_SEED").unwrap_or_else(|| Rng::new().u64(..1_000_000));
    tell(&format!("seed {seed}"));
    let mut chance = Rng::with_seed(seed);
    let worked = folder();
    let disk = Disk::at(worked.path()).unwrap();
    disk.record();
    let mut sent = work::run(worked.path(), &disk, seed).await;
    let recording = disk.recorded();
    // Before the end, which empties the log into the database.
    let held = Cut::of(&recording).at(recording.ops.len() * 9 / 10, &mut chance);
    let whole = folder();
    for (name, bytes) in &held {
        std::fs::write(whole.path().join(&**name), bytes).unwrap();
    }
    sent.truncate(there(whole.path(), &sent).await);
    Whole { held, sent, chance }
}

impl Whole {
    /// Damages a file in some way, again and again, and counts the fates.
    async fn damaged(
        &mut self,
        file: &str,
        what: &str,
        hurt: impl Fn(&mut Vec<u8>, &mut Rng),
    ) -> BTreeMap<Fate, usize> {
        let mut fates = BTreeMap::new();
        for _ in 0..setting("WAYPOST_POWER_FLIPS").unwrap_or(10) {
            let here = folder();
            for (name, bytes) in &self.held {
                let mut bytes = bytes.clone();
                if &**name == file {
                    hurt(&mut bytes, &mut self.chance);
                }
                std::fs::write(here.path().join(&**name), bytes).unwrap();
            }
            *fates.entry(fate(here.path(), &self.sent).await).or_default() += 1;
        }
        tell(&format!("{what} {file}: {fates:?}"));
        fates
    }
}

/// How many of those that were sent, from the first on, are there undamaged.
async fn there(folder: &Path, sent: &[Sent]) -> usize {
    let store = Embedded::open(EmbeddedOptions::new(folder)).unwrap();
    let there = judge::payloads(&store, sent).await;
    store.close().await;
    let is_there = |sent: &Sent| sent.notification.events.iter().all(|event| there.contains_key(&event.id));
    sent.iter().position(|sent| !is_there(sent)).unwrap_or(sent.len())
}

#[expect(clippy::ptr_arg, reason = "the same shape as what shortens")]
fn turn_a_bit(bytes: &mut Vec<u8>, chance: &mut Rng) {
    let at = chance.usize(..bytes.len());
    bytes[at] ^= 1 << chance.u8(..8);
}

fn cut_short(bytes: &mut Vec<u8>, chance: &mut Rng) {
    bytes.truncate(chance.usize(..bytes.len()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotten_disk_makes_nothing_panic_and_a_short_or_rotten_log_alters_nothing() {
    let mut whole = whole().await;
    // Bodies in the database have no checksum: what turns in them is neither told nor, seen from here, wrong.
    whole.damaged("waypost.db", "a bit turned in", turn_a_bit).await;
    let log = whole.damaged("waypost.db-wal", "a bit turned in", turn_a_bit).await;
    assert_eq!(log.get(&Fate::AlteredInSilence), None);
    let log = whole.damaged("waypost.db-wal", "cut short:", cut_short).await;
    assert_eq!(log.get(&Fate::AlteredInSilence), None);
    let database = whole.damaged("waypost.db", "cut short:", cut_short).await;
    assert_eq!((database.get(&Fate::AlteredInSilence), database.get(&Fate::LostInSilence)), (None, None));
}
