//! What a fact needs of an engine beside the seam.

use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;

pub(crate) use super::together::two_processes;
use crate::seam::Store;
use crate::{Embedded, EmbeddedOptions, Postgres, PostgresOptions, PostgresTuning};

/// An engine under test.
#[async_trait]
pub(crate) trait Engine: Send + Sync {
    /// The store as it is open now.
    fn store(&self) -> Arc<dyn Store>;

    /// Stops without closing, as a killed process does, and opens again.
    async fn reopen(&mut self);

    /// Makes the next transaction fail at its end, as a disk does that refuses to sync.
    fn fail_next_commit(&self);
}

/// The embedded engine in a folder of its own. Windows are tiny, so that every fact meets the edge between memory and
/// disk.
pub(crate) struct EmbeddedEngine {
    folder: TempDir,
    store: Option<Arc<Embedded>>,
}

pub(crate) async fn embedded() -> Option<EmbeddedEngine> {
    let folder = tempfile::tempdir().unwrap();
    let store = Some(Arc::new(open(&folder)));
    Some(EmbeddedEngine { folder, store })
}

fn open(folder: &TempDir) -> Embedded {
    Embedded::open(EmbeddedOptions {
        window: 8,
        lane_window: 3,
        board_max: 64,
        segment_events: 4,
        fresh_bytes_max: 8_192,
        retention_step_min: std::time::Duration::ZERO,
        ..EmbeddedOptions::new(folder.path())
    })
    .unwrap()
}

#[async_trait]
impl Engine for EmbeddedEngine {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone().unwrap()
    }

    async fn reopen(&mut self) {
        let store = self.store.take().unwrap();
        assert_eq!(Arc::strong_count(&store), 1, "a fact let go of the store before it reopens");
        drop(store);
        self.store = Some(Arc::new(open(&self.folder)));
    }

    fn fail_next_commit(&self) {
        self.store.as_ref().unwrap().fail_commits(1);
    }
}

/// The PostgreSQL engine on a server of its own.
pub(crate) struct PostgresEngine {
    url: String,
    store: Option<Arc<Postgres>>,
    _pooler: Option<private_postgres::Pooler>,
    _server: private_postgres::Server,
}

/// None where the machine has no PostgreSQL and need not have one.
pub(crate) async fn postgres() -> Option<PostgresEngine> {
    let server = private_postgres::server()?;
    let url = server.url();
    let store = Some(Arc::new(node_of(&url, "one").await));
    Some(PostgresEngine { url, store, _pooler: None, _server: server })
}

/// The same behind PgBouncer in transaction mode, with fewer sessions than a node uses: each transaction of a node may meet
/// another session.
pub(crate) async fn pooled() -> Option<PostgresEngine> {
    let server = private_postgres::server()?;
    let pooler = private_postgres::pooler(&server, 4)?;
    let url = pooler.url();
    let store = Some(Arc::new(node_of(&url, "one").await));
    Some(PostgresEngine { url, store, _pooler: Some(pooler), _server: server })
}

/// A node with tiny windows.
pub(crate) async fn node_of(url: &str, name: &str) -> Postgres {
    let tuning = PostgresTuning {
        node: Some(name.to_owned()),
        // A fact is not about a machine that stands still for seconds.
        lease: std::time::Duration::from_secs(300),
        window: 8,
        lane_window: 3,
        board_max: 64,
        payload_bytes_max: 8_192,
        retention_step_min: std::time::Duration::ZERO,
        ..PostgresTuning::default()
    };
    Postgres::open(PostgresOptions::parse(url).unwrap(), tuning).await.unwrap()
}

#[async_trait]
impl Engine for PostgresEngine {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone().unwrap()
    }

    async fn reopen(&mut self) {
        let store = self.store.take().unwrap();
        assert_eq!(Arc::strong_count(&store), 1, "a fact let go of the store before it reopens");
        drop(store);
        self.store = Some(Arc::new(node_of(&self.url, "one").await));
    }

    fn fail_next_commit(&self) {
        self.store.as_ref().unwrap().fail_commits(1);
    }
}
