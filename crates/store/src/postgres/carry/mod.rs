//! The database as one end of a copy. No node runs on it.

mod columns;
mod texts;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio_postgres::types::Type;

use self::columns::{cell_of, columns};
use super::fault::{Fault, Kind};
use super::options::PostgresOptions;
use super::pool::Pool;
use super::session::{Sql, Value, cell};
use super::shared::lock;
use super::tx::{Mode, Tx};
use super::{days, migrate};
use crate::copy::{Cell, End, MARK, Mark, PAGE_BYTES, PAGE_ROWS, Page, Table, judge, must_be_counted, refused};
use crate::error::StoreError;

/// How often something is tried again when the database cannot be reached, a second apart.
const TRIES: u32 = 60;
/// Rows of a page whose rows may be large.
const ROWS_MIN: usize = 8;

static NODES: Sql = Sql::new(
    "SELECT count(*), (SELECT last_value FROM waypost.nodes_id_seq) FROM waypost.nodes
     WHERE NOT fenced AND lease_until > clock_timestamp()",
    &[],
);
static STATE: Sql = Sql::new(
    "SELECT concat_ws('.', (SELECT last_value FROM waypost.blocks),
         (SELECT endpoints_version FROM waypost.ledger), (SELECT clock FROM waypost.retention),
         (SELECT sum(duplicates) || '.' || sum(accepted + dead + skipped) FROM waypost.tallies),
         (SELECT max(updated_at) FROM waypost.endpoints), (SELECT oid FROM pg_database WHERE datname = current_database()),
         (SELECT max(applied_at) FROM waypost.migrations))",
    &[],
);
static COUNTING: Sql = Sql::new("SELECT count(*) FROM waypost.replays WHERE state = 'counting'", &[]);
static IS_EMPTY: Sql = Sql::new(
    "SELECT NOT EXISTS (SELECT 1 FROM waypost.notifications) AND NOT EXISTS (SELECT 1 FROM waypost.events)
        AND NOT EXISTS (SELECT 1 FROM waypost.event_keys) AND NOT EXISTS (SELECT 1 FROM waypost.deliveries)
        AND NOT EXISTS (SELECT 1 FROM waypost.ended) AND NOT EXISTS (SELECT 1 FROM waypost.endpoints)
        AND NOT EXISTS (SELECT 1 FROM waypost.replays) AND NOT EXISTS (SELECT 1 FROM waypost.api_keys)
        AND NOT EXISTS (SELECT 1 FROM waypost.numbers) AND NOT EXISTS (SELECT 1 FROM waypost.labels)
        AND NOT EXISTS (SELECT 1 FROM waypost.contact_names) AND NOT EXISTS (SELECT 1 FROM waypost.tallies)
        AND NOT EXISTS (SELECT 1 FROM waypost.settings)",
    &[],
);
static FIND_MARK: Sql = Sql::new("SELECT value FROM waypost.settings WHERE name = $1", &[Type::TEXT]);
static BEGIN: Sql = Sql::new(
    "INSERT INTO waypost.settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    &[Type::TEXT, Type::TEXT],
);
static MOVE: Sql = Sql::new(
    "UPDATE waypost.settings SET value = $3 WHERE name = $1 AND value = $2",
    &[Type::TEXT, Type::TEXT, Type::TEXT],
);
static PUBLISH: Sql =
    Sql::new("DELETE FROM waypost.settings WHERE name = $1 AND value = $2", &[Type::TEXT, Type::TEXT]);
/// What follows from the rows. What is owed is not among the totals yet.
const COMPLETE: &str = "
    INSERT INTO waypost.tallies (endpoint, deliveries) SELECT endpoint, count(*) FROM waypost.deliveries GROUP BY endpoint;
    INSERT INTO waypost.owners (endpoint) SELECT number FROM waypost.endpoints WHERE removed_at IS NULL;
    UPDATE waypost.endpoints SET version = (SELECT endpoints_version FROM waypost.ledger);
    SELECT setval(pg_get_serial_sequence('waypost.endpoints', 'number'), max(number)) FROM waypost.endpoints;
    SELECT setval(pg_get_serial_sequence('waypost.replays', 'number'), max(number)) FROM waypost.replays;
    SELECT setval(pg_get_serial_sequence('waypost.replay_steps', 'id'), max(id)) FROM waypost.replay_steps";

