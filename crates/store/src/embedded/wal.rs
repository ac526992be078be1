//! What SQLite's log holds, and what SQLite would pass over in it without a word.
//!
//! Reading the log after a crash, SQLite stops at the first frame that does not fit and forgets the rest: after a loss of
//! power that is the transaction that was being written, which nobody was told was kept. When something turned inside the
//! log it is every transaction from there on. The two can be told apart: a transaction is begun only after the one before
//! it was synced, so that only the last one may be in pieces. What is whole behind the pieces of another is a proof that
//! that one was whole once.
//!
//! The last transaction itself, and a log that was cut short between two of them, look as after a loss of power: see
//! `mark`.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// Of the format's first word; its last bit says in which order the words of checksums are read.
const MAGIC: u32 = 0x377f_0682;
const PAGE_BYTES_MIN: usize = 512;
const PAGE_BYTES_MAX: usize = 65_536;

/// A break in the log, behind which there is more that was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken {
    /// The first frame that does not fit, from one.
    pub(super) frame: u64,
    /// Transactions that are whole behind it; at least one more is in pieces.
    pub(super) commits: u64,
}

/// Reads a log. None: there is none, or SQLite reads all of it that was ever committed, as far as the log can tell.
pub(super) fn scan(path: &Path) -> io::Result<Option<Broken>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut log = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; HEADER_BYTES];
    if !filled(&mut log, &mut header)? {
        return Ok(None);
    }
    Scan::new(&header).run(&mut log)
}

type Sums = (u32, u32);

/// How far a walk over the log is.
struct Scan {
    big_endian: bool,
    page_bytes: usize,
    /// None once the header is known to be wrong: then the first frame's count.
    salts: Option<[u8; 8]>,
    /// As SQLite computes it, up to the break.
    sums: Option<Sums>,
    /// As it stands in the frame before this one.
    told: Option<Sums>,
    broken_at: Option<u64>,
    /// The broken frame itself ended a transaction.
    ended_there: bool,
    commits: u64,
}

impl Scan {
    fn new(header: &[u8; HEADER_BYTES]) -> Self {
        let magic = word(header, 0);
        let big_endian = magic & 1 == 1;
        let sums = checksum(big_endian, (0, 0), header.get(..24).unwrap_or_default());
        let is_sound = magic & !1 == MAGIC && sums == (word(header, 24), word(header, 28));
        let page_bytes = usize::try_from(word(header, 8)).unwrap_or_default();
        let is_page = page_bytes.is_power_of_two() && (PAGE_BYTES_MIN..=PAGE_BYTES_MAX).contains(&page_bytes);
        Self {
            // Where the header is wrong, the frames are as this program writes them.
            big_endian: if is_sound { big_endian } else { cfg!(target_endian = "big") },
            page_bytes: if is_sound && is_page {
                page_bytes
            } else {
                usize::try_from(super::open::PAGE_BYTES).unwrap_or_default()
            },
            salts: header.get(16..24).and_then(|salts| salts.try_into().ok()).filter(|_| is_sound),
            sums: is_sound.then_some(sums),
            told: None,
            broken_at: (!is_sound).then_some(0),
            ended_there: false,
            commits: 0,
        }
    }

    fn run(mut self, log: &mut impl Read) -> io::Result<Option<Broken>> {
        let mut frame = vec![0; FRAME_HEADER_BYTES + self.page_bytes];
        let mut number = 0;
        while filled(log, &mut frame)? {
            number += 1;
            self.frame(number, &frame);
        }
        let later = self.commits.saturating_sub(u64::from(!self.ended_there));
        Ok(self.broken_at.filter(|_| later > 0).map(|frame| Broken { frame, commits: later }))
    }

    fn frame(&mut self, number: u64, frame: &[u8]) {
        let (head, page) = frame.split_at_checked(FRAME_HEADER_BYTES).unwrap_or_default();
        let salts: Option<[u8; 8]> = head.get(8..16).and_then(|salts| salts.try_into().ok());
        let of_this_log =
            salts.is_some() && *self.salts.get_or_insert(salts.unwrap_or_default()) == salts.unwrap_or_default();
        let told = (word(head, 16), word(head, 20));
        let is_commit = word(head, 4) != 0;
        let before = if self.broken_at.is_none() { self.sums } else { self.told };
        // Most of what follows the end is of an older log, or zeros: space ahead of time.
        let computed = before.filter(|_| of_this_log).map(|sums| {
            let sums = checksum(self.big_endian, sums, head.get(..8).unwrap_or_default());
            checksum(self.big_endian, sums, page)
        });
        let fits = of_this_log && computed == Some(told);
        match (self.broken_at, fits) {
            (None, true) => self.sums = computed,
            (None, false) => {
                self.broken_at = Some(number);
                self.ended_there = of_this_log && is_commit;
            }
            (Some(_), true) => self.commits += u64::from(is_commit),
            (Some(_), false) => {}
        }
        self.told = Some(told);
    }
}

