//! What only this engine promises: its files, its lock, its disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use tempfile::TempDir;

use super::commit::CommitJob;
use super::job::Job;
use super::{BackupProgress, Embedded, EmbeddedOptions, backup, check, restore};
use crate::error::{CommitError, StoreError};
use crate::facts::build::{Body, NOW, accept_all, claim, commit, endpoint, id, put, retry, settle, until};
use crate::record::{EndpointNo, EventOutcome, NewNotification};
use crate::seam::{EventQuery, Find, Store};

fn open(folder: &Path) -> Result<Embedded, StoreError> {
    Embedded::open(EmbeddedOptions::new(folder))
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn body(key: &str) -> NewNotification {
    Body::new().event(key, r#"{"some":"content"}"#, "l", &[]).build(0)
}

/// Waits until another commit went through.
fn until_more_events(store: &Embedded) {
    let before = store.shared.ledger().events;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while store.shared.ledger().events == before {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
}

fn database(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("waypost.db")
}

#[test]
fn a_store_that_is_open_cannot_be_opened_again() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(StoreError::InUse { .. })));
    drop(store);
    open(folder.path()).unwrap();
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_alone() {
    let folder = folder();
    drop(open(folder.path()).unwrap());
    let conn = Connection::open(database(&folder)).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    let refused = open(folder.path()).err().unwrap();
    assert!(matches!(refused, StoreError::TooNew { found: 99, known: 1 }), "{refused:?}");
    let conn = Connection::open(database(&folder)).unwrap();
    conn.pragma_update(None, "user_version", 1).unwrap();
    drop(conn);
    open(folder.path()).unwrap();
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let folder = folder();
    let noise = vec![b'x'; 20_000];
    fs::write(database(&folder), &noise).unwrap();
    assert!(matches!(open(folder.path()), Err(StoreError::Damaged { .. })));
    assert!(matches!(check(folder.path()), Err(StoreError::Damaged { .. })));
    assert_eq!(fs::read(database(&folder)).unwrap(), noise);
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let folder = folder();
    let conn = Connection::open(database(&folder)).unwrap();
    conn.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(conn);
    let before = fs::read(database(&folder)).unwrap();
    assert!(matches!(open(folder.path()), Err(StoreError::Damaged { .. })));
    assert_eq!(fs::read(database(&folder)).unwrap(), before);
}

#[test]
fn a_folder_that_cannot_be_made_and_a_file_that_cannot_be_opened_are_refused() {
    let outer = folder();
    let file = outer.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(open(&file.join("store")), Err(StoreError::ReadOnly { .. })));
    let folder = folder();
    fs::create_dir(database(&folder)).unwrap();
    assert!(matches!(open(folder.path()), Err(StoreError::ReadOnly { .. })));
}

#[tokio::test]
async fn a_flipped_page_is_reported_by_the_check() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    for n in 0..200 {
        commit(&store, body(&format!("a{n}"))).await;
    }
    store.close().await;
    drop(store);
    assert_eq!(check(folder.path()).unwrap().events, 200);
    assert!(check(folder.path()).unwrap().is_clean());
    let mut bytes = fs::read(database(&folder)).unwrap();
    let page = bytes.len() / 8_192 - 3;
    bytes[page * 8_192..page * 8_192 + 64].fill(0xff);
    fs::write(database(&folder), bytes).unwrap();
    let verdict = check(folder.path());
    assert!(verdict.is_err() || !verdict.unwrap().is_clean());
}

