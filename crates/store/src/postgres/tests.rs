//! The ground that the engine stands on, tried on a real server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may fail loudly")]

mod migrating;
mod nodes;
mod pair;
mod sessions;
mod trust;

use private_postgres::Server;
use tokio_postgres::types::Type;

use super::options::PostgresOptions;
use super::pool::Pool;
use super::session::{Sql, cell};
use super::tx::Mode;

async fn pool(server: &Server) -> Pool {
    Pool::open(PostgresOptions::parse(&server.url()).unwrap()).await.unwrap()
}

async fn pool_at(url: &str) -> Pool {
    Pool::open(PostgresOptions::parse(url).unwrap()).await.unwrap()
}

static INSERT: Sql = Sql::new("INSERT INTO things (name) SELECT unnest($1) RETURNING id", &[Type::TEXT_ARRAY]);
static COUNT: Sql = Sql::new("SELECT count(*) FROM things", &[]);

/// A table to write to.
fn make_things(server: &Server) {
    let sql =
        "CREATE TABLE things (id bigint GENERATED ALWAYS AS IDENTITY, name text UNIQUE); GRANT ALL ON things TO app";
    let _nothing = server.sql(sql).unwrap();
}

async fn count(pool: &Pool) -> i64 {
    let mut tx = pool.begin(Mode::Read).await.unwrap();
    let row = tx.query_one(&COUNT, &[]).await.unwrap();
    tx.commit().await.unwrap();
    cell(&row, 0).unwrap()
}
