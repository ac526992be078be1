//! Writing what came of claims.

use std::time::Duration;

use rules::delivery::DeliveryState;
use rules::limits::RESPONSE_SNIPPET_BYTES_MAX;
use rusqlite::params;
use tokio::sync::oneshot;

use super::fault::Fault;
use super::job::{Job, Tx, Weight};
use super::shared::{Shared, lock};
use crate::common::board::Aside;
use crate::common::clock;
use crate::common::state::state_number;
use crate::error::StoreError;
use crate::record::{AttemptRecord, DeliveryNo, Settlement};

/// Settlements on their way into the store. The caller has told which of them bear the current fence.
pub(super) struct SettleJob {
    settlements: Vec<(Settlement, bool)>,
    taken: Vec<bool>,
    patience: Duration,
    reply: oneshot::Sender<Result<Vec<bool>, StoreError>>,
}

impl SettleJob {
    pub(super) fn new(
        settlements: Vec<(Settlement, bool)>,
        patience: Duration,
    ) -> (Box<Self>, oneshot::Receiver<Result<Vec<bool>, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        let job = Self { settlements, taken: Vec::new(), patience, reply };
        (Box::new(job), answer)
    }
}

impl Job for SettleJob {
    fn weight(&self) -> Weight {
        Weight { events: self.settlements.len(), bytes: 0 }
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        self.taken.clear();
        for (settlement, current) in &self.settlements {
            self.taken.push(*current && write(tx, settlement)?);
        }
        Ok(())
    }

    fn done(self: Box<Self>, shared: &Shared) {
        let mut board = lock(&shared.board);
        for ((settlement, current), taken) in self.settlements.iter().zip(&self.taken) {
            if *current {
                board.settle(settlement, *taken);
            }
        }
        drop(board);
        shared.wake.notify_one();
        drop(self.reply.send(Ok(self.taken)));
    }

    fn failed(self: Box<Self>, fault: &Fault, shared: &Shared) {
        drop(self.reply.send(Err(fault.to_store_error(shared.folder()))));
    }
}

/// Writes one. False when the delivery had ended by other means.
fn write(tx: &mut Tx<'_>, settlement: &Settlement) -> Result<bool, Fault> {
    let claim = &settlement.claim;
    let attempt = settlement.attempt.as_ref();
    let accepted = attempt.filter(|_| settlement.state == DeliveryState::Accepted);
    let is_final = settlement.state.is_final();
    let ended_at = attempt
        .map_or_else(clock::now_ms, |attempt| attempt.started_at_ms.saturating_add(i64::from(attempt.duration_ms)));
    let changed = tx
        .conn
        .prepare_cached(
            "UPDATE deliveries SET state = ?2, reason = ?3, attempts = max(attempts, ?4),
                    first_attempt_at = coalesce(first_attempt_at, ?5), due_at = ?6, hold_until = ?7,
                    ended_at = CASE WHEN ?2 = 0 THEN NULL ELSE ?8 END,
                    clock_from = coalesce(clock_from, ?9), uncounted = ?10, accepted_status = ?11, accepted_ms = ?12
             WHERE id = ?1 AND state = 0",
        )?
        .execute(params![
            claim.delivery.0,
            state_number(settlement.state),
            settlement.state.reason().map(|reason| reason.as_str()),
            attempt.map_or(claim.attempts, |attempt| attempt.number),
            settlement.first_attempt_at_ms(),
            settlement.due_at_ms.filter(|_| !is_final),
            settlement.hold_until_on_clock_ms().filter(|_| !is_final),
            ended_at,
            settlement.clock_from_ms(),
            settlement.uncounted(),
            accepted.and_then(|attempt| attempt.http_status),
            accepted.map(|attempt| attempt.duration_ms),
        ])?;
    if changed == 0 {
        return Ok(false);
    }
    // On a full disk the list of attempts that failed has gaps; their count has none.
    if let Some(attempt) = attempt.filter(|_| accepted.is_none() && !tx.thrifty) {
        write_attempt(tx, claim.delivery, attempt)?;
    }
    match settlement.state {
        DeliveryState::Owed => {}
        DeliveryState::Accepted => tx.ledger.accepted += 1,
        DeliveryState::Dead(_) => tx.ledger.dead += 1,
        DeliveryState::Skipped(_) => tx.ledger.skipped += 1,
    }
    Ok(true)
}

fn write_attempt(tx: &Tx<'_>, delivery: DeliveryNo, attempt: &AttemptRecord) -> Result<(), Fault> {
    let snippet = attempt.response_snippet.as_deref().map(|text| {
        let end = text.floor_char_boundary(RESPONSE_SNIPPET_BYTES_MAX);
        text.get(..end).unwrap_or_default()
    });
    // A number may come twice: an attempt that a crash cut off is made again.
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO attempts (delivery, number, started_at, duration_ms, http_status, failure, error,
                                              response_snippet)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            delivery.0,
            attempt.number,
            attempt.started_at_ms,
            attempt.duration_ms,
            attempt.http_status,
            attempt.failure.map(|failure| failure.as_str()),
            attempt.error,
            snippet,
        ])?;
    Ok(())
}

/// Writes down that heads of lanes were set aside; their lanes go on only after that.
pub(super) struct AsideJob {
    asides: Vec<Aside>,
    now_ms: i64,
}

/// How long a lane waits before its head is set aside again, when writing that down failed.
const POSTPONED_MS: i64 = 1_000;

impl AsideJob {
    pub(super) fn new(asides: Vec<Aside>, now_ms: i64) -> Box<Self> {
        Box::new(Self { asides, now_ms })
    }

    pub(super) fn postpone(&self, shared: &Shared) {
        let mut board = lock(&shared.board);
        for aside in &self.asides {
            board.postpone(*aside, self.now_ms.saturating_add(POSTPONED_MS));
        }
    }
}

impl Job for AsideJob {
    fn weight(&self) -> Weight {
        Weight { events: self.asides.len(), bytes: 0 }
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let mut update = tx.conn.prepare_cached("UPDATE deliveries SET late = 1 WHERE id = ?1 AND state = 0")?;
        for aside in &self.asides {
            update.execute([aside.id])?;
        }
        Ok(())
    }

    fn done(self: Box<Self>, shared: &Shared) {
        let mut board = lock(&shared.board);
        for aside in &self.asides {
            board.set_aside(*aside);
        }
        drop(board);
        shared.wake.notify_one();
    }

    fn failed(self: Box<Self>, _fault: &Fault, shared: &Shared) {
        self.postpone(shared);
    }
}
