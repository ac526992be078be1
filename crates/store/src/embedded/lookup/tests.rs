#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod model;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::params;
use tempfile::TempDir;

use super::Index;
use crate::common::names::hash_of;
use crate::embedded::shared::lock;
use crate::embedded::{Embedded, EmbeddedOptions, check, open};
use crate::facts::build::{Body, DAY, NOW, commit, id, until};
use crate::record::{EventOutcome, NewNotification, Retention};
use crate::seam::{Find, Store};

fn store_in(folder: &Path, segment_events: usize) -> Embedded {
    let options = EmbeddedOptions {
        segment_events,
        retention_step_min: std::time::Duration::ZERO,
        ..EmbeddedOptions::new(folder)
    };
    Embedded::open(options).unwrap()
}

fn event(n: usize) -> NewNotification {
    event_at(n, NOW)
}

fn event_at(n: usize, at_ms: i64) -> NewNotification {
    let body = Body::new().shaped(&format!("a{n}"), "1", &[], |event| {
        event.message_id = Some(format!("wamid.{n}"));
        event.wa_id = Some(format!("155{}", n % 3));
    });
    body.build_at(0, at_ms)
}

async fn outcome(store: &Embedded, n: usize) -> EventOutcome {
    commit(store, event(n)).await.events[0]
}

async fn finds(store: &Embedded, n: usize) -> bool {
    let by_message = store.find(Find::MessageId(format!("wamid.{n}"))).await.unwrap();
    let by_id = store.find(Find::Event(id(&format!("a{n}")))).await.unwrap();
    by_message.len() == 1 && by_message == by_id && by_id[0].id == id(&format!("a{n}"))
}

/// Events in memory and sealed segments.
fn sizes(store: &Embedded) -> (usize, usize) {
    lock(&store.shared.index).sizes()
}

async fn until_segments(store: &Embedded, count: usize) {
    until("segments to be sealed", || async { sizes(store).1 >= count }).await;
}

/// What a killed process leaves.
fn killed(folder: &TempDir) -> TempDir {
    let killed = tempfile::tempdir().unwrap();
    for name in ["waypost.db", "waypost.db-wal"] {
        fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
    }
    killed
}

#[tokio::test]
async fn a_copy_is_known_across_the_edges_of_segments_and_across_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), 5);
    for n in 0..23 {
        assert_eq!(outcome(&store, n).await, EventOutcome::New);
        for earlier in 0..=n {
            assert_eq!(outcome(&store, earlier).await, EventOutcome::Duplicate, "{earlier} of {n}");
        }
    }
    until_segments(&store, 4).await;
    for n in 0..23 {
        assert!(finds(&store, n).await, "{n}");
        assert_eq!(outcome(&store, n).await, EventOutcome::Duplicate);
    }
    drop(store);
    let store = store_in(folder.path(), 5);
    assert!(sizes(&store).1 >= 4 && sizes(&store).0 < 10, "sealed keys are not read: {:?}", sizes(&store));
    for n in 0..23 {
        assert_eq!(outcome(&store, n).await, EventOutcome::Duplicate);
    }
    assert_eq!(outcome(&store, 23).await, EventOutcome::New);
    assert!(check(folder.path()).unwrap().is_clean());
}

#[tokio::test]
async fn a_process_killed_between_any_two_commits_forgets_no_key_and_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), 3);
    for n in 0..30 {
        assert_eq!(outcome(&store, n).await, EventOutcome::New);
        let killed = killed(&folder);
        assert!(check(killed.path()).unwrap().is_clean());
        // With another size, so that what was begun is gone on with in other pieces.
        let reopened = store_in(killed.path(), 1 + n % 5);
        for n in 0..=n {
            assert!(finds(&reopened, n).await, "{n}");
            assert_eq!(outcome(&reopened, n).await, EventOutcome::Duplicate);
        }
        assert_eq!(outcome(&reopened, 99).await, EventOutcome::New);
    }
}

#[tokio::test]
async fn blocks_of_a_segment_that_a_crash_cut_off_are_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), 100);
    for n in 0..10 {
        commit(&store, event(n)).await;
    }
    drop(store);
    let conn = rusqlite::Connection::open(folder.path().join("waypost.db")).unwrap();
    for n in 0..3 {
        let row = super::segment::BLOCKS_MAX + n;
        conn.execute("INSERT INTO key_blocks VALUES (?1, x'00')", [row]).unwrap();
        conn.execute("INSERT INTO name_blocks VALUES (?1, x'00')", [row]).unwrap();
    }
    drop(conn);
    let store = store_in(folder.path(), 5);
    until_segments(&store, 1).await;
    for n in 0..10 {
        assert!(finds(&store, n).await);
        assert_eq!(outcome(&store, n).await, EventOutcome::Duplicate);
    }
}

