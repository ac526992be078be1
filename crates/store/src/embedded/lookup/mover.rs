//! Moving the tail into the tree, step by step, each within a transaction that commits may share.

use std::time::Instant;

use rusqlite::{Connection, params};

use super::tail::{Entry, Pair, Step, Stepped, decode};
use crate::embedded::fault::Fault;
use crate::embedded::job::{Job, Tx, Weight};
use crate::embedded::shared::{Shared, lock};

/// Pairs between two looks at the clock.
const PAIRS_BETWEEN_LOOKS: usize = 64;

/// Reads the tail from its table.
pub(in crate::embedded) fn load(conn: &Connection, shared: &Shared) -> Result<(), Fault> {
    let mut query = conn.prepare("SELECT event, hashes FROM lookup_tail ORDER BY event")?;
    let rows =
        query.query_map([], |row| Ok(Entry { event: row.get(0)?, hashes: decode(row.get_ref(1)?.as_blob()?) }))?;
    let mut tail = lock(&shared.lookups);
    tail.clear();
    for entry in rows {
        tail.learn([entry?]);
    }
    Ok(())
}

/// Queues the next step where one is due. An idle writer moves a short tail as well.
pub(in crate::embedded) fn move_on(shared: &Shared, idle: bool) {
    if lock(&shared.lookups).begin_moving(idle) && shared.queue.force(Box::new(MoveJob::default())).is_err() {
        // When the store closes, the next opening goes on.
        lock(&shared.lookups).not_stepped();
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
        let step = lock(tx.lookups).step();
        self.stepped = Some(match step {
            Step::Enter { pairs, time_max } => {
                let deadline = time_max.map(|time| Instant::now() + time);
                Stepped::Entered(enter(tx, &pairs, deadline)?)
            }
            Step::Delete { first, last } => {
                tx.conn
                    .prepare_cached("DELETE FROM lookup_tail WHERE event BETWEEN ?1 AND ?2")?
                    .execute(params![first, last])?;
                Stepped::Deleted(last)
            }
            Step::Nothing => Stepped::Nothing,
        });
        Ok(())
    }

    fn done(self: Box<Self>, shared: &Shared) {
        lock(&shared.lookups).stepped(self.stepped.unwrap_or(Stepped::Nothing));
        move_on(shared, false);
    }

    fn failed(self: Box<Self>, _fault: &Fault, shared: &Shared) {
        // The writer says what is wrong with the disk; the next commit or an idle moment tries again.
        lock(&shared.lookups).not_stepped();
    }
}

/// Enters pairs until the deadline. Gives the last one that was entered; None when there are no more.
fn enter(tx: &Tx<'_>, pairs: &[Pair], deadline: Option<Instant>) -> Result<Option<Pair>, Fault> {
    let mut insert = tx.conn.prepare_cached("INSERT OR IGNORE INTO event_lookups (hash, event) VALUES (?1, ?2)")?;
    let mut last = None;
    for some in pairs.chunks(PAIRS_BETWEEN_LOOKS) {
        for (hash, event) in some {
            // Retention may have dropped it in this very transaction, of which the tail knows nothing yet.
            if !tx.dropped_events.contains(event) {
                insert.execute([hash, event])?;
            }
            last = Some((*hash, *event));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break;
        }
    }
    Ok(last)
}