/// The database.
pub(crate) struct Database {
    pool: Pool,
    /// Days that there are partitions for.
    days: Mutex<BTreeSet<i32>>,
    /// Rows that the next page with bodies may have, by the size of those before.
    rows: AtomicI64,
}

/// What a transaction does beside moving the mark.
enum Work {
    Nothing,
    Insert(Sql, Vec<columns::Column>),
    Complete,
}

impl Work {
    fn of(table: &Table, rows: Vec<Vec<Cell>>) -> Result<Self, Fault> {
        if rows.is_empty() {
            return Ok(Self::Nothing);
        }
        Ok(Self::Insert(texts::insert(table)?, columns(table, rows)?))
    }

    const fn mode(&self) -> Mode {
        match self {
            Self::Nothing | Self::Insert(..) => Mode::Upkeep,
            Self::Complete => Mode::Schema,
        }
    }

    async fn run(&self, tx: &mut Tx) -> Result<(), Fault> {
        match self {
            Self::Nothing => Ok(()),
            Self::Insert(insert, columns) => {
                let values: Vec<Value<'_>> = columns.iter().map(columns::Column::value).collect();
                tx.execute(insert, &values).await.map(drop)
            }
            Self::Complete => tx.batch(COMPLETE).await,
        }
    }
}

impl Database {
    /// A database with a store in it.
    pub(crate) async fn source(options: PostgresOptions) -> Result<Self, StoreError> {
        let database = Self::open(options).await?;
        let looked = async {
            let mut tx = database.pool.begin(Mode::Read).await?;
            let mark = mark(&mut tx).await?;
            let counting: i64 = cell(&tx.query_one(&COUNTING, &[]).await?, 0)?;
            tx.commit().await?;
            Ok((mark, counting))
        };
        let (mark, counting) = looked.await.map_err(|fault| database.tell(&fault))?;
        if mark.is_some() {
            return Err(StoreError::Unfinished { store: database.name() });
        }
        must_be_counted(&database.name(), counting)?;
        Ok(database)
    }

    /// A database in which there is no store yet, or a part of a copy. Makes the tables.
    pub(crate) async fn target(options: PostgresOptions) -> Result<Self, StoreError> {
        let database = Self::open(options).await?;
        let (nodes, _) = database.nodes().await.map_err(|fault| database.tell(&fault))?;
        database.must_be_quiet(nodes)?;
        let (events, bodies) = days::there(&database.pool).await.map_err(|fault| database.tell(&fault))?;
        lock(&database.days).extend(events.intersection(&bodies));
        Ok(database)
    }

