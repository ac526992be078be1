//! A bounded number of sessions. When the server goes away, one call at a time tries to reach it, ever more rarely and
//! never at the same moment as the other nodes; the rest fail at once with what the last one was told.

use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::fault::{Fault, Kind};
use super::options::PostgresOptions;
use super::session::{Session, Sql, cell};
use super::tls::Tls;
use super::tx::{Mode, Tx};
use crate::error::StoreError;

/// Sessions that are being made at the same time.
const CONNECTING_MAX: usize = 2;
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// After this long a session is not used again, so that nodes move on to a server that came back behind a name.
const SESSION_AGE_MAX: Duration = Duration::from_secs(1_800);

/// The sessions of one node.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    options: PostgresOptions,
    tls: Tls,
    server: String,
    permits: Arc<Semaphore>,
    connecting: Semaphore,
    idle: Mutex<Vec<Session>>,
    gate: Mutex<Gate>,
}

/// Holds calls back while the server is gone.
#[derive(Default)]
struct Gate {
    failures: u32,
    closed_until: Option<Instant>,
    trying: bool,
    told: Option<Fault>,
}

/// A session on loan.
pub(super) struct Loan {
    session: Session,
    pool: Arc<Inner>,
    _permit: OwnedSemaphorePermit,
}

impl std::ops::Deref for Loan {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Loan {
    /// Gives it back, in the state in which it was lent: no transaction open, nothing under way.
    pub(super) fn give_back(self) {
        let Self { session, pool, .. } = self;
        if !session.is_closed() && session.age() < SESSION_AGE_MAX && !pool.permits.is_closed() {
            lock(&pool.idle).push(session);
        }
    }
}

impl Pool {
    /// Reaches the database once, and sees that it may be used.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreachable`], or [`StoreError::Unfit`] where it must not be used as it is.
    pub(super) async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        let server = options.server();
        let tls =
            Tls::new(options.trust, options.root_certificates.as_deref()).map_err(|why| StoreError::Unfit { why })?;
        let pool = Self(Arc::new(Inner {
            tls,
            server,
            permits: Arc::new(Semaphore::new(options.sessions_max)),
            connecting: Semaphore::new(CONNECTING_MAX),
            idle: Mutex::default(),
            gate: Mutex::default(),
            options,
        }));
        let loan = pool.lend().await.map_err(|fault| pool.tell(&fault, "open the database"))?;
        loan.give_back();
        Ok(pool)
    }

    /// Begins a transaction. Nothing is sent before its first statement.
    pub(super) async fn begin(&self, mode: Mode) -> Result<Tx, Fault> {
        Ok(Tx::new(self.lend().await?, mode))
    }

