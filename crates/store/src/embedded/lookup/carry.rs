//! Keys on their way into another engine, and out of one: read from the segments and the log in the order of their events,
//! and sealed as segments again.
//!
//! A key outlives its event, and an event may outlive its key. A segment is made of both; an event whose key has expired
//! stands in it under a partition that no key has, so that it is found by its names and its key stays expired.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};

use super::index::ToSeal;
use super::part::{Entries, Part};
use super::seal::SealJob;
use super::segment::{ARRIVAL_STEP_MS, Keys, Segment};
use super::{Key, block, log, rows};
use crate::common::names::hashes_of_names;
use crate::embedded::fault::{Fault, Kind};

/// The partition of a key that has expired.
const EXPIRED: i64 = i64::MIN;

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) struct Carried {
    pub(in crate::embedded) event: i64,
    pub(in crate::embedded) key: Key,
    pub(in crate::embedded) digest: i64,
    /// Of the event or a copy, rounded up to what may not have been noted yet.
    pub(in crate::embedded) last_arrival_ms: i64,
}

/// Reads the keys of a store that nobody writes to.
#[derive(Debug)]
pub(in crate::embedded) struct Carrier {
    segments: Vec<Segment>,
    tail: Vec<Carried>,
    /// The keys of the segment that was read last, in the order of their events.
    open: Option<(i64, Vec<Carried>)>,
}

impl Carrier {
    pub(in crate::embedded) fn new(conn: &Connection) -> Result<Self, Fault> {
        let segments = rows::read(conn)?;
        let sealed = segments.iter().map(|segment| segment.last_event).max().unwrap_or(0);
        let (mut tail, mut last_arrival_ms) = (Vec::new(), 0);
        log::read(conn, sealed, |entries, arrived_at_ms| {
            last_arrival_ms = arrived_at_ms.max(last_arrival_ms);
            tail.extend(entries.iter().map(|(entry, _)| Carried {
                event: entry.event,
                key: entry.key,
                digest: entry.digest,
                last_arrival_ms: 0,
            }));
        })?;
        // What is in memory expires together.
        tail.iter_mut().for_each(|carried| carried.last_arrival_ms = last_arrival_ms + ARRIVAL_STEP_MS);
        tail.sort_unstable_by_key(|carried| carried.event);
        Ok(Self { segments, tail, open: None })
    }

    /// Keys of events behind this one, in their order; none when there is none.
    pub(in crate::embedded) fn after(
        &mut self,
        conn: &Connection,
        event: i64,
        max: usize,
    ) -> Result<Vec<Carried>, Fault> {
        let beyond = |segment: &&Segment| segment.last_event > event && matches!(segment.keys, Keys::Known(_));
        for segment in self.segments.iter().filter(beyond) {
            if self.open.as_ref().is_none_or(|(id, _)| *id != segment.id) {
                self.open = Some((segment.id, keys_of(conn, segment)?));
            }
            let keys = self.open.as_ref().map(|(_, keys)| page(keys, event, max)).unwrap_or_default();
            if !keys.is_empty() {
                return Ok(keys);
            }
        }
        Ok(page(&self.tail, event, max))
    }

