//! Which endpoints this node delivers to.
//!
//! Each endpoint belongs to the live node that ranks highest for it; a node that finds a better one lets what is in flight
//! end, and then gives the endpoint away. What a node owns whose lease ran out is free once it has been fenced.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio_postgres::types::Type;

use super::fault::Fault;
use super::feed::OWNERS;
use super::session::{Sql, cell};
use super::shared::{Shared, lock};
use super::tx::{Mode, Tx};
use crate::common::digest::short_hash;
use crate::record::EndpointNo;

/// A lease that runs out is looked at this much later.
const BEHIND: Duration = Duration::from_millis(10);

static FENCE: Sql = Sql::new(
    "UPDATE waypost.nodes SET fenced = true WHERE id IN (
         SELECT id FROM waypost.nodes WHERE NOT fenced AND lease_until < clock_timestamp() AND id <> $1
         FOR UPDATE SKIP LOCKED)",
    &[Type::INT8],
);
static LIVE: Sql = Sql::new(
    "SELECT id, ceil(1000 * extract(epoch FROM lease_until - clock_timestamp()))::bigint
     FROM waypost.nodes WHERE NOT fenced ORDER BY id",
    &[],
);
static MINE: Sql = Sql::new("SELECT endpoint, fence FROM waypost.owners WHERE node = $1", &[Type::INT8]);
static FREE: Sql = Sql::new(
    "SELECT o.endpoint FROM waypost.owners o LEFT JOIN waypost.nodes n ON n.id = o.node WHERE n.id IS NULL OR n.fenced",
    &[],
);
static TAKE: Sql = Sql::new(
    "UPDATE waypost.owners o SET node = $1, fence = o.fence + 1
     WHERE o.endpoint = ANY ($2)
       AND EXISTS (SELECT 1 FROM waypost.nodes m WHERE m.id = $1 AND NOT m.fenced)
       AND NOT EXISTS (SELECT 1 FROM waypost.nodes n WHERE n.id = o.node AND NOT n.fenced)
     RETURNING o.endpoint, o.fence",
    &[Type::INT8, Type::INT8_ARRAY],
);
static GIVE: Sql = Sql::new(
    "UPDATE waypost.owners SET node = NULL WHERE node = $1 AND endpoint = ANY ($2)",
    &[Type::INT8, Type::INT8_ARRAY],
);
static GIVE_ALL: Sql = Sql::new("UPDATE waypost.owners SET node = NULL WHERE node = $1", &[Type::INT8]);
static FORGET: Sql = Sql::new(
    "DELETE FROM waypost.nodes n WHERE n.fenced AND NOT EXISTS (SELECT 1 FROM waypost.owners o WHERE o.node = n.id)",
    &[],
);
static TELL: Sql = Sql::new("INSERT INTO waypost.news (kind, node) VALUES ($1, $2)", &[Type::INT2, Type::INT8]);

/// Tells the other nodes that nodes or owners changed.
pub(super) async fn tell(tx: &mut Tx, node: i64) -> Result<(), Fault> {
    tx.execute(&TELL, &[&OWNERS, &node]).await.map(drop)
}

/// Fences who was silent for its lease, takes what is free and best here, and finds what is better elsewhere. Gives how soon
/// the lease of another node ends that is not renewed.
pub(super) async fn share_out(shared: &Shared) -> Result<Duration, Fault> {
    let owning = shared.owning.lock().await;
    let (node, may_fence) = {
        let lease = lock(&shared.lease);
        (lease.node, lease.may_fence())
    };
    let mut tx = shared.pool.begin(Mode::Durable).await?;
    if may_fence && tx.execute(&FENCE, &[&node]).await? > 0 {
        tell(&mut tx, node).await?;
    }
    let (live, soonest) = live(&mut tx, node).await?;
    let free = column(&tx.query(&FREE, &[]).await?)?;
    let wanted: Vec<i64> = free.into_iter().filter(|endpoint| best(&live, *endpoint) == Some(node)).collect();
    if !wanted.is_empty() {
        let _rows = tx.query(&TAKE, &[&node, &wanted]).await?;
        let _count = tx.execute(&FORGET, &[]).await?;
    }
    let mut mine = HashMap::new();
    for row in tx.query(&MINE, &[&node]).await? {
        let _none = mine.insert(EndpointNo(cell(&row, 0)?), cell::<i64>(&row, 1)?);
    }
    tx.commit().await?;
    let leaving: HashSet<EndpointNo> =
        mine.keys().copied().filter(|endpoint| best(&live, endpoint.0).is_some_and(|best| best != node)).collect();
    if now_own(shared, node, mine, leaving) {
        shared.ring();
    }
    drop(owning);
    give_away(shared).await?;
    Ok(soonest)
}

