//! This node's lease: the right to deliver to what it owns (see `owners`).
//!
//! A node renews its lease on the database's clock, and counts it on its own from before it asked, so that its own end comes
//! first. Nothing is under way beyond that end: a request begins only if the lease outlives its time-out (or half a lease,
//! where the time-out is longer), and one that is under way when the lease ends is aborted. So whoever finds the lease run
//! out need not wait for requests: it fences the node, and what that writes about deliveries is refused from then on. The
//! bytes of a request that a stopped process had sent before are an unknown outcome.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_postgres::types::Type;

use super::fault::{Fault, Kind};
use super::owners;
use super::session::{Sql, cell};
use super::shared::{Shared, lock};
use super::tx::Mode;
use super::value::int8;
use crate::common::clock;
use crate::record::EndpointNo;
use crate::tenure::Tenure;

/// A lease is renewed when this part of it has passed.
const PACE: u32 = 5;
/// The wall clock is looked at so often: it alone shows that the machine slept.
const LOOK: Duration = Duration::from_millis(250);
/// Between two looks whether what is to be given away has nothing in flight any more.
const GIVING: Duration = Duration::from_millis(25);

/// This node's lease, and what it owns.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) node: i64,
    length: Duration,
    /// On this node's clock.
    until: Option<Instant>,
    /// The same on its wall clock, which goes on while the machine sleeps.
    until_wall_ms: i64,
    /// Since when it holds without a gap.
    since: Option<Instant>,
    /// Terms that have ended: a lease that ran out and is had again is another term.
    ended: watch::Sender<u64>,
    /// With the fence under which it owns each.
    pub(super) owned: HashMap<EndpointNo, i64>,
    /// Endpoints that get nothing more from this node, until what is in flight has ended.
    pub(super) leaving: HashSet<EndpointNo>,
    known: HashSet<i64>,
}

impl Lease {
    pub(super) fn new(length: Duration) -> Self {
        Self {
            node: 0,
            length,
            until: None,
            until_wall_ms: 0,
            since: None,
            ended: watch::Sender::new(0),
            owned: HashMap::new(),
            leaving: HashSet::new(),
            known: HashSet::new(),
        }
    }

    /// True while claims may be made.
    pub(super) fn holds(&self) -> bool {
        !self.left().is_zero()
    }

    /// Whether a request may begin that may take so long.
    pub(super) fn outlives(&self, attempt: Duration) -> bool {
        let left = self.left();
        !left.is_zero() && left >= attempt.min(self.length / 2)
    }

    /// Tells when the lease ends.
    pub(super) fn tenure(&self) -> Tenure {
        Tenure::new(self.ended.subscribe())
    }

    /// Whether the node had its lease for so long that the others had their chance to renew theirs. After the database was
    /// away all leases have run out, and nobody is gone.
    pub(super) fn may_fence(&self) -> bool {
        self.holds() && self.since.is_some_and(|since| since.elapsed() >= self.length / 2)
    }

    /// What is left of it on both clocks.
    fn left(&self) -> Duration {
        let left = self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        let by_wall = u64::try_from(self.until_wall_ms.saturating_sub(clock::now_ms())).unwrap_or_default();
        left.min(Duration::from_millis(by_wall))
    }

    fn extend(&mut self, began: Instant, wall_ms: i64) {
        self.look();
        self.until = Some(began + self.length);
        self.until_wall_ms = wall_ms.saturating_add(int8(self.length.as_millis()));
        self.since.get_or_insert(began);
    }

    /// Ends the term where the lease has run out.
    fn look(&mut self) {
        if self.since.is_some() && !self.holds() {
            self.end();
        }
    }