    /// How many there are.
    pub(in crate::embedded) fn count(&mut self, conn: &Connection) -> Result<u64, Fault> {
        let mut count = self.tail.len();
        for segment in self.segments.iter().filter(|segment| matches!(segment.keys, Keys::Known(_))) {
            count += keys_of(conn, segment)?.len();
        }
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

fn page(keys: &[Carried], event: i64, max: usize) -> Vec<Carried> {
    let from = keys.partition_point(|carried| carried.event <= event);
    keys.iter().skip(from).take(max).copied().collect()
}

/// The keys of a segment that count, in the order of their events.
fn keys_of(conn: &Connection, segment: &Segment) -> Result<Vec<Carried>, Fault> {
    let Keys::Known(known) = &segment.keys else { return Ok(Vec::new()) };
    let damaged = || Fault::new(Kind::Damaged, "read the keys", "a block of keys is damaged or gone");
    let mut query = conn.prepare_cached("SELECT records FROM key_blocks WHERE id = ?1")?;
    let mut all = Vec::new();
    for n in 0..known.fences.len() {
        let bytes: Option<Vec<u8>> = query.query_row([segment.block(n)], |row| row.get(0)).optional()?;
        let bytes = bytes.ok_or_else(damaged)?;
        let records = block::keys(&bytes).ok_or_else(damaged)?;
        all.extend(records.filter(|record| record.key.0 != EXPIRED).map(|record| Carried {
            event: segment.first_event + i64::from(record.position),
            key: record.key,
            digest: record.digest,
            last_arrival_ms: segment.last_arrival_ms + ARRIVAL_STEP_MS,
        }));
    }
    all.sort_unstable_by_key(|carried| carried.event);
    Ok(all)
}

/// An event and a key, of which one may be gone.
#[derive(Default)]
struct Both {
    event: Option<([u8; 16], Box<[i64]>)>,
    key: Option<Carried>,
}

/// Seals the next so many of the events and of the keys in the table `carried_keys` that no segment holds. False when there
/// is none.
pub(in crate::embedded) fn seal_next(conn: &Connection, size: usize) -> Result<bool, Fault> {
    let (newest, sealed): (i64, i64) =
        conn.query_row("SELECT coalesce(max(id), 0), coalesce(max(last_event), 0) FROM segments", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let mut all = next(conn, sealed, size)?.into_iter().take(size).peekable();
    let Some(first) = all.peek().map(|(number, _)| *number) else { return Ok(false) };
    let mut part = Part::default();
    // Positions in a segment are told from its first.
    for (number, both) in all.take_while(|(number, _)| u32::try_from(*number - first).is_ok()) {
        let Both { event, key } = both;
        let (id, names) = event.unwrap_or_default();
        let expired = Carried { event: number, key: (EXPIRED, id), digest: 0, last_arrival_ms: ARRIVAL_STEP_MS };
        let carried = key.unwrap_or(expired);
        let mut entries = Entries::default();
        entries.push(number, carried.key, carried.digest, &names);
        part.learn(&entries, carried.last_arrival_ms - ARRIVAL_STEP_MS);
    }
    let to_seal = ToSeal { part: Arc::new(part), id: newest + 1, generation: 0 };
    let too_many = || Fault::new(Kind::Internal, "seal the keys", "they do not fit a segment");
    SealJob::new(&to_seal).ok_or_else(too_many)?.write(conn)?;
    Ok(true)
}

/// The next so many events and the next so many keys, by the number of the event.
fn next(conn: &Connection, sealed: i64, size: usize) -> Result<BTreeMap<i64, Both>, Fault> {
    let limit = i64::try_from(size).unwrap_or(i64::MAX);
    let mut all: BTreeMap<i64, Both> = BTreeMap::new();
    let mut events = conn.prepare_cached(
        "SELECT id, event_id, message_id, wa_id, user_id, parent_user_id, phone_number_id, display_phone_number
         FROM events WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    for row in events.query_map([sealed, limit], named)? {
        let (number, id, hashes) = row?;
        all.entry(number).or_default().event = Some((id, hashes));
    }
    let mut keys = conn.prepare_cached(
        "SELECT event, partition, event_id, digest, last_arrival FROM carried_keys WHERE event > ?1 ORDER BY event LIMIT ?2",
    )?;
    let carried = keys.query_map([sealed, limit], |row| {
        let key = (row.get(1)?, row.get(2)?);
        Ok(Carried { event: row.get(0)?, key, digest: row.get(3)?, last_arrival_ms: row.get(4)? })
    })?;
    for row in carried {
        let carried = row?;
        all.entry(carried.event).or_default().key = Some(carried);
    }
    Ok(all)
}

fn named(row: &Row<'_>) -> rusqlite::Result<(i64, [u8; 16], Box<[i64]>)> {
    let id: [u8; 16] = row.get(1)?;
    let name = |column: usize| row.get::<_, Option<String>>(column);
    let (message, phone, display) = (name(2)?, name(6)?, name(7)?);
    let contacts = [name(3)?, name(4)?, name(5)?];
    let contacts = [contacts[0].as_deref(), contacts[1].as_deref(), contacts[2].as_deref()];
    Ok((row.get(0)?, id, hashes_of_names(&id, message.as_deref(), contacts, [phone.as_deref(), display.as_deref()])))
}
