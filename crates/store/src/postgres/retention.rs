//! Retention: whole days, dropped when nothing in them is owed; pieces of the ring of keys, emptied when all days in them
//! have expired. A slice is one transaction, and one node prunes at a time.
//!
//! Two guards against a clock that jumps. The horizon follows a clock of its own, which is kept in the database, never runs
//! ahead of the caller's, and advances by at most one day per step. And where the caller's clock is behind, the caller's
//! counts.

use tokio_postgres::types::Type;

use super::days::{self, BODIES, DAY_MS, OF_EVENTS};
use super::fault::{Fault, Kind};
use super::session::{Sql, cell};
use super::shared::{Shared, lock};
use super::tx::{Mode, Tx};
use super::value::int8;
use crate::error::StoreError;
use crate::record::{PruneReport, Retention};

/// Keys that one slice deletes from a piece that is still in use.
const KEYS_MAX: i64 = 2_000;
/// Bytes of a table up to which its rows are counted; the statistics tell of a larger one.
const COUNTED_BYTES_MAX: i64 = 64 * 1024 * 1024;

static CLOCK: Sql = Sql::new(
    "SELECT clock, (extract(epoch FROM clock_timestamp() - stepped_at) * 1000 >= $1)
     FROM waypost.retention FOR UPDATE SKIP LOCKED",
    &[Type::FLOAT8],
);
static SET_CLOCK: Sql =
    Sql::new("UPDATE waypost.retention SET clock = $1, stepped_at = clock_timestamp()", &[Type::INT8]);
static NEWEST: Sql = Sql::new("SELECT max(received_at) FROM waypost.events", &[]);
static OWED_OF_DAY: Sql = Sql::new("SELECT EXISTS (SELECT 1 FROM waypost.deliveries WHERE day = $1)", &[Type::INT4]);
static ROWS_OF: Sql = Sql::new(
    "SELECT pg_relation_size(c.oid), greatest(c.reltuples, 0)::bigint FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'waypost' AND c.relname = $1",
    &[Type::TEXT],
);
static BODIES_OF_DAY: Sql = Sql::new("SELECT count(*) FROM waypost.bodies WHERE day = $1", &[Type::INT4]);
static EVENTS_OF_DAY: Sql = Sql::new("SELECT count(*) FROM waypost.events WHERE day = $1", &[Type::INT4]);
static KEYS_OF_PIECE: Sql = Sql::new("SELECT count(*) FROM waypost.event_keys WHERE piece = $1", &[Type::INT2]);
static EXPIRED: Sql = Sql::new(
    "SELECT partition, piece FROM waypost.key_partitions WHERE last_arrival_at < $1 ORDER BY partition LIMIT 1",
    &[Type::INT8],
);
static PIECE_IN_USE: Sql = Sql::new(
    "SELECT EXISTS (SELECT 1 FROM waypost.key_partitions WHERE piece = $1 AND last_arrival_at >= $2)",
    &[Type::INT2, Type::INT8],
);
static DELETE_KEYS: Sql = Sql::new(
    "DELETE FROM waypost.event_keys WHERE piece = $1 AND ctid = ANY (ARRAY (
         SELECT ctid FROM waypost.event_keys WHERE piece = $1 AND partition = $2 LIMIT $3))",
    &[Type::INT2, Type::INT8, Type::INT8],
);
static FORGET_PARTITION: Sql = Sql::new("DELETE FROM waypost.key_partitions WHERE partition = $1", &[Type::INT8]);
static FORGET_PIECE: Sql = Sql::new("DELETE FROM waypost.key_partitions WHERE piece = $1", &[Type::INT2]);
static STORE_BYTES: Sql = Sql::new(
    "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'waypost' AND c.relkind = 'r'",
    &[],
);

/// Bytes of the store's tables.
pub(super) async fn store_bytes(tx: &mut Tx) -> Result<u64, Fault> {
    let bytes: i64 = cell(&tx.query_one(&STORE_BYTES, &[]).await?, 0)?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}

/// Drops one slice.
pub(super) async fn prune(shared: &Shared, retention: Retention, now_ms: i64) -> Result<PruneReport, StoreError> {
    shared.check_open()?;
    // What another node dropped is not told here; without its key an event may be committed anew.
    let days = retention.body_days.min(retention.key_days);
    lock(&shared.payloads).drop_before(horizon(now_ms, days));
    let report = slice(shared, retention, now_ms).await;
    match report {
        Ok(report) => {
            if report != PruneReport::default() {
                lock(&shared.payloads).clear();
                lock(&shared.arrivals).clear();
                lock(&shared.days).clear();
            }
            Ok(report)
        }
        // Somebody works with what would go; another time, then.
        Err(fault) if fault.kind() == Kind::Conflict => Ok(PruneReport::default()),
        Err(fault) => Err(shared.pool.tell(&fault, "prune")),
    }
}

/// What arrived before is not kept, so many days back from a moment.
fn horizon(at_ms: i64, days: u32) -> i64 {
    at_ms.saturating_sub(i64::from(days).saturating_mul(DAY_MS))
}

