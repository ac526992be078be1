//! Running: items become deliveries, for each endpoint in the order of their events, one endpoint after the other.

use rules::limits::REPLAY_OWED_MAX;
use tokio_postgres::types::Type;

use super::rows::lock_row;
use super::{known, note, set_state};
use crate::common::digest::short_hash;
use crate::postgres::endpoints::Refusal;
use crate::postgres::fault::Fault;
use crate::postgres::session::{Sql, cell};
use crate::postgres::tx::Tx;
use crate::postgres::value::{Uid, int8};
use crate::replay::{ReplayNo, ReplayRecord, ReplayState};

/// Items that one transaction takes: fewer than a block has numbers.
const SLICE_MAX: usize = 200;
/// Of them for one endpoint, while others wait for their turn.
const TURN_MAX: usize = 50;
/// Items of one endpoint that are looked at for that.
const LOOKED_MAX: i64 = 200;
/// Endpoints that one transaction looks at.
const ENDPOINTS_MAX: usize = 100;

static TURN: Sql =
    Sql::new("SELECT turn, nextval('waypost.blocks') FROM waypost.replays WHERE number = $1", &[Type::INT8]);
static NEXT: Sql = Sql::new(
    "SELECT min(endpoint) FROM waypost.replay_items WHERE replay = $1 AND endpoint > $2",
    &[Type::INT8, Type::INT8],
);
static OWED: Sql = Sql::new(
    "SELECT count(*), (SELECT count(*) FROM waypost.endpoints WHERE number = $2 AND removed_at IS NULL)
     FROM waypost.deliveries WHERE replay = $1 AND endpoint = $2",
    &[Type::INT8, Type::INT8],
);
static ITEMS: Sql = Sql::new(
    "SELECT i.event, i.day, i.gone, e.event_id, e.lane, b.notification IS NOT NULL
     FROM (SELECT * FROM waypost.replay_items WHERE replay = $1 AND endpoint = $2 ORDER BY event LIMIT $3) i
     LEFT JOIN waypost.events e ON e.day = i.day AND e.id = i.event
     LEFT JOIN waypost.bodies b ON b.day = e.day AND b.notification = e.notification
     ORDER BY i.event",
    &[Type::INT8, Type::INT8, Type::INT8],
);
static DROP: Sql = Sql::new(
    "DELETE FROM waypost.replay_items WHERE replay = $1 AND endpoint = $2 AND event = ANY ($3)",
    &[Type::INT8, Type::INT8, Type::INT8_ARRAY],
);
static OWE: Sql = Sql::new(
    "WITH made AS (
         INSERT INTO waypost.deliveries (id, endpoint, lane, day, event, event_id, created_at, replay)
         SELECT id, $2, lane, day, event, event_id, $8, $1 FROM unnest($3, $4, $5, $6, $7)
             AS v (id, lane, day, event, event_id)
     )
     INSERT INTO waypost.tallies (endpoint, deliveries) VALUES ($2, cardinality($3))",
    &[
        Type::INT8,
        Type::INT8,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        Type::UUID_ARRAY,
        Type::INT8,
    ],
);
static GO_ON: Sql = Sql::new(
    "UPDATE waypost.replays SET made = made + $2, bodies_gone = bodies_gone + $3, endpoints_gone = endpoints_gone + $4,
         turn = $5
     WHERE number = $1",
    &[Type::INT8, Type::INT8, Type::INT8, Type::INT8, Type::INT8],
);
static TELL: Sql = Sql::new("INSERT INTO waypost.news (kind, block) VALUES (0, $1)", &[Type::INT8]);

/// What became of a slice.
#[derive(Default)]
struct Slice {
    block: i64,
    made: usize,
    taken: usize,
    bodies_gone: i64,
    endpoints_gone: i64,
}

