//! Facts about what people do to owed deliveries.

use rules::delivery::{DeliveryState, EndReason};

use super::build::{
    NOW, accept_all, accepted, claim, claim_one, commit_lane, endpoint, events, id, of, put, retry, settle,
};
use super::engine::Engine;
use crate::record::{DeliveryNo, Settlement};
use crate::replay::{HandSlice, OwedOf};
use crate::seam::{DeliveryQuery, Store};

const FIRST: DeliveryNo = DeliveryNo(0);

/// All slices of it.
async fn give_up(store: &dyn Store, of: OwedOf) -> u64 {
    let (mut from, mut changed) = (FIRST, 0);
    loop {
        let slice = store.give_up(of, from, NOW).await.unwrap();
        changed += slice.changed;
        match slice.next {
            Some(next) => from = next,
            None => return changed,
        }
    }
}

pub(crate) async fn what_waits_is_due_at_once_when_a_hand_says_so(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    for lane in ["l", "m", "n"] {
        commit_lane(&*store, lane, lane, 2, &[number]).await;
    }
    let heads = claim(&*store, NOW).await;
    for head in &heads {
        settle(&*store, retry(head, NOW, NOW + 60_000, Some(NOW + 300_000))).await;
    }
    assert!(claim(&*store, NOW).await.is_empty());
    let one = store.retry_now(OwedOf::Delivery(heads[1].delivery), FIRST).await.unwrap();
    assert_eq!(one, HandSlice { changed: 1, next: None });
    let now = claim_one(&*store, NOW).await;
    assert_eq!((now.delivery, now.attempts), (heads[1].delivery, 1));
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    assert_eq!(claim_one(&*store, NOW).await.delivery, heads[1].delivery, "also after a restart");
    store.retry_now(OwedOf::Endpoint(number), FIRST).await.unwrap();
    assert_eq!(events(&claim(&*store, NOW).await), [id("l0"), id("n0")]);
}

pub(crate) async fn a_hand_ends_the_quiet_that_an_endpoint_asked_for(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 1, &[number]).await;
    commit_lane(&*store, "b", "m", 1, &[number]).await;
    let first = claim(&*store, NOW).await.remove(0);
    let quiet = Settlement { endpoint_held_until_ms: Some(NOW + 60_000), ..retry(&first, NOW, NOW + 60_000, None) };
    settle(&*store, quiet).await;
    store.retry_now(OwedOf::Endpoint(number), FIRST).await.unwrap();
    assert_eq!(claim_one(&*store, NOW).await.event, id("a0"));
}

pub(crate) async fn what_is_given_up_is_dead_and_its_lane_goes_on(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 6, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    settle(&*store, retry(&head, NOW, NOW + 60_000, None)).await;
    assert_eq!(give_up(&*store, OwedOf::Delivery(head.delivery)).await, 1);
    assert_eq!(give_up(&*store, OwedOf::Delivery(head.delivery)).await, 0, "it has ended");
    let next = claim_one(&*store, NOW).await;
    assert_eq!(next.event, id("a1"));
    // One in the middle, and one that lies on disk alone.
    for n in [2, 5] {
        let rows = store.deliveries(DeliveryQuery { event: Some(id(&format!("a{n}"))), ..DeliveryQuery::default() });
        give_up(&*store, OwedOf::Delivery(rows.await.unwrap().rows[0].number)).await;
    }
    settle(&*store, accepted(&next, NOW)).await;
    for n in [3, 4] {
        let next = claim_one(&*store, NOW).await;
        assert_eq!(next.event, id(&format!("a{n}")));
        settle(&*store, accepted(&next, NOW)).await;
    }
    assert!(claim(&*store, NOW).await.is_empty());
    assert_eq!(of(&*store, "e").await.owed, 0);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.owed, counts.accepted, counts.dead), (0, 3, 3));
    let shown = store.delivery(head.delivery).await.unwrap().unwrap();
    assert_eq!((shown.state, shown.ended_at_ms), (DeliveryState::Dead(EndReason::GivenUp), Some(NOW)));
}

pub(crate) async fn what_is_given_up_in_flight_stays_given_up(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 2, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    give_up(&*store, OwedOf::Delivery(head.delivery)).await;
    assert!(claim(&*store, NOW).await.is_empty(), "its lane waits for the attempt");
    assert_eq!(store.settle(vec![accepted(&head, NOW)]).await.unwrap(), [false]);
    let next = claim_one(&*store, NOW).await;
    assert_eq!(next.event, id("a1"));
    accept_all(&*store, &[next], NOW).await;
    assert_eq!(of(&*store, "e").await.owed, 0);
}

pub(crate) async fn all_that_an_endpoint_is_owed_is_given_up(engine: &mut dyn Engine) {
    let store = engine.store();
    let (e, f) = (put(&*store, endpoint("e")).await, put(&*store, endpoint("f")).await);
    for lane in 0..4 {
        commit_lane(&*store, &format!("l{lane}-"), &format!("lane {lane}"), 10, &[e, f]).await;
    }
    assert_eq!(give_up(&*store, OwedOf::Endpoint(e)).await, 40);
    assert_eq!((of(&*store, "e").await.owed, of(&*store, "f").await.owed), (0, 40));
    let mut left = 0;
    loop {
        let claims = claim(&*store, NOW).await;
        if claims.is_empty() {
            break;
        }
        assert!(claims.iter().all(|claim| claim.endpoint == f));
        left += claims.len();
        accept_all(&*store, &claims, NOW).await;
    }
    assert_eq!(left, 40);
    commit_lane(&*store, "new", "lane 1", 1, &[e]).await;
    assert_eq!(claim_one(&*store, NOW).await.event, id("new0"));
}
