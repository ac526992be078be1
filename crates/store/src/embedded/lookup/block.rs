//! Blocks: what a sealed segment holds on disk, in order, in rows that fill a page each.
//!
//! The first 64 bits of each block's first record stand in memory (`fences`) and lead to the one or two blocks in which
//! something can be. Positions of events are told from the segment's first one. The last eight bytes of a block are the
//! checksum of the others: what a disk turned is no block.

use super::{Key, Known};
use crate::embedded::checksum;

const KEY_BYTES: usize = 36;
const NAME_BYTES: usize = 12;
/// Records of a block: with its row's head they fit a page of 8 KiB.
const KEYS_MAX: usize = 220;
const NAMES_MAX: usize = 670;

/// A key with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyRecord {
    pub(super) key: Key,
    /// From the segment's first event.
    pub(super) position: u32,
    pub(super) digest: i64,
}

/// A hash of a name, and an event that it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NameRecord {
    pub(super) hash: u64,
    /// From the segment's first event.
    pub(super) position: u32,
}

/// Blocks, with the fence of each.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub(super) fences: Vec<u64>,
    pub(super) bytes: Vec<Vec<u8>>,
}

/// The first 64 bits of an id.
pub(super) fn prefix(id: &[u8; 16]) -> u64 {
    u64::from_be_bytes(*id.first_chunk::<8>().unwrap_or(&[0; 8]))
}

/// Writes keys that are sorted by their ids.
pub(super) fn of_keys(records: &[KeyRecord]) -> Blocks {
    blocks(
        records,
        KEYS_MAX,
        |record| prefix(&record.key.1),
        |record, bytes| {
            bytes.extend_from_slice(&record.key.1);
            bytes.extend_from_slice(&record.key.0.to_be_bytes());
            bytes.extend_from_slice(&record.position.to_be_bytes());
            bytes.extend_from_slice(&record.digest.to_be_bytes());
        },
    )
}

/// Writes names that are sorted.
pub(super) fn of_names(records: &[NameRecord]) -> Blocks {
    blocks(
        records,
        NAMES_MAX,
        |record| record.hash,
        |record, bytes| {
            bytes.extend_from_slice(&record.hash.to_be_bytes());
            bytes.extend_from_slice(&record.position.to_be_bytes());
        },
    )
}

fn blocks<T>(records: &[T], records_max: usize, fence: impl Fn(&T) -> u64, write: impl Fn(&T, &mut Vec<u8>)) -> Blocks {
    let mut blocks = Blocks::default();
    for piece in records.chunks(records_max) {
        let mut bytes = Vec::with_capacity(8 * 1024);
        piece.iter().for_each(|record| write(record, &mut bytes));
        bytes.extend_from_slice(&checksum::of_bytes(&bytes).to_be_bytes());
        blocks.fences.extend(piece.first().map(&fence));
        blocks.bytes.push(bytes);
    }
    blocks
}

/// The records of a block; None when the bytes are not what was written.
fn records(bytes: &[u8]) -> Option<&[u8]> {
    let (records, sum) = bytes.split_last_chunk::<8>()?;
    (i64::from_be_bytes(*sum) == checksum::of_bytes(records)).then_some(records)
}

/// The blocks in which something with this beginning can be.
pub(super) fn between(fences: &[u64], beginning: u64) -> std::ops::Range<usize> {
    let end = fences.partition_point(|fence| *fence <= beginning);
    let start = fences.partition_point(|fence| *fence < beginning).saturating_sub(1);
    start.min(end)..end
}

/// The keys of a block; None when the bytes are no block.
pub(super) fn keys(bytes: &[u8]) -> Option<impl Iterator<Item = KeyRecord>> {
    let (records, rest) = records(bytes)?.as_chunks::<KEY_BYTES>();
    rest.is_empty().then(|| records.iter().filter_map(read_key))
}

fn read_key(bytes: &[u8; KEY_BYTES]) -> Option<KeyRecord> {
    let (id, rest) = bytes.split_first_chunk::<16>()?;
    let (partition, rest) = rest.split_first_chunk::<8>()?;
    let (position, digest) = rest.split_first_chunk::<4>()?;
    Some(KeyRecord {
        key: (i64::from_be_bytes(*partition), *id),
        position: u32::from_be_bytes(*position),
        digest: i64::from_be_bytes(*digest.first_chunk::<8>()?),
    })
}

/// What a block knows of a key. `Err` when the bytes are no block.
pub(super) fn known(bytes: &[u8], key: &Key, first_event: i64) -> Result<Option<Known>, ()> {
    let (records, rest) = records(bytes).ok_or(())?.as_chunks::<KEY_BYTES>();
    if !rest.is_empty() {
        return Err(());
    }
    let from = records.partition_point(|record| record.first_chunk::<16>() < Some(&key.1));
    let same_id = records.get(from..).unwrap_or_default().iter().filter_map(read_key);
    let mut same_id = same_id.take_while(|record| record.key.1 == key.1);
    let found = same_id.find(|record| record.key == *key);
    Ok(found.map(|record| (first_event + i64::from(record.position), record.digest)))
}

