//! What the board learns from the tables.
//!
//! A reader's place is a snapshot: it reads the news of transactions that had not ended at its last look, and remembers
//! which of those it has read. A transaction that is open for long holds up nobody, and what it commits at last is seen.
//! News and rows that are read for a window come from one snapshot, in which everything that was committed before any of
//! it can be seen as well, and the earlier is told first: so no delivery overtakes one of its lane.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::Instant;

use rules::identity::EventId;
use tokio_postgres::types::Type;

use super::endpoints::{self, Seen};
use super::fault::Fault;
use super::payloads;
use super::session::{Sql, cell};
use super::shared::{Shared, lock};
use super::tx::{Mode, Tx};
use super::value::{Uid, small};
use crate::common::board::NewlyOwed;
use crate::common::board::{Item, Row, Touched, Tried, Want};
use crate::record::EndpointNo;
use crate::replay::{ReplayMark, ReplayNo};

/// How far the tables were read.
#[derive(Debug, Default)]
pub(super) struct Feed {
    /// Transactions below this number had ended at the last look.
    place: i64,
    /// Those from there on whose news was read.
    seen: HashSet<i64>,
    /// The version of the endpoints that the board knows.
    version: i64,
    /// With the fence under which the board has each.
    adopted: HashMap<EndpointNo, i64>,
    leaving: HashSet<EndpointNo>,
    /// When the server that was read last began: after a change nothing is known about transactions.
    server: String,
    looked_at: Option<Instant>,
}

/// Deliveries of this block are there.
const BLOCK: i16 = 0;
/// Owed deliveries are due at once.
pub(super) const HURRIED: i16 = 1;
/// Owed deliveries have ended.
pub(super) const ENDED: i16 = 2;
/// What an endpoint is owed is to be read again.
pub(super) const READ_AGAIN: i16 = 3;
/// Nodes or owners changed.
pub(super) const OWNERS: i16 = 4;

static LOOK: Sql = Sql::new(
    "SELECT NULL::bigint, NULL::int2, l.endpoints_version, pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
            NULL::bigint[], NULL::bigint[], pg_postmaster_start_time()::text
     FROM waypost.ledger l
     UNION ALL
     SELECT n.xid::text::bigint, n.kind, n.block, n.endpoint, n.deliveries, n.lanes, n.node::text
     FROM waypost.news n WHERE n.xid >= $1::text::xid8 AND n.xid::text::bigint <> ALL ($2)",
    &[Type::TEXT, Type::INT8_ARRAY],
);
macro_rules! owed_columns {
    () => {
        "SELECT d.id, d.endpoint, d.lane, d.event_id, d.event, d.day, d.attempts, d.uncounted, d.first_attempt_at,
                d.clock_from, d.due_at, d.hold_until, d.late, d.replay, r.as_new
         FROM waypost.deliveries d LEFT JOIN waypost.replays r ON r.number = d.replay "
    };
}
static ARRIVED: Sql = Sql::new(
    concat!(
        "SELECT a.* FROM unnest($1) AS b (block) CROSS JOIN LATERAL (",
        owed_columns!(),
        "WHERE d.id >= b.block * 4096 AND d.id < (b.block + 1) * 4096 AND d.endpoint = ANY ($2)) a ORDER BY a.id"
    ),
    &[Type::INT8_ARRAY, Type::INT8_ARRAY],
);
static WINDOW: Sql = Sql::new(
    concat!(owed_columns!(), "WHERE d.endpoint = $1 AND d.id BETWEEN $2 AND $3 ORDER BY d.id LIMIT $4"),
    &[Type::INT8, Type::INT8, Type::INT8, Type::INT8],
);
static LANE: Sql = Sql::new(
    concat!(
        owed_columns!(),
        "WHERE d.endpoint = $1 AND d.id BETWEEN $2 AND $3 AND d.lane = $5 AND NOT d.late ORDER BY d.id LIMIT $4"
    ),
    &[Type::INT8, Type::INT8, Type::INT8, Type::INT8, Type::INT8],
);
static NEWEST: Sql = Sql::new(
    "SELECT n, (SELECT max(d.id) FROM waypost.deliveries d WHERE d.endpoint = n) FROM unnest($1) AS n",
    &[Type::INT8_ARRAY],
);

