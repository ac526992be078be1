//! Opening a store, the tasks that keep it, and closing it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;

use super::fault::{Fault, Kind};
use super::options::PostgresOptions;
use super::pool::Pool;
use super::session::Sql;
use super::shared::{Shared, lock};
use super::tuning::PostgresTuning;
use super::tx::Mode;
use super::{backlog, carry, commit, days, feed, lease, migrate, replay, retention, tally};
use crate::common::clock;
use crate::error::StoreError;

/// Between two rounds of tidying up.
const TIDY: Duration = Duration::from_secs(5);
/// How long closing waits for what is queued, and then for the database to be told.
const CLOSING_MAX: Duration = Duration::from_secs(10);

static FORGET_NEWS: Sql = Sql::new(
    "DELETE FROM waypost.news WHERE ctid = ANY (ARRAY (
         SELECT ctid FROM waypost.news WHERE made_at < clock_timestamp() - interval '1 hour' LIMIT $1))",
    &[Type::INT8],
);

/// What a database does not promise, in a sentence; None when it promises all.
fn caution(has_standby: bool, has_checksums: bool) -> Option<String> {
    let standby =
        (!has_standby).then_some("survives restart, not failover: no synchronous standby confirms what is committed");
    let checksums =
        (!has_checksums).then_some("a page that a disk damages is not told: the server's data checksums are off");
    let cautions: Vec<&str> = standby.into_iter().chain(checksums).collect();
    (!cautions.is_empty()).then(|| cautions.join("; "))
}

/// A store in a PostgreSQL database, which other nodes may share. Dropping it stops its tasks as a killed process does.
pub struct Postgres {
    pub(super) shared: Arc<Shared>,
    /// There is something to tidy up.
    pub(super) tidy: Arc<Notify>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    committers: Mutex<Vec<JoinHandle<()>>>,
    /// What its commits would not survive.
    caution: Mutex<Option<String>>,
}

impl Postgres {
    /// Opens the store in a database, making it where there is none, and becomes a node.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreachable`], [`StoreError::Unfit`] where the database must not be used as it is, and
    /// [`StoreError::TooNew`].
    pub async fn open(options: PostgresOptions, tuning: PostgresTuning) -> Result<Self, StoreError> {
        let pool = Pool::open(options).await?;
        // In containers every process may have the same number.
        let holder = tuning.node.clone().unwrap_or_else(|| format!("process {:x}", super::pool::chance()));
        let _migrated = migrate::run(&pool, migrate::STEPS, &holder).await?;
        carry::must_be_whole(&pool).await?;
        let shared = Arc::new(Shared::new(pool, tuning));
        let tell = |fault: Fault| shared.pool.tell(&fault, "open the store");
        days::ensure(&shared, &days_ahead()).await.map_err(tell)?;
        lease::register(&shared).await.map_err(tell)?;
        lease::tick(&shared).await.map_err(tell)?;
        feed::step(&shared, &mut *shared.feed.lock().await, None).await.map_err(tell)?;
        let has_standby = shared.pool.has_synchronous_standby().await.map_err(tell)?;
        let has_checksums = shared.pool.has_data_checksums().await.map_err(tell)?;
        let caution = caution(has_standby, has_checksums);
        let store = Self {
            tidy: Arc::new(Notify::new()),
            tasks: Mutex::default(),
            committers: Mutex::default(),
            caution: Mutex::new(caution),
            shared,
        };
        store.start();
        Ok(store)
    }

    fn start(&self) {
        let shared = &self.shared;
        let committers = (0..shared.tuning.committers.max(1)).map(|_| tokio::spawn(commit::work(Arc::clone(shared))));
        lock(&self.committers).extend(committers);
        let tasks = [
            tokio::spawn(lease::keep(Arc::clone(shared))),
            tokio::spawn(lease::guard(Arc::clone(shared))),
            tokio::spawn(follow(Arc::clone(shared))),
            tokio::spawn(tidy(Arc::clone(shared), Arc::clone(&self.tidy))),
        ];
        lock(&self.tasks).extend(tasks);
    }

    pub(super) fn caution(&self) -> Option<String> {
        lock(&self.caution).clone()
    }

    /// Finishes what is queued, gives the endpoints away, and closes.
    pub(super) async fn end(&self) {
        self.shared.queue.close();
        let committers = std::mem::take(&mut *lock(&self.committers));
        let finished = async {
            for committer in committers {
                drop(committer.await);
            }
        };
        drop(tokio::time::timeout(CLOSING_MAX, finished).await);
        self.stop();
        if let Ok(Err(fault)) = tokio::time::timeout(CLOSING_MAX, lease::leave(&self.shared)).await {
            tracing::warn!(
                why = fault.words(),
                "failed to give the endpoints away; the others wait for the lease to end"
            );
        }
        self.shared.close();
        self.shared.pool.close();
    }

