//! What is not copied.

use super::{copied, database, folder, in_database, in_folder};
use crate::PostgresOptions;
use crate::copy::{CopyProgress, CopyStep, Database, Folder, run};
use crate::error::StoreError;
use crate::facts::build::{NOW, commit_lane, endpoint, put};
use crate::replay::{NewReplay, ReplayFilter, ReplayOf};
use crate::seam::Store;

fn why(told: Result<Vec<super::CopiedTable>, StoreError>) -> String {
    told.unwrap_err().to_string()
}

#[tokio::test]
async fn a_store_that_somebody_uses_is_not_copied() {
    let Some(server) = private_postgres::server() else { return };
    let (used, free) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let open = in_folder(used.path());
    let told = copied(folder(used.path()), database(&server)).await;
    assert!(matches!(told, Err(StoreError::InUse { .. })), "{told:?}");
    drop(open);
    let node = in_database(&server).await;
    let told = why(copied(database(&server), folder(free.path())).await);
    assert!(told.contains("1 nodes run on postgres://127.0.0.1"), "{told}");
    let told = why(copied(folder(used.path()), database(&server)).await);
    assert!(told.contains("1 nodes run on"), "{told}");
    // One that ends in good order is gone at once.
    node.close().await;
    copied(database(&server), folder(free.path())).await.unwrap();
    let missing = free.path().join("none");
    assert!(matches!(copied(folder(&missing), database(&server)).await, Err(StoreError::NotFound { .. })));
    assert!(!missing.exists(), "looking for a store makes none");
}

#[tokio::test]
async fn a_store_is_copied_into_an_empty_one_alone() {
    let Some(server) = private_postgres::server() else { return };
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (folder, key) in [(&one, "a"), (&other, "b")] {
        commit_lane(&in_folder(folder.path()), key, "l", 9, &[]).await;
    }
    let told = why(copied(folder(one.path()), folder(other.path())).await);
    assert!(told.contains("holds something already"), "{told}");
    // A part of a copy of one is none of the other.
    let source = Folder::source(one.path().to_owned()).await.unwrap();
    let target = Database::target(PostgresOptions::parse(&server.url()).unwrap()).await.unwrap();
    let mut stop = |_: CopyProgress| Err(StoreError::Closed);
    assert!(run(&source, &target, &mut stop).await.is_err());
    let told = why(copied(folder(other.path()), database(&server)).await);
    assert!(told.contains("a part of a copy of another store"), "{told}");
    drop((source, target));
    copied(folder(one.path()), database(&server)).await.unwrap();
    let told = why(copied(folder(one.path()), database(&server)).await);
    assert!(told.contains("holds something already"), "{told}");
}

#[tokio::test]
async fn what_differs_in_the_end_is_told() {
    let Some(server) = private_postgres::server() else { return };
    let one = tempfile::tempdir().unwrap();
    commit_lane(&in_folder(one.path()), "a", "l", 9, &[]).await;
    let source = Folder::source(one.path().to_owned()).await.unwrap();
    let target = Database::target(PostgresOptions::parse(&server.url()).unwrap()).await.unwrap();
    let mut stop = |at: CopyProgress| match at.doing {
        CopyStep::Verifying => Err(StoreError::Closed),
        CopyStep::Copying | CopyStep::Completing => Ok(()),
    };
    assert!(run(&source, &target, &mut stop).await.is_err());
    drop((source, target));
    let _nothing = server.sql("UPDATE waypost.bodies SET body = body || 'x' WHERE day > 0").unwrap();
    let told = why(copied(folder(one.path()), database(&server)).await);
    assert!(told.contains("of notifications there are 9 in"), "{told}");
    assert!(matches!(copied(database(&server), folder(one.path())).await, Err(StoreError::Unfinished { .. })));
}

#[tokio::test]
async fn a_replay_that_is_being_counted_must_be_counted_first() {
    let Some(server) = private_postgres::server() else { return };
    let one = tempfile::tempdir().unwrap();
    let store = in_folder(one.path());
    let to = put(&store, endpoint("e")).await;
    let new = NewReplay {
        of: ReplayOf::Unrouted,
        filter: ReplayFilter::default(),
        to: Some(to),
        as_new: false,
        per_second: None,
        starts: false,
        request_json: "{}".to_owned(),
        made_by: "anna".to_owned(),
        idempotency_key: None,
    };
    store.make_replay(new, NOW).await.unwrap();
    drop(store);
    let told = why(copied(folder(one.path()), database(&server)).await);
    assert!(told.contains("1 replays in") && told.contains("are being counted"), "{told}");
}