/// False at the end of the file, also where that comes too early.
fn filled(log: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).map_or(0, |word| u32::from_be_bytes(*word))
}

fn checksum(big_endian: bool, (mut first, mut second): Sums, bytes: &[u8]) -> Sums {
    let read = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    for pair in bytes.as_chunks::<8>().0 {
        let (one, other) = (pair.first_chunk::<4>(), pair.last_chunk::<4>());
        first = first.wrapping_add(one.map_or(0, |word| read(*word))).wrapping_add(second);
        second = second.wrapping_add(other.map_or(0, |word| read(*word))).wrapping_add(first);
    }
    (first, second)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

    use std::fs;

    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;

    const FRAME: usize = FRAME_HEADER_BYTES + super::super::open::PAGE_BYTES.unsigned_abs() as usize;

    /// A log of so many transactions, of three pages each at least, that nobody emptied.
    fn log(transactions: usize) -> (TempDir, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch(&format!(
            "PRAGMA page_size = {}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (b BLOB);",
            super::super::open::PAGE_BYTES
        ))
        .unwrap();
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        for _ in 0..transactions {
            conn.execute("INSERT INTO t VALUES (randomblob(20000))", []).unwrap();
        }
        let bytes = fs::read(folder.path().join("x.db-wal")).unwrap();
        (folder, bytes)
    }

    fn scanned(folder: &TempDir, bytes: &[u8]) -> Option<Broken> {
        let path = folder.path().join("log");
        fs::write(&path, bytes).unwrap();
        scan(&path).unwrap()
    }

    /// The numbers of the frames that end a transaction, from one.
    fn commits(bytes: &[u8]) -> Vec<usize> {
        let frames = bytes[HEADER_BYTES..].chunks_exact(FRAME).enumerate();
        frames.filter(|(_, frame)| word(frame, 4) != 0).map(|(at, _)| at + 1).collect()
    }

    #[test]
    fn a_whole_log_and_one_that_was_cut_anywhere_say_nothing() {
        let (folder, bytes) = log(4);
        assert_eq!(scanned(&folder, &bytes), None);
        for cut in (0..bytes.len()).step_by(997) {
            assert_eq!(scanned(&folder, &bytes[..cut]), None, "{cut}");
        }
        assert_eq!(scan(&folder.path().join("none")).unwrap(), None);
    }

    #[test]
    fn any_frame_that_turned_before_the_last_transaction_is_told() {
        let (folder, bytes) = log(6);
        let commits = commits(&bytes);
        // One that turned where the next frame's check begins takes that one with it.
        let last = commits[commits.len() - 3];
        for frame in 1..=bytes.len() / FRAME {
            for at in [0, 5, 9, 17, 22, 30, FRAME - 1] {
                let mut turned = bytes.clone();
                turned[HEADER_BYTES + (frame - 1) * FRAME + at] ^= 4;
                let broken = scanned(&folder, &turned);
                let surely = frame <= last && !commits.contains(&frame);
                assert!(broken.is_some() || !surely, "byte {at} of frame {frame}");
                assert!(broken.is_none_or(|broken| broken.frame == frame as u64), "byte {at} of frame {frame}");
            }
        }
    }

    #[test]
    fn a_transaction_that_was_being_written_when_power_was_lost_is_no_damage() {
        let (folder, bytes) = log(4);
        let begin = commits(&bytes)[2] * FRAME + HEADER_BYTES;
        // Any of its sectors may be missing.
        for sector in (begin..bytes.len()).step_by(512) {
            let mut torn = bytes.clone();
            let end = (sector + 512).min(bytes.len());
            torn[sector..end].fill(0);
            assert_eq!(scanned(&folder, &torn), None, "{sector}");
        }
    }

    #[test]
    fn a_header_that_turned_is_told_when_there_is_something_behind_it() {
        let (folder, bytes) = log(3);
        for at in 0..HEADER_BYTES {
            let mut turned = bytes.clone();
            turned[at] ^= 1;
            assert_eq!(scanned(&folder, &turned).map(|broken| broken.frame), Some(0), "{at}");
        }
        assert_eq!(scanned(&folder, &bytes[..HEADER_BYTES]), None);
    }

    #[test]
    fn what_an_older_log_left_behind_the_end_is_not_taken_for_lost() {
        let (folder, older) = log(6);
        let (_, newer) = log(2);
        let mut both = older;
        both[..newer.len()].copy_from_slice(&newer);
        assert_eq!(scanned(&folder, &both), None);
    }
}