/// The positions under a hash in a block, newest first. None when the bytes are no block.
pub(super) fn positions(bytes: &[u8], hash: u64) -> Option<impl Iterator<Item = u32>> {
    let (records, rest) = records(bytes)?.as_chunks::<NAME_BYTES>();
    if !rest.is_empty() {
        return None;
    }
    let from = records.partition_point(|record| read_name(record).hash < hash);
    let to = records.partition_point(|record| read_name(record).hash <= hash);
    Some(records.get(from..to).unwrap_or_default().iter().rev().map(|record| read_name(record).position))
}

/// True for a block of names.
pub(super) fn is_names(bytes: &[u8]) -> bool {
    positions(bytes, 0).is_some()
}

fn read_name(bytes: &[u8; NAME_BYTES]) -> NameRecord {
    let hash = bytes.first_chunk::<8>().copied().unwrap_or_default();
    let position = bytes.last_chunk::<4>().copied().unwrap_or_default();
    NameRecord { hash: u64::from_be_bytes(hash), position: u32::from_be_bytes(position) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

    use super::*;

    fn id(prefix: u64, rest: u64) -> [u8; 16] {
        (u128::from(prefix) << 64 | u128::from(rest)).to_be_bytes()
    }

    /// Every key of these is found in the blocks that its beginning leads to, and its neighbours are not.
    fn check_keys(ids: &[(u64, u64)]) {
        let mut records: Vec<_> = (0_u32..)
            .zip(ids)
            .map(|(position, (prefix, rest))| KeyRecord { key: (1, id(*prefix, *rest)), position, digest: -7 })
            .collect();
        records.sort_by_key(|record| record.key.1);
        let blocks = of_keys(&records);
        let find = |key: &Key| {
            let range = between(&blocks.fences, prefix(&key.1));
            blocks.bytes[range].iter().find_map(|bytes| known(bytes, key, 100).unwrap())
        };
        for record in &records {
            assert_eq!(find(&record.key), Some((100 + i64::from(record.position), -7)));
            assert_eq!(find(&(2, record.key.1)), None, "another partition");
        }
        assert_eq!(find(&(1, id(u64::MAX, 12_345))), None);
        assert_eq!(find(&(1, id(0, 12_345))), None);
    }

    #[test]
    fn a_key_is_found_on_both_sides_of_every_edge_between_blocks() {
        check_keys(&[]);
        check_keys(&[(5, 5)]);
        check_keys(&(0..KEYS_MAX as u64 * 3 + 1).map(|n| (n * 3, n)).collect::<Vec<_>>());
        // Ids that begin alike fill several blocks.
        check_keys(&(0..KEYS_MAX as u64 * 2 + 5).map(|n| (n / 400, n)).collect::<Vec<_>>());
    }

    #[test]
    fn names_come_newest_first_across_blocks() {
        let mut records = Vec::new();
        for n in 0..2_000_u32 {
            records.push(NameRecord { hash: 7, position: n });
            records.push(NameRecord { hash: u64::from(n) + 100, position: n });
        }
        records.sort_unstable();
        let blocks = of_names(&records);
        let find = |hash: u64| -> Vec<u32> {
            let range = between(&blocks.fences, hash);
            blocks.bytes[range].iter().rev().flat_map(|bytes| positions(bytes, hash).unwrap()).collect()
        };
        assert_eq!(find(7), (0..2_000).rev().collect::<Vec<_>>());
        assert!((0..2_000).all(|n| find(u64::from(n) + 100) == [n]));
        assert!(find(6).is_empty() && find(8).is_empty() && find(u64::MAX).is_empty());
    }

    #[test]
    fn what_is_no_block_is_told_from_one() {
        let key = (1, id(5, 5));
        let block = of_keys(&[KeyRecord { key, position: 3, digest: 9 }]).bytes.remove(0);
        assert_eq!(known(&block, &key, 1), Ok(Some((4, 9))));
        let names = of_names(&[NameRecord { hash: 7, position: 3 }]).bytes.remove(0);
        assert_eq!(positions(&names, 7).unwrap().collect::<Vec<_>>(), [3]);
        for at in 0..block.len() {
            let mut turned = block.clone();
            turned[at] ^= 1;
            assert!(known(&turned, &key, 1).is_err() && keys(&turned).is_none(), "{at}");
            assert!(known(&block[..at], &key, 1).is_err() && keys(&block[..at]).is_none(), "{at}");
        }
        for at in 0..names.len() {
            let mut turned = names.clone();
            turned[at] ^= 1;
            assert!(positions(&turned, 7).is_none() && positions(&names[..at], 7).is_none(), "{at}");
        }
    }
}
