//! One transaction, and how it ended. What was not said to be committed is not: a transaction that is dropped, given up in
//! the middle of a call or refused a statement is rolled back.

use std::time::Duration;

use tokio_postgres::Row;

use super::fault::{Fault, Kind};
use super::pool::Loan;
use super::session::{Session, Sql, Value};

/// How long the server may take for a COMMIT, a standby's answer included, before its outcome is called unknown.
const COMMIT_MAX: Duration = Duration::from_secs(10);
const ROLLBACK_MAX: Duration = Duration::from_secs(2);

/// What a transaction is for. Its settings are local to it, because the session may be anybody's afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Short writes whose COMMIT is on stable storage, the synchronous standby's included where there is one.
    Durable,
    /// Reads.
    Read,
    /// Reads that see one state of the tables, whatever is committed between them.
    Snapshot,
    /// The same where nobody waits and it takes as long as it takes: a store that is copied.
    Bulk,
    /// Work beside the traffic that may take its time: retention, partitions.
    Upkeep,
    /// Changes of the schema: as long as they take, but never long in front of a lock, behind which all others would wait.
    Schema,
}

impl Mode {
    /// What is sent before the first statement. A transaction that a stopped process holds open ends by itself, and gives
    /// its locks back, long before that process's leases end. On a day without statistics the planner takes look-ups by key
    /// for dear, and compiling them (`jit`) takes the server many times what they take.
    fn opening(self) -> &'static str {
        match self {
            Self::Durable => {
                "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL jit = off; SET LOCAL statement_timeout = '5s'; \
                 SET LOCAL lock_timeout = '2s'; SET LOCAL idle_in_transaction_session_timeout = '5s'"
            }
            Self::Read => {
                "BEGIN READ ONLY; SET LOCAL jit = off; SET LOCAL statement_timeout = '10s'; \
                 SET LOCAL idle_in_transaction_session_timeout = '5s'"
            }
            Self::Snapshot => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL jit = off; \
                 SET LOCAL statement_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '5s'"
            }
            Self::Bulk => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; \
                 SET LOCAL idle_in_transaction_session_timeout = '60s'"
            }
            Self::Upkeep => {
                "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = '60s'; \
                 SET LOCAL lock_timeout = '2s'; SET LOCAL idle_in_transaction_session_timeout = '5s'"
            }
            Self::Schema => {
                "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = 0; \
                 SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '60s'"
            }
        }
    }

    /// After this long without an answer the session is given up: the server's own limit should have come before.
    fn silence_max(self) -> Option<Duration> {
        match self {
            Self::Durable => Some(Duration::from_secs(8)),
            Self::Read | Self::Snapshot => Some(Duration::from_secs(13)),
            Self::Upkeep => Some(Duration::from_secs(65)),
            Self::Bulk | Self::Schema => None,
        }
    }
}

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was sent.
    Fresh,
    /// Open, and ready for a statement.
    Open,
    /// A statement failed; the server takes nothing but a rollback.
    Failed,
    /// A call is under way, or was given up on its way: what the server does is not known.
    Busy,
}

/// A transaction.
pub(super) struct Tx {
    loan: Option<Loan>,
    mode: Mode,
    stage: Stage,
}

impl Tx {
    pub(super) fn new(loan: Loan, mode: Mode) -> Self {
        Self { loan: Some(loan), mode, stage: Stage::Fresh }
    }

    /// Runs a statement.
    pub(super) async fn query(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        let (opening, silence_max) = self.enter()?;
        let done = match self.loan.as_ref() {
            Some(session) => opened(session, opening, silence_max, session.run(sql, values)).await,
            None => Err(gone()),
        };
        self.leave(done)
    }

