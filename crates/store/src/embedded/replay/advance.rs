//! Running: items become deliveries, in the order of their events.

use rules::identity::EventId;
use rules::limits::REPLAY_OWED_MAX;
use rusqlite::{OptionalExtension, params};

use super::{known, note, set_state};
use crate::embedded::dedupe::short_hash;
use crate::embedded::fault::Fault;
use crate::embedded::job::{Refusal, Tx};
use crate::embedded::news::NewlyOwed;
use crate::record::EndpointNo;
use crate::replay::{ReplayMark, ReplayNo, ReplayRecord, ReplayState};

/// Items that one transaction takes.
const SLICE_MAX: usize = 200;

/// What became of an item.
enum Fate {
    Made(NewlyOwed),
    BodyGone,
    EndpointGone,
}

/// Makes the next deliveries, and tells what the board has to learn.
pub(in crate::embedded) fn advance(
    tx: &mut Tx<'_>,
    number: ReplayNo,
    max: usize,
    now_ms: i64,
) -> Result<(ReplayRecord, Vec<NewlyOwed>), Refusal> {
    let record = known(tx, number)?;
    if record.state != ReplayState::Running {
        return Ok((record, Vec::new()));
    }
    let owed: i64 = tx
        .conn
        .prepare_cached("SELECT count(*) FROM deliveries WHERE replay = ?1 AND state = 0")?
        .query_row([number.0], |row| row.get(0))?;
    let room = REPLAY_OWED_MAX.saturating_sub(usize::try_from(owed).unwrap_or(usize::MAX));
    let take = max.min(room).min(SLICE_MAX);
    let mark = ReplayMark { replay: number, as_new: record.as_new };
    let items = items(tx, number, take)?;
    let mut made = Vec::with_capacity(items.len());
    let (mut bodies, mut endpoints) = (0, 0);
    for (event, endpoint, gone) in &items {
        tx.conn
            .prepare_cached("DELETE FROM replay_items WHERE replay = ?1 AND event = ?2 AND endpoint = ?3")?
            .execute(params![number.0, event, endpoint])?;
        // What was gone when it was counted was told then.
        if *gone == 0 {
            match owe(tx, *event, EndpointNo(*endpoint), mark, now_ms)? {
                Fate::Made(owed) => made.push(owed),
                Fate::BodyGone => bodies += 1,
                Fate::EndpointGone => endpoints += 1,
            }
        }
    }
    tx.conn
        .prepare_cached(
            "UPDATE replays SET made = made + ?2, bodies_gone = bodies_gone + ?3, endpoints_gone = endpoints_gone + ?4
             WHERE number = ?1",
        )?
        .execute(params![number.0, i64::try_from(made.len()).unwrap_or(i64::MAX), bodies, endpoints])?;
    if take > items.len() || (take > 0 && is_empty(tx, number)?) {
        set_state(tx, number, ReplayState::Done, now_ms)?;
        note(tx, number, now_ms, "", "done: all its deliveries are made")?;
    }
    Ok((known(tx, number)?, made))
}

fn items(tx: &Tx<'_>, number: ReplayNo, take: usize) -> Result<Vec<(i64, i64, i64)>, Fault> {
    let mut query = tx.conn.prepare_cached(
        "SELECT event, endpoint, gone FROM replay_items WHERE replay = ?1 ORDER BY event, endpoint LIMIT ?2",
    )?;
    let take = i64::try_from(take).unwrap_or(i64::MAX);
    let rows = query.query_map([number.0, take], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn is_empty(tx: &Tx<'_>, number: ReplayNo) -> Result<bool, Fault> {
    let mut query = tx.conn.prepare_cached("SELECT 1 FROM replay_items WHERE replay = ?1")?;
    Ok(!query.exists([number.0])?)
}

fn owe(tx: &mut Tx<'_>, event: i64, endpoint: EndpointNo, mark: ReplayMark, now_ms: i64) -> Result<Fate, Fault> {
    let found: Option<([u8; 16], String)> = tx
        .conn
        .prepare_cached(
            "SELECT e.event_id, e.lane FROM events e JOIN bodies b ON b.notification = e.notification WHERE e.id = ?1",
        )?
        .query_row([event], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((id, lane)) = found else { return Ok(Fate::BodyGone) };
    let lane = short_hash(&[lane.as_bytes()]);
    let delivery = tx.ledger.next_delivery;
    let inserted = tx
        .conn
        .prepare_cached(
            "INSERT INTO deliveries (id, endpoint, event, lane, state, late, attempts, created_at, replay)
             SELECT ?1, number, ?3, ?4, 0, 0, 0, ?5, ?6 FROM endpoints WHERE number = ?2 AND removed_at IS NULL",
        )?
        .execute(params![delivery, endpoint.0, event, lane, now_ms, mark.replay.0])?;
    if inserted == 0 {
        return Ok(Fate::EndpointGone);
    }
    tx.ledger.next_delivery += 1;
    tx.ledger.deliveries += 1;
    let event = EventId::from_bytes(id);
    Ok(Fate::Made(NewlyOwed { endpoint, lane, id: delivery, event, replay: Some(mark) }))
}
