//! Retention of segments: keys that have expired, and segments none of whose events is left.

use rusqlite::{Connection, OptionalExtension};

use super::index::Dropped;
use super::rows;
use super::segment::{ARRIVAL_STEP_MS, Keys, Segment};
use crate::embedded::fault::Fault;
use crate::embedded::job::Tx;
use crate::embedded::shared::lock;

/// Blocks that one slice deletes.
const BLOCKS_DELETED_MAX: usize = 200;

/// What one slice did.
#[derive(Debug, Default)]
pub(in crate::embedded) struct Expired {
    /// Keys that count no more.
    pub(in crate::embedded) keys: u64,
    /// There may be more to do.
    pub(in crate::embedded) more: bool,
    /// A part was frozen, or waits to be sealed.
    pub(in crate::embedded) seal: bool,
}

/// Drops keys whose segment met neither an event nor a copy since, and what is left of segments without events.
pub(in crate::embedded) fn expire(
    tx: &Tx<'_>,
    now_ms: i64,
    keys_before_ms: i64,
    dropped: &mut Dropped,
) -> Result<Expired, Fault> {
    let (waits, segments) = {
        let mut index = lock(tx.index);
        (index.freeze_old(now_ms, keys_before_ms), index.segments())
    };
    let mut expired = Expired { more: waits, seal: true, ..Expired::default() };
    let is_old = |segment: &Segment| segment.last_arrival_ms + ARRIVAL_STEP_MS < keys_before_ms;
    for segment in segments.iter() {
        match &segment.keys {
            Keys::Known(_) if is_old(segment) => {
                rows::forget_keys(tx.conn, segment)?;
                dropped.keys_expired.push(segment.id);
                expired.keys += u64::try_from(segment.last_event - segment.first_event + 1).unwrap_or(0);
                expired.more = true;
                return Ok(expired);
            }
            Keys::Expired => {
                if delete_blocks(tx.conn, "key_blocks", segment)? < BLOCKS_DELETED_MAX {
                    dropped.keys_gone.push(segment.id);
                }
                expired.more = true;
                return Ok(expired);
            }
            Keys::Known(_) | Keys::Gone => {}
        }
    }
    expired.more |= drop_oldest(tx.conn, &segments, dropped)?;
    Ok(expired)
}

fn delete_blocks(conn: &Connection, table: &str, segment: &Segment) -> Result<usize, Fault> {
    let (first, last) = segment.blocks();
    let deleted = conn
        .prepare_cached(&format!(
            "DELETE FROM {table} WHERE id IN
                 (SELECT id FROM {table} WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT {BLOCKS_DELETED_MAX})"
        ))?
        .execute([first, last])?;
    Ok(deleted)
}

/// Drops the oldest segment when its keys and its events are gone. The newest stays: it tells what the log need not hold.
fn drop_oldest(conn: &Connection, segments: &[std::sync::Arc<Segment>], dropped: &mut Dropped) -> Result<bool, Fault> {
    let [oldest, _, ..] = segments else { return Ok(false) };
    if oldest.keys != Keys::Gone || has_events(conn, oldest)? {
        return Ok(false);
    }
    if delete_blocks(conn, "name_blocks", oldest)? < BLOCKS_DELETED_MAX {
        for sql in ["DELETE FROM segments WHERE id = ?1", "DELETE FROM segment_fences WHERE segment = ?1"] {
            conn.prepare_cached(sql)?.execute([oldest.id])?;
        }
        dropped.segments.push(oldest.id);
    }
    Ok(true)
}

fn has_events(conn: &Connection, segment: &Segment) -> Result<bool, Fault> {
    let found = conn
        .prepare_cached("SELECT id FROM events WHERE id BETWEEN ?1 AND ?2 LIMIT 1")?
        .query_row([segment.first_event, segment.last_event], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(found.is_some())
}