async fn slice(shared: &Shared, retention: Retention, now_ms: i64) -> Result<PruneReport, Fault> {
    let (event_days, body_days) = days::there(&shared.pool).await?;
    let mut tx = shared.pool.begin(Mode::Upkeep).await?;
    let step_min = shared.tuning.retention_step_min.as_secs_f64() * 1_000.0;
    let Some(row) = tx.query_opt(&CLOCK, &[&step_min]).await? else {
        tx.rollback().await;
        return Ok(PruneReport::default());
    };
    let (before, may_step): (i64, bool) = (cell(&row, 0)?, cell(&row, 1)?);
    let clock = advance(&mut tx, before, now_ms, may_step).await?;
    if clock != before {
        let _count = tx.execute(&SET_CLOCK, &[&clock]).await?;
    }
    let clock = clock.min(now_ms);
    let first_kept = |days: u32| days::of(horizon(clock, days));
    let mut report = PruneReport::default();
    let bodies_before = match retention.store_bytes_max {
        // The day that is being written to stays.
        Some(max) if store_bytes(&mut tx).await? > max => days::of(clock),
        _ => first_kept(retention.body_days),
    };
    drop_bodies(&mut tx, body_days.range(..bodies_before), &mut report).await?;
    drop_events(&mut tx, event_days.range(..first_kept(retention.metadata_days)), &mut report).await?;
    drop_keys(&mut tx, horizon(clock, retention.key_days), &mut report).await?;
    shared.commit(tx).await?;
    Ok(report)
}

/// The store's own clock after a look at the caller's.
async fn advance(tx: &mut Tx, clock: i64, now_ms: i64, may_step: bool) -> Result<i64, Fault> {
    if clock == 0 {
        // The first look: the newest arrival is the second source, where there is one.
        let newest: Option<i64> = cell(&tx.query_one(&NEWEST, &[]).await?, 0)?;
        return Ok(newest.map_or(now_ms, |newest| now_ms.min(newest.saturating_add(DAY_MS))));
    }
    if may_step && now_ms > clock {
        return Ok(now_ms.min(clock.saturating_add(DAY_MS)));
    }
    Ok(clock)
}

async fn drop_bodies(tx: &mut Tx, days: impl Iterator<Item = &i32>, report: &mut PruneReport) -> Result<(), Fault> {
    for day in days {
        tx.batch(&format!("LOCK TABLE waypost.{BODIES}_d{day} IN ACCESS EXCLUSIVE MODE")).await?;
        if cell(&tx.query_one(&OWED_OF_DAY, &[day]).await?, 0)? {
            continue;
        }
        report.bodies += rows_of(tx, &format!("{BODIES}_d{day}"), &BODIES_OF_DAY, day).await?;
        days::drop_day(tx, &[BODIES], *day).await?;
        report.more = true;
        break;
    }
    Ok(())
}

async fn drop_events(tx: &mut Tx, days: impl Iterator<Item = &i32>, report: &mut PruneReport) -> Result<(), Fault> {
    for day in days {
        tx.batch(&format!("LOCK TABLE waypost.events_d{day} IN ACCESS EXCLUSIVE MODE")).await?;
        if cell(&tx.query_one(&OWED_OF_DAY, &[day]).await?, 0)? {
            continue;
        }
        report.events += rows_of(tx, &format!("events_d{day}"), &EVENTS_OF_DAY, day).await?;
        days::drop_day(tx, &OF_EVENTS, *day).await?;
        days::drop_day(tx, &[BODIES], *day).await?;
        report.more = true;
        break;
    }
    Ok(())
}

/// Empties the piece in which a partition of keys has expired, or takes that partition's keys out of it.
async fn drop_keys(tx: &mut Tx, before_ms: i64, report: &mut PruneReport) -> Result<(), Fault> {
    let Some(row) = tx.query_opt(&EXPIRED, &[&before_ms]).await? else { return Ok(()) };
    let (partition, piece): (i64, i16) = (cell(&row, 0)?, cell(&row, 1)?);
    let name = format!("event_keys_{piece:02}");
    if !cell::<bool>(&tx.query_one(&PIECE_IN_USE, &[&piece, &before_ms]).await?, 0)? {
        tx.batch(&format!("LOCK TABLE waypost.{name} IN ACCESS EXCLUSIVE MODE")).await?;
        // Looked at again: who wrote a key until now has noted its arrival.
        if !cell::<bool>(&tx.query_one(&PIECE_IN_USE, &[&piece, &before_ms]).await?, 0)? {
            report.keys += rows_of(tx, &name, &KEYS_OF_PIECE, &piece).await?;
            tx.batch(&format!("TRUNCATE waypost.{name}")).await?;
            let _count = tx.execute(&FORGET_PIECE, &[&piece]).await?;
            report.more = true;
            return Ok(());
        }
    }
    let deleted = tx.execute(&DELETE_KEYS, &[&piece, &partition, &KEYS_MAX]).await?;
    if int8(deleted) < KEYS_MAX {
        let _count = tx.execute(&FORGET_PARTITION, &[&partition]).await?;
    }
    report.keys += deleted;
    report.more = true;
    Ok(())
}

async fn rows_of(
    tx: &mut Tx,
    table: &str,
    count: &Sql,
    key: &(dyn tokio_postgres::types::ToSql + Sync),
) -> Result<u64, Fault> {
    let row = tx.query_one(&ROWS_OF, &[&table]).await?;
    let (bytes, told): (i64, i64) = (cell(&row, 0)?, cell(&row, 1)?);
    let rows = if bytes <= COUNTED_BYTES_MAX { cell(&tx.query_one(count, &[key]).await?, 0)? } else { told };
    Ok(u64::try_from(rows).unwrap_or_default())
}
