//! Loss of power: what a disk holds when it happens at a given moment of a recording.
//!
//! Kept is what a sync that was done covers. Of the rest, writes since the last sync, each is kept, lost or torn at the
//! bounds of sectors by chance, in no order: a disk may write what it holds as it likes. What was written before a sync
//! that was refused is lost, whatever comes later: the system has forgotten it, and a later sync has nothing to write.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;

use crate::record::{Op, Recording};

const SECTOR: usize = 512;

/// The files of a folder, by name.
pub type Held = BTreeMap<Arc<str>, Vec<u8>>;

/// Walks through a recording, and shows what the disk holds at moments that come later and later.
#[derive(Debug)]
pub struct Cut<'r> {
    recording: &'r Recording,
    next: usize,
    files: BTreeMap<Arc<str>, Surface>,
}

/// A file: what is on the disk for good, and what may be.
#[derive(Debug, Clone, Default)]
struct Surface {
    durable: Vec<u8>,
    /// In order, since then.
    pending: Vec<Pending>,
    is_there: bool,
    /// Removed, and nothing was synced since.
    removed: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Pending {
    op: usize,
    /// A sync after it was refused.
    lost: bool,
}

/// What chance makes of the writes that were not synced.
#[derive(Debug, Clone, Copy)]
enum Mercy {
    None,
    All,
    /// In order up to some write.
    Prefix,
    /// Any, whole or torn.
    Any,
}

impl<'r> Cut<'r> {
    /// Begins before the first op.
    #[must_use]
    pub fn of(recording: &'r Recording) -> Self {
        Self { recording, next: 0, files: BTreeMap::new() }
    }

    /// What the disk holds when power is lost after so many ops. Moments must not go back.
    pub fn at(&mut self, ops: usize, chance: &mut Rng) -> Held {
        while self.next < ops.min(self.recording.ops.len()) {
            self.step(self.next);
            self.next += 1;
        }
        let mercy = match chance.u8(..8) {
            0 => Mercy::None,
            1 => Mercy::All,
            2 | 3 => Mercy::Prefix,
            _ => Mercy::Any,
        };
        let mut held = Held::new();
        for (name, surface) in &self.files {
            if let Some(bytes) = self.surface(surface, mercy, chance) {
                held.insert(Arc::clone(name), bytes);
            }
        }
        held
    }

    fn step(&mut self, op: usize) {
        match self.recording.ops.get(op) {
            Some(Op::Write { file, .. } | Op::Truncate { file, .. }) => {
                let surface = self.files.entry(Arc::clone(file)).or_default();
                surface.is_there = true;
                surface.pending.push(Pending { op, lost: false });
            }
            Some(Op::SyncEnded { file, sync }) => self.synced(file, *sync),
            Some(Op::SyncRefused { file }) => {
                if let Some(surface) = self.files.get_mut(file) {
                    surface.pending.iter_mut().for_each(|pending| pending.lost = true);
                }
            }
            Some(Op::Removed { file }) => {
                if let Some(surface) = self.files.get_mut(file) {
                    let before = std::mem::take(surface);
                    surface.removed = Some(before.durable);
                }
            }
            Some(Op::SyncBegan { .. } | Op::Note(_)) | None => {}
        }
    }

    /// What was written before that sync began is there for good.
    fn synced(&mut self, file: &Arc<str>, sync: u64) {
        // The system's journal takes removals with it.
        self.files.values_mut().for_each(|surface| surface.removed = None);
        let ops = &self.recording.ops;
        let began = ops
            .iter()
            .take(self.next)
            .rposition(|op| matches!(op, Op::SyncBegan { sync: began, .. } if *began == sync));
        let (Some(began), Some(surface)) = (began, self.files.get_mut(file)) else { return };
        let after = surface.pending.partition_point(|pending| pending.op < began);
        let rest = surface.pending.split_off(after);
        for pending in std::mem::replace(&mut surface.pending, rest) {
            if !pending.lost {
                apply(&mut surface.durable, ops.get(pending.op), || true);
            }
        }
    }

