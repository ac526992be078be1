//! Writing what came of claims: one statement, which first sees that this node was not fenced, and keeps others from
//! fencing it until the COMMIT that is sent along.

use std::collections::HashSet;

use rules::delivery::DeliveryState;
use rules::limits::RESPONSE_SNIPPET_BYTES_MAX;
use tokio_postgres::types::Type;

use super::fault::{Fault, Kind};
use super::session::{Sql, cell};
use super::shared::{Shared, lock};
use super::tx::Mode;
use super::value::{int4, text};
use crate::common::clock;
use crate::common::state::state_number;
use crate::error::StoreError;
use crate::record::Settlement;

/// A batch that met another one's lock is written again.
const TRIES: usize = 4;

static SETTLE: Sql = Sql::new(
    "WITH me AS MATERIALIZED (
         SELECT 1 FROM waypost.nodes WHERE id = $1 AND NOT fenced FOR SHARE
     ), q AS MATERIALIZED (
         SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS v (id, state, reason, attempts,
             first_attempt_at, due_at, hold_until, ended_at, clock_from, uncounted, accepted_status, accepted_ms)
     ), gone AS (
         DELETE FROM waypost.deliveries d USING q, me WHERE d.id = q.id AND q.state > 0
         RETURNING d.day, d.id, d.endpoint, d.event, d.event_id, q.state, d.late,
             greatest(d.attempts, q.attempts) AS attempts, d.created_at,
             coalesce(d.first_attempt_at, q.first_attempt_at) AS first_attempt_at, q.ended_at, q.reason,
             q.accepted_status, q.accepted_ms, d.replay
     ), moved AS (
         INSERT INTO waypost.ended (day, id, endpoint, event, event_id, state, late, attempts, created_at,
             first_attempt_at, ended_at, reason, accepted_status, accepted_ms, replay)
         SELECT day, id, endpoint, event, event_id, state, late, attempts, created_at, first_attempt_at, ended_at, reason,
             accepted_status, accepted_ms, replay FROM gone
     ), kept AS (
         UPDATE waypost.deliveries d SET attempts = greatest(d.attempts, q.attempts),
             first_attempt_at = coalesce(d.first_attempt_at, q.first_attempt_at), due_at = q.due_at,
             hold_until = q.hold_until, clock_from = coalesce(d.clock_from, q.clock_from), uncounted = q.uncounted
         FROM q, me WHERE d.id = q.id AND q.state = 0 RETURNING d.day, d.id
     ), tried AS (
         INSERT INTO waypost.attempts AS a (day, delivery, number, started_at, duration_ms, http_status, failure, error,
             response_snippet)
         SELECT t.day, f.id, f.number, f.started_at, f.duration_ms, f.http_status, f.failure, f.error, f.snippet
         FROM unnest($14, $15, $16, $17, $18, $19, $20, $21) AS f (id, number, started_at, duration_ms, http_status,
             failure, error, snippet)
         JOIN (SELECT day, id FROM gone UNION ALL SELECT day, id FROM kept) t ON t.id = f.id
         ON CONFLICT (day, delivery, number) DO UPDATE SET started_at = excluded.started_at,
             duration_ms = excluded.duration_ms, http_status = excluded.http_status, failure = excluded.failure,
             error = excluded.error, response_snippet = excluded.response_snippet
     ), tally AS (
         INSERT INTO waypost.tallies (endpoint, accepted, dead, skipped)
         SELECT endpoint, count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2),
             count(*) FILTER (WHERE state = 3) FROM gone GROUP BY endpoint
     )
     SELECT id FROM gone UNION ALL SELECT id FROM kept UNION ALL SELECT -1 FROM me",
    &[
        Type::INT8,
        Type::INT8_ARRAY,
        Type::INT2_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT4_ARRAY,
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        // 14
        Type::INT8_ARRAY,
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT4_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
    ],
);

/// The columns of settlements that are the latest of their deliveries.
#[derive(Default)]
struct Rows<'s> {
    ids: Vec<i64>,
    states: Vec<i16>,
    reasons: Vec<Option<&'static str>>,
    attempts: Vec<i32>,
    first_attempts: Vec<Option<i64>>,
    dues: Vec<Option<i64>>,
    holds: Vec<Option<i64>>,
    ends: Vec<i64>,
    clocks: Vec<Option<i64>>,
    uncounted: Vec<i32>,
    statuses: Vec<Option<i32>>,
    durations: Vec<Option<i64>>,
    failed: Failed<'s>,
}

/// Attempts that failed.
#[derive(Default)]
struct Failed<'s> {
    ids: Vec<i64>,
    numbers: Vec<i32>,
    started: Vec<i64>,
    durations: Vec<i64>,
    statuses: Vec<Option<i32>>,
    failures: Vec<Option<&'static str>>,
    errors: Vec<Option<std::borrow::Cow<'s, str>>>,
    snippets: Vec<Option<std::borrow::Cow<'s, str>>>,
}

