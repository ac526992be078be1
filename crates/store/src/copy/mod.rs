//! Moving a store from a folder into a database, or back: table by table in slices, resumable, and verified by counts and
//! checksums of what stands on both sides in the end.
//!
//! The source is left as it was, and nobody may work with it. Each slice is one transaction of the target, together with
//! a mark of how far the copy is, so that one that was cut off goes on behind the last slice. While the mark is there no
//! gateway opens the target.
//!
//! | file | holds |
//! | --- | --- |
//! | `cell` | a row as both engines have it, and its checksum |
//! | `tables` | what is copied, and what it is called in each engine |
//! | `mark` | how far a copy is |
//! | `embedded/carry`, `postgres/carry` | the two ends: reading and writing such rows |

mod cell;
mod mark;
mod tables;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use async_trait::async_trait;

pub(crate) use self::cell::{Cell, Kind, Sum};
pub(crate) use self::mark::{MARK, Mark};
pub(crate) use self::tables::{TABLES, Table};
use crate::embedded::Folder;
use crate::error::StoreError;
use crate::postgres::{Database, PostgresOptions};

/// Rows of one slice at most, and bytes that it is ended at.
pub(crate) const PAGE_ROWS: usize = if cfg!(test) { 8 } else { 1_000 };
pub(crate) const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// One side of a copy.
pub enum CopyEnd {
    /// An embedded store's folder.
    Folder(PathBuf),
    /// A database.
    Postgres(Box<PostgresOptions>),
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyProgress {
    /// What is being done.
    pub doing: CopyStep,
    /// The table that it is being done with, as people call it.
    pub table: &'static str,
    /// Rows that are done.
    pub done: u64,
    /// Rows in all.
    pub all: u64,
}

/// What a copy is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyStep {
    /// Rows are written.
    Copying,
    /// What follows from the rows is made: indices, totals.
    Completing,
    /// Both sides are read, and compared.
    Verifying,
}

/// One table, copied and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedTable {
    /// As people call it.
    pub name: &'static str,
    /// Its rows, on both sides.
    pub rows: u64,
    /// The sum of their hashes, on both sides.
    pub checksum: u64,
}

/// A page of a table, and the place of its last row; None where there was none.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Vec<Cell>>,
    pub(crate) end: Option<Vec<Cell>>,
}

/// An engine, as far as a copy needs it.
#[async_trait]
pub(crate) trait End: Send + Sync {
    /// Where it is, for people.
    fn name(&self) -> String;

    /// Tells this store in this state from every other. Fails when somebody works with it.
    async fn fingerprint(&self) -> Result<String, StoreError>;