    fn end(&mut self) {
        (self.until, self.since) = (None, None);
        self.ended.send_modify(|ended| *ended += 1);
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

static LEAVE_BEHIND: Sql = Sql::new(
    "WITH gone AS (DELETE FROM waypost.nodes WHERE name = $1 RETURNING id)
     UPDATE waypost.owners SET node = NULL FROM gone WHERE node = gone.id",
    &[Type::TEXT],
);
static REGISTER: Sql = Sql::new(
    "INSERT INTO waypost.nodes (name, lease_until)
     VALUES ($1, clock_timestamp() + $2 * interval '1 ms') RETURNING id",
    &[Type::TEXT, Type::INT8],
);
static RENEW: Sql = Sql::new(
    "UPDATE waypost.nodes SET lease_until = clock_timestamp() + $2 * interval '1 ms'
     WHERE id = $1 AND NOT fenced RETURNING id",
    &[Type::INT8, Type::INT8],
);
static DEREGISTER: Sql = Sql::new("DELETE FROM waypost.nodes WHERE id = $1", &[Type::INT8]);

/// Makes this process a node.
pub(super) async fn register(shared: &Shared) -> Result<(), Fault> {
    // What it had is another's. No read that began before may bring it back, and nothing that was claimed before may be
    // settled under the new number.
    let mut feed = shared.feed.lock().await;
    {
        let mut lease = lock(&shared.lease);
        lease.look();
        lease.leaving.clear();
        let owned = std::mem::take(&mut lease.owned);
        drop(lease);
        feed.lose(owned.keys().copied());
        let mut board = lock(&shared.board);
        owned.into_keys().for_each(|endpoint| board.lose_endpoint(endpoint));
    }
    let (began, wall) = (Instant::now(), clock::now_ms());
    let lease_ms = int8(shared.tuning.lease.as_millis());
    let mut tx = shared.pool.begin(Mode::Durable).await?;
    if let Some(name) = &shared.tuning.node {
        // The process before this one under the same name is gone, or may write no more from here on.
        let _count = tx.execute(&LEAVE_BEHIND, &[name]).await?;
    }
    let node: i64 = cell(&tx.query_one(&REGISTER, &[&shared.tuning.node, &lease_ms]).await?, 0)?;
    owners::tell(&mut tx, node).await?;
    tx.commit().await?;
    let mut lease = lock(&shared.lease);
    lease.node = node;
    lease.extend(began, wall);
    drop(lease);
    Ok(())
}

/// Renews the lease, and sees who should own what. Gives how soon that may change.
pub(super) async fn tick(shared: &Shared) -> Result<Duration, Fault> {
    let (began, wall, node) = (Instant::now(), clock::now_ms(), lock(&shared.lease).node);
    let lease_ms = int8(shared.tuning.lease.as_millis());
    let mut tx = shared.pool.begin(Mode::Durable).await?;
    let renewed = tx.query(&RENEW, &[&node, &lease_ms]).await?;
    tx.commit().await?;
    if renewed.is_empty() {
        tracing::warn!("this node was silent for longer than its lease; it begins anew");
        register(shared).await?;
    } else {
        lock(&shared.lease).extend(began, wall);
    }
    owners::share_out(shared).await
}

/// Gives everything away at once: the process ends in good order.
pub(super) async fn leave(shared: &Shared) -> Result<(), Fault> {
    let node = {
        let mut lease = lock(&shared.lease);
        lease.end();
        lease.owned.clear();
        lease.node
    };
    let mut tx = shared.pool.begin(Mode::Durable).await?;
    owners::give_all(&mut tx, node).await?;
    let _count = tx.execute(&DEREGISTER, &[&node]).await?;
    owners::tell(&mut tx, node).await?;
    tx.commit().await
}

/// Renews until the store is closed. A database that is away is asked more often, so that the lease is not lost for long.
pub(super) async fn keep(shared: Arc<Shared>) {
    let pace = shared.tuning.lease / PACE;
    loop {
        let pause = match tick(&shared).await {
            Ok(soonest) => {
                shared.note(None);
                pace.min(soonest)
            }
            Err(fault) => {
                shared.note(Some(&fault));
                if fault.kind() != Kind::Conflict {
                    tracing::warn!(why = fault.words(), "failed to renew this node's lease; trying on");
                }
                (pace / 8).max(Duration::from_millis(20))
            }
        };
        drop(tokio::time::timeout(pause, until_rung(&shared)).await);
    }
}

/// Waits for the bell; gives away meanwhile what another should have.
async fn until_rung(shared: &Shared) {
    while !lock(&shared.lease).leaving.is_empty() {
        tokio::select! {
            () = shared.lease_bell.notified() => return,
            () = tokio::time::sleep(GIVING) => {}
        }
        if let Err(fault) = owners::give_away(shared).await {
            tracing::debug!(why = fault.words(), "failed to give endpoints away; trying on");
        }
    }
    shared.lease_bell.notified().await;
}

/// Ends the term when the lease runs out, for what is under way.
pub(super) async fn guard(shared: Arc<Shared>) {
    loop {
        let left = {
            let mut lease = lock(&shared.lease);
            lease.look();
            lease.left()
        };
        tokio::time::sleep(if left.is_zero() { LOOK } else { left.min(LOOK) }).await;
    }
}
