//! Ending what a removed endpoint is owed, in slices that hold the writer only briefly.

use rules::delivery::EndReason;
use rusqlite::params;

use super::fault::Fault;
use super::job::{Change, Refusal, Tx};
use super::shared::Shared;

const SLICE_ROWS_MAX: i64 = 1_000;

/// Queues the next slice; after the last there is none.
pub(super) fn go_on(shared: &Shared, endpoint: i64) {
    let work = Box::new(move |tx: &mut Tx<'_>| slice(tx, endpoint).map_err(Refusal::from));
    let after = Box::new(move |ended: &i64, shared: &Shared| {
        if *ended == SLICE_ROWS_MAX {
            go_on(shared, endpoint);
        }
    });
    let (job, _answer) = Change::new(work, after);
    // When the store closes, the next opening goes on.
    drop(shared.queue.force(job));
}

fn slice(tx: &mut Tx<'_>, endpoint: i64) -> Result<i64, Fault> {
    let ended = tx
        .conn
        .prepare_cached(
            "UPDATE deliveries SET state = 2, reason = ?2, due_at = NULL, hold_until = NULL,
                    ended_at = (SELECT removed_at FROM endpoints WHERE number = ?1)
             WHERE id IN (SELECT id FROM deliveries WHERE endpoint = ?1 AND state = 0 ORDER BY id LIMIT ?3)",
        )?
        .execute(params![endpoint, EndReason::EndpointRemoved.as_str(), SLICE_ROWS_MAX])?;
    let ended = i64::try_from(ended).unwrap_or(i64::MAX);
    tx.ledger.dead += ended;
    Ok(ended)
}
