//! Which endpoints this node delivers to.
//!
//! A node renews its lease on the database's clock, and counts it on its own from before it asked. One that was not heard
//! of for a lease is fenced by another: what it writes about deliveries is refused from then on. Its endpoints are taken
//! once the longest attempt that it may have begun is over as well. Each endpoint belongs to the live node that ranks
//! highest for it; a node that finds a better one lets what is in flight end, and then gives the endpoint away.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::fault::{Fault, Kind};
use super::session::{Sql, cell};
use super::shared::{Shared, lock};
use super::tx::Mode;
use super::value::int8;
use crate::common::clock;
use crate::common::digest::short_hash;
use crate::record::EndpointNo;

/// This node's lease, and what it owns.
#[derive(Debug, Default)]
pub(super) struct Lease {
    pub(super) node: i64,
    /// On this node's clock.
    until: Option<Instant>,
    /// The same on its wall clock, which goes on while the machine sleeps.
    until_wall_ms: i64,
    /// The longest attempt that the other nodes were told of, and the longest that was asked for.
    attempt: Duration,
    attempt_wanted: Duration,
    /// With the fence under which it owns each.
    pub(super) owned: HashMap<EndpointNo, i64>,
    /// Endpoints that get nothing more from this node, until what is in flight has ended.
    pub(super) leaving: HashSet<EndpointNo>,
    known: HashSet<i64>,
}

impl Lease {
    /// True while attempts may begin.
    pub(super) fn holds(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until) && clock::now_ms() < self.until_wall_ms
    }

    /// Whether an attempt may begin that may take so long. One that is longer than the other nodes were told of waits until
    /// they are.
    pub(super) fn lets_begin(&mut self, attempt: Duration) -> Begin {
        self.attempt_wanted = self.attempt_wanted.max(attempt);
        match (self.holds(), attempt <= self.attempt) {
            (true, true) => Begin::Now,
            (true, false) => Begin::WhenTold,
            (false, _) => Begin::Never,
        }
    }

    fn extend(&mut self, began: Instant, wall_ms: i64, lease: Duration, attempt: Duration) {
        self.until = Some(began + lease);
        self.until_wall_ms = wall_ms.saturating_add(int8(lease.as_millis()));
        self.attempt = attempt;
    }

    /// True when the endpoint was seen in the tables.
    pub(super) fn knows(&self, endpoint: i64) -> bool {
        self.known.contains(&endpoint)
    }

    pub(super) fn learn(&mut self, endpoint: i64, is_there: bool) {
        if is_there {
            let _new = self.known.insert(endpoint);
        } else {
            let _was = self.known.remove(&endpoint);
        }
    }
}

/// When an attempt may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// At once.
    Now,
    /// When the other nodes know how long it may take.
    WhenTold,
    /// Not on this claim.
    Never,
}

/// The longest attempt that the other nodes are to be told of.
fn attempt(shared: &Shared) -> Duration {
    lock(&shared.lease).attempt_wanted.max(shared.tuning.attempt)
}

