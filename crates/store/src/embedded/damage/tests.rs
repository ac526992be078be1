//! What the file says is changed behind the store's back, a column at a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::path::Path;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::embedded::{Embedded, EmbeddedOptions, backup, check, restore};
use crate::facts::build::{Body, NOW, claim, commit, endpoint, events, id, put};
use crate::record::Payload;
use crate::seam::{DeliveryQuery, EventQuery, Find, Store};

fn open(folder: &Path) -> Embedded {
    Embedded::open(EmbeddedOptions::new(folder)).unwrap()
}

fn of(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join("waypost.db")).unwrap()
}

/// A store with so many notifications of one event each, owed to one endpoint.
async fn filled(count: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let number = put(&store, endpoint("e")).await;
    for n in 0..count {
        commit(&store, Body::new().event(&format!("k{n}"), r#"{"some":"content"}"#, "l", &[number]).build(1)).await;
    }
    store.close().await;
    folder
}

/// Changes one column of one row: nothing of its kind or length is as it was.
fn change(conn: &Connection, table: &str, column: &str, key: &str, row: i64) {
    let changed = conn
        .execute(
            &format!(
                "UPDATE {table} SET {column} = CASE typeof({column})
                     WHEN 'text' THEN {column} || '0' WHEN 'integer' THEN {column} + 1000
                     WHEN 'blob' THEN CAST({column} || x'00' AS BLOB) ELSE 7 END WHERE {key} = ?1"
            ),
            [row],
        )
        .unwrap();
    assert_eq!(changed, 1, "{table}.{column}");
}

fn columns(conn: &Connection, table: &str) -> Vec<String> {
    let mut query = conn.prepare(&format!("SELECT name FROM pragma_table_info('{table}')")).unwrap();
    query.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn is_damaged(payloads: &[Payload]) -> bool {
    payloads.iter().all(|payload| payload.event.damaged && payload.body.is_none())
}

/// Whichever column is changed: the event is not given as if it were right, the check names a damage, and the last event,
/// in which nothing was changed, is given.
async fn check_columns(table: &str, key: &str, repeated: &[&str]) {
    let here = filled(0).await;
    let columns = columns(&of(&here), table);
    let folder = filled(columns.len() + 1).await;
    let conn = of(&folder);
    for (row, column) in (1..).zip(&columns) {
        change(&conn, table, column, key, row);
    }
    drop(conn);
    let report = check(folder.path()).unwrap();
    assert!(report.damaged_count as usize >= columns.len() - 1, "{table}: {report:?}");
    let store = open(folder.path());
    // What the event repeats is taken from the event.
    for (n, column) in columns.iter().enumerate().filter(|(_, column)| !repeated.contains(&column.as_str())) {
        assert!(is_damaged(&store.payloads(&[id(&format!("k{n}"))]).await.unwrap()), "{table}.{column}");
    }
    let last = store.payloads(&[id(&format!("k{}", columns.len()))]).await.unwrap();
    assert!(last.len() == 1 && !last[0].event.damaged && last[0].body.is_some(), "{table}: {last:?}");
}

#[tokio::test]
async fn an_event_of_which_any_column_was_changed_is_told() {
    check_columns("events", "id", &[]).await;
}

#[tokio::test]
async fn a_notification_of_which_any_column_was_changed_is_told() {
    check_columns("notifications", "id", &["app", "received_at"]).await;
}

#[tokio::test]
async fn a_body_of_which_any_column_was_changed_is_told() {
    let folder = filled(4).await;
    let conn = of(&folder);
    for (row, column) in [(1, "received_at"), (2, "checksum"), (3, "body")] {
        change(&conn, "bodies", column, "notification", row);
    }
    drop(conn);
    assert_eq!(check(folder.path()).unwrap().damaged_count, 3);
    let store = open(folder.path());
    for n in 0..3 {
        let payloads = store.payloads(&[id(&format!("k{n}"))]).await.unwrap();
        assert!(payloads.len() == 1 && is_damaged(&payloads), "{payloads:?}");
        let notification = payloads[0].event.notification;
        let shown = store.notification(notification).await.unwrap().unwrap();
        assert!(shown.damaged && shown.body.is_none());
    }
    assert_eq!(store.health().await.damaged, 6, "three events and three notifications, each told once");
    let sound = store.payloads(&[id("k3")]).await.unwrap();
    assert!(!sound[0].event.damaged && sound[0].body.is_some());
}

#[tokio::test]
async fn one_damaged_event_hides_no_other_from_delivery_or_display() {
    let folder = filled(40).await;
    let conn = of(&folder);
    change(&conn, "bodies", "body", "notification", 7);
    change(&conn, "events", "problems", "id", 9);
    drop(conn);
    let store = open(folder.path());
    let mut seen = Vec::new();
    let mut damaged = Vec::new();
    loop {
        let claims = claim(&store, NOW).await;
        if claims.is_empty() {
            break;
        }
        for payload in store.payloads(&events(&claims)).await.unwrap() {
            let into = if payload.event.damaged { &mut damaged } else { &mut seen };
            into.push(payload.event.id);
        }
        crate::facts::build::accept_all(&store, &claims, NOW).await;
    }
    assert_eq!((seen.len(), damaged), (38, vec![id("k6"), id("k8")]));
    let listed = store.events(EventQuery { limit: 100, ..EventQuery::default() }).await.unwrap();
    assert_eq!(listed.rows.len(), 40);
    assert_eq!(store.find(Find::Event(id("k8"))).await.unwrap().len(), 1);
    assert_eq!(
        store.deliveries(DeliveryQuery { limit: 100, ..DeliveryQuery::default() }).await.unwrap().rows.len(),
        40
    );
}

#[tokio::test]
async fn a_store_with_a_damaged_event_can_still_be_backed_up_and_restored() {
    let folder = filled(3).await;
    change(&of(&folder), "bodies", "body", "notification", 2);
    let target = tempfile::tempdir().unwrap();
    backup(folder.path(), &target.path().join("b"), |_| ()).unwrap();
    let report = restore(&target.path().join("b"), &target.path().join("restored")).unwrap();
    assert_eq!((report.problems, report.damaged_count), (Vec::new(), 1));
}

#[tokio::test]
async fn a_store_whose_log_turned_in_the_middle_opens_and_says_what_it_lost() {
    let folder = tempfile::tempdir().unwrap();
    // Closing empties the log of what making the store had put there.
    drop(open(folder.path()));
    let store = open(folder.path());
    for n in 0..6 {
        commit(&store, Body::new().event(&format!("k{n}"), "1", "l", &[]).build(0)).await;
    }
    // What a killed process leaves.
    let killed = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join("waypost.db"), killed.path().join("waypost.db")).unwrap();
    let mut log = std::fs::read(folder.path().join("waypost.db-wal")).unwrap();
    let middle = log.len() / 2;
    log[middle] ^= 1;
    std::fs::write(killed.path().join("waypost.db-wal"), &log).unwrap();
    let problems = check(killed.path()).unwrap().problems;
    assert!(problems.iter().any(|problem| problem.contains("the log is damaged at frame")), "{problems:?}");
    let store = open(killed.path());
    let health = store.health().await;
    assert!(health.writable && health.caution.unwrap().contains("the log is damaged at frame"));
    assert_eq!(std::fs::read(killed.path().join("waypost.db-wal.damaged")).unwrap(), log);
    let there = store.counts().await.unwrap().events;
    assert!((1..6).contains(&there), "{there}");
    commit(&store, Body::new().event("later", "1", "l", &[]).build(0)).await;
    drop(store);
    assert_eq!(open(killed.path()).health().await.caution, None, "it is told once");
}

#[tokio::test]
async fn a_store_that_is_older_than_it_was_says_how_much_is_missing() {
    let folder = filled(3).await;
    let older = std::fs::read(folder.path().join("waypost.db")).unwrap();
    let store = open(folder.path());
    commit(&store, Body::new().event("later", "1", "l", &[]).build(1)).await;
    drop(store);
    assert_eq!(open(folder.path()).health().await.caution, None);
    std::fs::write(folder.path().join("waypost.db"), older).unwrap();
    let missing = "1 notifications, 1 events had been committed, and are not there";
    assert_eq!(check(folder.path()).unwrap().problems, [missing]);
    let store = open(folder.path());
    assert_eq!(store.health().await.caution.as_deref(), Some(missing));
    drop(store);
    assert!(check(folder.path()).unwrap().is_clean(), "from here on it counts anew");
}
