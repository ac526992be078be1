//! Moving the tail into the trees, step by step, each within a transaction that commits may share.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::tail::{Entry, Key, Known, Pair, Step, Stepped, decode};
use crate::embedded::fault::Fault;
use crate::embedded::job::{Job, Tx, Weight};
use crate::embedded::shared::{Shared, lock};

/// Keys or hashes between two looks at the clock.
const ENTERED_BETWEEN_LOOKS: usize = 64;

/// Reads the tail from its table.
pub(in crate::embedded) fn load(conn: &Connection, shared: &Shared) -> Result<(), Fault> {
    let mut query = conn.prepare("SELECT event, partition, event_id, digest, hashes FROM event_tail ORDER BY event")?;
    let rows = query.query_map([], |row| {
        Ok(Entry {
            event: row.get(0)?,
            key: (row.get(1)?, row.get(2)?),
            digest: row.get(3)?,
            hashes: decode(row.get_ref(4)?.as_blob()?),
        })
    })?;
    let mut tail = lock(&shared.tail);
    tail.clear();
    for entry in rows {
        tail.learn([entry?]);
    }
    Ok(())
}

/// Queues the next step where one is due. An idle writer moves a short tail as well.
pub(in crate::embedded) fn move_on(shared: &Shared, idle: bool) {
    if lock(&shared.tail).begin_moving(idle) && shared.queue.force(Box::new(MoveJob::default())).is_err() {
        // When the store closes, the next opening goes on.
        lock(&shared.tail).not_stepped();
    }
}

/// One step.
#[derive(Default)]
struct MoveJob {
    stepped: Option<Stepped>,
}

impl Job for MoveJob {
    fn weight(&self) -> Weight {
        Weight { events: 100, bytes: 0 }
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let step = lock(tx.tail).step();
        self.stepped = Some(match step {
            Step::Keys { keys, time_max } => {
                let last = in_time(&keys, time_max, |(key, known)| enter_key(tx, key, *known))?;
                Stepped::Keys(last.map(|(key, _)| key))
            }
            Step::Hashes { pairs, time_max } => {
                Stepped::Hashes(in_time(&pairs, time_max, |pair| enter_hash(tx, *pair))?)
            }
            Step::Delete { first, last } => {
                tx.conn
                    .prepare_cached("DELETE FROM event_tail WHERE event BETWEEN ?1 AND ?2")?
                    .execute(params![first, last])?;
                Stepped::Deleted(last)
            }
            Step::Nothing => Stepped::Nothing,
        });
        Ok(())
    }

    fn done(self: Box<Self>, shared: &Shared) {
        lock(&shared.tail).stepped(self.stepped.unwrap_or(Stepped::Nothing));
        move_on(shared, false);
    }

    fn failed(self: Box<Self>, _fault: &Fault, shared: &Shared) {
        // The writer says what is wrong with the disk; the next commit or an idle moment tries again.
        lock(&shared.tail).not_stepped();
    }
}

/// Enters one after another until the time is up. Gives the last that was entered; None when there was none.
fn in_time<T: Copy>(
    all: &[T],
    time_max: Option<Duration>,
    mut enter: impl FnMut(&T) -> Result<(), Fault>,
) -> Result<Option<T>, Fault> {
    let deadline = time_max.map(|time| Instant::now() + time);
    let mut last = None;
    for some in all.chunks(ENTERED_BETWEEN_LOOKS) {
        some.iter().try_for_each(&mut enter)?;
        last = some.last().copied();
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break;
        }
    }
    Ok(last)
}

fn enter_key(tx: &Tx<'_>, (partition, id): &Key, (event, digest): Known) -> Result<(), Fault> {
    tx.conn
        .prepare_cached(
            "INSERT OR IGNORE INTO event_keys (partition, event_id, event, digest) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![partition, id, event, digest])?;
    Ok(())
}

fn enter_hash(tx: &Tx<'_>, (hash, event): Pair) -> Result<(), Fault> {
    // Retention may have dropped it in this very transaction, of which the tail knows nothing yet.
    if !tx.dropped_events.contains(&event) {
        tx.conn
            .prepare_cached("INSERT OR IGNORE INTO event_lookups (hash, event) VALUES (?1, ?2)")?
            .execute([hash, event])?;
    }
    Ok(())
}
