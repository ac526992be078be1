//! One session with the server: made, checked, and driven by a task of its own.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_postgres::error::Severity;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Connection, Row, Statement};

use super::fault::{Fault, Kind};
use super::options::PostgresOptions;
use super::tls::Tls;

/// The oldest server that the statements are written for.
const SERVER_VERSION_MIN: i32 = 150_000;

/// A value bound to a statement.
pub(super) type Value<'v> = &'v (dyn ToSql + Sync);

/// A statement and the types of its parameters, so that it runs in one round trip without being prepared.
#[derive(Debug)]
pub(super) struct Sql {
    text: &'static str,
    types: &'static [Type],
}

impl Sql {
    /// Of this text, with `$1`, `$2` … of these types.
    pub(super) const fn new(text: &'static str, types: &'static [Type]) -> Self {
        Self { text, types }
    }
}

/// A session. Dropping it cuts the connection, whatever is under way; the server rolls back.
pub(super) struct Session {
    client: Client,
    driver: AbortHandle,
    /// Warnings that the server sent so far.
    warnings: Arc<AtomicU64>,
    /// Statements prepared in this session, by the address of their text; None where they go unnamed.
    prepared: Option<Mutex<HashMap<usize, Statement>>>,
    born: Instant,
}

impl Session {
    /// Makes a session and sees that the server can be trusted with commits. `bell` rings on each notification that the
    /// server sends (see LISTEN).
    pub(super) async fn connect(
        options: &PostgresOptions,
        tls: &Tls,
        bell: Option<Arc<Notify>>,
    ) -> Result<Self, Fault> {
        // One host after the other, each with its own limit; what lies beyond that hangs somewhere else.
        let hosts = u32::try_from(options.config.get_hosts().len()).unwrap_or(1);
        let limit = options.config.get_connect_timeout().copied().unwrap_or_default() * hosts + Duration::from_secs(5);
        let made = tokio::time::timeout(limit, options.config.connect(tls.clone()));
        let (client, connection) = made
            .await
            .map_err(|_| Fault::new(Kind::Unreachable, "it does not answer"))?
            .map_err(|error| Fault::of_connecting(&error))?;
        let warnings = Arc::new(AtomicU64::new(0));
        let driver = tokio::spawn(drive(connection, Arc::clone(&warnings), bell)).abort_handle();
        let prepared = options.prepared_statements.then(Mutex::default);
        let session = Self { client, driver, warnings, prepared, born: Instant::now() };
        let checked = tokio::time::timeout(Duration::from_secs(5), session.check());
        checked.await.map_err(|_| Fault::new(Kind::Unreachable, "it does not answer"))??;
        Ok(session)
    }

    /// Refuses a server that would lose what it said it had kept.
    async fn check(&self) -> Result<(), Fault> {
        static CHECK: Sql = Sql::new(
            "SELECT current_setting('server_version_num')::int4, current_setting('fsync'), pg_is_in_recovery(), \
             current_setting('server_encoding')",
            &[],
        );
        let rows = self.run(&CHECK, &[]).await?;
        let row = rows.first().ok_or_else(|| Fault::new(Kind::Other, "the server answered with nothing"))?;
        let (version, fsync, standby, encoding): (i32, String, bool, String) =
            (cell(row, 0)?, cell(row, 1)?, cell(row, 2)?, cell(row, 3)?);
        if version < SERVER_VERSION_MIN {
            let found = version / 10_000;
            let why = format!("it is PostgreSQL {found}; Waypost needs 15 or newer");
            return Err(Fault::new(Kind::Unfit, why));
        }
        if fsync != "on" {
            let why = "it runs with `fsync=off`, and would lose acknowledged events in a crash; set `fsync=on`";
            return Err(Fault::new(Kind::Unfit, why));
        }
        if encoding != "UTF8" {
            let why = format!("its encoding is {encoding}; make the database with ENCODING 'UTF8'");
            return Err(Fault::new(Kind::Unfit, why));
        }
        if standby {
            return Err(Fault::new(Kind::ReadOnly, "it is a standby"));
        }
        Ok(())
    }

