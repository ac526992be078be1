//! There and back.

use std::path::Path;

use super::{copied, database, drained, folder, in_database, in_folder, life, told};
use crate::copy::{CopyProgress, CopyStep, Database, End, Folder, run};
use crate::error::StoreError;
use crate::facts::build::{NOW, commit};
use crate::record::EventOutcome;
use crate::replay::ReplayNo;
use crate::seam::Store;
use crate::{Embedded, EmbeddedOptions, Postgres, PostgresOptions, PostgresTuning};

/// What each store does after the copies: the same.
async fn goes_on(store: &dyn Store) -> Vec<String> {
    let mut told = Vec::new();
    for n in 0..3 {
        told.push(format!("{:?}", life::again(store, life::without_key(n)).await));
        told.push(format!("{:?}", life::again(store, life::without_event(n)).await));
    }
    for body in [life::with_both(), life::differing()] {
        told.push(format!("{:?}", life::again(store, body).await));
    }
    let running = store.advance_replay(ReplayNo(2), 100, NOW).await.unwrap();
    told.push(format!("{:?} {} {}", running.state, running.matched, running.made));
    store
        .change_endpoints(
            vec![crate::seam::EndpointChange::State {
                id: "sleeping".to_owned(),
                state: crate::record::EndpointState::Active,
                reason: "a test".to_owned(),
            }],
            NOW,
        )
        .await
        .unwrap();
    told.extend(drained(store).await.iter().map(|lane| format!("{lane:?}")));
    told.push(format!("{:?}", store.counts().await.unwrap()));
    told
}

#[tokio::test]
async fn a_store_that_moved_to_a_database_and_back_answers_and_goes_on_as_before() {
    let Some(server) = private_postgres::server() else { return };
    let (there, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = in_folder(there.path());
    life::live(&first).await;
    drop(first);
    let first = in_folder(there.path());
    let expected = told(&first).await;
    first.close().await;
    drop(first);

    let copied_there = copied(folder(there.path()), database(&server)).await.unwrap();
    assert!(copied_there.iter().all(|table| table.rows > 0), "something of everything: {copied_there:?}");
    let moved = in_database(&server).await;
    assert_eq!(told(&moved).await, expected);
    moved.close().await;
    drop(moved);
    let copied_back = copied(database(&server), folder(back.path())).await.unwrap();
    assert_eq!(copied_back, copied_there);
    let report = crate::check(back.path()).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    assert_eq!(without_checksum(back.path()), 0);
    let third = in_folder(back.path());
    assert_eq!(told(&third).await, expected);

    let first = in_folder(there.path());
    let moved = in_database(&server).await;
    let going_on = goes_on(&first).await;
    assert_eq!(going_on[0], format!("{:?}", [EventOutcome::New]), "its key has expired");
    assert_eq!(going_on[1], format!("{:?}", [EventOutcome::Duplicate]), "its key outlived it");
    assert_eq!(goes_on(&moved).await, going_on);
    assert_eq!(goes_on(&third).await, going_on);
}

/// Rows of a folder that bear no checksum, though they should.
fn without_checksum(folder: &Path) -> i64 {
    let conn = rusqlite::Connection::open(folder.join("waypost.db")).unwrap();
    let of = |table: &str| format!("(SELECT count(*) FROM {table} WHERE checksum = 0)");
    let sql = format!("SELECT {} + {} + {}", of("notifications"), of("events"), of("bodies"));
    conn.query_row(&sql, [], |row| row.get(0)).unwrap()
}

/// Ends a copy again and again in its middle, and goes on with new ends each time; gives how often it was cut off.
async fn with_accidents(ends: impl AsyncFn() -> (Box<dyn End>, Box<dyn End>), check: impl AsyncFn()) -> usize {
    let (mut completed, mut verified) = (false, false);
    for accidents in 0.. {
        let (source, target) = ends().await;
        let mut slices = 0;
        let mut progress = |at: CopyProgress| {
            slices += 1;
            let cut = match at.doing {
                CopyStep::Copying => slices == 4,
                CopyStep::Completing => !std::mem::replace(&mut completed, true),
                CopyStep::Verifying => !std::mem::replace(&mut verified, true),
            };
            if cut { Err(StoreError::Closed) } else { Ok(()) }
        };
        match run(&*source, &*target, &mut progress).await {
            Ok(_) => return accidents,
            Err(StoreError::Closed) => {}
            Err(error) => panic!("{error}"),
        }
        drop((source, target));
        check().await;
    }
    0
}

#[tokio::test]
async fn a_copy_that_was_cut_off_goes_on_where_it_was_in_both_directions() {
    let Some(server) = private_postgres::server() else { return };
    let (there, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = in_folder(there.path());
    life::live(&first).await;
    drop(first);
    let first = in_folder(there.path());
    let expected = told(&first).await;
    drop(first);
    let options = || PostgresOptions::parse(&server.url()).unwrap();

    let ends = async || {
        let source = Box::new(Folder::source(there.path().to_owned()).await.unwrap()) as Box<dyn End>;
        (source, Box::new(Database::target(options()).await.unwrap()) as Box<dyn End>)
    };
    let check = async || {
        let opened = Postgres::open(options(), PostgresTuning::default()).await;
        assert!(matches!(opened, Err(StoreError::Unfinished { .. })), "half a copy is opened by nobody");
    };
    assert!(with_accidents(ends, check).await > 5);
    let moved = in_database(&server).await;
    assert_eq!(told(&moved).await, expected);
    moved.close().await;
    drop(moved);

    let ends = async || {
        let source = Box::new(Database::source(options()).await.unwrap()) as Box<dyn End>;
        (source, Box::new(Folder::target(back.path().to_owned()).await.unwrap()) as Box<dyn End>)
    };
    let check = async || {
        let opened = Embedded::open(EmbeddedOptions::new(back.path()));
        assert!(matches!(opened, Err(StoreError::Unfinished { .. })), "half a copy is opened by nobody");
    };
    assert!(with_accidents(ends, check).await > 5);
    let third = in_folder(back.path());
    assert_eq!(told(&third).await, expected);
    assert!(crate::check(back.path()).unwrap().is_clean());
    assert_eq!(without_checksum(back.path()), 0);
    assert_eq!(
        commit(&third, crate::facts::build::Body::new().build(third.endpoints().await.unwrap().0)).await.events,
        []
    );
}
