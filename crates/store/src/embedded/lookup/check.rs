//! Checking the index against the events.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::segment::{Keys, Segment};
use super::{block, log, rows};
use crate::embedded::fault::Fault;

/// Blocks and rows that are not what was written.
pub(in crate::embedded) fn damaged(conn: &Connection) -> Result<usize, Fault> {
    let mut damaged = rows::damaged(conn)? + log::damaged(conn)?;
    for (table, is_sound) in
        [("key_blocks", (|bytes| block::keys(bytes).is_some()) as fn(&[u8]) -> bool), ("name_blocks", block::is_names)]
    {
        let mut query = conn.prepare(&format!("SELECT records FROM {table}"))?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            damaged += usize::from(!row.get_ref(0)?.as_blob().is_ok_and(is_sound));
        }
    }
    Ok(damaged)
}

/// Events whose key is neither in the log nor in the segment that should hold it, unless the keys there have expired.
pub(in crate::embedded) fn unknown_events(conn: &Connection) -> Result<u64, Fault> {
    let segments = rows::read(conn)?;
    let sealed = segments.iter().map(|segment| segment.last_event).max().unwrap_or(0);
    let mut unknown = 0;
    for segment in &segments {
        if let Keys::Known(keys) = &segment.keys {
            let mut ids = HashMap::new();
            for n in 0..keys.fences.len() {
                read_block(conn, segment, n, &mut ids)?;
            }
            unknown += not_in(conn, (segment.first_event, segment.last_event), &ids)?;
        }
    }
    let mut ids = HashMap::new();
    log::read(conn, sealed, |entries, _| ids.extend(entries.iter().map(|(entry, _)| (entry.event, entry.key.1))))?;
    unknown += not_in(conn, (sealed + 1, i64::MAX), &ids)?;
    Ok(unknown)
}

fn read_block(conn: &Connection, segment: &Segment, n: usize, ids: &mut HashMap<i64, [u8; 16]>) -> Result<(), Fault> {
    let bytes: Option<Vec<u8>> = conn
        .prepare_cached("SELECT records FROM key_blocks WHERE id = ?1")?
        .query_row([segment.block(n)], |row| row.get(0))
        .optional()?;
    let bytes = bytes.unwrap_or_default();
    let records = block::keys(&bytes).into_iter().flatten();
    ids.extend(records.map(|record| (segment.first_event + i64::from(record.position), record.key.1)));
    Ok(())
}

fn not_in(conn: &Connection, (first, last): (i64, i64), ids: &HashMap<i64, [u8; 16]>) -> Result<u64, Fault> {
    let mut query = conn.prepare_cached("SELECT id, event_id FROM events WHERE id BETWEEN ?1 AND ?2")?;
    let mut rows = query.query([first, last])?;
    let mut missing = 0;
    while let Some(row) = rows.next()? {
        let known = ids.get(&row.get(0)?).map(<[u8; 16]>::as_slice);
        missing += u64::from(known != row.get_ref(1)?.as_blob().ok());
    }
    Ok(missing)
}
