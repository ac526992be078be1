//! Facts about retention.

use super::build::{Body, DAY, NOW, accepted, claim_one, commit, commit_lane, endpoint, id, put, retry, settle};
use super::engine::Engine;
use crate::record::{EventOutcome, PruneReport, Retention};
use crate::seam::{Find, Store};

const RETENTION: Retention = Retention { body_days: 7, metadata_days: 30, key_days: 8, store_bytes_max: None };

/// Lets so many days pass, pruning each day until there is no more to prune.
async fn live(store: &dyn Store, days: std::ops::Range<i64>) -> PruneReport {
    let mut total = PruneReport::default();
    for day in days {
        loop {
            let report = store.prune(RETENTION, NOW + day * DAY).await.unwrap();
            total.bodies += report.bodies;
            total.events += report.events;
            total.keys += report.keys;
            if !report.more {
                break;
            }
        }
    }
    total
}

pub(crate) async fn nothing_owed_is_pruned(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 1, &[number]).await;
    let claim = claim_one(&*store, NOW).await;
    settle(&*store, retry(&claim, NOW, NOW + 50 * DAY, None)).await;
    let pruned = live(&*store, 0..45).await;
    assert_eq!((pruned.bodies, pruned.events), (0, 0));
    let full = Retention { store_bytes_max: Some(1), ..RETENTION };
    assert_eq!(store.prune(full, NOW + 45 * DAY).await.unwrap().bodies, 0);
    assert!(store.payloads(&[id("a0")]).await.unwrap()[0].body.is_some());
    let claim = claim_one(&*store, NOW + 50 * DAY).await;
    settle(&*store, accepted(&claim, NOW + 50 * DAY)).await;
    let pruned = live(&*store, 45..47).await;
    assert_eq!(pruned.events, 1, "what has ended goes");
}

pub(crate) async fn what_is_old_and_ended_is_pruned(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    let body = Body::new().event("a", "1", "l", &[number]).event("b", "1", "l", &[]).build(1);
    commit(&*store, body.clone()).await;
    commit(&*store, Body::new().event("a", "2", "l", &[]).build(1)).await;
    let claim = claim_one(&*store, NOW).await;
    settle(&*store, accepted(&claim, NOW)).await;
    assert_eq!(live(&*store, 0..8).await, PruneReport::default());
    assert_eq!(live(&*store, 8..20).await.bodies, 2);
    let payload = store.payloads(&[id("a")]).await.unwrap().remove(0);
    assert!(payload.body.is_none() && payload.event.key == "a");
    assert_eq!(live(&*store, 20..32).await.events, 2);
    assert!(store.find(Find::Event(id("a"))).await.unwrap().is_empty());
    assert!(store.find(Find::Number("106".to_owned())).await.unwrap().is_empty());
    assert!(store.notification(body.id).await.unwrap().is_none());
    assert!(store.delivery(claim.delivery).await.unwrap().is_none());
}

pub(crate) async fn one_jump_of_the_clock_prunes_no_more_than_a_day(engine: &mut dyn Engine) {
    let store = engine.store();
    for day in 0..20 {
        let body = Body::new().event(&format!("a{day}"), "1", "l", &[]);
        commit(&*store, body.build_at(0, NOW + day * DAY)).await;
    }
    live(&*store, 19..20).await;
    let before = store.prune(RETENTION, NOW + 19 * DAY).await.unwrap();
    assert_eq!(before, PruneReport::default());
    let jumped = store.prune(RETENTION, NOW + 400 * DAY).await.unwrap();
    assert_eq!((jumped.bodies, jumped.events), (1, 0));
}

pub(crate) async fn a_key_outlives_its_event(engine: &mut dyn Engine) {
    let store = engine.store();
    let events_go = Retention { body_days: 1, metadata_days: 1, ..RETENTION };
    // Some are dropped right after they came, some later.
    for n in 0..10 {
        let body = || Body::new().event(&format!("a{n}"), "1", "l", &[]).build(0);
        commit(&*store, body()).await;
        for day in 0..4 {
            while store.prune(events_go, NOW + day * DAY).await.unwrap().more {}
        }
        assert!(store.find(Find::Event(id(&format!("a{n}")))).await.unwrap().is_empty());
        assert_eq!(commit(&*store, body()).await.events, [EventOutcome::Duplicate]);
    }
}

pub(crate) async fn a_key_lives_on_while_its_partition_sees_arrivals(engine: &mut dyn Engine) {
    let store = engine.store();
    let at = |day: i64| Body::new().event("a", "1", "l", &[]).build_at(0, NOW + day * DAY);
    commit(&*store, at(0)).await;
    live(&*store, 0..7).await;
    assert_eq!(commit(&*store, at(7)).await.events, [EventOutcome::Duplicate]);
    live(&*store, 7..15).await;
    assert_eq!(commit(&*store, at(14)).await.events, [EventOutcome::Duplicate]);
    live(&*store, 15..25).await;
    assert_eq!(commit(&*store, at(25)).await.events, [EventOutcome::New]);
}
