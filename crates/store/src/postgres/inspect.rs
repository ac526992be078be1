//! A database looked at from outside, for those who care for it: what it is, what it promises, what is missing.

use super::fault::Fault;
use super::migrate::{self as steps, STEPS};
use super::options::PostgresOptions;
use super::pool::Pool;
use super::session::{Sql, cell};
use super::tx::Mode;
use crate::error::StoreError;

/// What there is to know of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresReport {
    /// Where it is.
    pub server: String,
    /// The server's version, as it says it.
    pub postgres: String,
    /// The version of the store in it; 0 when there is none.
    pub version: u32,
    /// The version that this program makes of it.
    pub newest: u32,
    /// Whether COMMIT waits for a second server, so that what was acknowledged survives the loss of the first.
    pub synchronous_standby: bool,
    /// Whether the server's pages bear checksums, so that what a disk damages is told.
    pub data_checksums: bool,
    /// Bytes of the database.
    pub bytes: u64,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

/// Looks at a database without changing it.
///
/// # Errors
///
/// It cannot be reached, or must not be used.
pub async fn inspect(options: PostgresOptions) -> Result<PostgresReport, StoreError> {
    let pool = Pool::open(options).await?;
    let report = read(&pool).await;
    pool.close();
    report.map_err(|fault| pool.tell(&fault, "look at the database"))
}

async fn read(pool: &Pool) -> Result<PostgresReport, Fault> {
    static ABOUT: Sql = Sql::new(
        "SELECT current_setting('server_version'), pg_database_size(current_database()), \
         current_setting('full_page_writes'), current_setting('synchronous_standby_names'), \
         current_setting('data_checksums')",
        &[],
    );
    let found = steps::look(pool).await?;
    let mut tx = pool.begin(Mode::Read).await?;
    let row = tx.query_one(&ABOUT, &[]).await?;
    tx.commit().await?;
    let (postgres, bytes): (String, i64) = (cell(&row, 0)?, cell(&row, 1)?);
    let (full_page_writes, standbys): (String, String) = (cell(&row, 2)?, cell(&row, 3)?);
    let data_checksums: String = cell(&row, 4)?;
    let newest = STEPS.last().map_or(0, |step| step.version);
    let mut problems = Vec::new();
    if found.version < newest {
        problems.push(format!(
            "the store is at version {}, and this program needs {newest}: run `waypost migrate`, or start a node",
            found.version
        ));
    }
    if full_page_writes != "on" {
        problems.push(
            "`full_page_writes` is off: a power cut can tear pages, unless the file system promises that it cannot"
                .to_owned(),
        );
    }
    Ok(PostgresReport {
        server: pool.server().to_owned(),
        postgres,
        version: u32::try_from(found.version).unwrap_or_default(),
        newest: u32::try_from(newest).unwrap_or_default(),
        synchronous_standby: !standbys.trim().is_empty(),
        data_checksums: data_checksums == "on",
        bytes: u64::try_from(bytes).unwrap_or_default(),
        problems,
    })
}

/// Takes a database to the newest version without running a node on it; gives the versions before and after. `holder`
/// names whoever does it.
///
/// # Errors
///
/// [`StoreError::TooNew`] when a newer program made of it what this one does not understand; it is left as it was.
pub async fn migrate(options: PostgresOptions, holder: &str) -> Result<(u32, u32), StoreError> {
    let pool = Pool::open(options).await?;
    let done = steps::run(&pool, STEPS, holder).await;
    pool.close();
    let done = done?;
    let version = |version: i32| u32::try_from(version).unwrap_or_default();
    Ok((version(done.from), version(done.to)))
}
