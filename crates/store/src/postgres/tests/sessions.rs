//! Sessions, transactions and their outcomes.

use std::time::{Duration, Instant};

use super::super::fault::Kind;
use super::*;
use crate::error::StoreError;

async fn insert(pool: &Pool, names: &[&str]) -> Result<usize, Kind> {
    let tx = pool.begin(Mode::Durable).await.map_err(|fault| fault.kind())?;
    let rows = tx.query_and_commit(&INSERT, &[&names]).await;
    rows.map(|rows| rows.len()).map_err(|fault| fault.kind())
}

#[tokio::test]
async fn a_batch_is_one_statement_and_one_round_trip_with_and_without_preparing() {
    let Some(server) = private_postgres::server() else { return };
    make_things(&server);
    for (n, url) in [server.url(), format!("{}?prepared_statements=on", server.url())].iter().enumerate() {
        let pool = pool_at(url).await;
        for turn in 0..3 {
            let names = [format!("{n}.{turn}.a"), format!("{n}.{turn}.b")];
            assert_eq!(insert(&pool, &[&names[0], &names[1]]).await, Ok(2));
        }
        assert_eq!(pool.idle(), 1, "one session was enough, and came back");
    }
    assert_eq!(count(&pool(&server).await).await, 12);
}

#[tokio::test]
async fn what_was_not_committed_is_not_there_and_its_session_can_be_used_again() {
    let Some(server) = private_postgres::server() else { return };
    make_things(&server);
    let pool = pool(&server).await;
    assert_eq!(insert(&pool, &["a"]).await, Ok(1));
    assert_eq!(insert(&pool, &["b", "a"]).await, Err(Kind::Unique));
    let mut dropped = pool.begin(Mode::Durable).await.unwrap();
    let _rows = dropped.query(&INSERT, &[&vec!["c"]]).await.unwrap();
    drop(dropped);
    let mut refused = pool.begin(Mode::Durable).await.unwrap();
    assert_eq!(refused.query(&INSERT, &[&vec!["a"]]).await.unwrap_err().kind(), Kind::Unique);
    assert_eq!(refused.commit().await.unwrap_err().kind(), Kind::Lost, "a refused transaction is never committed");
    let mut fresh = pool.begin(Mode::Durable).await.unwrap();
    let _rows = fresh.query(&INSERT, &[&vec!["d"]]).await.unwrap();
    fresh.rollback().await;
    assert_eq!(count(&pool).await, 1);
}

#[tokio::test]
async fn a_call_that_is_given_up_half_way_takes_its_session_with_it() {
    let Some(server) = private_postgres::server() else { return };
    make_things(&server);
    let pool = pool(&server).await;
    let mut tx = pool.begin(Mode::Durable).await.unwrap();
    let _rows = tx.query(&INSERT, &[&vec!["a"]]).await.unwrap();
    static SLEEP: Sql = Sql::new("SELECT pg_sleep(60)", &[]);
    let _elapsed = tokio::time::timeout(Duration::from_millis(50), tx.query(&SLEEP, &[])).await.unwrap_err();
    assert_eq!(tx.query(&COUNT, &[]).await.unwrap_err().kind(), Kind::Lost);
    drop(tx);
    assert_eq!((pool.idle(), count(&pool).await), (0, 0));
}

#[tokio::test]
async fn a_killed_server_fails_calls_at_once_and_is_found_again_by_itself() {
    let Some(mut server) = private_postgres::server() else { return };
    make_things(&server);
    let pool = pool(&server).await;
    assert_eq!(insert(&pool, &["before"]).await, Ok(1));
    server.kill();
    let began = Instant::now();
    for _ in 0..200 {
        let kind = insert(&pool, &["lost"]).await.unwrap_err();
        assert!(matches!(kind, Kind::Lost | Kind::Unreachable | Kind::OutcomeUnknown), "{kind:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(3), "nobody waits for a server that is gone");
    server.restart().unwrap();
    let began = Instant::now();
    while insert(&pool, &["after"]).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "the server is back and is not found");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(count(&pool).await, 2);
}

#[tokio::test]
async fn a_commit_whose_wait_for_the_standby_was_cancelled_is_no_success() {
    let Some(server) = private_postgres::server() else { return };
    make_things(&server);
    let pool = pool(&server).await;
    assert!(!pool.has_synchronous_standby().await.unwrap());
    server.set(&[("synchronous_standby_names", "nobody")]).unwrap();
    let watched = {
        let pool = pool.clone();
        tokio::spawn(async move { insert(&pool, &["a"]).await })
    };
    let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.sql(cancel).unwrap().is_empty() {
        assert!(Instant::now() < deadline, "the commit does not wait for its standby");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(watched.await.unwrap(), Err(Kind::OutcomeUnknown));
    assert_eq!(count(&pool).await, 1, "it is there, and a failover may take it away");
    assert!(pool.has_synchronous_standby().await.unwrap());
}

#[tokio::test]
async fn a_session_that_ends_in_a_commit_leaves_its_outcome_unknown() {
    let Some(server) = private_postgres::server() else { return };
    make_things(&server);
    let pool = pool(&server).await;
    server.set(&[("synchronous_standby_names", "nobody")]).unwrap();
    let watched = {
        let pool = pool.clone();
        tokio::spawn(async move { insert(&pool, &["a"]).await })
    };
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.sql(end).unwrap().is_empty() {
        assert!(Instant::now() < deadline, "the commit does not wait for its standby");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(watched.await.unwrap(), Err(Kind::OutcomeUnknown));
}

#[tokio::test]
async fn a_server_that_does_not_sync_is_refused() {
    let Some(mut server) = private_postgres::server() else { return };
    server.set(&[("fsync", "off")]).unwrap();
    server.restart().unwrap();
    let told = Pool::open(PostgresOptions::parse(&server.url()).unwrap()).await.err().unwrap();
    assert!(matches!(&told, StoreError::Unfit { why } if why.contains("fsync=off")), "{told}");
}

#[tokio::test]
async fn sessions_are_bounded_and_who_waits_too_long_is_told() {
    let Some(server) = private_postgres::server() else { return };
    let pool = pool_at(&format!("{}?sessions_max=4", server.url())).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(pool.begin(Mode::Read).await.unwrap());
    }
    assert_eq!(pool.begin(Mode::Read).await.err().unwrap().kind(), Kind::Overloaded);
    drop(open);
    assert!(pool.begin(Mode::Read).await.is_ok());
}

#[tokio::test]
async fn a_fault_quotes_no_value() {
    let Some(server) = private_postgres::server() else { return };
    make_things(&server);
    let pool = pool(&server).await;
    for _ in 0..2 {
        let tx = pool.begin(Mode::Durable).await.unwrap();
        if let Err(fault) = tx.query_and_commit(&INSERT, &[&vec!["+4915112345"]]).await {
            let told = format!("{fault:?} {}", pool.tell(&fault, "commit"));
            assert!(told.contains("23505") && told.contains("things_name_key"), "{told}");
            assert!(!told.contains("4915112345"), "{told}");
            return;
        }
    }
    panic!("the second insert is refused");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_showing_any() {
    let Some(server) = private_postgres::server() else { return };
    let url = server.url().replace(":private@", ":hunter2@");
    let told = Pool::open(PostgresOptions::parse(&url).unwrap()).await.err().unwrap().to_string();
    assert!(told.contains("password authentication failed") && !told.contains("hunter2"), "{told}");
}
