//! The log of the tail: what a transaction's new events are found by, in one row, appended by the commit itself.
//!
//! It is read at opening, and given up when a segment holds its events. Each row ends with the checksum of the others; when
//! one does not fit, all of them are made anew from the events.

use rules::identity::key_partition;
use rusqlite::{Connection, params};

use super::part::Entries;
use crate::common::names;
use crate::embedded::checksum;
use crate::embedded::fault::Fault;
use crate::embedded::read::{EVENT_COLUMNS, EVENT_TABLES, event};

/// Rows that one step deletes.
const ROWS_DELETED_MAX: i64 = 2_000;
/// In place of a digest that is not known; no event's bytes have it, but for one in 2^64.
pub(super) const NO_DIGEST: i64 = 0;
/// An event's number, its key's partition, its id and its digest.
const HEAD_BYTES: usize = 8 + 8 + 16 + 8;

/// Appends a row. `last_event` is the newest event there is, of this transaction or one before it.
pub(super) fn append(conn: &Connection, entries: &Entries, last_event: i64, arrived_at_ms: i64) -> Result<(), Fault> {
    let mut bytes = encode(entries);
    let sum = checksum::of_large([last_event, arrived_at_ms], checksum::of_bytes(&bytes));
    bytes.extend_from_slice(&sum.to_be_bytes());
    conn.prepare_cached("INSERT INTO event_tail (last_event, arrived_at, entries) VALUES (?1, ?2, ?3)")?
        .execute(params![last_event, arrived_at_ms, bytes])?;
    Ok(())
}

/// What a row says: its entries and when they arrived; None when it is not what was written.
type Row = Option<(Entries, i64)>;

fn row_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let (last_event, arrived_at) = (row.get_ref(0)?.as_i64().ok(), row.get_ref(1)?.as_i64().ok());
    let bytes = row.get_ref(2)?.as_blob().unwrap_or_default();
    let read = || {
        let ((last_event, arrived_at), (bytes, sum)) = (last_event.zip(arrived_at)?, bytes.split_last_chunk::<8>()?);
        let fits = checksum::of_large([last_event, arrived_at], checksum::of_bytes(bytes)) == i64::from_be_bytes(*sum);
        Some((decode(bytes).filter(|_| fits)?, arrived_at))
    };
    Ok(read())
}

/// Rows that are not what was written.
pub(super) fn damaged(conn: &Connection) -> Result<usize, Fault> {
    let mut query = conn.prepare("SELECT last_event, arrived_at, entries FROM event_tail ORDER BY id")?;
    let mut rows = query.query([])?;
    let mut damaged = 0;
    while let Some(row) = rows.next()? {
        damaged += usize::from(row_of(row)?.is_none());
    }
    Ok(damaged)
}

/// Reads what no segment holds, oldest first.
pub(super) fn read(conn: &Connection, after_event: i64, mut each: impl FnMut(&Entries, i64)) -> Result<(), Fault> {
    let damaged = damaged(conn)?;
    if damaged > 0 {
        tracing::error!(damaged, "the log of keys is damaged; it is made anew from the events");
        return anew(conn, after_event, each);
    }
    let mut query =
        conn.prepare("SELECT last_event, arrived_at, entries FROM event_tail WHERE last_event > ?1 ORDER BY id")?;
    let mut rows = query.query([after_event])?;
    while let Some(row) = rows.next()? {
        if let Some((entries, arrived_at)) = row_of(row)? {
            each(&entries, arrived_at);
        }
    }
    Ok(())
}

/// The same from the events themselves. Without a digest a copy is compared with the first in full.
fn anew(conn: &Connection, after_event: i64, mut each: impl FnMut(&Entries, i64)) -> Result<(), Fault> {
    let mut query =
        conn.prepare(&format!("SELECT {EVENT_COLUMNS} FROM {EVENT_TABLES} WHERE e.id > ?1 ORDER BY e.id"))?;
    let mut rows = query.query([after_event])?;
    while let Some(row) = rows.next()? {
        let found = event(row)?;
        if !found.event.damaged {
            let mut entries = Entries::default();
            let partition = key_partition(found.event.occurred_at_seconds, &found.event.key);
            let key = (partition, *found.event.id.as_bytes());
            entries.push(found.number, key, NO_DIGEST, &names::hashes_of_kept(&found.event));
            each(&entries, found.event.received_at_ms);
        }
    }
    Ok(())
}

/// Deletes some of the rows whose events a segment holds. True when there may be more.
pub(super) fn delete(conn: &Connection, last_event: i64) -> Result<bool, Fault> {
    let deleted = conn
        .prepare_cached(
            "DELETE FROM event_tail WHERE last_event <= ?1 AND id <= (SELECT min(id) FROM event_tail) + ?2",
        )?
        .execute([last_event, ROWS_DELETED_MAX])?;
    Ok(i64::try_from(deleted).is_ok_and(|deleted| deleted > ROWS_DELETED_MAX))
}

fn encode(entries: &Entries) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (entry, names) in entries.iter() {
        bytes.extend_from_slice(&entry.event.to_be_bytes());
        bytes.extend_from_slice(&entry.key.0.to_be_bytes());
        bytes.extend_from_slice(&entry.key.1);
        bytes.extend_from_slice(&entry.digest.to_be_bytes());
        bytes.extend_from_slice(&entry.names.to_be_bytes());
        names.iter().for_each(|hash| bytes.extend_from_slice(&hash.to_be_bytes()));
    }
    bytes
}

/// Reads what [`encode`] wrote; None for anything else.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Entries> {
    let mut entries = Entries::default();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (names, rest) = rest.split_at_checked((u32::from_be_bytes(*count) as usize).checked_mul(8)?)?;
        let (event, head) = head.split_first_chunk::<8>()?;
        let (partition, head) = head.split_first_chunk::<8>()?;
        let (id, digest) = head.split_first_chunk::<16>()?;
        let names: Vec<i64> = names.as_chunks::<8>().0.iter().map(|hash| i64::from_be_bytes(*hash)).collect();
        let key = (i64::from_be_bytes(*partition), *id);
        entries.push(i64::from_be_bytes(*event), key, i64::from_be_bytes(*digest.first_chunk::<8>()?), &names);
        bytes = rest;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn a_row_reads_back_and_a_cut_one_is_told() {
        let mut entries = Entries::default();
        entries.push(1, (-3, [7; 16]), i64::MIN, &[1, -1, i64::MAX]);
        entries.push(2, (20_000, [8; 16]), 5, &[]);
        let bytes = encode(&entries);
        assert_eq!(decode(&bytes).unwrap(), entries);
        let whole: Vec<usize> = (0..=bytes.len()).filter(|cut| decode(&bytes[..*cut]).is_some()).collect();
        assert_eq!(whole, [0, HEAD_BYTES + 4 + 24, bytes.len()]);
    }
}
