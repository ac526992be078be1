//! The bare loop: one statement for a batch, which enters the keys, and writes events with their bodies and deliveries for
//! those that were new; 256 rows a statement on two connections, prepared, durable.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use private_postgres::Server as Database;
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

use crate::Outcome;
use crate::bodies::{Template, USUAL};
use crate::load::now;

const ROWS: u64 = 256;

const TABLES: &str = "
    CREATE SCHEMA bare;
    CREATE TABLE bare.keys (id uuid PRIMARY KEY);
    CREATE TABLE bare.events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key uuid, received_at bigint, body bytea);
    ALTER TABLE bare.events ALTER COLUMN body SET STORAGE EXTERNAL;
    CREATE TABLE bare.deliveries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event bigint, endpoint bigint,
        due_at bigint);
    CREATE INDEX ON bare.deliveries (endpoint, due_at);";
const STATEMENT: &str = "
    WITH q AS (SELECT * FROM unnest($1::text[], $2::bytea[]) AS v (id, body)),
    k AS (INSERT INTO bare.keys SELECT id::uuid FROM q ORDER BY 1 ON CONFLICT DO NOTHING RETURNING id),
    e AS (INSERT INTO bare.events (key, received_at, body) SELECT k.id, $3, q.body FROM q JOIN k ON k.id = q.id::uuid
          RETURNING id)
    INSERT INTO bare.deliveries (event, endpoint, due_at) SELECT id, 1, 0 FROM e";

/// The loop.
pub(super) struct Bare(Loop);

impl Bare {
    pub(super) fn make(database: &Database) -> Outcome<Self> {
        Ok(Self(Loop::make(database, TABLES, STATEMENT)?))
    }

    /// Events a second.
    pub(super) fn round(&self, lasts: Duration) -> Outcome<f64> {
        self.0.round(lasts, |_| Vec::new())
    }
}

/// A statement of ids, bodies and a moment, and what else there is, again and again.
pub(super) struct Loop {
    runtime: Runtime,
    url: String,
    statement: &'static str,
    /// Bodies made so far, in all rounds.
    made: AtomicU64,
}

/// What a statement gets beside the usual, by the numbers of its rows.
type More = fn(&[u64]) -> Vec<Box<dyn ToSql + Sync + Send>>;

impl Loop {
    pub(super) fn make(database: &Database, tables: &str, statement: &'static str) -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let made = Self { runtime, url: database.url(), statement, made: AtomicU64::new(0) };
        made.runtime.block_on(async { connect(&made.url).await?.batch_execute(tables).await })?;
        Ok(made)
    }

    pub(super) fn round(&self, lasts: Duration, more: More) -> Outcome<f64> {
        let began = Instant::now();
        let kept: u64 = self.runtime.block_on(async {
            let until = began + lasts;
            let (one, other) = tokio::try_join!(self.insert(0, until, more), self.insert(1, until, more))?;
            Ok::<u64, tokio_postgres::Error>(one + other)
        })?;
        #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
        let rate = kept as f64 / began.elapsed().as_secs_f64();
        Ok(rate)
    }

    async fn insert(&self, connection: u64, until: Instant, more: More) -> Result<u64, tokio_postgres::Error> {
        let client = connect(&self.url).await?;
        let statement = client.prepare(self.statement).await?;
        let received_at = i64::try_from(now().as_millis()).unwrap_or_default();
        let mut kept = 0;
        while Instant::now() < until {
            let first = self.made.fetch_add(ROWS, Ordering::Relaxed);
            let numbers: Vec<u64> = (first..first + ROWS).collect();
            // Spread like hashes, as keys are.
            let id = |n: &u64| format!("{:016x}{n:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let ids: Vec<String> = numbers.iter().map(id).collect();
            let bodies: Vec<Vec<u8>> = numbers.iter().map(|n| body(connection, *n)).collect();
            let more = more(&numbers);
            let mut values: Vec<&(dyn ToSql + Sync)> = vec![&ids, &bodies, &received_at];
            values.extend(more.iter().map(|value| &**value as &(dyn ToSql + Sync)));
            kept += client.execute(&statement, &values).await?;
        }
        Ok(kept)
    }
}

/// A body as the nodes get them.
fn body(connection: u64, n: u64) -> Vec<u8> {
    thread_local! {
        static TEMPLATE: std::cell::RefCell<Option<Template>> =
            std::cell::RefCell::new(Template::new(USUAL, "/", "bench", now().as_secs()));
    }
    TEMPLATE.with_borrow_mut(|template| {
        template.as_mut().map(|template| template.unsigned_body(connection, n).to_vec()).unwrap_or_default()
    })
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    drop(tokio::spawn(connection));
    Ok(client)
}
