//! Facts about commits.

use std::sync::Arc;

use super::build::{Body, NOW, claim, commit, endpoint, id, of, put, until};
use super::engine::Engine;
use crate::error::CommitError;
use crate::record::{EventOutcome, NumberEntry};
use crate::seam::{EventQuery, Find};

pub(crate) async fn a_batch_is_kept_whole_and_its_bytes_come_back(engine: &mut dyn Engine) {
    let store = engine.store();
    let first = Body::new().event("a", r#"{"a":1}"#, "l", &[]).event("b", r#"{"b":2}"#, "l", &[]);
    let first = first.build(0);
    let second = Body::new().event("c", "3", "l", &[]).build(0);
    let committed = store.commit(vec![first.clone(), second]).await.unwrap();
    assert_eq!(committed[0].id, first.id);
    assert_eq!(committed[0].events, [EventOutcome::New, EventOutcome::New]);
    assert_eq!(committed[1].events, [EventOutcome::New]);
    let payloads = store.payloads(&[id("b"), id("nobody"), id("a")]).await.unwrap();
    let bodies: Vec<_> = payloads.iter().map(|payload| payload.body.clone().unwrap()).collect();
    assert_eq!(payloads.len(), 2);
    assert!(Arc::ptr_eq(&bodies[0], &bodies[1]), "one body for both events");
    assert_eq!(&bodies[0][payloads[0].event.data_range.clone()], br#"{"b":2}"#);
    let record = store.notification(first.id).await.unwrap().unwrap();
    assert_eq!((record.body.unwrap(), record.events), (first.body, 2));
}

pub(crate) async fn a_key_whose_commit_failed_is_new_again(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    engine.fail_next_commit();
    let body = Body::new().event("a", "1", "l", &[number]).build(1);
    let refused = store.commit(vec![body.clone()]).await;
    assert!(matches!(refused, Err(CommitError::Store(_))), "{refused:?}");
    assert!(claim(&*store, NOW).await.is_empty());
    assert!(store.payloads(&[id("a")]).await.unwrap().is_empty());
    until("the store to be writable", || async { store.health().await.writable }).await;
    assert!(store.find(Find::Event(id("a"))).await.unwrap().is_empty());
    assert_eq!(commit(&*store, body).await.events, [EventOutcome::New]);
    assert_eq!(claim(&*store, NOW).await.len(), 1);
}

pub(crate) async fn what_was_committed_is_there_after_reopening(engine: &mut dyn Engine) {
    let body = Body::new().event("a", "1", "l", &[]).build(0);
    commit(&*engine.store(), body.clone()).await;
    engine.reopen().await;
    let store = engine.store();
    assert_eq!(commit(&*store, body.clone()).await.events, [EventOutcome::Duplicate]);
    assert_eq!(store.payloads(&[id("a")]).await.unwrap()[0].body, Some(body.body));
    assert_eq!(store.counts().await.unwrap().events, 1);
}

pub(crate) async fn a_notification_is_never_half_there(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    let nobody = crate::record::EndpointNo(number.0 + 1);
    let body = Body::new().event("a", "1", "l", &[number]).event("b", "2", "l", &[nobody]);
    assert!(store.commit(vec![body.build(1)]).await.is_err());
    let page = store.events(EventQuery::default()).await.unwrap();
    assert!(page.rows.is_empty() && claim(&*store, NOW).await.is_empty());
    assert_eq!(store.counts().await.unwrap(), crate::StoreCounts::default());
}

pub(crate) async fn the_same_event_a_day_later_is_one_event(engine: &mut dyn Engine) {
    let store = engine.store();
    let at = |day: i64, partition: i64| {
        let body = Body::new().shaped("a", "1", &[], |event| event.key_partition = partition);
        body.build_at(0, NOW + day * super::build::DAY)
    };
    assert_eq!(commit(&*store, at(0, 20_513)).await.events, [EventOutcome::New]);
    // Other events open the next day's partition; the repeat keeps the partition of its own time.
    let next = Body::new().shaped("b", "1", &[], |event| event.key_partition = 20_514);
    commit(&*store, next.build_at(0, NOW + super::build::DAY)).await;
    assert_eq!(commit(&*store, at(1, 20_513)).await.events, [EventOutcome::Duplicate]);
    assert_eq!(commit(&*store, at(7, 20_513)).await.events, [EventOutcome::Duplicate]);
}

pub(crate) async fn a_duplicate_in_the_same_batch_is_one_event(engine: &mut dyn Engine) {
    let store = engine.store();
    let twice = Body::new().event("a", r#"{"x":1}"#, "l", &[]).event("a", r#"{ "x": 1 }"#, "l", &[]);
    let again = Body::new().event("a", r#"{"x":1}"#, "l", &[]);
    let committed = store.commit(vec![twice.build(0), again.build(0)]).await.unwrap();
    assert_eq!(committed[0].events, [EventOutcome::New, EventOutcome::Duplicate]);
    assert_eq!(committed[1].events, [EventOutcome::Duplicate]);
    assert_eq!(store.find(Find::Event(id("a"))).await.unwrap()[0].duplicates, 2);
}

pub(crate) async fn an_identical_copy_is_counted_and_its_body_is_not_kept(engine: &mut dyn Engine) {
    let store = engine.store();
    commit(&*store, Body::new().event("a", "1", "l", &[]).build(0)).await;
    let copy = Body::new().event("a", "1", "l", &[]).build(0);
    let copy_id = copy.id;
    assert_eq!(commit(&*store, copy).await.events, [EventOutcome::Duplicate]);
    assert!(store.notification(copy_id).await.unwrap().is_none());
    let event = store.find(Find::Event(id("a"))).await.unwrap().remove(0);
    assert_eq!((event.duplicates, store.counts().await.unwrap().duplicates), (1, 1));
}

pub(crate) async fn another_spelling_of_the_same_json_is_a_copy(engine: &mut dyn Engine) {
    let store = engine.store();
    commit(&*store, Body::new().event("a", r#"{"n":1,"s":"A"}"#, "l", &[]).build(0)).await;
    let copy = Body::new().event("a", r#"{ "s": "\u0041", "n": 1 }"#, "l", &[]).build(0);
    assert_eq!(commit(&*store, copy).await.events, [EventOutcome::Duplicate]);
}

pub(crate) async fn a_different_copy_is_conflicting_and_can_be_read(engine: &mut dyn Engine) {
    let store = engine.store();
    commit(&*store, Body::new().event("a", "1", "l", &[]).build(0)).await;
    let other = Body::new().event("a", "2", "l", &[]).build(0);
    assert_eq!(commit(&*store, other.clone()).await.events, [EventOutcome::Conflicting]);
    let conflict = store.conflicts(id("a")).await.unwrap().remove(0);
    assert_eq!(conflict.notification, other.id);
    let kept = store.notification(other.id).await.unwrap().unwrap().body.unwrap();
    assert_eq!(&kept[conflict.data_range], b"2");
    // Meta repeats what differs as well: that adds nothing.
    let again = Body::new().event("a", "2", "l", &[]).build(0);
    assert_eq!(commit(&*store, again).await.events, [EventOutcome::Duplicate]);
    assert_eq!(store.conflicts(id("a")).await.unwrap().len(), 1);
}

pub(crate) async fn what_cannot_be_cut_is_kept(engine: &mut dyn Engine) {
    let store = engine.store();
    let mut body = Body::new().shaped("raw:1", "x", &[], |event| event.data_is_json = false).build(0);
    body.body = Arc::from(&b"\xff\x00 not JSON"[..]);
    body.events[0].data_range = 0..body.body.len();
    commit(&*store, body.clone()).await;
    let payload = store.payloads(&[id("raw:1")]).await.unwrap().remove(0);
    assert_eq!((payload.body, payload.event.data_is_json), (Some(body.body), false));
}

pub(crate) async fn numbers_shown_by_a_body_are_in_the_directory(engine: &mut dyn Engine) {
    let store = engine.store();
    let entry = NumberEntry {
        app: "main".to_owned(),
        display_digits: "1555".to_owned(),
        phone_number_id: "106".to_owned(),
        waba_id: Some("102".to_owned()),
    };
    let mut body = Body::new().event("a", "1", "l", &[]).build(0);
    body.numbers.push(entry.clone());
    commit(&*store, body).await;
    assert_eq!(store.numbers().await.unwrap(), std::slice::from_ref(&entry));
    let unsure = NumberEntry { waba_id: None, ..entry.clone() };
    store.put_numbers(vec![unsure]).await.unwrap();
    assert_eq!(store.numbers().await.unwrap(), [entry]);
}

pub(crate) async fn of_copies_committed_at_once_one_is_new(engine: &mut dyn Engine) {
    let store = engine.store();
    let committing: Vec<_> = (0..20)
        .map(|_| {
            let store = Arc::clone(&store);
            let body = Body::new().event("a", "1", "l", &[]).build(0);
            tokio::spawn(async move { commit(&*store, body).await.events[0] })
        })
        .collect();
    let mut new = 0;
    for task in committing {
        new += usize::from(task.await.unwrap() == EventOutcome::New);
    }
    assert_eq!(new, 1);
}

pub(crate) async fn a_notification_is_owed_as_a_whole_once_with_its_first_new_event(engine: &mut dyn Engine) {
    let store = engine.store();
    let (whole, each) = (put(&*store, endpoint("whole")).await, put(&*store, endpoint("each")).await);
    let to = [whole, each];
    let known = Body::new().event("a", "1", "l", &[]).build(2);
    commit(&*store, known).await;
    let mut body = Body::new().event("a", "1", "l", &to).event("b", "2", "l", &to).event("c", "3", "m", &to).build(2);
    body.whole_to = vec![whole];
    let committed = commit(&*store, body.clone()).await;
    assert_eq!(committed.events, [EventOutcome::Duplicate, EventOutcome::New, EventOutcome::New]);
    let first: Vec<_> = claim(&*store, NOW).await.into_iter().map(|claim| (claim.endpoint, claim.event)).collect();
    assert_eq!(first.iter().filter(|(endpoint, _)| *endpoint == whole).collect::<Vec<_>>(), [&(whole, id("b"))]);
    assert_eq!(first.iter().filter(|(endpoint, _)| *endpoint == each).count(), 2);
    assert_eq!(store.counts().await.unwrap().unrouted, 1, "only the one that nobody wanted at first");
    drop(store);
    for _ in 0..2 {
        let payloads = engine.store().payloads(&[id("b"), id("c")]).await.unwrap();
        assert_eq!((&payloads[0].event.whole_to, &payloads[1].event.whole_to), (&vec![whole], &Vec::new()));
        assert_eq!(payloads[0].signature, body.signature);
        assert_eq!(payloads[0].body.as_ref(), Some(&body.body));
        engine.reopen().await;
    }
    assert_eq!(of(&*engine.store(), "whole").await.owed, 1);
}

pub(crate) async fn a_notification_without_news_is_owed_as_a_whole_to_nobody(engine: &mut dyn Engine) {
    let store = engine.store();
    let whole = put(&*store, endpoint("whole")).await;
    commit(&*store, Body::new().event("a", "1", "l", &[]).build(1)).await;
    let mut body = Body::new().event("a", "1", "l", &[whole]).build(1);
    body.whole_to = vec![whole];
    assert_eq!(commit(&*store, body).await.events, [EventOutcome::Duplicate]);
    assert!(claim(&*store, NOW).await.is_empty());
}