#[tokio::test]
async fn a_full_disk_refuses_commits_and_heals_by_itself() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    let number = put(&store, endpoint("e")).await;
    let owed = |key: &str| Body::new().event(key, &format!("\"{}\"", "x".repeat(50_000)), "l", &[number]).build(1);
    commit(&store, owed("first")).await;
    store.limit_pages(60).await;
    let mut refused = None;
    for n in 0..50 {
        if let Err(error) = store.commit(vec![owed(&format!("a{n}"))]).await {
            refused = Some((n, error));
            break;
        }
    }
    let (n, error) = refused.unwrap();
    assert!(matches!(error, CommitError::Store(StoreError::DiskFull)), "{error:?}");
    assert!(!store.health().await.writable);
    assert!(store.health().await.reason.unwrap().contains("full"));
    assert_eq!(claim(&store, NOW).await.len(), 1, "what is there is still given");
    store.limit_pages(0).await;
    until("the store to heal", || async { store.health().await.writable }).await;
    assert_eq!(commit(&store, owed(&format!("a{n}"))).await.events, [EventOutcome::New]);
    assert_eq!(store.find(Find::Event(id("first"))).await.unwrap().len(), 1);
    drop(store);
    assert!(check(folder.path()).unwrap().is_clean());
}

#[tokio::test]
async fn on_a_full_disk_the_backlog_drains_with_what_was_held_in_reserve() {
    let folder = folder();
    let store = Embedded::open(EmbeddedOptions { reserve_bytes: Some(1 << 20), ..EmbeddedOptions::new(folder.path()) });
    let store = store.unwrap();
    let reserve = folder.path().join("waypost.reserve");
    assert_eq!(fs::metadata(&reserve).unwrap().len(), 1 << 20);
    let number = put(&store, endpoint("e")).await;
    let owed = |key: &str| Body::new().event(key, &format!("\"{}\"", "x".repeat(50_000)), key, &[number]).build(1);
    // As much as is free until a person frees more.
    store.say_free_bytes(1 << 20);
    store.limit_pages(100).await;
    let mut taken = 0;
    while store.commit(vec![owed(&format!("a{taken}"))]).await.is_ok() {
        taken += 1;
    }
    assert!(taken > 3 && !reserve.exists(), "{taken}");
    assert!(store.health().await.reason.unwrap().contains("full"));
    // The room that was given back.
    store.limit_pages(110).await;
    let claims = claim(&store, NOW).await;
    assert_eq!(claims.len(), taken);
    settle(&store, retry(&claims[0], NOW, NOW, None)).await;
    accept_all(&store, &claims[1..], NOW).await;
    let tried = store.delivery(claims[0].delivery).await.unwrap().unwrap();
    assert_eq!((tried.attempts, tried.attempt_log.len()), (1, 0), "counted, and not listed");
    let again = claim(&store, NOW).await;
    assert_eq!(again[0].attempts, 1);
    accept_all(&store, &again, NOW).await;
    assert_eq!(store.counts().await.unwrap().owed, 0);
    // Nothing is taken only to be refused a moment later.
    let refused = store.commit(vec![owed("more")]).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::DiskFull))), "{refused:?}");
    store.say_free_bytes(1 << 30);
    store.limit_pages(0).await;
    until("there to be room", || async { store.health().await.writable }).await;
    assert!(reserve.exists());
    assert_eq!(commit(&store, owed("more")).await.events, [EventOutcome::New]);
    drop(store);
    assert!(check(folder.path()).unwrap().is_clean());
}

