//! A disk that rots: one bit turned, or a file cut short, in a store that nobody has open.
//!
//! What these tests hold is that nothing makes the program panic or hang, and that nothing is altered or lost in silence;
//! and they count what became of each damage, for `docs/reliability.md`. The mark beside the store is that of its last
//! commit: on a busy store it is up to a quarter of a second older, and what was committed since is not told as lost.

use std::collections::BTreeMap;
use std::path::Path;

use fastrand::Rng;
use testdisk::{Cut, Disk, Held};

use super::work::{self, Sent};
use super::{folder, judge, setting, tell};
use crate::embedded::{Embedded, EmbeddedOptions, check};
use crate::record::{NewEvent, Payload};
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
    /// Opening it says that something is lost, or a body that it is damaged.
    Told,
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
    let told_later = store.health().await.caution.is_some();
    store.close().await;
    let (mut altered, mut missing) = (false, false);
    for sent in sent.iter().filter(|sent| sent.of.is_none()) {
        for event in &sent.notification.events {
            match there.get(&event.id) {
                Some(payload) if payload.event.damaged || payload.body.is_none() => missing = true,
                Some(payload) => altered |= !is_as_sent(payload, event, sent),
                None => missing = true,
            }
        }
    }
    match (told, told_later, altered, missing) {
        // Whatever else is told: an event that is given as if it were right is the worst.
        (_, _, true, _) => Fate::AlteredInSilence,
        (true, ..) => Fate::ToldByTheCheck,
        (false, true, false, _) => Fate::Told,
        (false, false, false, true) => Fate::LostInSilence,
        (false, false, false, false) => Fate::Harmless,
    }
}

/// The bytes, and what stands in the heads of a delivery.
fn is_as_sent(payload: &Payload, event: &NewEvent, sent: &Sent) -> bool {
    let is = &payload.event;
    payload.body.as_ref() == Some(&sent.notification.body)
        && (&is.key, &is.event_type, &is.waba_id, &is.phone_number_id, &is.data_range, is.position)
            == (
                &event.key,
                &event.event_type,
                &event.waba_id,
                &event.phone_number_id,
                &event.data_range,
                event.position,
            )
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
    let mut held = Cut::of(&recording).at(recording.ops.len() * 9 / 10, &mut chance);
    let whole = folder();
    for (name, bytes) in &held {
        std::fs::write(whole.path().join(&**name), bytes).unwrap();
    }
    sent.truncate(there(whole.path(), &sent).await);
    held.insert("waypost.mark".into(), std::fs::read(whole.path().join("waypost.mark")).unwrap());
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

/// None of these may be.
fn nothing_in_silence(fates: &BTreeMap<Fate, usize>) {
    let silent = [Fate::AlteredInSilence, Fate::LostInSilence].map(|fate| fates.get(&fate));
    assert_eq!(silent, [None, None], "{fates:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_rots_alters_and_loses_nothing_in_silence() {
    let mut whole = whole().await;
    nothing_in_silence(&whole.damaged("waypost.db", "a bit turned in", turn_a_bit).await);
    nothing_in_silence(&whole.damaged("waypost.db-wal", "a bit turned in", turn_a_bit).await);
    nothing_in_silence(&whole.damaged("waypost.db-wal", "cut short:", cut_short).await);
    nothing_in_silence(&whole.damaged("waypost.db", "cut short:", cut_short).await);
}
