//! The rows in which segments are kept, beside their blocks.

use std::sync::Arc;

use rules::identity::key_partition;
use rusqlite::{Connection, Row, params};

use super::filter::Filter;
use super::segment::{Keys, Segment};
use crate::embedded::checksum;
use crate::embedded::fault::Fault;

/// Reads all segments, oldest first: filters and fences, no block. Of a segment whose row is not what was written only the
/// numbers of its events are believed, and the filter is made anew from those events; see [`Segment`].
pub(super) fn read(conn: &Connection) -> Result<Vec<Segment>, Fault> {
    let mut query = conn.prepare(
        "SELECT s.id, s.first_event, s.last_event, f.name_fences, f.partitions, f.filter, f.key_fences, f.checksum,
                s.last_arrival_at, s.keys_expired
         FROM segments s LEFT JOIN segment_fences f ON f.segment = s.id ORDER BY s.id",
    )?;
    let mut rows = query.query([])?;
    let mut segments = Vec::new();
    while let Some(row) = rows.next()? {
        let segment = match checksum::fits(row, &[0, 1, 2, 3, 4, 5, 6], 7)? {
            true => sound(row)?,
            false => None,
        };
        let segment = match segment {
            Some(segment) => segment,
            None => from_events(conn, row)?,
        };
        segments.push(segment);
    }
    Ok(segments)
}

fn sound(row: &Row<'_>) -> Result<Option<Segment>, Fault> {
    let blob = |index: usize| row.get_ref(index)?.as_blob().map_err(rusqlite::Error::from);
    let keys_expired: bool = row.get(9)?;
    let keys = match keys_expired {
        true => Some(Keys::Expired),
        false => {
            let (partitions, key_fences) = (numbers(blob(4)?, i64::from_be_bytes), fences(blob(6)?));
            Filter::from_bytes(blob(5)?).map(|filter| Keys::new(partitions, filter, key_fences))
        }
    };
    let (id, first_event, last_event) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (last_arrival_ms, name_fences) = (row.get(8)?, fences(blob(3)?).into());
    Ok(keys.map(|keys| Segment { id, first_event, last_event, last_arrival_ms, keys, name_fences }))
}

fn from_events(conn: &Connection, row: &Row<'_>) -> Result<Segment, Fault> {
    let number = |column: usize| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_i64().unwrap_or_default());
    let (id, first_event, last_event) = (number(0)?, number(1)?, number(2)?);
    tracing::error!(segment = id, "what is known of a segment of keys is damaged; it is made anew from the events");
    let mut query = conn.prepare("SELECT event_id, occurred_at, key FROM events WHERE id BETWEEN ?1 AND ?2")?;
    let rows = query.query_map([first_event, last_event], |row| {
        let key: String = row.get(2)?;
        Ok((row.get::<_, [u8; 16]>(0)?, key_partition(row.get(1)?, &key)))
    })?;
    // An event that cannot be read has its own checksum, and is told there.
    let keys: Vec<([u8; 16], i64)> = rows.flatten().collect();
    let mut filter = Filter::new(keys.len());
    keys.iter().for_each(|(id, _)| filter.insert(id));
    let mut partitions: Vec<i64> = keys.iter().map(|(_, partition)| *partition).collect();
    partitions.sort_unstable();
    partitions.dedup();
    let keys = match number(9)? {
        0 => Keys::new(partitions, filter, Vec::new()),
        _ => Keys::Expired,
    };
    Ok(Segment { id, first_event, last_event, last_arrival_ms: number(8)?, keys, name_fences: Arc::default() })
}

/// Rows that are not what was written.
pub(super) fn damaged(conn: &Connection) -> Result<usize, Fault> {
    let mut query = conn.prepare(
        "SELECT s.id, s.first_event, s.last_event, f.name_fences, f.partitions, f.filter, f.key_fences, f.checksum
         FROM segments s LEFT JOIN segment_fences f ON f.segment = s.id",
    )?;
    let mut rows = query.query([])?;
    let mut damaged = 0;
    while let Some(row) = rows.next()? {
        damaged += usize::from(!checksum::fits(row, &[0, 1, 2, 3, 4, 5, 6], 7)?);
    }
    Ok(damaged)
}

/// Writes a segment whose blocks are written.
pub(super) fn write(conn: &Connection, segment: &Segment) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO segments (id, first_event, last_event, last_arrival_at, keys_expired) VALUES (?1, ?2, ?3, ?4, 0)",
    )?
    .execute(params![segment.id, segment.first_event, segment.last_event, segment.last_arrival_ms])?;
    let Keys::Known(keys) = &segment.keys else { return Ok(()) };
    let of_keys =
        [bytes(&keys.partitions, i64::to_be_bytes), keys.filter.to_bytes(), bytes(&keys.fences, u64::to_be_bytes)];
    write_fences(conn, segment, &of_keys)
}

/// Forgets a segment's keys, but for their blocks.
pub(super) fn forget_keys(conn: &Connection, segment: &Segment) -> Result<(), Fault> {
    conn.prepare_cached("UPDATE segments SET keys_expired = 1 WHERE id = ?1")?.execute([segment.id])?;
    conn.prepare_cached("DELETE FROM segment_fences WHERE segment = ?1")?.execute([segment.id])?;
    write_fences(conn, segment, &[const { Vec::new() }; 3])
}

fn write_fences(conn: &Connection, segment: &Segment, of_keys: &[Vec<u8>; 3]) -> Result<(), Fault> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO segment_fences (segment, name_fences, partitions, filter, key_fences, checksum)
         VALUES (?1, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let [partitions, filter, key_fences] = of_keys;
    let name_fences = bytes(&segment.name_fences, u64::to_be_bytes);
    let row = params![segment.id, segment.first_event, segment.last_event, name_fences, partitions, filter, key_fences];
    Ok(checksum::insert(&mut insert, row)?)
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