#[tokio::test]
async fn a_poisoned_batch_does_not_fail_its_companions() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    let number = put(&store, endpoint("e")).await;
    let good = |key: &str| Body::new().event(key, "1", key, &[number]).build(1);
    let poisoned = Body::new().event("bad", "1", "l", &[EndpointNo(77)]).build(1);
    // The first keeps the writer busy while the others queue up.
    let (zero, one, bad, two) = tokio::join!(
        store.commit(vec![good("zero")]),
        store.commit(vec![good("one")]),
        store.commit(vec![poisoned]),
        store.commit(vec![good("two")]),
    );
    for kept in [zero, one, two] {
        assert_eq!(kept.unwrap()[0].events, [EventOutcome::New]);
    }
    assert!(matches!(bad, Err(CommitError::Store(StoreError::Internal { .. }))), "{bad:?}");
    assert!(store.health().await.writable);
    assert_eq!(store.events(EventQuery::default()).await.unwrap().rows.len(), 3);
    let claims = claim(&store, NOW).await;
    assert_eq!(claims.len(), 3);
    accept_all(&store, &claims, NOW).await;
    let more = claim(&store, NOW).await;
    assert!(more.is_empty(), "each is owed once, however often its transaction began");
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let folder = folder();
    let store = Embedded::open(EmbeddedOptions { queue_jobs_max: 2, ..EmbeddedOptions::new(folder.path()) }).unwrap();
    let store = Arc::new(store);
    let commits: Vec<_> = (0..200)
        .map(|n| {
            let store = Arc::clone(&store);
            async move { store.commit(vec![body(&format!("a{n}"))]).await }
        })
        .map(tokio::spawn)
        .collect();
    let mut kept = 0;
    let mut refused = 0;
    for commit in commits {
        match commit.await.unwrap() {
            Ok(_) => kept += 1,
            Err(CommitError::Overloaded) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(refused > 0, "two may wait, and two hundred came");
    assert_eq!(store.counts().await.unwrap().events, kept);
}

#[test]
fn a_batch_that_waited_too_long_is_refused_unwritten() {
    let (job, _answer) = CommitJob::new(vec![body("a")]);
    let limit = std::time::Duration::from_millis(rules::limits::COMMIT_QUEUE_MS);
    let now = std::time::Instant::now();
    assert!(!job.expired(now));
    assert!(job.expired(now + limit + limit));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_restores_to_everything_committed_before() {
    let folder = folder();
    let store = Arc::new(open(folder.path()).unwrap());
    for n in 0..100 {
        commit(&*store, body(&format!("before{n}"))).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
        async move {
            let mut n = 0;
            while !stop.load(Ordering::SeqCst) {
                commit(&*store, body(&format!("during{n}"))).await;
                n += 1;
            }
        }
    });
    let target = tempfile::tempdir().unwrap();
    let file = target.path().join("backup.db");
    let backing_up = tokio::task::spawn_blocking({
        let (store, folder, file) = (Arc::clone(&store), folder.path().to_owned(), file.clone());
        move || {
            let mut done = Vec::new();
            let progress = |progress: BackupProgress| {
                done.push(progress.pages_done);
                until_more_events(&store);
            };
            backup(&folder, &file, progress).map(|()| done)
        }
    });
    let done = backing_up.await.unwrap().unwrap();
    assert!(done.len() > 3 && done.is_sorted(), "it goes on, and never begins anew: {done:?}");
    stop.store(true, Ordering::SeqCst);
    load.await.unwrap();
    assert!(backup(folder.path(), &file, |_| ()).is_err(), "a backup overwrites nothing");
    assert_eq!(names_in(&target), ["backup.db"], "one file, and nothing beside it");

    let elsewhere = target.path().join("restored");
    let report = restore(&file, &elsewhere).unwrap();
    assert!(report.is_clean() && report.events >= 100);
    let restored = open(&elsewhere).unwrap();
    for n in 0..100 {
        assert_eq!(commit(&restored, body(&format!("before{n}"))).await.events, [EventOutcome::Duplicate]);
    }
    drop(restored);
    assert!(check(&elsewhere).unwrap().is_clean());
    assert!(restore(&file, &elsewhere).is_err(), "a restore overwrites nothing");
    assert!(restore(&file, folder.path()).is_err(), "nor what is in use");
}

fn names_in(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_store_that_nobody_has_open_is_backed_up_with_what_a_killed_process_left_in_its_log() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    commit(&store, body("a")).await;
    let killed = tempfile::tempdir().unwrap();
    for name in ["waypost.db", "waypost.db-wal"] {
        fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
    }
    store.close().await;
    drop(store);
    let target = tempfile::tempdir().unwrap();
    for (name, source) in [("closed", &folder), ("killed", &killed)] {
        backup(source.path(), &target.path().join(name), |_| ()).unwrap();
        let restored = target.path().join(format!("{name}-restored"));
        assert_eq!(restore(&target.path().join(name), &restored).unwrap().events, 1);
        assert!(open(source.path()).is_ok(), "the backup is in nobody's way");
    }
}

#[test]
fn what_cannot_be_read_as_a_store_is_not_backed_up_and_nothing_is_left() {
    let target = folder();
    let refused = |folder: &TempDir| backup(folder.path(), &target.path().join("b"), |_| ()).unwrap_err();
    let empty = folder();
    assert!(matches!(refused(&empty), StoreError::NotFound { what: "store" }));
    assert!(names_in(&empty).is_empty());
    fs::write(database(&empty), "").unwrap();
    assert!(matches!(refused(&empty), StoreError::Damaged { .. }));
    let foreign = folder();
    fs::write(database(&foreign), vec![b'x'; 20_000]).unwrap();
    assert!(matches!(refused(&foreign), StoreError::Damaged { .. }));
    let newer = folder();
    drop(open(newer.path()).unwrap());
    let conn = Connection::open(database(&newer)).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(refused(&newer), StoreError::TooNew { found: 99, known: 1 }));
    let wrong = folder();
    drop(open(wrong.path()).unwrap());
    let conn = Connection::open(database(&wrong)).unwrap();
    conn.execute_batch("INSERT INTO bodies VALUES (7, 0, 0, x'00')").unwrap();
    assert!(matches!(refused(&wrong), StoreError::Damaged { .. }));
    assert!(names_in(&target).is_empty(), "{:?}", names_in(&target));
}

