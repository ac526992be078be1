//! How far the store had come, in a small file beside it.
//!
//! A log that lost its end looks like one that never had it. So it is written down several times a second how many
//! numbers were given out and how many deliveries had ended, as of a commit that had returned. A store that is opened and
//! has come less far than that has lost something. The file promises nothing and is never synced: one that is missing,
//! old or torn only tells less.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::checksum;
use super::ledger::Ledger;

const NAME: &str = "waypost.mark";
/// The form of the file.
const VERSION: i64 = 1;
const WORDS: usize = 5;

/// How far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    notifications: i64,
    events: i64,
    deliveries: i64,
    ended: i64,
}

impl Mark {
    /// As far as these totals.
    pub(super) const fn of(ledger: &Ledger) -> Self {
        Self {
            notifications: ledger.next_notification,
            events: ledger.next_event,
            deliveries: ledger.next_delivery,
            ended: ledger.deliveries - ledger.owed(),
        }
    }

    /// What was written in a folder; None when that cannot be told.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let bytes = fs::read(path(folder)).ok()?;
        let (words, rest) = bytes.as_chunks::<8>();
        let words: &[[u8; 8]; WORDS + 1] = words.try_into().ok()?;
        let [version, notifications, events, deliveries, ended, sum] = words.map(i64::from_le_bytes);
        let sound = rest.is_empty() && version == VERSION && sum == checksum::of_bytes(bytes.get(..WORDS * 8)?);
        sound.then_some(Self { notifications, events, deliveries, ended })
    }

    /// Writes it down. A failure only means that less is known.
    pub(super) fn write(&self, folder: &Path) {
        let words = [VERSION, self.notifications, self.events, self.deliveries, self.ended];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend_from_slice(&checksum::of_bytes(&bytes).to_le_bytes());
        // In place: a file that is cut and written anew is work for the file system's journal, several times a second.
        let file = File::options().create(true).truncate(false).write(true).open(path(folder));
        drop(file.and_then(|mut file| file.write_all(&bytes)));
    }

    /// What is missing in a store that has come as far as these totals, in a few words; None when nothing is.
    pub(super) fn missing(&self, ledger: &Ledger) -> Option<String> {
        let now = Self::of(ledger);
        let each = [
            (self.notifications - now.notifications, "notifications"),
            (self.events - now.events, "events"),
            (self.deliveries - now.deliveries, "deliveries"),
            (self.ended - now.ended, "ends of deliveries"),
        ];
        let missing: Vec<String> =
            each.iter().filter(|(less, _)| *less > 0).map(|(less, what)| format!("{less} {what}")).collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn it_reads_back_and_anything_else_is_no_mark() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Mark::read(folder.path()), None);
        let mark = Mark { notifications: 3, events: 5, deliveries: 9, ended: 4 };
        mark.write(folder.path());
        assert_eq!(Mark::read(folder.path()), Some(mark));
        let whole = fs::read(path(folder.path())).unwrap();
        for at in 0..whole.len() {
            let mut turned = whole.clone();
            turned[at] ^= 1;
            fs::write(path(folder.path()), turned).unwrap();
            assert_eq!(Mark::read(folder.path()), None, "{at}");
            fs::write(path(folder.path()), &whole[..at]).unwrap();
            assert_eq!(Mark::read(folder.path()), None, "{at}");
        }
    }

    #[test]
    fn only_what_is_less_is_missing() {
        let ledger =
            Ledger { next_notification: 3, next_event: 5, next_delivery: 9, deliveries: 8, ..Ledger::default() };
        assert_eq!(Mark::of(&ledger).missing(&ledger), None);
        let later = Ledger { next_event: 7, accepted: 2, ..ledger };
        assert_eq!(Mark::of(&ledger).missing(&later), None);
        assert_eq!(Mark::of(&later).missing(&ledger).as_deref(), Some("2 events, 2 ends of deliveries"));
    }
}