    async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        let pool = Pool::open(options).await?;
        let _migrated = migrate::run(&pool, migrate::STEPS, &format!("copy {}", std::process::id())).await?;
        Ok(Self { pool, days: Mutex::default(), rows: AtomicI64::new(i64::try_from(ROWS_MIN).unwrap_or(1)) })
    }

    /// Live nodes, and how many there ever were.
    async fn nodes(&self) -> Result<(i64, i64), Fault> {
        let mut tx = self.pool.begin(Mode::Read).await?;
        let row = tx.query_one(&NODES, &[]).await?;
        tx.commit().await?;
        Ok((cell(&row, 0)?, cell(&row, 1)?))
    }

    fn must_be_quiet(&self, nodes: i64) -> Result<(), StoreError> {
        if nodes == 0 {
            return Ok(());
        }
        Err(refused(format!(
            "{nodes} nodes run on {}: stop them first; one that was killed counts until its lease ends, 10 s later",
            self.name()
        )))
    }

    fn tell(&self, fault: &Fault) -> StoreError {
        self.pool.tell(fault, "copy the store")
    }

    /// Does something again while the database is away for a while.
    async fn patiently<T, F: Future<Output = Result<T, Fault>>>(
        &self,
        mut work: impl FnMut() -> F,
    ) -> Result<T, StoreError> {
        let mut tries = 0;
        loop {
            match work().await {
                Ok(done) => return Ok(done),
                Err(fault) if tries < TRIES && may_pass(fault.kind()) => tries += 1,
                Err(fault) => return Err(self.tell(&fault)),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn read(&self, table: &'static Table, after: Option<&[Cell]>) -> Result<Page, Fault> {
        let limit = match table.at("body") {
            Some(_) => self.rows.load(Ordering::Relaxed),
            None => i64::try_from(PAGE_ROWS).unwrap_or(i64::MAX),
        };
        let place = columns::one_by_one(table.database.place, after.unwrap_or_default())?;
        let mut values: Vec<Value<'_>> = place.iter().map(|value| &**value as Value<'_>).collect();
        values.push(&limit);
        let mut tx = self.pool.begin(Mode::Bulk).await?;
        let rows = tx.query(&texts::page(table, after.is_some())?, &values).await?;
        tx.commit().await?;
        let mut page = Page::default();
        for row in &rows {
            let kinds = table.columns.iter().map(|column| column.kind);
            let cells = kinds.enumerate().map(|(at, kind)| cell_of(row, at, kind));
            page.rows.push(cells.collect::<Result<_, _>>()?);
            let place =
                (table.columns.len()..).zip(table.database.place).map(|(at, (_, kind))| cell_of(row, at, *kind));
            page.end = Some(place.collect::<Result<_, _>>()?);
        }
        if table.at("body").is_some() {
            self.rows.store(rows_that_fit(&page), Ordering::Relaxed);
        }
        Ok(page)
    }

    /// Sees that there are partitions for what is to be written.
    async fn make_days(&self, table: &Table, rows: &[Vec<Cell>]) -> Result<(), Fault> {
        let Some(at) = table.at("received_at") else { return Ok(()) };
        let of = |row: &Vec<Cell>| row.get(at).and_then(Cell::number).map(days::of);
        let missing: BTreeSet<i32> = {
            let known = lock(&self.days);
            rows.iter().filter_map(of).filter(|day| !known.contains(day)).collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        let (events, bodies) = days::there(&self.pool).await?;
        days::make(&self.pool, missing.iter().copied(), (&events, &bodies)).await?;
        lock(&self.days).extend(missing);
        Ok(())
    }

    /// Moves the mark together with what else a transaction does. That the mark stands where it should go is success: an
    /// answer to the COMMIT was lost.
    async fn with_mark(&self, from: &Mark, to: &Mark, work: &Work) -> Result<(), StoreError> {
        let (from, to) = (from.to_text(), to.to_text());
        let mut tries = 0;
        loop {
            let done = async {
                let mut tx = self.pool.begin(work.mode()).await?;
                if tx.execute(&MOVE, &[&MARK, &from, &to]).await? != 1 {
                    return Err(Fault::new(Kind::Unfit, "the copy is not where it was left"));
                }
                work.run(&mut tx).await?;
                tx.commit().await
            };
            let Err(fault) = done.await else { return Ok(()) };
            if tries >= TRIES || !(may_pass(fault.kind()) || fault.kind() == Kind::Unfit) {
                return Err(self.tell(&fault));
            }
            if self.patiently(|| self.find_mark()).await?.as_deref() == Some(&*to) {
                return Ok(());
            }
            if fault.kind() == Kind::Unfit {
                return Err(self.tell(&fault));
            }
            tries += 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn find_mark(&self) -> Result<Option<String>, Fault> {
        let mut tx = self.pool.begin(Mode::Read).await?;
        let found = mark(&mut tx).await?;
        tx.commit().await?;
        Ok(found)
    }
}

/// The mark of a copy that is not whole.
pub(super) async fn mark(tx: &mut Tx) -> Result<Option<String>, Fault> {
    let row = tx.query_opt(&FIND_MARK, &[&MARK]).await?;
    row.map(|row| cell(&row, 0)).transpose()
}

/// A store into which a copy is not whole is nobody's to open.
pub(super) async fn must_be_whole(pool: &Pool) -> Result<(), StoreError> {
    let looked = async {
        let mut tx = pool.begin(Mode::Read).await?;
        let found = mark(&mut tx).await?;
        tx.commit().await?;
        Ok(found)
    };
    let found = looked.await.map_err(|fault: Fault| pool.tell(&fault, "open the store"))?;
    match found {
        None => Ok(()),
        Some(_) => Err(StoreError::Unfinished { store: format!("postgres://{}", pool.server()) }),
    }
}

/// Rows like these that a page should have.
fn rows_that_fit(page: &Page) -> i64 {
    let bytes: usize = page.rows.iter().flatten().map(Cell::weight).sum();
    let each = bytes / page.rows.len().max(1);
    i64::try_from((PAGE_BYTES / each.max(1)).clamp(ROWS_MIN, PAGE_ROWS.max(ROWS_MIN))).unwrap_or(1)
}

/// Whether the same again may succeed.
fn may_pass(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Unreachable
            | Kind::Overloaded
            | Kind::Lost
            | Kind::OutcomeUnknown
            | Kind::Conflict
            | Kind::Timeout
            | Kind::ReadOnly
    )
}

#[async_trait]
impl End for Database {
    fn name(&self) -> String {
        format!("postgres://{}", self.pool.server())
    }

    async fn fingerprint(&self) -> Result<String, StoreError> {
        let (nodes, ever) = self.patiently(|| self.nodes()).await?;
        self.must_be_quiet(nodes)?;
        let state: String = self
            .patiently(|| async {
                let mut tx = self.pool.begin(Mode::Bulk).await?;
                let row = tx.query_one(&STATE, &[]).await?;
                tx.commit().await?;
                cell(&row, 0)
            })
            .await?;
        // A node that came and went was there, whatever it did.
        Ok(format!("{state}.{ever}"))
    }

    async fn count(&self, table: &'static Table) -> Result<u64, StoreError> {
        let count: i64 = self
            .patiently(|| async {
                let mut tx = self.pool.begin(Mode::Bulk).await?;
                let row = tx.query_one(&texts::count(table)?, &[]).await?;
                tx.commit().await?;
                cell(&row, 0)
            })
            .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    async fn page(&self, table: &'static Table, after: Option<&[Cell]>) -> Result<Page, StoreError> {
        self.patiently(|| self.read(table, after)).await
    }

    async fn begin(&self, of: &str) -> Result<Mark, StoreError> {
        let first = Mark::first(of.to_owned()).to_text();
        let looked = async {
            let mut tx = self.pool.begin(Mode::Durable).await?;
            let mark = mark(&mut tx).await?;
            let is_empty: bool = cell(&tx.query_one(&IS_EMPTY, &[]).await?, 0)?;
            let begun = mark.is_none() && is_empty && tx.execute(&BEGIN, &[&MARK, &first]).await? == 1;
            tx.commit().await?;
            Ok((mark, begun))
        };
        let (mark, begun) = looked.await.map_err(|fault: Fault| self.tell(&fault))?;
        let (mark, _) = judge(&self.name(), mark.as_deref(), begun, of)?;
        Ok(mark)
    }

    async fn write(
        &self,
        table: &'static Table,
        rows: Vec<Vec<Cell>>,
        from: &Mark,
        to: &Mark,
    ) -> Result<(), StoreError> {
        self.patiently(|| self.make_days(table, &rows)).await?;
        let work = Work::of(table, rows).map_err(|fault| self.tell(&fault))?;
        self.with_mark(from, to, &work).await
    }

    async fn complete(&self, from: &Mark, to: &Mark) -> Result<(), StoreError> {
        self.with_mark(from, to, &Work::Complete).await
    }

    async fn publish(&self, mark: &Mark) -> Result<(), StoreError> {
        let text = mark.to_text();
        self.patiently(|| async {
            let mut tx = self.pool.begin(Mode::Durable).await?;
            let _count = tx.execute(&PUBLISH, &[&MARK, &text]).await?;
            tx.commit().await
        })
        .await?;
        match self.patiently(|| self.find_mark()).await? {
            None => Ok(()),
            Some(_) => Err(refused("the copy was moved on by another process")),
        }
    }
}