#[tokio::test]
async fn a_copy_of_the_files_at_any_moment_opens_with_all_that_was_answered() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    for n in 0..30 {
        commit(&store, body(&format!("a{n}"))).await;
    }
    // What a killed process leaves: both files as they are, the lock let go by the system.
    let killed = tempfile::tempdir().unwrap();
    for name in ["waypost.db", "waypost.db-wal"] {
        fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
    }
    let reopened = open(killed.path()).unwrap();
    assert_eq!(reopened.counts().await.unwrap().events, 30);
    assert!(check(killed.path()).unwrap().is_clean());
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    store.close().await;
    assert!(matches!(store.commit(vec![body("a")]).await, Err(CommitError::Store(StoreError::Closed))));
    assert!(matches!(store.claim(1, NOW).await, Err(StoreError::Closed)));
    assert!(matches!(store.endpoints().await, Err(StoreError::Closed)));
    assert!(!store.health().await.writable);
}

#[tokio::test]
async fn the_views_for_people_show_events_and_deliveries() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    let number = put(&store, endpoint("e")).await;
    commit(&store, Body::new().event("a", r#"{"x":1}"#, "l", &[number]).build(1)).await;
    let conn = super::open::read_only(&database(&folder)).unwrap();
    let event: (String, String) =
        conn.query_row("SELECT id, data FROM v_events", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(event, (id("a").to_string(), r#"{"x":1}"#.to_owned()));
    let delivery: (String, String) =
        conn.query_row("SELECT endpoint, state FROM v_deliveries", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(delivery, ("e".to_owned(), "owed".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_log_is_begun_anew_over_what_is_there_and_nothing_is_missed() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    let content = format!(r#"{{"some":"{}"}}"#, "x".repeat(1024 * 1024));
    let keys: Vec<String> = (0..40).map(|n| format!("k{n}")).collect();
    for key in &keys {
        commit(&store, Body::new().event(key, &content, "l", &[]).build(0)).await;
    }
    until("the log is copied and can be begun anew", async || {
        commit(&store, body(&format!("after {}", store.shared.ledger().events))).await;
        store.shared.log_space.used_bytes() < super::log_space::LOG_BYTES_ANEW
    })
    .await;
    let log = fs::metadata(folder.path().join("waypost.db-wal")).unwrap().len();
    assert!(log >= super::log_space::LOG_BYTES_ANEW, "it keeps its length: {log}");
    drop(store);
    let store = open(folder.path()).unwrap();
    for key in &keys {
        assert_eq!(store.find(Find::Event(id(key))).await.unwrap().len(), 1, "{key}");
    }
}