static LEAVE_BEHIND: Sql = Sql::new(
    "WITH gone AS (DELETE FROM waypost.nodes WHERE name = $1 RETURNING id)
     UPDATE waypost.owners SET node = NULL FROM gone WHERE node = gone.id",
    &[Type::TEXT],
);
static REGISTER: Sql = Sql::new(
    "INSERT INTO waypost.nodes (name, lease_until, attempt_ms)
     VALUES ($1, clock_timestamp() + $2 * interval '1 ms', $3) RETURNING id",
    &[Type::TEXT, Type::INT8, Type::INT8],
);
static RENEW: Sql = Sql::new(
    "UPDATE waypost.nodes SET lease_until = clock_timestamp() + $2 * interval '1 ms', attempt_ms = $3
     WHERE id = $1 AND NOT fenced RETURNING id",
    &[Type::INT8, Type::INT8, Type::INT8],
);
static FENCE: Sql = Sql::new(
    "UPDATE waypost.nodes SET fenced = true WHERE id IN (
         SELECT id FROM waypost.nodes WHERE NOT fenced AND lease_until < clock_timestamp() AND id <> $1
         FOR UPDATE SKIP LOCKED)",
    &[Type::INT8],
);
static LIVE: Sql = Sql::new("SELECT id FROM waypost.nodes WHERE NOT fenced ORDER BY id", &[]);
static MINE: Sql = Sql::new("SELECT endpoint, fence FROM waypost.owners WHERE node = $1", &[Type::INT8]);
static FREE: Sql = Sql::new(
    "SELECT o.endpoint FROM waypost.owners o LEFT JOIN waypost.nodes n ON n.id = o.node
     WHERE n.id IS NULL OR (n.fenced AND n.lease_until + n.attempt_ms * interval '1 ms' < clock_timestamp())",
    &[],
);
static TAKE: Sql = Sql::new(
    "UPDATE waypost.owners o SET node = $1, fence = o.fence + 1
     WHERE o.endpoint = ANY ($2)
       AND EXISTS (SELECT 1 FROM waypost.nodes m WHERE m.id = $1 AND NOT m.fenced)
       AND NOT EXISTS (SELECT 1 FROM waypost.nodes n WHERE n.id = o.node
                       AND NOT (n.fenced AND n.lease_until + n.attempt_ms * interval '1 ms' < clock_timestamp()))
     RETURNING o.endpoint, o.fence",
    &[Type::INT8, Type::INT8_ARRAY],
);
static GIVE: Sql = Sql::new(
    "UPDATE waypost.owners SET node = NULL WHERE node = $1 AND endpoint = ANY ($2)",
    &[Type::INT8, Type::INT8_ARRAY],
);
static FORGET: Sql = Sql::new(
    "DELETE FROM waypost.nodes n WHERE n.fenced AND NOT EXISTS (SELECT 1 FROM waypost.owners o WHERE o.node = n.id)",
    &[],
);
static DEREGISTER: Sql = Sql::new("DELETE FROM waypost.nodes WHERE id = $1", &[Type::INT8]);
static GIVE_ALL: Sql = Sql::new("UPDATE waypost.owners SET node = NULL WHERE node = $1", &[Type::INT8]);

/// Makes this process a node.
pub(super) async fn register(shared: &Shared) -> Result<(), Fault> {
    let (began, wall) = (Instant::now(), clock::now_ms());
    let (lease_ms, attempt) = (int8(shared.tuning.lease.as_millis()), attempt(shared));
    let mut tx = shared.pool.begin(Mode::Durable).await?;
    if let Some(name) = &shared.tuning.node {
        // The process before this one under the same name is gone, or may write no more from here on.
        let _count = tx.execute(&LEAVE_BEHIND, &[name]).await?;
    }
    let node: i64 =
        cell(&tx.query_one(&REGISTER, &[&shared.tuning.node, &lease_ms, &int8(attempt.as_millis())]).await?, 0)?;
    tx.commit().await?;
    let mut lease = lock(&shared.lease);
    lease.node = node;
    lease.extend(began, wall, shared.tuning.lease, attempt);
    lease.owned.clear();
    lease.leaving.clear();
    drop(lease);
    Ok(())
}

/// Renews the lease, and sees who should own what.
pub(super) async fn tick(shared: &Shared) -> Result<(), Fault> {
    let (began, wall, node) = (Instant::now(), clock::now_ms(), lock(&shared.lease).node);
    let (lease_ms, attempt) = (int8(shared.tuning.lease.as_millis()), attempt(shared));
    let mut tx = shared.pool.begin(Mode::Durable).await?;
    let renewed = tx.query(&RENEW, &[&node, &lease_ms, &int8(attempt.as_millis())]).await?;
    tx.commit().await?;
    if renewed.is_empty() {
        tracing::warn!("this node was silent for longer than its lease; it begins anew");
        register(shared).await?;
    } else {
        lock(&shared.lease).extend(began, wall, shared.tuning.lease, attempt);
    }
    share_out(shared).await
}