    /// Runs a statement that gives one row or none.
    pub(super) async fn query_opt(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<Option<Row>, Fault> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    /// Runs a statement that gives a row.
    pub(super) async fn query_one(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<Row, Fault> {
        let row = self.query_opt(sql, values).await?;
        row.ok_or_else(|| Fault::new(Kind::Other, "a statement gave no row where one was expected"))
    }

    /// Runs a statement, and gives the number of rows that it changed.
    pub(super) async fn execute(&mut self, sql: &Sql, values: &[Value<'_>]) -> Result<u64, Fault> {
        let (opening, silence_max) = self.enter()?;
        let done = match self.loan.as_ref() {
            Some(session) => opened(session, opening, silence_max, session.execute(sql, values)).await,
            None => Err(gone()),
        };
        self.leave(done)
    }

    /// Runs statements of ours without values, parted by semicolons.
    pub(super) async fn batch(&mut self, text: &str) -> Result<(), Fault> {
        let (opening, silence_max) = self.enter()?;
        let done = match self.loan.as_ref() {
            Some(session) => opened(session, opening, silence_max, session.batch(text)).await,
            None => Err(gone()),
        };
        self.leave(done)
    }

    /// Commits. [`Kind::OutcomeUnknown`] where no answer came; any other fault means that nothing was kept.
    pub(super) async fn commit(mut self) -> Result<(), Fault> {
        match self.stage {
            Stage::Fresh => {
                self.finish();
                return Ok(());
            }
            Stage::Open => {}
            Stage::Failed | Stage::Busy => return Err(gone()),
        }
        self.stage = Stage::Busy;
        let Some(session) = self.loan.as_ref() else { return Err(gone()) };
        let committed = tokio::time::timeout(COMMIT_MAX, session.commit()).await;
        committed.map_err(|_| unknown())??;
        self.finish();
        Ok(())
    }

    /// Runs a last statement and commits, in one round trip. The server commits only if the statement, and all before it,
    /// did not fail.
    pub(super) async fn query_and_commit(mut self, sql: &Sql, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        let (opening, silence_max) = self.enter()?;
        let Some(session) = self.loan.as_ref() else { return Err(gone()) };
        // COMMIT must not overtake a statement that waits for being prepared.
        let prepared = tokio::time::timeout(silence_max.unwrap_or(COMMIT_MAX), session.make_ready(sql)).await;
        prepared.map_err(|_| silent())??;
        let limit = self.mode.silence_max().map_or(COMMIT_MAX, |max| max + COMMIT_MAX);
        let all = async { tokio::join!(biased; open(session, opening), session.run(sql, values), session.commit()) };
        let (begun, rows, committed) = tokio::time::timeout(limit, all).await.map_err(|_| unknown())?;
        match (begun, rows) {
            (Ok(()), Ok(rows)) => {
                committed?;
                self.finish();
                Ok(rows)
            }
            (Err(fault), Ok(_)) => Err(Fault::new(Kind::OutcomeUnknown, fault.words())),
            // The server said no, and made a rollback of the COMMIT; a session that broke meanwhile may have committed.
            (Err(fault), Err(_)) | (Ok(()), Err(fault)) => {
                let refused = !matches!(fault.kind(), Kind::Lost | Kind::Unreachable);
                if refused && committed.is_ok() {
                    self.finish();
                }
                if refused { Err(fault) } else { Err(Fault::new(Kind::OutcomeUnknown, fault.words())) }
            }
        }
    }

    /// Rolls back.
    pub(super) async fn rollback(mut self) {
        if let Some(loan) = self.loan.take() {
            undo(loan, self.stage).await;
        }
    }

    fn enter(&mut self) -> Result<(Option<&'static str>, Option<Duration>), Fault> {
        let opening = match self.stage {
            Stage::Fresh => Some(self.mode.opening()),
            Stage::Open => None,
            Stage::Failed | Stage::Busy => return Err(gone()),
        };
        self.stage = Stage::Busy;
        Ok((opening, self.mode.silence_max()))
    }

    fn leave<T>(&mut self, done: Result<T, Fault>) -> Result<T, Fault> {
        self.stage = match &done {
            Ok(_) => Stage::Open,
            Err(fault) if matches!(fault.kind(), Kind::Lost | Kind::Unreachable) => Stage::Busy,
            Err(_) => Stage::Failed,
        };
        done
    }

    /// The transaction is over, and its session as it was.
    fn finish(&mut self) {
        if let Some(loan) = self.loan.take() {
            loan.give_back();
        }
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(loan) = self.loan.take() else { return };
        let stage = self.stage;
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if matches!(stage, Stage::Open | Stage::Failed) => drop(runtime.spawn(undo(loan, stage))),
            Ok(_) if stage == Stage::Fresh => loan.give_back(),
            // Cutting the connection makes the server roll back.
            Ok(_) | Err(_) => drop(loan),
        }
    }
}

async fn undo(loan: Loan, stage: Stage) {
    match stage {
        Stage::Fresh => loan.give_back(),
        Stage::Busy => drop(loan),
        Stage::Open | Stage::Failed => {
            let done = tokio::time::timeout(ROLLBACK_MAX, loan.batch("ROLLBACK")).await;
            if matches!(done, Ok(Ok(()))) {
                loan.give_back();
            }
        }
    }
}

/// Sends what opens the transaction together with its first statement.
async fn opened<T>(
    session: &Session,
    opening: Option<&'static str>,
    silence_max: Option<Duration>,
    statement: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let both = async {
        let (begun, done) = tokio::join!(biased; open(session, opening), statement);
        begun?;
        done
    };
    match silence_max {
        None => both.await,
        Some(limit) => tokio::time::timeout(limit, both).await.map_err(|_| silent())?,
    }
}

async fn open(session: &Session, opening: Option<&'static str>) -> Result<(), Fault> {
    match opening {
        Some(text) => session.batch(text).await,
        None => Ok(()),
    }
}

fn gone() -> Fault {
    Fault::new(Kind::Lost, "the transaction is over")
}

fn silent() -> Fault {
    Fault::new(Kind::Lost, "the database did not answer in time")
}

fn unknown() -> Fault {
    Fault::new(Kind::OutcomeUnknown, "the database did not answer a COMMIT")
}
