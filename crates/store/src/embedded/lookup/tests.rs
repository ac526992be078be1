#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::tail::{Entry, Step, Stepped, Tail, TailSizes, decode, encode};
use super::{Waiting, key, move_on};
use crate::embedded::job::{Change, Tx};
use crate::embedded::shared::lock;
use crate::embedded::{Embedded, EmbeddedOptions, check, open};
use crate::facts::build::{Body, DAY, NOW, commit, id, until};
use crate::record::{NewNotification, Retention};
use crate::seam::{Find, Store};

fn tail(round: usize, max: usize) -> Tail {
    Tail::new(TailSizes { round, max })
}

fn entry(event: i64, hashes: &[i64]) -> Entry {
    // Ids in another order than the numbers.
    let id = (event.wrapping_mul(-7_919)).to_be_bytes();
    let mut key = [0; 16];
    key[..8].copy_from_slice(&id);
    Entry { event, key: (1, key), digest: 0, hashes: hashes.into() }
}

fn store_in(folder: &std::path::Path, event_tail: usize) -> Embedded {
    let options =
        EmbeddedOptions { event_tail, retention_step_min: std::time::Duration::ZERO, ..EmbeddedOptions::new(folder) };
    Embedded::open(options).unwrap()
}

fn event(n: usize) -> NewNotification {
    Body::new()
        .shaped(&format!("a{n}"), "1", &[], |event| event.message_id = Some(format!("wamid.{n}")))
        .build_at(0, NOW)
}

async fn finds(store: &Embedded, n: usize) -> bool {
    let found = store.find(Find::MessageId(format!("wamid.{n}"))).await.unwrap();
    found.len() == 1 && found[0].id == id(&format!("a{n}"))
}

#[test]
fn hashes_read_back_from_their_row() {
    let hashes = [i64::MIN, -1, 0, 7, i64::MAX];
    assert_eq!(&*decode(&encode(&hashes)), &hashes);
}

#[test]
fn a_round_enters_in_the_order_of_the_tree_and_forgets_at_its_end() {
    let mut tail = tail(2, 100);
    tail.learn([entry(1, &[30, 10])]);
    assert!(!tail.begin_moving(false));
    tail.learn([entry(2, &[20])]);
    assert!(tail.begin_moving(false) && !tail.begin_moving(true), "one step at a time");
    let Step::Keys { keys, .. } = tail.step() else { panic!() };
    let events: Vec<_> = keys.iter().map(|(_, (event, _))| *event).collect();
    assert_eq!(events, [2, 1]);
    tail.stepped(Stepped::Keys(Some(keys[1].0)));
    let Step::Keys { keys, .. } = tail.step() else { panic!() };
    assert!(keys.is_empty());
    tail.stepped(Stepped::Keys(None));
    let Step::Hashes { pairs, .. } = tail.step() else { panic!() };
    assert_eq!(pairs, [(10, 1), (20, 2), (30, 1)]);
    // The clock stopped the step early, and an event came meanwhile.
    tail.stepped(Stepped::Hashes(Some((10, 1))));
    tail.learn([entry(3, &[25])]);
    let Step::Hashes { pairs, .. } = tail.step() else { panic!() };
    assert_eq!(pairs, [(20, 2), (30, 1)], "what came later is for the next round");
    tail.stepped(Stepped::Hashes(Some((30, 1))));
    let Step::Hashes { pairs, .. } = tail.step() else { panic!() };
    assert!(pairs.is_empty());
    tail.stepped(Stepped::Hashes(None));
    assert_eq!(tail.events_of(10), [1], "in the tree, and known here as well");
    assert!(tail.has_keys_of(1) && tail.known(&entry(2, &[]).key) == Some((2, 0)));
    assert!(matches!(tail.step(), Step::Delete { first: 1, last: 2 }));
    tail.stepped(Stepped::Deleted(2));
    assert!(tail.events_of(10).is_empty() && tail.events_of(25) == [3]);
    assert!(tail.known(&entry(2, &[]).key).is_none() && tail.known(&entry(3, &[]).key).is_some());
    assert!(!tail.begin_moving(false) && tail.begin_moving(true), "an idle writer moves the rest");
}

/// What a step enters on a disk so slow that the time is up after a few.
fn in_time<T: Copy>(all: &[T], time_max: Option<Duration>) -> Option<T> {
    let few = if time_max.is_some() { 64 } else { all.len() };
    all.iter().take(few).last().copied()
}