    /// Rows of a table, for the progress: a few more or less do no harm.
    async fn count(&self, table: &'static Table) -> Result<u64, StoreError>;

    /// The rows behind a place.
    async fn page(&self, table: &'static Table, after: Option<&[Cell]>) -> Result<Page, StoreError>;

    /// Begins a copy of this source, or finds out how far one came. Refuses where something else is.
    async fn begin(&self, of: &str) -> Result<Mark, StoreError>;

    /// Writes rows and moves the mark, together. Refuses when the mark is another.
    async fn write(
        &self,
        table: &'static Table,
        rows: Vec<Vec<Cell>>,
        from: &Mark,
        to: &Mark,
    ) -> Result<(), StoreError>;

    /// Makes what follows from the rows, and moves the mark.
    async fn complete(&self, from: &Mark, to: &Mark) -> Result<(), StoreError>;

    /// Takes the mark away: a gateway may open it.
    async fn publish(&self, mark: &Mark) -> Result<(), StoreError>;
}

/// Copies a store into one that is empty, or goes on with a copy of it that was cut off. Gives what was verified.
///
/// # Errors
///
/// [`StoreError::InUse`] when a process has a folder open; [`StoreError::Copy`] when nodes run on a database, when the
/// target holds something else or the source has changed since the copy began, and when what stands in the target is not
/// what the source holds. What was copied stays, and the copy goes on when it is run again.
pub async fn copy(
    from: CopyEnd,
    to: CopyEnd,
    mut progress: impl FnMut(CopyProgress) + Send,
) -> Result<Vec<CopiedTable>, StoreError> {
    let source: Box<dyn End> = match from {
        CopyEnd::Folder(folder) => Box::new(Folder::source(folder).await?),
        CopyEnd::Postgres(options) => Box::new(Database::source(*options).await?),
    };
    let target: Box<dyn End> = match to {
        CopyEnd::Folder(folder) => Box::new(Folder::target(folder).await?),
        CopyEnd::Postgres(options) => Box::new(Database::target(*options).await?),
    };
    run(&*source, &*target, &mut |at| {
        progress(at);
        Ok(())
    })
    .await
}

/// The same between two ends. `progress` may end it.
async fn run(
    source: &dyn End,
    target: &dyn End,
    progress: &mut (dyn FnMut(CopyProgress) -> Result<(), StoreError> + Send),
) -> Result<Vec<CopiedTable>, StoreError> {
    let fingerprint = source.fingerprint().await?;
    let mut mark = target.begin(&fingerprint).await?;
    let mut all = 0;
    for table in TABLES {
        all += source.count(table).await?;
    }
    for (number, table) in TABLES.iter().enumerate().skip(mark.table) {
        mark = copy_table((source, target), (number, table), mark, &mut |done| {
            progress(CopyProgress { doing: CopyStep::Copying, table: table.name, done, all: all.max(done) })
        })
        .await?;
    }
    if mark.table == TABLES.len() {
        progress(CopyProgress { doing: CopyStep::Completing, table: "", done: mark.rows, all: all.max(mark.rows) })?;
        let complete = Mark { table: TABLES.len() + 1, ..mark.clone() };
        target.complete(&mark, &complete).await?;
        mark = complete;
    }
    let copied = verify((source, target), mark.rows, progress).await?;
    if source.fingerprint().await? != fingerprint {
        return Err(changed(&source.name()));
    }
    target.publish(&mark).await?;
    Ok(copied)
}

async fn copy_table(
    (source, target): (&dyn End, &dyn End),
    (number, table): (usize, &'static Table),
    mut mark: Mark,
    progress: &mut (dyn FnMut(u64) -> Result<(), StoreError> + Send),
) -> Result<Mark, StoreError> {
    let mut page = source.page(table, mark.place.as_deref()).await?;
    while let Some(end) = page.end {
        let rows = mark.rows + u64::try_from(page.rows.len()).unwrap_or_default();
        let further = Mark { place: Some(end), rows, ..mark.clone() };
        // The next page is read while this one is written.
        let (written, next) =
            tokio::join!(target.write(table, page.rows, &mark, &further), source.page(table, further.place.as_deref()));
        written?;
        page = next?;
        mark = further;
        progress(mark.rows)?;
    }
    let done = Mark { table: number + 1, place: None, ..mark.clone() };
    target.write(table, Vec::new(), &mark, &done).await?;
    Ok(done)
}

/// Reads both sides, and compares them table by table.
async fn verify(
    (source, target): (&dyn End, &dyn End),
    all: u64,
    progress: &mut (dyn FnMut(CopyProgress) -> Result<(), StoreError> + Send),
) -> Result<Vec<CopiedTable>, StoreError> {
    let mut copied = Vec::with_capacity(TABLES.len());
    let mut before = 0;
    for table in TABLES {
        let mut show = |rows: u64| {
            let done = before + rows;
            progress(CopyProgress { doing: CopyStep::Verifying, table: table.name, done, all: all.max(done) })
        };
        let mut quiet = |_| Ok(());
        let (expected, found) = tokio::join!(sum(source, table, &mut show), sum(target, table, &mut quiet));
        let (expected, found) = (expected?, found?);
        if found != expected {
            return Err(differ(table, (source, expected), (target, found)));
        }
        copied.push(CopiedTable { name: table.name, rows: found.rows, checksum: found.checksum });
        before += found.rows;
    }
    Ok(copied)
}

async fn sum(
    end: &dyn End,
    table: &'static Table,
    progress: &mut (dyn FnMut(u64) -> Result<(), StoreError> + Send),
) -> Result<Sum, StoreError> {
    let mut sum = Sum::default();
    let mut page = end.page(table, None).await?;
    while let Some(place) = page.end {
        page.rows.iter().for_each(|row| sum.add(table.compared(row)));
        progress(sum.rows)?;
        page = end.page(table, Some(&place)).await?;
    }
    Ok(sum)
}

fn differ(table: &Table, (source, expected): (&dyn End, Sum), (target, found): (&dyn End, Sum)) -> StoreError {
    refused(format!(
        "of {} there are {} in {} (checksum {:016x}) and {} in {} (checksum {:016x}): empty the second, and copy again",
        table.name,
        expected.rows,
        source.name(),
        expected.checksum,
        found.rows,
        target.name(),
        found.checksum
    ))
}

/// Refusals that both ends tell alike.
pub(crate) fn refused(why: impl Into<String>) -> StoreError {
    StoreError::Copy { why: why.into() }
}

/// The source is not what it was.
fn changed(source: &str) -> StoreError {
    refused(format!("{source} was changed meanwhile: stop what runs on it, empty the other, and copy again"))
}

/// What a target says of its mark: where to begin, where to go on, or why not.
pub(crate) fn judge(name: &str, mark: Option<&str>, is_empty: bool, of: &str) -> Result<(Mark, bool), StoreError> {
    match (mark, is_empty) {
        (None, true) => Ok((Mark::first(of.to_owned()), true)),
        (None, false) => {
            Err(refused(format!("{name} holds something already: copy into an empty store, so that nothing is mixed")))
        }
        (Some(text), _) => match Mark::from_text(text).filter(|mark| mark.of == of) {
            Some(mark) => Ok((mark, false)),
            None => Err(refused(format!(
                "in {name} is a part of a copy of another store, or of another state of this one: empty it, and copy again"
            ))),
        },
    }
}

/// Why a source cannot be copied while replays are counted.
pub(crate) fn must_be_counted(name: &str, counting: i64) -> Result<(), StoreError> {
    if counting == 0 {
        return Ok(());
    }
    Err(refused(format!(
        "{counting} replays in {name} are being counted: start the gateway on it and let them be counted, or cancel them"
    )))
}