/// The nodes that were not fenced, and how soon the first lease of another ends.
async fn live(tx: &mut Tx, node: i64) -> Result<(Vec<i64>, Duration), Fault> {
    let (mut live, mut soonest) = (Vec::new(), Duration::MAX);
    for row in tx.query(&LIVE, &[]).await? {
        let (id, left_ms): (i64, i64) = (cell(&row, 0)?, cell(&row, 1)?);
        live.push(id);
        // One that ran out already could not be fenced now, and is looked at with the usual pace.
        if let Some(left_ms) = u64::try_from(left_ms).ok().filter(|left_ms| id != node && *left_ms > 0) {
            soonest = soonest.min(Duration::from_millis(left_ms) + BEHIND);
        }
    }
    Ok((live, soonest))
}

/// Takes what the tables say is this node's; true when that is new.
fn now_own(shared: &Shared, node: i64, mine: HashMap<EndpointNo, i64>, leaving: HashSet<EndpointNo>) -> bool {
    let mut lease = lock(&shared.lease);
    let changed = lease.node == node && (lease.owned != mine || lease.leaving != leaving);
    if changed {
        (lease.owned, lease.leaving) = (mine, leaving);
    }
    changed
}

/// Gives away what another node should have, and what has nothing in flight.
pub(super) async fn give_away(shared: &Shared) -> Result<(), Fault> {
    if lock(&shared.lease).leaving.is_empty() {
        return Ok(());
    }
    // No read that began before may bring the endpoints back.
    let mut feed = shared.feed.lock().await;
    let (node, leaving) = {
        let lease = lock(&shared.lease);
        (lease.node, lease.leaving.clone())
    };
    let quiet: Vec<i64> = {
        let mut board = lock(&shared.board);
        let busy = board.endpoints_out();
        let quiet: Vec<EndpointNo> = leaving.into_iter().filter(|endpoint| !busy.contains(endpoint)).collect();
        // Nothing is claimed for it from here on.
        quiet.iter().for_each(|endpoint| board.lose_endpoint(*endpoint));
        quiet.into_iter().map(|endpoint| endpoint.0).collect()
    };
    if quiet.is_empty() {
        return Ok(());
    }
    feed.lose(quiet.iter().map(|endpoint| EndpointNo(*endpoint)));
    {
        let mut lease = lock(&shared.lease);
        for endpoint in &quiet {
            let _fence = lease.owned.remove(&EndpointNo(*endpoint));
            let _was = lease.leaving.remove(&EndpointNo(*endpoint));
        }
    }
    let mut tx = shared.pool.begin(Mode::Durable).await?;
    let _count = tx.execute(&GIVE, &[&node, &quiet]).await?;
    tell(&mut tx, node).await?;
    shared.commit(tx).await
}

/// Everything that a node has is free.
pub(super) async fn give_all(tx: &mut Tx, node: i64) -> Result<(), Fault> {
    tx.execute(&GIVE_ALL, &[&node]).await.map(drop)
}

/// Whether this node ranks highest for an endpoint.
#[cfg(test)]
pub(super) async fn is_best_for(shared: &Shared, number: EndpointNo) -> Result<bool, Fault> {
    let node = lock(&shared.lease).node;
    let mut tx = shared.pool.begin(Mode::Read).await?;
    let (live, _) = live(&mut tx, node).await?;
    tx.commit().await?;
    Ok(best(&live, number.0) == Some(node))
}

/// The node that ranks highest for an endpoint. When nodes come and go, only what they had moves.
fn best(live: &[i64], endpoint: i64) -> Option<i64> {
    live.iter().copied().max_by_key(|node| short_hash(&[&node.to_be_bytes(), &endpoint.to_be_bytes()]))
}

fn column(rows: &[tokio_postgres::Row]) -> Result<Vec<i64>, Fault> {
    rows.iter().map(|row| cell(row, 0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_node_had_moves_when_it_goes() {
        let (three, two) = ([1, 2, 3], [1, 3]);
        let mut moved = 0;
        for endpoint in 0..300 {
            let (before, after) = (best(&three, endpoint), best(&two, endpoint));
            assert!(before == Some(2) || before == after);
            moved += i32::from(before == Some(2));
        }
        assert!((60..140).contains(&moved), "{moved} of 300 were the second's");
    }
}