    /// Runs one statement.
    pub(super) async fn run(&self, sql: &Sql, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        let tell = |error: tokio_postgres::Error| Fault::of_statement(&error);
        if sql.types.len() != values.len() {
            return Err(Fault::new(Kind::Other, "a statement was given another number of values than it takes"));
        }
        if let Some(prepared) = &self.prepared {
            let statement = self.statement(prepared, sql).await?;
            return self.client.query(&statement, values).await.map_err(tell);
        }
        let typed: Vec<_> = values.iter().copied().zip(sql.types.iter().cloned()).collect();
        self.client.query_typed(sql.text, &typed).await.map_err(tell)
    }

    /// Runs one statement, and gives the number of rows that it changed.
    pub(super) async fn execute(&self, sql: &Sql, values: &[Value<'_>]) -> Result<u64, Fault> {
        let tell = |error: tokio_postgres::Error| Fault::of_statement(&error);
        if sql.types.len() != values.len() {
            return Err(Fault::new(Kind::Other, "a statement was given another number of values than it takes"));
        }
        if let Some(prepared) = &self.prepared {
            let statement = self.statement(prepared, sql).await?;
            return self.client.execute(&statement, values).await.map_err(tell);
        }
        let typed: Vec<_> = values.iter().copied().zip(sql.types.iter().cloned()).collect();
        self.client.execute_typed(sql.text, &typed).await.map_err(tell)
    }

    /// Runs statements without parameters, parted by semicolons.
    pub(super) async fn batch(&self, text: &str) -> Result<(), Fault> {
        self.client.batch_execute(text).await.map_err(|error| Fault::of_statement(&error))
    }

    /// Prepares a statement where statements are prepared, so that running it takes one round trip, sent at once.
    pub(super) async fn make_ready(&self, sql: &Sql) -> Result<(), Fault> {
        match &self.prepared {
            Some(prepared) => self.statement(prepared, sql).await.map(drop),
            None => Ok(()),
        }
    }

    /// Commits. A warning that comes meanwhile makes the outcome unknown: PostgreSQL says so when somebody cancels the
    /// wait for a synchronous standby, and then tells of a success that a failover may undo.
    pub(super) async fn commit(&self) -> Result<(), Fault> {
        let before = self.warnings.load(Ordering::SeqCst);
        self.client.batch_execute("COMMIT").await.map_err(|error| Fault::of_commit(&error))?;
        if self.warnings.load(Ordering::SeqCst) == before {
            return Ok(());
        }
        Err(Fault::new(Kind::OutcomeUnknown, "the server warned while it committed: a standby may not have it"))
    }

    /// Whether the connection is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// For how long it has been there.
    pub(super) fn age(&self) -> Duration {
        self.born.elapsed()
    }

    async fn statement(&self, prepared: &Mutex<HashMap<usize, Statement>>, sql: &Sql) -> Result<Statement, Fault> {
        let at = sql.text.as_ptr() as usize;
        let known = prepared.lock().unwrap_or_else(PoisonError::into_inner).get(&at).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let made = self.client.prepare_typed(sql.text, sql.types).await;
        let statement = made.map_err(|error| Fault::of_statement(&error))?;
        let _none = prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(at, statement.clone());
        Ok(statement)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A cell of a row, or a fault: a column that is not as the statement says is a fault of ours.
pub(super) fn cell<'r, T: tokio_postgres::types::FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, Fault> {
    row.try_get(column).map_err(|error| Fault::new(Kind::Other, error.to_string()))
}

/// Moves a session's bytes until it ends.
async fn drive<S, T>(mut connection: Connection<S, T>, warnings: Arc<AtomicU64>, bell: Option<Arc<Notify>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
        match message {
            AsyncMessage::Notice(notice) if notice.parsed_severity() == Some(Severity::Warning) => {
                let _before = warnings.fetch_add(1, Ordering::SeqCst);
                tracing::warn!(code = notice.code().code(), "the database warns");
            }
            AsyncMessage::Notification(_) => {
                if let Some(bell) = &bell {
                    bell.notify_one();
                }
            }
            AsyncMessage::Notice(_) | _ => {}
        }
    }
    // Who listens must look for itself from now on.
    if let Some(bell) = &bell {
        bell.notify_one();
    }
}