    #[expect(
        dead_code,
        reason = "a hint for a direct connection; NOTIFY makes all commits wait in one line, so polling is the only way yet"
    )]
    /// A session of its own, beside the pool, that rings the bell on each notification of these channels (LISTEN is
    /// session state: it works only on a direct connection, and is a hint).
    pub(super) async fn listen(&self, listen: &str, bell: Arc<Notify>) -> Result<Session, Fault> {
        let session = Session::connect(&self.0.options, &self.0.tls, Some(bell)).await?;
        session.batch(listen).await?;
        Ok(session)
    }

    /// Whether COMMIT waits for a second server: what is acknowledged then survives the loss of the first.
    pub(super) async fn has_synchronous_standby(&self) -> Result<bool, Fault> {
        static STANDBYS: Sql = Sql::new("SELECT current_setting('synchronous_standby_names')", &[]);
        let loan = self.lend().await?;
        let rows = loan.run(&STANDBYS, &[]).await?;
        let names: String = rows.first().map_or_else(|| Ok(String::new()), |row| cell(row, 0))?;
        loan.give_back();
        Ok(!names.trim().is_empty())
    }

    /// Whether the server tells a page that its disk damaged from one that it wrote.
    pub(super) async fn has_data_checksums(&self) -> Result<bool, Fault> {
        static CHECKSUMS: Sql = Sql::new("SELECT current_setting('data_checksums')", &[]);
        let loan = self.lend().await?;
        let rows = loan.run(&CHECKSUMS, &[]).await?;
        let is: String = rows.first().map_or_else(|| Ok(String::new()), |row| cell(row, 0))?;
        loan.give_back();
        Ok(is == "on")
    }

    /// Where the database is, without what opens it.
    pub(super) fn server(&self) -> &str {
        &self.0.server
    }

    /// A fault as the seam tells it.
    pub(super) fn tell(&self, fault: &Fault, doing: &'static str) -> StoreError {
        fault.store_error(doing, &self.0.server)
    }

    /// Closes what is idle, and lends no more.
    pub(super) fn close(&self) {
        self.0.permits.close();
        lock(&self.0.idle).clear();
    }

    /// Sessions that are open and not on loan.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        lock(&self.0.idle).len()
    }

    async fn lend(&self) -> Result<Loan, Fault> {
        let wait = tokio::time::timeout(self.0.options.session_wait, Arc::clone(&self.0.permits).acquire_owned());
        let permit = wait
            .await
            .map_err(|_| Fault::new(Kind::Overloaded, "all sessions are in use: raise `sessions_max`"))?
            .map_err(|_| Fault::new(Kind::Unreachable, "the store is closed"))?;
        while let Some(session) = self.take_idle() {
            if !session.is_closed() {
                return Ok(Loan { session, pool: Arc::clone(&self.0), _permit: permit });
            }
        }
        let session = self.connect().await?;
        Ok(Loan { session, pool: Arc::clone(&self.0), _permit: permit })
    }

    fn take_idle(&self) -> Option<Session> {
        lock(&self.0.idle).pop()
    }

    async fn connect(&self) -> Result<Session, Fault> {
        let closed = |_| Fault::new(Kind::Unreachable, "the store is closed");
        let _turn = self.0.connecting.acquire().await.map_err(closed)?;
        let attempt = Attempt::pass(&self.0)?;
        let made = Session::connect(&self.0.options, &self.0.tls, None).await;
        attempt.ended(made.as_ref().err());
        made
    }
}

/// One passage through the gate; one that is given up counts as no failure.
struct Attempt<'p> {
    pool: &'p Inner,
    alone: bool,
}

impl<'p> Attempt<'p> {
    fn pass(pool: &'p Inner) -> Result<Self, Fault> {
        let mut gate = lock(&pool.gate);
        let is_closed = gate.closed_until.is_some_and(|until| Instant::now() < until);
        if let Some(told) = gate.told.as_ref().filter(|_| is_closed || gate.trying) {
            return Err(told.clone());
        }
        let alone = gate.failures > 0;
        gate.trying = alone;
        Ok(Self { pool, alone })
    }

    fn ended(self, fault: Option<&Fault>) {
        let mut gate = lock(&self.pool.gate);
        match fault {
            None => *gate = Gate::default(),
            Some(fault) => {
                if gate.failures == 0 {
                    tracing::warn!(server = %self.pool.server, why = fault.words(), "the database cannot be reached");
                }
                gate.failures = gate.failures.saturating_add(1);
                gate.closed_until = Some(Instant::now() + backoff(gate.failures, chance()));
                gate.told = Some(fault.clone());
            }
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.alone {
            lock(&self.pool.gate).trying = false;
        }
    }
}

/// How long nobody tries after so many failures: between half and the whole of a doubling time.
fn backoff(failures: u32, chance: u64) -> Duration {
    let doubled = BACKOFF_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(BACKOFF_MAX);
    doubled / 2 + (doubled / 2).mul_f64((chance % 1_000) as f64 / 1_000.0)
}

/// A number that no other node draws at the same time: the seed that the standard library gives each hash map.
pub(super) fn chance() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_are_never_the_same_for_all() {
        for (failures, least, most) in [(1, 25, 50), (2, 50, 100), (4, 200, 400), (7, 1_000, 2_000), (99, 1_000, 2_000)]
        {
            for chance in [0, 499, 999] {
                let wait = backoff(failures, chance).as_millis();
                assert!((least..=most).contains(&wait), "{failures} failures, chance {chance}: {wait} ms");
            }
        }
        assert_ne!(backoff(5, 1), backoff(5, 900));
        assert_ne!(chance(), chance());
    }
}