#[tokio::test]
async fn a_refused_commit_leaves_no_key_and_what_was_being_sealed_is_sealed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), 4);
    for n in 0..40 {
        store.fail_commits(u32::from(n % 3 == 0));
        // The failure may meet a step of the sealing instead, and then the commit waits for nothing.
        let first = store.commit(vec![event(n)]).await.map(|committed| committed[0].events[0]);
        until("the store to be writable", || async { store.health().await.writable }).await;
        let again = outcome(&store, n).await;
        match first {
            Ok(kept) => assert_eq!((kept, again), (EventOutcome::New, EventOutcome::Duplicate)),
            Err(_) => assert_eq!(again, EventOutcome::New),
        }
    }
    store.fail_commits(0);
    until("the store to be writable", || async { store.health().await.writable }).await;
    for n in 0..40 {
        assert!(finds(&store, n).await);
        assert_eq!(outcome(&store, n).await, EventOutcome::Duplicate);
    }
    until_segments(&store, 8).await;
    drop(store);
    assert!(check(folder.path()).unwrap().is_clean());
}

#[tokio::test]
async fn a_key_without_its_block_is_known_from_its_event() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), 4);
    for n in 0..4 {
        commit(&store, event(n)).await;
    }
    until_segments(&store, 1).await;
    drop(store);
    let conn = rusqlite::Connection::open(folder.path().join("waypost.db")).unwrap();
    conn.execute("DELETE FROM key_blocks", []).unwrap();
    drop(conn);
    assert_eq!(check(folder.path()).unwrap().problems, ["4 events that would be taken for new if they came again"]);
    let store = store_in(folder.path(), 4);
    assert_eq!(outcome(&store, 2).await, EventOutcome::Duplicate);
    assert_eq!(outcome(&store, 9).await, EventOutcome::New);
    assert_eq!(store.counts().await.unwrap().events, 5);
}

/// Turns the lowest bit of a byte of each of these values, from the first byte on in turn.
fn turn(folder: &TempDir, table: &str, column: &str) {
    let conn = rusqlite::Connection::open(folder.path().join("waypost.db")).unwrap();
    let mut query = conn.prepare(&format!("SELECT rowid, {column} FROM {table}")).unwrap();
    let rows: Vec<(i64, Vec<u8>)> =
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(!rows.is_empty());
    for (n, (id, mut bytes)) in rows.into_iter().enumerate() {
        let at = n % bytes.len();
        bytes[at] ^= 1;
        conn.execute(&format!("UPDATE {table} SET {column} = ?2 WHERE rowid = ?1"), params![id, bytes]).unwrap();
    }
}

#[tokio::test]
async fn whatever_is_damaged_of_keys_and_names_every_event_is_known_and_found() {
    for (table, column) in [
        ("event_tail", "entries"),
        ("key_blocks", "records"),
        ("name_blocks", "records"),
        ("segment_fences", "filter"),
        ("segment_fences", "key_fences"),
        ("segment_fences", "name_fences"),
        ("segment_fences", "partitions"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = store_in(folder.path(), 8);
        for n in 0..27 {
            commit(&store, event(n)).await;
        }
        until_segments(&store, 3).await;
        drop(store);
        turn(&folder, table, column);
        assert!(!check(folder.path()).unwrap().is_clean(), "{table}.{column}");
        let store = store_in(folder.path(), 8);
        for n in 0..27 {
            assert!(finds(&store, n).await, "{table}.{column} {n}");
            assert_eq!(outcome(&store, n).await, EventOutcome::Duplicate, "{table}.{column} {n}");
        }
        for n in 27..50 {
            assert_eq!(outcome(&store, n).await, EventOutcome::New, "{table}.{column} {n}");
        }
        until_segments(&store, 5).await;
    }
}

#[tokio::test]
async fn names_come_newest_first_from_memory_and_segments() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), 4);
    for n in 0..22 {
        commit(&store, event(n)).await;
    }
    until_segments(&store, 4).await;
    for contact in 0..3 {
        let found = store.find(Find::Contact(format!("155{contact}"))).await.unwrap();
        let keys: Vec<String> = found.into_iter().map(|event| event.key).collect();
        let expected: Vec<String> =
            (0..22).rev().filter(|n| n % 3 == contact).map(|n: usize| format!("a{n}")).collect();
        assert_eq!(keys, expected);
    }
    assert!(store.find(Find::Contact("nobody".to_owned())).await.unwrap().is_empty());
    assert_eq!(store.find(Find::Number("1555078".to_owned())).await.unwrap().len(), 22);
}