    fn stop(&self) {
        for task in lock(&self.tasks).drain(..).chain(lock(&self.committers).drain(..)) {
            task.abort();
        }
    }
}

#[cfg(test)]
impl Postgres {
    /// Makes the next transactions that write fail at their end, as if the session were lost before COMMIT was sent.
    pub(crate) fn fail_commits(&self, count: u32) {
        self.shared.commits_to_fail.store(count, std::sync::atomic::Ordering::SeqCst);
    }

    /// Stops the node without closing it, as SIGSTOP does: what it has in flight it still believes to hold.
    pub(crate) fn freeze(&self) {
        self.stop();
    }

    /// Renews its lease now, as it does by itself while it is not frozen.
    pub(crate) async fn renew(&self) {
        // What fails is tried again by whoever asked.
        drop(lease::tick(&self.shared).await);
    }

    /// Whether the node holds an endpoint.
    pub(crate) fn owns(&self, number: crate::record::EndpointNo) -> bool {
        let lease = lock(&self.shared.lease);
        lease.owned.contains_key(&number) && !lease.leaving.contains(&number)
    }

    /// Looks at once who should have which endpoint, not with the next renewal of the lease.
    pub(crate) fn look_at_owners(&self) {
        self.shared.lease_bell.notify_one();
    }

    /// Has the next claim look at what other nodes committed, however short ago the last look was.
    pub(crate) async fn look_at_next_claim(&self) {
        self.shared.feed.lock().await.expect_more();
    }

    /// Whether it ranks highest for an endpoint.
    pub(crate) async fn is_best_for(&self, number: crate::record::EndpointNo) -> bool {
        super::owners::is_best_for(&self.shared, number).await.unwrap_or(false)
    }

    /// Holds the next commit open before its last statement, until the bell rings.
    pub(crate) fn hold_next_commit(&self) -> Arc<Notify> {
        let gate = Arc::new(Notify::new());
        *lock(&self.shared.gate) = Some(Arc::clone(&gate));
        gate
    }

    /// True while a commit is held open.
    pub(crate) fn is_held(&self) -> bool {
        lock(&self.shared.gate).is_none()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Looks at what other nodes wrote, and rings when that can be claimed.
async fn follow(shared: Arc<Shared>) {
    let mut told = false;
    loop {
        tokio::time::sleep(shared.tuning.poll).await;
        let mut feed = shared.feed.lock().await;
        let done = feed::catch_up(&shared, &mut feed).await;
        drop(feed);
        if let Err(fault) = done {
            if !told {
                tracing::warn!(why = fault.words(), "failed to look at what other nodes wrote; trying on");
            }
            told = true;
            tokio::time::sleep(shared.tuning.poll).await;
            continue;
        }
        told = false;
        if lock(&shared.board).has_turns() {
            shared.wake.notify_one();
        }
    }
}

/// Makes partitions ahead, ends what removed endpoints are owed, folds totals, forgets old news.
async fn tidy(shared: Arc<Shared>, bell: Arc<Notify>) {
    loop {
        if let Err(fault) = tidy_once(&shared).await
            && fault.kind() != Kind::Conflict
        {
            tracing::warn!(why = fault.words(), "failed to tidy up; trying on");
        }
        drop(tokio::time::timeout(TIDY, bell.notified()).await);
    }
}

async fn tidy_once(shared: &Shared) -> Result<(), Fault> {
    days::ensure(shared, &days_ahead()).await?;
    loop {
        let mut tx = shared.pool.begin(Mode::Durable).await?;
        let more = backlog::end_of_removed(&mut tx).await?;
        tx.commit().await?;
        if !more {
            break;
        }
    }
    let mut tx = shared.pool.begin(Mode::Upkeep).await?;
    tally::fold(&mut tx).await?;
    replay::clear_away(&mut tx).await?;
    let _count = tx.execute(&FORGET_NEWS, &[&10_000_i64]).await?;
    let bytes = retention::store_bytes(&mut tx).await?;
    tx.commit().await?;
    shared.store_bytes.store(bytes, std::sync::atomic::Ordering::Relaxed);
    Ok(())
}

/// Today and tomorrow.
fn days_ahead() -> std::collections::BTreeSet<i32> {
    let today = days::of(clock::now_ms());
    [today, today + 1].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::caution;

    #[test]
    fn each_promise_that_is_missing_is_named() {
        assert_eq!(caution(true, true), None);
        assert!(caution(true, false).is_some_and(|text| text.contains("checksums") && !text.contains("standby")));
        assert!(caution(false, true).is_some_and(|text| text.contains("standby") && !text.contains("checksums")));
        assert!(caution(false, false).is_some_and(|text| text.contains("standby") && text.contains("checksums")));
    }
}
