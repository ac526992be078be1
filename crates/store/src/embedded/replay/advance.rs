//! Running: items become deliveries, for each endpoint in the order of their events, one endpoint after the other.

use rules::identity::EventId;
use rules::limits::REPLAY_OWED_MAX;
use rusqlite::{OptionalExtension, params};

use super::{known, note, set_state};
use crate::common::board::NewlyOwed;
use crate::common::digest::short_hash;
use crate::embedded::fault::Fault;
use crate::embedded::job::{Refusal, Tx};
use crate::record::EndpointNo;
use crate::replay::{ReplayMark, ReplayNo, ReplayRecord, ReplayState};

/// Items that one transaction takes.
const SLICE_MAX: usize = 200;
/// Of them for one endpoint, while others wait for their turn.
const TURN_MAX: usize = 50;
/// Items of one endpoint that are looked at for that.
const LOOKED_MAX: i64 = 200;
/// Endpoints that one transaction looks at.
const ENDPOINTS_MAX: usize = 100;

/// What became of an item.
enum Fate {
    Made(NewlyOwed),
    BodyGone,
    EndpointGone,
}

/// What became of a slice.
#[derive(Default)]
struct Slice {
    made: Vec<NewlyOwed>,
    taken: usize,
    bodies_gone: i64,
    endpoints_gone: i64,
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
    let mark = ReplayMark { replay: number, as_new: record.as_new };
    let slice = slice(tx, mark, max.min(SLICE_MAX), now_ms)?;
    tx.conn
        .prepare_cached(
            "UPDATE replays SET made = made + ?2, bodies_gone = bodies_gone + ?3, endpoints_gone = endpoints_gone + ?4
             WHERE number = ?1",
        )?
        .execute(params![
            number.0,
            i64::try_from(slice.made.len()).unwrap_or(i64::MAX),
            slice.bodies_gone,
            slice.endpoints_gone,
        ])?;
    if is_empty(tx, number)? {
        set_state(tx, number, ReplayState::Done, now_ms)?;
        note(tx, number, now_ms, "", "done: all its deliveries are made")?;
    }
    Ok((known(tx, number)?, slice.made))
}

/// Gives one endpoint after the other its turn, from the one after the last on.
fn slice(tx: &mut Tx<'_>, mark: ReplayMark, max: usize, now_ms: i64) -> Result<Slice, Fault> {
    let number = mark.replay;
    let began: i64 = tx
        .conn
        .prepare_cached("SELECT turn FROM replays WHERE number = ?1")?
        .query_row([number.0], |row| row.get(0))?;
    let (mut slice, mut turn, mut round) = (Slice::default(), began, false);
    for _ in 0..ENDPOINTS_MAX {
        if slice.taken >= max {
            break;
        }
        let Some(endpoint) = next_endpoint(tx, number, turn)? else {
            if round {
                break;
            }
            (turn, round) = (0, true);
            continue;
        };
        if round && endpoint > began {
            break;
        }
        turn = endpoint;
        serve(tx, mark, EndpointNo(endpoint), (max - slice.taken).min(TURN_MAX), &mut slice, now_ms)?;
    }
    tx.conn.prepare_cached("UPDATE replays SET turn = ?2 WHERE number = ?1")?.execute([number.0, turn])?;
    Ok(slice)
}

fn next_endpoint(tx: &Tx<'_>, number: ReplayNo, after: i64) -> Result<Option<i64>, Fault> {
    let mut query =
        tx.conn.prepare_cached("SELECT min(endpoint) FROM replay_items WHERE replay = ?1 AND endpoint > ?2")?;
    Ok(query.query_row([number.0, after], |row| row.get(0))?)
}

/// Makes an endpoint's next deliveries, as long as it is not owed its share.
fn serve(
    tx: &mut Tx<'_>,
    mark: ReplayMark,
    endpoint: EndpointNo,
    max: usize,
    slice: &mut Slice,
    now_ms: i64,
) -> Result<(), Fault> {
    let number = mark.replay;
    let owed: i64 = tx
        .conn
        .prepare_cached("SELECT count(*) FROM deliveries WHERE replay = ?1 AND state = 0 AND endpoint = ?2")?
        .query_row([number.0, endpoint.0], |row| row.get(0))?;
    let mut room = REPLAY_OWED_MAX.saturating_sub(usize::try_from(owed).unwrap_or(usize::MAX)).min(max);
    for (event, gone) in items(tx, number, endpoint)? {
        // What was gone when it was counted was told then, and takes nobody's place now.
        if gone == 0 {
            if room == 0 {
                break;
            }
            room -= 1;
            slice.taken += 1;
            match owe(tx, event, endpoint, mark, now_ms)? {
                Fate::Made(owed) => slice.made.push(owed),
                Fate::BodyGone => slice.bodies_gone += 1,
                Fate::EndpointGone => slice.endpoints_gone += 1,
            }
        }
        tx.conn
            .prepare_cached("DELETE FROM replay_items WHERE replay = ?1 AND endpoint = ?2 AND event = ?3")?
            .execute([number.0, endpoint.0, event])?;
    }
    Ok(())
}

fn items(tx: &Tx<'_>, number: ReplayNo, endpoint: EndpointNo) -> Result<Vec<(i64, i64)>, Fault> {
    let mut query = tx.conn.prepare_cached(
        "SELECT event, gone FROM replay_items WHERE replay = ?1 AND endpoint = ?2 ORDER BY event LIMIT ?3",
    )?;
    let rows = query.query_map([number.0, endpoint.0, LOOKED_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?;
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
    let (event_no, event) = (event, EventId::from_bytes(id));
    Ok(Fate::Made(NewlyOwed { endpoint, lane, id: delivery, event, event_no, replay: Some(mark) }))
}
