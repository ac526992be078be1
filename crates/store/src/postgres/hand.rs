//! Laying hands on owed deliveries: due at once, or given up. In slices; the other nodes are told in the same commit.

use rules::delivery::EndReason;
use tokio_postgres::types::Type;

use super::fault::Fault;
use super::feed::{ENDED, HURRIED};
use super::session::{Sql, cell};
use super::tx::Tx;
use crate::common::board::Touched;
use crate::record::{DeliveryNo, EndpointNo};
use crate::replay::{HandSlice, OwedOf};

const SLICE_ROWS_MAX: i64 = 1_000;

/// A slice, with what the board has to learn of it.
pub(super) struct Laid {
    pub(super) slice: HandSlice,
    pub(super) touched: Vec<Touched>,
    /// The endpoint whose quiet ends, whatever was waiting.
    pub(super) endpoint: Option<EndpointNo>,
}

macro_rules! slice {
    ($which:literal) => {
        Sql::new(
            concat!(
                "SELECT d.endpoint, d.id, d.lane FROM waypost.deliveries d WHERE ",
                $which,
                " AND d.id >= $2 ORDER BY d.id LIMIT $3 FOR UPDATE"
            ),
            &[Type::INT8, Type::INT8, Type::INT8],
        )
    };
}
static OF_DELIVERY: Sql = slice!("d.id = $1");
static OF_ENDPOINT: Sql = slice!("d.endpoint = $1");
static OF_REPLAY: Sql = slice!("d.replay = $1");
static HURRY: Sql = Sql::new(
    "UPDATE waypost.deliveries SET due_at = NULL WHERE id = ANY ($1) AND due_at IS NOT NULL RETURNING id",
    &[Type::INT8_ARRAY],
);
static END: Sql = Sql::new(
    "WITH gone AS (DELETE FROM waypost.deliveries WHERE id = ANY ($1) RETURNING *), moved AS (
         INSERT INTO waypost.ended (day, id, endpoint, event, event_id, state, late, attempts, created_at,
             first_attempt_at, ended_at, reason, replay)
         SELECT day, id, endpoint, event, event_id, 2, late, attempts, created_at, first_attempt_at, $2, $3, replay
         FROM gone
     ), tally AS (
         INSERT INTO waypost.tallies (endpoint, dead) SELECT endpoint, count(*) FROM gone GROUP BY endpoint
     )
     SELECT id FROM gone",
    &[Type::INT8_ARRAY, Type::INT8, Type::TEXT],
);
static TELL: Sql = Sql::new(
    "INSERT INTO waypost.news (kind, endpoint, deliveries, lanes, node) VALUES ($1, $2, $3, $4, $5)",
    &[Type::INT2, Type::INT8, Type::INT8_ARRAY, Type::INT8_ARRAY, Type::INT8],
);

/// Makes a slice of them due at once.
pub(super) async fn retry_now(tx: &mut Tx, of: OwedOf, from: DeliveryNo, node: i64) -> Result<Laid, Fault> {
    let (rows, next) = owed(tx, of, from).await?;
    let ids: Vec<i64> = rows.iter().map(|one| one.id).collect();
    let mut hurried: Vec<i64> = Vec::new();
    for row in tx.query(&HURRY, &[&ids]).await? {
        hurried.push(cell(&row, 0)?);
    }
    let touched: Vec<Touched> = rows.into_iter().filter(|one| hurried.contains(&one.id)).collect();
    let endpoint = match of {
        OwedOf::Endpoint(number) => Some(number),
        OwedOf::Delivery(_) | OwedOf::Replay(_) => None,
    };
    tell(tx, HURRIED, &touched, endpoint, node).await?;
    Ok(laid(touched, next, endpoint))
}

/// Ends a slice of them as dead.
pub(super) async fn give_up(
    tx: &mut Tx,
    of: OwedOf,
    from: DeliveryNo,
    (now_ms, node): (i64, i64),
) -> Result<Laid, Fault> {
    let (touched, next) = owed(tx, of, from).await?;
    let ids: Vec<i64> = touched.iter().map(|one| one.id).collect();
    let _gone = end(tx, &ids, now_ms, EndReason::GivenUp).await?;
    tell(tx, ENDED, &touched, None, node).await?;
    Ok(laid(touched, next, None))
}

/// Ends these as dead; gives those that were still owed.
pub(super) async fn end(tx: &mut Tx, ids: &[i64], now_ms: i64, reason: EndReason) -> Result<Vec<i64>, Fault> {
    let rows = tx.query(&END, &[&ids, &now_ms, &reason.as_str()]).await?;
    rows.iter().map(|row| cell(row, 0)).collect()
}

/// Tells the other nodes, endpoint by endpoint.
async fn tell(
    tx: &mut Tx,
    kind: i16,
    touched: &[Touched],
    endpoint: Option<EndpointNo>,
    node: i64,
) -> Result<(), Fault> {
    let mut endpoints: Vec<EndpointNo> = touched.iter().map(|one| one.endpoint).chain(endpoint).collect();
    endpoints.sort_unstable();
    endpoints.dedup();
    for number in endpoints {
        let of = touched.iter().filter(|one| one.endpoint == number);
        let (ids, lanes): (Vec<i64>, Vec<i64>) = of.map(|one| (one.id, one.lane)).unzip();
        let _count = tx.execute(&TELL, &[&kind, &number.0, &ids, &lanes, &node]).await?;
    }
    Ok(())
}

/// Tells the other nodes that what an endpoint is owed is to be read again.
pub(super) async fn tell_to_read(tx: &mut Tx, number: EndpointNo, node: i64) -> Result<(), Fault> {
    let none: Vec<i64> = Vec::new();
    tx.execute(&TELL, &[&super::feed::READ_AGAIN, &number.0, &none, &none, &node]).await.map(drop)
}

fn laid(touched: Vec<Touched>, next: Option<DeliveryNo>, endpoint: Option<EndpointNo>) -> Laid {
    let changed = u64::try_from(touched.len()).unwrap_or_default();
    Laid { slice: HandSlice { changed, next }, touched, endpoint }
}

async fn owed(tx: &mut Tx, of: OwedOf, from: DeliveryNo) -> Result<(Vec<Touched>, Option<DeliveryNo>), Fault> {
    let (sql, key) = match of {
        OwedOf::Delivery(number) => (&OF_DELIVERY, number.0),
        OwedOf::Endpoint(number) => (&OF_ENDPOINT, number.0),
        OwedOf::Replay(number) => (&OF_REPLAY, number.0),
    };
    let mut rows = Vec::new();
    for row in tx.query(sql, &[&key, &from.0, &SLICE_ROWS_MAX]).await? {
        rows.push(Touched { endpoint: EndpointNo(cell(&row, 0)?), id: cell(&row, 1)?, lane: cell(&row, 2)? });
    }
    let full = i64::try_from(rows.len()) == Ok(SLICE_ROWS_MAX);
    let next = rows.last().filter(|_| full).map(|last: &Touched| DeliveryNo(last.id + 1));
    Ok((rows, next))
}