async fn share_out(shared: &Shared) -> Result<(), Fault> {
    let owning = shared.owning.lock().await;
    let node = lock(&shared.lease).node;
    let mut tx = shared.pool.begin(Mode::Durable).await?;
    let _count = tx.execute(&FENCE, &[&node]).await?;
    let live = column(&tx.query(&LIVE, &[]).await?)?;
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
    give_away(shared).await
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
async fn give_away(shared: &Shared) -> Result<(), Fault> {
    if lock(&shared.lease).leaving.is_empty() {
        return Ok(());
    }
    // No read that began before may bring the endpoints back.
    let _feed = shared.feed.lock().await;
    let (node, leaving) = {
        let lease = lock(&shared.lease);
        (lease.node, lease.leaving.clone())
    };
    let quiet: Vec<i64> = {
        let mut board = lock(&shared.board);
        let quiet: Vec<EndpointNo> = leaving.into_iter().filter(|endpoint| board.out_of(*endpoint) == 0).collect();
        // Nothing is claimed for it from here on.
        quiet.iter().for_each(|endpoint| board.lose_endpoint(*endpoint));
        quiet.into_iter().map(|endpoint| endpoint.0).collect()
    };
    if quiet.is_empty() {
        return Ok(());
    }
    {
        let mut lease = lock(&shared.lease);
        for endpoint in &quiet {
            let _fence = lease.owned.remove(&EndpointNo(*endpoint));
            let _was = lease.leaving.remove(&EndpointNo(*endpoint));
        }
    }
    let mut tx = shared.pool.begin(Mode::Durable).await?;
    let _count = tx.execute(&GIVE, &[&node, &quiet]).await?;
    tx.commit().await
}

/// Gives everything away at once: the process ends in good order.
pub(super) async fn leave(shared: &Shared) -> Result<(), Fault> {
    let node = {
        let mut lease = lock(&shared.lease);
        lease.until = None;
        lease.owned.clear();
        lease.node
    };
    let mut tx = shared.pool.begin(Mode::Durable).await?;
    let _count = tx.execute(&GIVE_ALL, &[&node]).await?;
    let _count = tx.execute(&DEREGISTER, &[&node]).await?;
    tx.commit().await
}

/// Whether this node ranks highest for an endpoint.
#[cfg(test)]
pub(super) async fn is_best_for(shared: &Shared, number: EndpointNo) -> Result<bool, Fault> {
    let mut tx = shared.pool.begin(Mode::Read).await?;
    let live = column(&tx.query(&LIVE, &[]).await?)?;
    tx.commit().await?;
    Ok(best(&live, number.0) == Some(lock(&shared.lease).node))
}

/// The node that ranks highest for an endpoint. When nodes come and go, only what they had moves.
fn best(live: &[i64], endpoint: i64) -> Option<i64> {
    live.iter().copied().max_by_key(|node| short_hash(&[&node.to_be_bytes(), &endpoint.to_be_bytes()]))
}

fn column(rows: &[tokio_postgres::Row]) -> Result<Vec<i64>, Fault> {
    rows.iter().map(|row| cell(row, 0)).collect()
}

/// Renews until the store is closed. A database that is away is asked more often, so that the lease is not lost for long.
pub(super) async fn keep(shared: std::sync::Arc<Shared>) {
    let pace = shared.tuning.lease / 4;
    loop {
        let pause = match tick(&shared).await {
            Ok(()) => {
                shared.note(None);
                pace
            }
            Err(fault) => {
                shared.note(Some(&fault));
                if fault.kind() != Kind::Conflict {
                    tracing::warn!(why = fault.words(), "failed to renew this node's lease; trying on");
                }
                (pace / 8).max(Duration::from_millis(20))
            }
        };
        drop(tokio::time::timeout(pause, shared.lease_bell.notified()).await);
    }
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