/// Writes settlements; says of each whether it was taken.
pub(super) async fn settle(shared: &Shared, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
    shared.check_open()?;
    // Before the board is asked: a node that begins anew clears that before it gets its new number.
    let node = lock(&shared.lease).node;
    let current: Vec<bool> = {
        let board = lock(&shared.board);
        let mut seen = HashSet::new();
        let is_first = |settlement: &Settlement| seen.insert(settlement.claim.delivery);
        // Of two for one delivery the first counts.
        let first: Vec<bool> = settlements.iter().map(is_first).collect();
        settlements.iter().zip(first).map(|(one, first)| first && board.is_current(&one.claim)).collect()
    };
    let mut rows = Rows::default();
    for (settlement, _) in settlements.iter().zip(&current).filter(|(_, current)| **current) {
        rows.add(settlement);
    }
    let taken = if rows.ids.is_empty() { HashSet::new() } else { write(shared, node, &rows).await? };
    let mut board = lock(&shared.board);
    let mut answers = Vec::with_capacity(settlements.len());
    for (settlement, current) in settlements.iter().zip(current) {
        let took = current && taken.contains(&settlement.claim.delivery.0);
        if current {
            board.settle(settlement, took);
        }
        answers.push(took);
    }
    drop(board);
    shared.wake.notify_one();
    Ok(answers)
}

async fn write(shared: &Shared, node: i64, rows: &Rows<'_>) -> Result<HashSet<i64>, StoreError> {
    let mut tries = 1;
    let written = loop {
        match once(shared, node, rows).await {
            Err(fault) if fault.kind() == Kind::Conflict && tries < TRIES => tries += 1,
            done => break done,
        }
    };
    shared.note(written.as_ref().err());
    let mut written = written.map_err(|fault| shared.pool.tell(&fault, "settle"))?;
    if !written.remove(&-1) {
        tracing::warn!("this node was fenced: what it has in flight is no longer its own");
    }
    // A read that is under way has seen them as owed.
    if let Some(ended) = lock(&shared.ended).as_mut() {
        ended.extend(&written);
    }
    Ok(written)
}

async fn once(shared: &Shared, node: i64, rows: &Rows<'_>) -> Result<HashSet<i64>, Fault> {
    let tx = shared.pool.begin(Mode::Durable).await?;
    let (r, f) = (rows, &rows.failed);
    let written = shared
        .last(
            tx,
            &SETTLE,
            &[
                &node,
                &r.ids,
                &r.states,
                &r.reasons,
                &r.attempts,
                &r.first_attempts,
                &r.dues,
                &r.holds,
                &r.ends,
                &r.clocks,
                &r.uncounted,
                &r.statuses,
                &r.durations,
                &f.ids,
                &f.numbers,
                &f.started,
                &f.durations,
                &f.statuses,
                &f.failures,
                &f.errors,
                &f.snippets,
            ],
        )
        .await?;
    written.iter().map(|row| cell(row, 0)).collect()
}

impl<'s> Rows<'s> {
    fn add(&mut self, settlement: &'s Settlement) {
        let (claim, attempt) = (&settlement.claim, settlement.attempt.as_ref());
        let accepted = attempt.filter(|_| settlement.state == DeliveryState::Accepted);
        let is_final = settlement.state.is_final();
        let ended_at = attempt
            .map_or_else(clock::now_ms, |attempt| attempt.started_at_ms.saturating_add(i64::from(attempt.duration_ms)));
        self.ids.push(claim.delivery.0);
        self.states.push(state_number(settlement.state));
        self.reasons.push(settlement.state.reason().map(|reason| reason.as_str()));
        self.attempts.push(int4(attempt.map_or(claim.attempts, |attempt| attempt.number)));
        self.first_attempts.push(settlement.first_attempt_at_ms());
        self.dues.push(settlement.due_at_ms.filter(|_| !is_final));
        self.holds.push(settlement.hold_until_on_clock_ms().filter(|_| !is_final));
        self.ends.push(ended_at);
        self.clocks.push(settlement.clock_from_ms());
        self.uncounted.push(int4(settlement.uncounted()));
        self.statuses.push(accepted.and_then(|attempt| attempt.http_status).map(i32::from));
        self.durations.push(accepted.map(|attempt| i64::from(attempt.duration_ms)));
        let Some(attempt) = attempt.filter(|_| accepted.is_none()) else { return };
        let snippet = attempt.response_snippet.as_deref().map(|snippet| {
            let end = snippet.floor_char_boundary(RESPONSE_SNIPPET_BYTES_MAX);
            text(snippet.get(..end).unwrap_or_default())
        });
        self.failed.ids.push(claim.delivery.0);
        self.failed.numbers.push(int4(attempt.number));
        self.failed.started.push(attempt.started_at_ms);
        self.failed.durations.push(i64::from(attempt.duration_ms));
        self.failed.statuses.push(attempt.http_status.map(i32::from));
        self.failed.failures.push(attempt.failure.map(|failure| failure.as_str()));
        self.failed.errors.push(attempt.error.as_deref().map(text));
        self.failed.snippets.push(snippet);
    }
}
