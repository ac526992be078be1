//! Totals: differences added up.

use std::collections::HashMap;

use tokio_postgres::types::Type;

use super::fault::Fault;
use super::session::{Sql, cell};
use super::tx::Tx;
use super::value::unsigned;
use crate::record::{EndpointNo, StoreCounts};

/// Differences that are folded at once at most, and at least.
const FOLDED_MAX: i64 = 50_000;
const FOLDED_MIN: i64 = 500;

static COUNTS: Sql = Sql::new(
    "SELECT coalesce(sum(notifications), 0)::bigint, coalesce(sum(events), 0)::bigint,
            coalesce(sum(duplicates), 0)::bigint, coalesce(sum(conflicts), 0)::bigint,
            coalesce(sum(unrouted), 0)::bigint, coalesce(sum(deliveries), 0)::bigint,
            coalesce(sum(deliveries - accepted - dead - skipped), 0)::bigint, coalesce(sum(accepted), 0)::bigint,
            coalesce(sum(dead), 0)::bigint, coalesce(sum(skipped), 0)::bigint
     FROM waypost.tallies",
    &[],
);
static OWED: Sql = Sql::new(
    "SELECT endpoint, sum(deliveries - accepted - dead - skipped)::bigint FROM waypost.tallies WHERE endpoint <> 0
     GROUP BY endpoint",
    &[],
);
static FOLD: Sql = Sql::new(
    "WITH picked AS MATERIALIZED (
         SELECT ctid AS at, count(*) OVER () AS count FROM (
             SELECT ctid FROM waypost.tallies LIMIT $1 FOR UPDATE SKIP LOCKED) found
     ), gone AS (
         DELETE FROM waypost.tallies t USING picked p WHERE t.ctid = p.at AND p.count >= $2 RETURNING t.*
     )
     INSERT INTO waypost.tallies (endpoint, notifications, events, duplicates, conflicts, unrouted, deliveries, accepted,
         dead, skipped)
     SELECT endpoint, sum(notifications), sum(events), sum(duplicates), sum(conflicts), sum(unrouted), sum(deliveries),
         sum(accepted), sum(dead), sum(skipped) FROM gone GROUP BY endpoint",
    &[Type::INT8, Type::INT8],
);

/// Totals of the store.
pub(super) async fn counts(tx: &mut Tx) -> Result<StoreCounts, Fault> {
    let row = tx.query_one(&COUNTS, &[]).await?;
    Ok(StoreCounts {
        notifications: unsigned(&row, 0)?,
        events: unsigned(&row, 1)?,
        duplicates: unsigned(&row, 2)?,
        conflicts: unsigned(&row, 3)?,
        unrouted: unsigned(&row, 4)?,
        deliveries: unsigned(&row, 5)?,
        owed: unsigned(&row, 6)?,
        accepted: unsigned(&row, 7)?,
        dead: unsigned(&row, 8)?,
        skipped: unsigned(&row, 9)?,
    })
}

/// What each endpoint is owed; nothing where it is not named.
pub(super) async fn owed(tx: &mut Tx) -> Result<HashMap<EndpointNo, u64>, Fault> {
    let owed = |row: &tokio_postgres::Row| Ok((EndpointNo(cell(row, 0)?), unsigned(row, 1)?));
    tx.query(&OWED, &[]).await?.iter().map(owed).collect()
}

/// Folds differences together, where there are enough. Two nodes that do it at once take different ones.
pub(super) async fn fold(tx: &mut Tx) -> Result<(), Fault> {
    tx.execute(&FOLD, &[&FOLDED_MAX, &FOLDED_MIN]).await.map(drop)
}