    /// None: the file is not there.
    fn surface(&self, surface: &Surface, mercy: Mercy, chance: &mut Rng) -> Option<Vec<u8>> {
        if !surface.is_there {
            return surface.removed.clone().filter(|_| chance.bool());
        }
        let mut bytes = surface.durable.clone();
        let prefix = chance.usize(..=surface.pending.len());
        for (place, pending) in surface.pending.iter().enumerate().filter(|(_, pending)| !pending.lost) {
            let kept = match mercy {
                Mercy::None => false,
                Mercy::All => true,
                Mercy::Prefix => place < prefix,
                Mercy::Any => chance.u8(..3) > 0,
            };
            let torn = matches!(mercy, Mercy::Any) && chance.u8(..3) == 0;
            if kept {
                apply(&mut bytes, self.recording.ops.get(pending.op), || !torn || chance.bool());
            }
        }
        Some(bytes)
    }
}

/// Does to a file what an op says; `reaches` is asked for each sector whether it gets there.
fn apply(file: &mut Vec<u8>, op: Option<&Op>, mut reaches: impl FnMut() -> bool) {
    match op {
        Some(Op::Write { at, bytes, .. }) => {
            let (mut from, mut rest) = (usize::try_from(*at).unwrap_or(usize::MAX), bytes.as_slice());
            while !rest.is_empty() {
                let (sector, later) = rest.split_at(rest.len().min(SECTOR - from % SECTOR));
                if reaches() {
                    put(file, from, sector);
                }
                from = from.saturating_add(sector.len());
                rest = later;
            }
        }
        Some(Op::Truncate { length, .. }) => file.resize(usize::try_from(*length).unwrap_or(usize::MAX), 0),
        Some(
            Op::SyncBegan { .. } | Op::SyncEnded { .. } | Op::SyncRefused { .. } | Op::Removed { .. } | Op::Note(_),
        )
        | None => {}
    }
}

fn put(file: &mut Vec<u8>, from: usize, bytes: &[u8]) {
    let to = from.saturating_add(bytes.len());
    if file.len() < to {
        file.resize(to, 0);
    }
    if let Some(place) = file.get_mut(from..to) {
        place.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

    use std::collections::BTreeSet;

    use super::*;

    fn file() -> Arc<str> {
        Arc::from("f")
    }

    fn write(at: u64, byte: u8, count: usize) -> Op {
        Op::Write { file: file(), at, bytes: vec![byte; count] }
    }

    fn sync(sync: u64) -> [Op; 2] {
        [Op::SyncBegan { file: file(), sync }, Op::SyncEnded { file: file(), sync }]
    }

    fn recording(ops: Vec<Op>) -> Recording {
        Recording { ops, syncs: 0 }
    }

    /// Everything that a disk may hold after all of it.
    fn outcomes(ops: Vec<Op>) -> BTreeSet<Option<Vec<u8>>> {
        let recording = recording(ops);
        let held = |seed| Cut::of(&recording).at(usize::MAX, &mut Rng::with_seed(seed)).remove("f");
        (0..500).map(held).collect()
    }

    #[test]
    fn what_was_synced_is_kept_and_the_rest_is_left_to_chance() {
        let [began, ended] = sync(1);
        let seen = outcomes(vec![write(0, 1, 4), began, ended, write(4, 2, 4)]);
        let expected = [vec![1; 4], vec![1, 1, 1, 1, 2, 2, 2, 2]];
        assert_eq!(seen, expected.into_iter().map(Some).collect());
    }

    #[test]
    fn what_was_written_while_a_sync_ran_is_not_covered_by_it() {
        let [began, ended] = sync(1);
        let seen = outcomes(vec![write(0, 1, 1), began, write(0, 2, 1), ended]);
        assert_eq!(seen, [Some(vec![1]), Some(vec![2])].into());
    }

    #[test]
    fn a_long_write_tears_at_the_bounds_of_sectors() {
        let seen = outcomes(vec![write(500, 1, 600)]).into_iter().flatten();
        // Bytes 500 to 512, 512 to 1,024 and 1,024 to 1,100 get there or do not.
        let pieces = |file: Vec<u8>| [505, 600, 1_050].map(|at| file.get(at).is_some_and(|byte| *byte == 1));
        assert_eq!(seen.map(pieces).collect::<BTreeSet<_>>().len(), 8);
    }

    #[test]
    fn what_a_refused_sync_lost_no_later_sync_brings_back() {
        let [began, ended] = sync(1);
        let seen = outcomes(vec![write(0, 1, 2), Op::SyncRefused { file: file() }, write(2, 2, 2), began, ended]);
        assert_eq!(seen, [Some(vec![0, 0, 2, 2])].into());
    }

    #[test]
    fn a_file_that_was_removed_may_come_back_until_something_is_synced() {
        let [began, ended] = sync(1);
        let removed = vec![write(0, 1, 1), began, ended, Op::Removed { file: file() }];
        assert_eq!(outcomes(removed.clone()), [None, Some(vec![1])].into());
        let other = Arc::<str>::from("g");
        let later = [Op::SyncBegan { file: Arc::clone(&other), sync: 9 }, Op::SyncEnded { file: other, sync: 9 }];
        let gone = outcomes(removed.into_iter().chain(later).collect());
        assert_eq!(gone, [None].into());
    }
}