/// What one look brought.
#[derive(Default)]
struct Look {
    place: i64,
    xids: Vec<i64>,
    version: i64,
    server: String,
    blocks: Vec<i64>,
    touched: Vec<(i16, Vec<Touched>, Option<EndpointNo>)>,
}

/// An owed delivery as read.
struct Owed {
    row: Row,
    endpoint: EndpointNo,
    day: i32,
}

impl Feed {
    /// The next look is not put off.
    pub(super) fn expect_more(&mut self) {
        self.looked_at = None;
    }

    /// The board has them no more. One that is this node's after all is adopted anew.
    pub(super) fn lose(&mut self, numbers: impl Iterator<Item = EndpointNo>) {
        for number in numbers {
            let _fence = self.adopted.remove(&number);
        }
    }
}

/// Looks whether there is anything new, when something was committed here or the last look is too old.
pub(super) async fn catch_up(shared: &Shared, feed: &mut Feed) -> Result<(), Fault> {
    let is_old = feed.looked_at.is_none_or(|at| at.elapsed() >= shared.tuning.poll);
    if is_old || shared.dirty.load(Ordering::SeqCst) { step(shared, feed, None).await } else { Ok(()) }
}

/// Reads the news and what the board wants, in one snapshot, and tells it.
pub(super) async fn step(shared: &Shared, feed: &mut Feed, want: Option<&Want>) -> Result<(), Fault> {
    *lock(&shared.ended) = Some(HashSet::new());
    let _was = shared.dirty.swap(false, Ordering::SeqCst);
    let done = read(shared, feed, want).await;
    let ended = lock(&shared.ended).take().unwrap_or_default();
    match done {
        Ok(reading) => {
            tell(shared, feed, want, reading, &ended);
            feed.looked_at = Some(Instant::now());
            Ok(())
        }
        Err(fault) => {
            shared.dirty.store(true, Ordering::SeqCst);
            if let Some(want) = want {
                lock(&shared.board).give(want, None);
            }
            Err(fault)
        }
    }
}

/// Everything that one step read.
struct Reading {
    look: Look,
    changed: Vec<Seen>,
    /// Endpoints that this node got, with their newest delivery and its fence.
    adopted: Vec<(Seen, i64, i64)>,
    lost: Vec<EndpointNo>,
    leaving: HashSet<EndpointNo>,
    arrived: Vec<Owed>,
    wanted: Vec<Owed>,
    /// Everything is read again.
    anew: bool,
    newest: HashMap<EndpointNo, i64>,
}

async fn read(shared: &Shared, feed: &mut Feed, want: Option<&Want>) -> Result<Reading, Fault> {
    let (owned, leaving, node) = {
        let lease = lock(&shared.lease);
        (lease.owned.clone(), lease.leaving.clone(), lease.node)
    };
    let mut tx = shared.pool.begin(Mode::Snapshot).await?;
    let seen: Vec<i64> = feed.seen.iter().copied().collect();
    let look = look(&mut tx, feed.place, &seen, node).await?;
    let anew = !feed.server.is_empty() && (feed.server != look.server || look.place < feed.place);
    let missing = |(endpoint, fence): &(&EndpointNo, &i64)| feed.adopted.get(endpoint) != Some(fence);
    let missing: Vec<(EndpointNo, i64)> =
        owned.iter().filter(missing).map(|(endpoint, fence)| (*endpoint, *fence)).collect();
    let lost = feed.adopted.iter().filter(|(endpoint, fence)| owned.get(endpoint) != Some(*fence));
    let lost: Vec<EndpointNo> = lost.map(|(endpoint, _)| *endpoint).collect();
    let adopted = adopt(&mut tx, &missing).await?;
    let changed = match (anew, look.version == feed.version) {
        (true, _) => endpoints::since(&mut tx, 0).await?,
        (false, true) => Vec::new(),
        (false, false) => endpoints::since(&mut tx, feed.version).await?,
    };
    let numbers: Vec<i64> = owned.keys().map(|endpoint| endpoint.0).collect();
    let newest = if anew { newest(&mut tx, &numbers).await? } else { HashMap::new() };
    let arrived = match look.blocks.is_empty() || numbers.is_empty() {
        true => Vec::new(),
        false => owed(tx.query(&ARRIVED, &[&look.blocks, &numbers]).await?)?,
    };
    let wanted = match want {
        None => Vec::new(),
        Some(want) => wanted(&mut tx, want).await?,
    };
    tx.commit().await?;
    Ok(Reading { look, changed, adopted, lost, leaving, arrived, wanted, anew, newest })
}

