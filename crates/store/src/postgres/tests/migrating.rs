//! Migrations by several nodes, and the lock that is a row.

use std::time::Duration;

use super::super::fault::Kind;
use super::super::lock;
use super::super::migrate::{self, Migrated, Step};
use super::*;
use crate::error::StoreError;

const ONE: Step = Step { version: 1, name: "one", sql: "CREATE TABLE waypost.one (n int)", works_from: 1 };
const TWO: Step = Step {
    version: 2,
    name: "two",
    // Slow, so that the others come while it is under way.
    sql: "SELECT pg_sleep(0.3); ALTER TABLE waypost.one ADD COLUMN m int; INSERT INTO waypost.one VALUES (1, 1)",
    works_from: 1,
};
const THREE: Step = Step { version: 3, name: "three", sql: "ALTER TABLE waypost.one DROP COLUMN n", works_from: 2 };

#[tokio::test]
async fn of_many_nodes_one_takes_each_step_once() {
    let Some(server) = private_postgres::server() else { return };
    let mut nodes = Vec::new();
    for n in 0..6 {
        let pool = pool(&server).await;
        nodes.push(tokio::spawn(async move { migrate::run(&pool, &[ONE, TWO], &format!("node {n}")).await.unwrap() }));
    }
    for node in nodes {
        assert_eq!(node.await.unwrap().to, 2);
    }
    assert_eq!(server.sql("SELECT n, m FROM waypost.one").unwrap(), "1|1");
    assert_eq!(server.sql("SELECT version, name FROM waypost.migrations ORDER BY 1").unwrap(), "1|one\n2|two");
}

#[tokio::test]
async fn a_step_whose_node_was_killed_leaves_nothing_and_is_taken_by_the_next() {
    let Some(mut server) = private_postgres::server() else { return };
    let pool = pool(&server).await;
    assert_eq!(migrate::run(&pool, &[ONE], "a").await.unwrap(), Migrated { from: 0, to: 1 });
    let slow = Step { sql: "INSERT INTO waypost.one VALUES (7); SELECT pg_sleep(60)", ..TWO };
    let running = {
        let pool = pool.clone();
        tokio::spawn(async move { migrate::run(&pool, &[ONE, slow], "a").await })
    };
    let is_asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    while server.sql(is_asleep).unwrap() != "1" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.abort();
    server.kill();
    server.restart().unwrap();
    assert_eq!(server.sql("SELECT count(*) FROM waypost.one").unwrap(), "0");
    // The same node again, as after a restart: it does not wait for its own lease.
    assert_eq!(migrate::run(&pool, &[ONE, TWO], "a").await.unwrap(), Migrated { from: 1, to: 2 });
}

#[tokio::test]
async fn an_older_node_starts_beside_a_newer_one_until_a_step_says_that_it_cannot() {
    let Some(server) = private_postgres::server() else { return };
    let pool = pool(&server).await;
    assert_eq!(migrate::run(&pool, &[ONE, TWO], "new").await.unwrap().to, 2);
    assert_eq!(migrate::run(&pool, &[ONE], "old").await.unwrap(), Migrated { from: 2, to: 2 });
    assert_eq!(migrate::run(&pool, &[ONE, TWO, THREE], "newer").await.unwrap().to, 3);
    let told = migrate::run(&pool, &[ONE], "old").await.unwrap_err();
    assert!(matches!(told, StoreError::TooNew { found: 3, known: 1 }), "{told}");
    assert!(told.to_string().contains("run the newer program"), "{told}");
}

#[tokio::test]
async fn a_step_that_the_server_refuses_is_told_and_leaves_nothing() {
    let Some(server) = private_postgres::server() else { return };
    let pool = pool(&server).await;
    let broken = Step { sql: "CREATE TABLE waypost.two (n int); SELECT nonsense", ..TWO };
    let told = migrate::run(&pool, &[ONE, broken], "a").await.unwrap_err();
    assert!(matches!(told, StoreError::Internal { doing: "migrate the database", .. }), "{told}");
    assert_eq!(
        server.sql("SELECT to_regclass('waypost.two') IS NULL, max(version) FROM waypost.migrations").unwrap(),
        "t|1"
    );
}

#[tokio::test]
async fn a_role_that_may_make_no_schema_can_be_given_one() {
    let Some(server) = private_postgres::server() else { return };
    let _nothing = server.sql("ALTER DATABASE app OWNER TO postgres").unwrap();
    let pool = pool(&server).await;
    let told = migrate::run(&pool, &[ONE], "a").await.unwrap_err();
    assert!(format!("{told:?}").contains("permission denied"), "{told:?}");
    let _nothing = server.sql("CREATE SCHEMA waypost AUTHORIZATION app").unwrap();
    assert_eq!(migrate::run(&pool, &[ONE], "a").await.unwrap().to, 1);
}

#[tokio::test]
async fn a_lock_ends_with_its_lease_and_who_held_it_finds_out_in_its_transaction() {
    let Some(server) = private_postgres::server() else { return };
    let pool = pool(&server).await;
    let _done = migrate::run(&pool, &[ONE], "a").await.unwrap();
    let short = Duration::from_millis(50);
    let first = lock::take(&pool, "endpoints", "a", short).await.unwrap().unwrap();
    tokio::time::sleep(short * 2).await;
    let second = lock::take(&pool, "endpoints", "b", Duration::from_secs(60)).await.unwrap().unwrap();
    let mut late = pool.begin(Mode::Durable).await.unwrap();
    assert_eq!(first.guard(&mut late).await.unwrap_err().kind(), Kind::Conflict);
    drop(late);
    assert!(lock::take(&pool, "endpoints", "a", short).await.unwrap().is_none());
    let mut tx = pool.begin(Mode::Durable).await.unwrap();
    second.guard(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    second.release(&pool).await;
    assert!(lock::take(&pool, "endpoints", "a", short).await.unwrap().is_some());
}