/// Makes the next deliveries.
pub(in crate::postgres) async fn advance(
    tx: &mut Tx,
    number: ReplayNo,
    max: usize,
    now_ms: i64,
) -> Result<ReplayRecord, Refusal> {
    lock_row(tx, number).await?;
    let record = known(tx, number).await?;
    if record.state != ReplayState::Running {
        return Ok(record);
    }
    let row = tx.query_one(&TURN, &[&number.0]).await?;
    let began: i64 = cell(&row, 0)?;
    let mut slice = Slice { block: cell(&row, 1)?, ..Slice::default() };
    let turn = turns(tx, number, (began, max.min(SLICE_MAX), now_ms), &mut slice).await?;
    let made = int8(slice.made);
    let _count = tx.execute(&GO_ON, &[&number.0, &made, &slice.bodies_gone, &slice.endpoints_gone, &turn]).await?;
    if slice.made > 0 {
        let _count = tx.execute(&TELL, &[&slice.block]).await?;
    }
    if next_endpoint(tx, number, i64::MIN).await?.is_none() {
        set_state(tx, number, ReplayState::Done, now_ms).await?;
        note(tx, number, now_ms, "", "done: all its deliveries are made").await?;
    }
    known(tx, number).await
}

/// Gives one endpoint after the other its turn, from the one after the last on; gives the one that had it last.
async fn turns(
    tx: &mut Tx,
    number: ReplayNo,
    (began, max, now_ms): (i64, usize, i64),
    slice: &mut Slice,
) -> Result<i64, Fault> {
    let (mut turn, mut round) = (began, false);
    for _ in 0..ENDPOINTS_MAX {
        if slice.taken >= max {
            break;
        }
        let Some(endpoint) = next_endpoint(tx, number, turn).await? else {
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
        serve(tx, number, (endpoint, (max - slice.taken).min(TURN_MAX), now_ms), slice).await?;
    }
    Ok(turn)
}

async fn next_endpoint(tx: &mut Tx, number: ReplayNo, after: i64) -> Result<Option<i64>, Fault> {
    cell(&tx.query_one(&NEXT, &[&number.0, &after]).await?, 0)
}

/// What is to be written for one endpoint.
#[derive(Default)]
struct Made {
    ids: Vec<i64>,
    lanes: Vec<i64>,
    days: Vec<i32>,
    events: Vec<i64>,
    event_ids: Vec<Uid>,
    dropped: Vec<i64>,
}

/// Makes an endpoint's next deliveries, as long as it is not owed its share.
async fn serve(
    tx: &mut Tx,
    number: ReplayNo,
    (endpoint, max, now_ms): (i64, usize, i64),
    slice: &mut Slice,
) -> Result<(), Fault> {
    let row = tx.query_one(&OWED, &[&number.0, &endpoint]).await?;
    let (owed, there): (i64, i64) = (cell(&row, 0)?, cell(&row, 1)?);
    let mut room = REPLAY_OWED_MAX.saturating_sub(usize::try_from(owed).unwrap_or(usize::MAX)).min(max);
    let mut made = Made::default();
    for row in tx.query(&ITEMS, &[&number.0, &endpoint, &LOOKED_MAX]).await? {
        let (event, day, gone): (i64, i32, i16) = (cell(&row, 0)?, cell(&row, 1)?, cell(&row, 2)?);
        let (id, lane): (Option<Uid>, Option<String>) = (cell(&row, 3)?, cell(&row, 4)?);
        // What was gone when it was counted was told then, and takes nobody's place now.
        if gone == 0 {
            if room == 0 {
                break;
            }
            room -= 1;
            slice.taken += 1;
            match (id.zip(lane).filter(|_| cell(&row, 5).unwrap_or(false)), there) {
                (_, 0) => slice.endpoints_gone += 1,
                (None, _) => slice.bodies_gone += 1,
                (Some((id, lane)), _) => {
                    made.ids.push(slice.block * 4_096 + int8(slice.made));
                    made.lanes.push(short_hash(&[lane.as_bytes()]));
                    made.days.push(day);
                    made.events.push(event);
                    made.event_ids.push(id);
                    slice.made += 1;
                }
            }
        }
        made.dropped.push(event);
    }
    let _count = tx.execute(&DROP, &[&number.0, &endpoint, &made.dropped]).await?;
    if !made.ids.is_empty() {
        let m = &made;
        let values: [crate::postgres::session::Value<'_>; 8] =
            [&number.0, &endpoint, &m.ids, &m.lanes, &m.days, &m.events, &m.event_ids, &now_ms];
        let _count = tx.execute(&OWE, &values).await?;
    }
    Ok(())
}
