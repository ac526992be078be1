//! The partitions by day: made before they are needed, dropped whole.
//!
//! A partition is made beside its parent and then attached, which stops nobody from writing to the others meanwhile.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::fault::{Fault, Kind};
use super::pool::Pool;
use super::session::{Sql, cell};
use super::shared::{Shared, lock};
use super::tx::Mode;

/// Milliseconds in a day.
pub(super) const DAY_MS: i64 = 86_400_000;
/// Tables that are partitioned by the day on which an event arrived, and lose a day with its events.
pub(super) const OF_EVENTS: [&str; 5] = ["notifications", "events", "conflicts", "ended", "attempts"];
/// The one that loses its days earlier.
pub(super) const BODIES: &str = "bodies";
/// Another node may be making the same partition.
const TRIES: usize = 5;

static DAYS: Sql = Sql::new(
    "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'waypost.events'::regclass",
    &[],
);
static BODY_DAYS: Sql = Sql::new(
    "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'waypost.bodies'::regclass",
    &[],
);

/// The day (UTC) of a moment.
pub(super) fn of(at_ms: i64) -> i32 {
    i32::try_from(at_ms.div_euclid(DAY_MS).clamp(0, 1_000_000)).unwrap_or_default()
}

/// Sees that there are partitions for these days.
pub(super) async fn ensure(shared: &Shared, days: &BTreeSet<i32>) -> Result<(), Fault> {
    let missing = |shared: &Shared| -> Vec<i32> {
        let known = lock(&shared.days);
        days.iter().copied().filter(|day| !known.contains(day)).collect()
    };
    let mut fault = None;
    for _ in 0..TRIES {
        let wanted = missing(shared);
        if wanted.is_empty() {
            return Ok(());
        }
        // A partition that is there is not made again: who makes one waits for nobody then.
        let (events, bodies) = there(&shared.pool).await?;
        let there: BTreeSet<i32> = events.intersection(&bodies).copied().collect();
        let made =
            make(&shared.pool, wanted.iter().copied().filter(|day| !there.contains(day)), (&events, &bodies)).await;
        match made {
            Ok(()) => lock(&shared.days).extend(wanted),
            Err(refused) => fault = Some(refused),
        }
    }
    match fault {
        Some(fault) if !missing(shared).is_empty() => Err(fault),
        _ => Ok(()),
    }
}

/// The days that there are partitions for: of events, and of bodies.
pub(super) async fn there(pool: &Pool) -> Result<(BTreeSet<i32>, BTreeSet<i32>), Fault> {
    let mut tx = pool.begin(Mode::Read).await?;
    let mut both = [BTreeSet::new(), BTreeSet::new()];
    for (sql, days) in [&DAYS, &BODY_DAYS].into_iter().zip(&mut both) {
        for row in tx.query(sql, &[]).await? {
            let name: String = cell(&row, 0)?;
            days.extend(name.rsplit_once("_d").and_then(|(_, day)| day.parse::<i32>().ok()));
        }
    }
    tx.commit().await?;
    let [events, bodies] = both;
    Ok((events, bodies))
}

/// Makes the partitions of these days, where they are not among those that are there.
pub(super) async fn make(
    pool: &Pool,
    days: impl Iterator<Item = i32>,
    (events, bodies): (&BTreeSet<i32>, &BTreeSet<i32>),
) -> Result<(), Fault> {
    for day in days {
        let mut text = String::new();
        let of_events = OF_EVENTS.iter().filter(|_| !events.contains(&day));
        for table in of_events.chain(std::iter::once(&BODIES).filter(|_| !bodies.contains(&day))) {
            write!(
                text,
                "CREATE TABLE waypost.{table}_d{day} (LIKE waypost.{table} INCLUDING DEFAULTS INCLUDING STORAGE);
                 ALTER TABLE waypost.{table} ATTACH PARTITION waypost.{table}_d{day} FOR VALUES IN ({day});"
            )
            .map_err(|_| Fault::new(Kind::Other, "no memory for a statement"))?;
        }
        let mut tx = pool.begin(Mode::Upkeep).await?;
        tx.batch(&text).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Drops the partitions of one day. Whoever writes into them at this moment comes first, and finds them gone afterwards.
pub(super) async fn drop_day(tx: &mut super::tx::Tx, tables: &[&str], day: i32) -> Result<(), Fault> {
    let mut text = String::new();
    for table in tables {
        write!(text, "DROP TABLE IF EXISTS waypost.{table}_d{day};")
            .map_err(|_| Fault::new(Kind::Other, "no memory for a statement"))?;
    }
    tx.batch(&text).await
}