async fn look(tx: &mut Tx, place: i64, seen: &[i64], node: i64) -> Result<Look, Fault> {
    let mut look = Look::default();
    let own = node.to_string();
    // At the first look nothing is news: everything that is there is read with the endpoints.
    let place = if place == 0 { i64::MAX } else { place };
    for row in tx.query(&LOOK, &[&place.to_string(), &seen]).await? {
        let Some(xid) = cell::<Option<i64>>(&row, 0)? else {
            (look.version, look.place, look.server) = (cell(&row, 2)?, cell(&row, 3)?, cell(&row, 6)?);
            continue;
        };
        look.xids.push(xid);
        let kind: i16 = cell(&row, 1)?;
        if kind == BLOCK {
            look.blocks.push(cell(&row, 2)?);
            continue;
        }
        if cell::<Option<String>>(&row, 6)?.as_ref() == Some(&own) {
            continue;
        }
        let endpoint: Option<i64> = cell(&row, 3)?;
        let ids: Vec<i64> = cell::<Option<_>>(&row, 4)?.unwrap_or_default();
        let lanes: Vec<i64> = cell::<Option<_>>(&row, 5)?.unwrap_or_default();
        let of = EndpointNo(endpoint.unwrap_or_default());
        let touched = ids.into_iter().zip(lanes).map(|(id, lane)| Touched { endpoint: of, id, lane }).collect();
        look.touched.push((kind, touched, endpoint.map(EndpointNo)));
    }
    Ok(look)
}

async fn adopt(tx: &mut Tx, missing: &[(EndpointNo, i64)]) -> Result<Vec<(Seen, i64, i64)>, Fault> {
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<i64> = missing.iter().map(|(endpoint, _)| endpoint.0).collect();
    let newest = newest(tx, &numbers).await?;
    let mut adopted = Vec::new();
    for seen in endpoints::of(tx, &numbers).await? {
        let number = seen.record.number;
        let fence = missing.iter().find(|(endpoint, _)| *endpoint == number).map_or(0, |(_, fence)| *fence);
        adopted.push((seen, newest.get(&number).copied().unwrap_or_default(), fence));
    }
    Ok(adopted)
}

async fn newest(tx: &mut Tx, numbers: &[i64]) -> Result<HashMap<EndpointNo, i64>, Fault> {
    let mut newest = HashMap::new();
    for row in tx.query(&NEWEST, &[&numbers]).await? {
        let _none = newest.insert(EndpointNo(cell(&row, 0)?), cell::<Option<i64>>(&row, 1)?.unwrap_or_default());
    }
    Ok(newest)
}

async fn wanted(tx: &mut Tx, want: &Want) -> Result<Vec<Owed>, Fault> {
    let limit = super::value::int8(want.limit);
    let rows = match want.lane {
        Some(lane) => tx.query(&LANE, &[&want.endpoint.0, &want.from, &want.upto, &limit, &lane]).await?,
        None => tx.query(&WINDOW, &[&want.endpoint.0, &want.from, &want.upto, &limit]).await?,
    };
    owed(rows)
}

