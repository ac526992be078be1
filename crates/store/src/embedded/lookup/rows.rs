//! The rows in which segments are kept, beside their blocks.

use rusqlite::{Connection, params};

use super::filter::Filter;
use super::segment::{Keys, Segment};
use crate::embedded::fault::{Fault, Kind};

/// Reads all segments, oldest first: filters and fences, no block.
pub(super) fn read(conn: &Connection) -> Result<Vec<Segment>, Fault> {
    let mut query = conn.prepare(
        "SELECT s.id, s.first_event, s.last_event, s.last_arrival_at, f.name_fences, s.keys_expired, f.partitions,
                f.filter, f.key_fences
         FROM segments s JOIN segment_fences f ON f.segment = s.id ORDER BY s.id",
    )?;
    let rows = query.query_map([], |row| {
        let blob = |index: usize| row.get_ref(index)?.as_blob().map_err(rusqlite::Error::from);
        let keys_expired: bool = row.get(5)?;
        let keys = match keys_expired {
            true => Some(Keys::Expired),
            false => {
                let (partitions, key_fences) = (numbers(blob(6)?, i64::from_be_bytes), fences(blob(8)?));
                Filter::from_bytes(blob(7)?).map(|filter| Keys::new(partitions, filter, key_fences))
            }
        };
        let (id, first_event, last_event) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (last_arrival_ms, name_fences) = (row.get(3)?, fences(blob(4)?).into());
        Ok(keys.map(|keys| Segment { id, first_event, last_event, last_arrival_ms, keys, name_fences }))
    })?;
    let damaged = || Fault::new(Kind::Damaged, "read the segments", "a filter of one is damaged");
    rows.map(|row| row?.ok_or_else(damaged)).collect()
}

/// Writes a segment whose blocks are written.
pub(super) fn write(conn: &Connection, segment: &Segment) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO segments (id, first_event, last_event, last_arrival_at, keys_expired) VALUES (?1, ?2, ?3, ?4, 0)",
    )?
    .execute(params![segment.id, segment.first_event, segment.last_event, segment.last_arrival_ms])?;
    let Keys::Known(keys) = &segment.keys else { return Ok(()) };
    conn.prepare_cached(
        "INSERT INTO segment_fences (segment, name_fences, partitions, filter, key_fences)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        segment.id,
        bytes(&segment.name_fences, u64::to_be_bytes),
        bytes(&keys.partitions, i64::to_be_bytes),
        keys.filter.to_bytes(),
        bytes(&keys.fences, u64::to_be_bytes),
    ])?;
    Ok(())
}

/// Moves a segment's last arrival.
pub(super) fn arrived(conn: &Connection, segment: i64, at_ms: i64) -> Result<(), Fault> {
    conn.prepare_cached("UPDATE segments SET last_arrival_at = max(last_arrival_at, ?2) WHERE id = ?1")?
        .execute([segment, at_ms])?;
    Ok(())
}

fn fences(bytes: &[u8]) -> Vec<u64> {
    numbers(bytes, u64::from_be_bytes)
}

fn numbers<T>(bytes: &[u8], read: impl Fn([u8; 8]) -> T) -> Vec<T> {
    bytes.as_chunks::<8>().0.iter().map(|bytes| read(*bytes)).collect()
}

fn bytes<T: Copy>(numbers: &[T], write: impl Fn(T) -> [u8; 8]) -> Vec<u8> {
    numbers.iter().flat_map(|number| write(*number)).collect()
}