#[tokio::test]
async fn a_fresh_event_asks_only_segments_with_keys_of_its_day() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), 10);
    for n in 0..40 {
        let body = Body::new().shaped(&format!("a{n}"), "1", &[], |event| event.key_partition = 100 + n / 10);
        commit(&store, body.build(0)).await;
    }
    until_segments(&store, 4).await;
    let index = lock(&store.shared.index);
    for day in 0..4 {
        let asked = (0..40)
            .flat_map(|n| index.may_hold(&(100 + day, *id(&format!("a{n}")).as_bytes())))
            .filter(|segment| segment.first_event != 1 + day * 10);
        assert_eq!(asked.count(), 0);
    }
}

#[tokio::test]
async fn retention_drops_keys_and_segments_whole_and_nothing_too_early() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), 10);
    let retention = Retention { body_days: 2, metadata_days: 6, key_days: 3, store_bytes_max: None };
    let prune = async |day: i64| {
        let mut keys = 0;
        loop {
            let report = store.prune(retention, NOW + day * DAY).await.unwrap();
            keys += report.keys;
            if !report.more {
                return keys;
            }
        }
    };
    let came = |day: i64| usize::try_from(day).unwrap() * 25;
    for day in 0..14 {
        for n in came(day)..came(day + 1) {
            assert_eq!(commit(&store, event_at(n, NOW + day * DAY)).await.events, [EventOutcome::New]);
        }
        prune(day).await;
        for n in (0..came(day + 1)).step_by(7) {
            let age = day - i64::try_from(n / 25).unwrap();
            if age <= 3 {
                let copy = commit(&store, event_at(n, NOW + i64::try_from(n / 25).unwrap() * DAY)).await;
                assert_eq!(copy.events, [EventOutcome::Duplicate], "{n} on day {day}");
            }
            assert_eq!(finds(&store, n).await, age <= 6, "{n} on day {day}");
        }
    }
    let (in_memory, segments) = sizes(&store);
    assert!(in_memory < 60 && segments < 25, "{in_memory} {segments}");
    prune(40).await;
    for day in 14..50 {
        prune(day).await;
    }
    assert_eq!((sizes(&store).0, store.counts().await.unwrap().events), (0, 350));
    assert!(sizes(&store).1 <= 1, "the newest stays");
    drop(store);
    let conn = open::read_only(&folder.path().join("waypost.db")).unwrap();
    let left = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(left("SELECT count(*) FROM key_blocks"), 0);
    assert_eq!(left("SELECT count(*) FROM event_tail"), 0);
    assert!(check(folder.path()).unwrap().is_clean());
}

#[tokio::test]
async fn a_copy_keeps_the_keys_around_it_alive_also_across_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let retention = Retention { body_days: 30, metadata_days: 30, key_days: 3, store_bytes_max: None };
    for (sealed, segment_events) in [(1, 2), (0, 100)] {
        let folder = folder.path().join(segment_events.to_string());
        let store = store_in(&folder, segment_events);
        for n in 0..2 {
            commit(&store, event(n)).await;
        }
        until_segments(&store, sealed).await;
        for day in 1..12 {
            assert_eq!(commit(&store, event_at(0, NOW + day * DAY)).await.events, [EventOutcome::Duplicate]);
            while store.prune(retention, NOW + day * DAY).await.unwrap().more {}
        }
        drop(store);
        let store = store_in(&folder, segment_events);
        for day in 12..14 {
            while store.prune(retention, NOW + day * DAY).await.unwrap().more {}
        }
        assert_eq!(commit(&store, event_at(1, NOW + 14 * DAY)).await.events, [EventOutcome::Duplicate]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_looks_while_segments_are_sealed_finds_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(store_in(folder.path(), 3));
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for n in 0..200 {
                commit(&*store, event(n)).await;
            }
        }
    });
    let mut seen = 0;
    while seen < 200 {
        let found = store.find(Find::Number("106".to_owned())).await.unwrap();
        let mut keys: Vec<String> = found.into_iter().map(|event| event.key).collect();
        keys.sort();
        keys.dedup();
        let counted = keys.len();
        assert!(counted >= seen.min(100), "{counted} after {seen}");
        seen = usize::try_from(store.counts().await.unwrap().events).unwrap();
        for n in (0..seen).step_by(11) {
            assert!(finds(&store, n).await, "{n}");
        }
    }
    writing.await.unwrap();
}

#[test]
fn an_index_without_events_knows_nothing() {
    let index = Index::new(4);
    assert!(index.known(&(1, [0; 16])).is_none() && index.may_hold(&(1, [0; 16])).is_empty());
    assert!(index.events_of(hash_of(&Find::Contact("1".to_owned()))).is_empty());
}