fn owed(rows: Vec<tokio_postgres::Row>) -> Result<Vec<Owed>, Fault> {
    rows.iter().map(owed_of).collect()
}

fn owed_of(row: &tokio_postgres::Row) -> Result<Owed, Fault> {
    let event: Uid = cell(row, 3)?;
    let item = Item { id: cell(row, 0)?, event: EventId::from_bytes(event.0), event_no: cell(row, 4)?, tried: None };
    let replay: Option<i64> = cell(row, 13)?;
    let as_new: Option<bool> = cell(row, 14)?;
    let tried = Tried {
        attempts: small(row, 6)?,
        uncounted: small(row, 7)?,
        first_attempt_at: cell(row, 8)?,
        clock_from: cell(row, 9)?,
        due_at: cell(row, 10)?,
        hold_until: cell(row, 11)?,
        down: false,
        accepted_before: 0,
        late: cell(row, 12)?,
        replay: replay.map(|number| ReplayMark { replay: ReplayNo(number), as_new: as_new.unwrap_or(false) }),
    };
    Ok(Owed { row: Row::new(item, cell(row, 2)?, tried), endpoint: EndpointNo(cell(row, 1)?), day: cell(row, 5)? })
}

fn tell(shared: &Shared, feed: &mut Feed, want: Option<&Want>, reading: Reading, ended: &HashSet<i64>) {
    let Reading { look, changed, adopted, lost, leaving, arrived, wanted, anew, newest } = reading;
    feed.place = look.place;
    if anew {
        feed.seen.clear();
    }
    feed.seen.extend(look.xids);
    let place = feed.place;
    feed.seen.retain(|xid| *xid >= place);
    feed.server = look.server;
    feed.version = look.version;
    {
        let mut lease = lock(&shared.lease);
        changed.iter().for_each(|seen| lease.learn(seen.record.number.0, !seen.is_removed));
    }
    payloads::note_places(
        shared,
        arrived.iter().chain(&wanted).map(|owed| (owed.row.item.event, owed.day, owed.row.item.event_no)),
    );
    let mut board = lock(&shared.board);
    for number in lost {
        board.lose_endpoint(number);
        let _fence = feed.adopted.remove(&number);
    }
    for (seen, newest, fence) in adopted.into_iter().filter(|(seen, ..)| !seen.is_removed) {
        board.put_endpoint(&seen.record, Some((0, newest)));
        let _none = feed.adopted.insert(seen.record.number, fence);
    }
    for seen in changed.iter().filter(|seen| feed.adopted.contains_key(&seen.record.number)) {
        if seen.is_removed {
            board.remove_endpoint(seen.record.number);
        } else {
            board.put_endpoint(&seen.record, None);
        }
    }
    leaving.iter().for_each(|number| board.stop(*number));
    feed.leaving.difference(&leaving).for_each(|number| board.go_on(*number));
    feed.leaving = leaving;
    if anew {
        newest.into_iter().for_each(|(number, newest)| board.read_again(number, newest));
    }
    for (kind, touched, endpoint) in look.touched {
        match kind {
            HURRIED => {
                board.hurry(&touched);
                endpoint.into_iter().for_each(|number| board.end_quiet(number));
            }
            ENDED => board.end_owed(&touched),
            OWNERS => shared.lease_bell.notify_one(),
            _ => endpoint.into_iter().for_each(|number| board.ended(number, 0)),
        }
    }
    for owed in arrived.into_iter().filter(|owed| !ended.contains(&owed.row.item.id)) {
        let Row { item, lane } = owed.row;
        let replay = item.tried.as_ref().and_then(|tried| tried.replay);
        let new = NewlyOwed {
            endpoint: owed.endpoint,
            lane,
            id: item.id,
            event: item.event,
            event_no: item.event_no,
            replay,
        };
        board.arrive(&new);
    }
    if let Some(want) = want {
        board.give(want, Some(wanted.into_iter().map(|owed| owed.row).collect()));
    }
}