#[test]
fn a_tail_that_grows_faster_than_a_slow_disk_moves_it_stays_bounded() {
    let mut tail = tail(64, 256);
    let mut number = 0;
    for _ in 0..2_000 {
        let came: Vec<_> = (0..100)
            .map(|_| {
                number += 1;
                entry(number, &[number * 7_919 % 1_000, number * 104_729, -number])
            })
            .collect();
        tail.learn(came);
        tail.begin_moving(false);
        let step = tail.step();
        tail.stepped(match step {
            Step::Keys { keys, time_max } => Stepped::Keys(in_time(&keys, time_max).map(|(key, _)| key)),
            Step::Hashes { pairs, time_max } => Stepped::Hashes(in_time(&pairs, time_max)),
            Step::Delete { last, .. } => Stepped::Deleted(last),
            Step::Nothing => Stepped::Nothing,
        });
        assert!(tail.len() < 2_000, "{}", tail.len());
    }
}

#[tokio::test]
async fn an_idle_writer_empties_the_tail() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), 1_000);
    commit(&store, event(0)).await;
    assert_eq!(lock(&store.shared.tail).len(), 1);
    assert!(finds(&store, 0).await);
    until("the tail to be empty", || async { lock(&store.shared.tail).len() == 0 }).await;
    assert!(finds(&store, 0).await);
    drop(store);
    assert!(check(folder.path()).unwrap().is_clean());
}

#[tokio::test]
async fn a_process_killed_at_any_moment_of_a_move_finds_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), 3);
    for n in 0..40 {
        commit(&store, event(n)).await;
        let killed = tempfile::tempdir().unwrap();
        for name in ["waypost.db", "waypost.db-wal"] {
            fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
        }
        let reopened = store_in(killed.path(), 1_000);
        for n in 0..=n {
            assert!(finds(&reopened, n).await, "{n}");
        }
    }
}

#[tokio::test]
async fn an_event_that_moves_between_the_two_looks_of_a_reader_is_met_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), 1_000);
    let with_contact = |n: usize| {
        let body = Body::new().shaped(&format!("b{n}"), "1", &[], |event| event.wa_id = Some("155".to_owned()));
        body.build_at(0, NOW)
    };
    let hash = key(&Find::Contact("155".to_owned()));
    for n in 0..3 {
        commit(&store, with_contact(n)).await;
    }
    let empty = || async { lock(&store.shared.tail).len() == 0 };
    move_on(&store.shared, true);
    until("the first three to move", empty).await;
    commit(&store, with_contact(3)).await;
    commit(&store, with_contact(4)).await;
    let looked = Waiting::under(&store.shared.tail, hash);
    assert_eq!(looked.events, [5, 4]);
    move_on(&store.shared, true);
    until("the others to move", empty).await;
    let conn = open::read_only(&folder.path().join("waypost.db")).unwrap();
    let mut met = Vec::new();
    let meet = |number| {
        met.push(number);
        Ok(true)
    };
    looked.and_entered(&conn, meet).unwrap();
    assert_eq!(met, [5, 4, 3, 2, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_retention_drops_in_the_transaction_of_a_step_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(store_in(folder.path(), 1_000));
    let retention = Retention { body_days: 1, metadata_days: 1, key_days: 1, store_bytes_max: None };
    // The first look only sets the clock.
    store.prune(retention, NOW + 10 * DAY).await.unwrap();
    for n in 0..20 {
        commit(&*store, event(n)).await;
    }
    // The writer is kept busy until both are queued, which then share a transaction.
    let (go_on, wait) = std::sync::mpsc::sync_channel::<()>(0);
    let hold = move |_: &mut Tx<'_>| {
        assert!(wait.recv().is_err(), "the other end is dropped");
        Ok(())
    };
    let (job, _answer) = Change::new(Box::new(hold), Box::new(|(), _| ()));
    assert!(store.shared.queue.force(job).is_ok());
    until("the writer to be busy", || async { store.shared.queue.len() == 0 }).await;
    let owner = Arc::clone(&store);
    let pruning = tokio::spawn(async move { owner.prune(retention, NOW + 10 * DAY).await });
    until("the slice to be queued", || async { store.shared.queue.len() == 1 }).await;
    move_on(&store.shared, true);
    assert_eq!(store.shared.queue.len(), 2);
    drop(go_on);
    assert_eq!(pruning.await.unwrap().unwrap().events, 20);
    assert_eq!(lock(&store.shared.tail).len(), 0);
    assert!(!finds(&store, 19).await);
    drop(store);
    let report = check(folder.path()).unwrap();
    assert!(report.is_clean() && report.events == 0, "{report:?}");
}
