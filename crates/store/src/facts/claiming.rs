//! Facts about claims and what comes of them.

use std::collections::HashSet;
use std::time::Duration;

use rules::delivery::DeliveryState;

use super::build::{
    Body, NOW, accept_all, accepted, claim, claim_one, commit, commit_lane, endpoint, events, id, of, put, retry,
    settle, until,
};
use super::engine::Engine;
use crate::record::{Claim, EndpointRecord, Settlement};
use crate::seam::Store;

pub(crate) async fn a_lane_gives_one_delivery_at_a_time_and_in_order(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 5, &[number]).await;
    commit_lane(&*store, "b", "m", 1, &[number]).await;
    let first = claim(&*store, NOW).await;
    assert_eq!(events(&first), [id("a0"), id("b0")]);
    assert!(claim(&*store, NOW).await.is_empty());
    settle(&*store, accepted(&first[0], NOW)).await;
    for n in 1..5 {
        let next = claim_one(&*store, NOW).await;
        assert_eq!(next.event, id(&format!("a{n}")));
        settle(&*store, accepted(&next, NOW)).await;
    }
}

pub(crate) async fn a_lane_goes_on_while_an_acceptance_is_being_written(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, EndpointRecord { concurrency_max: 2, ..endpoint("e") }).await;
    commit_lane(&*store, "a", "l", 4, &[number]).await;
    let first = claim_one(&*store, NOW).await;
    store.accepted(&first);
    let second = claim_one(&*store, NOW).await;
    assert_eq!(second.event, id("a1"));
    store.accepted(&second);
    assert!(claim(&*store, NOW).await.is_empty(), "what is not written counts as in flight");
    settle(&*store, accepted(&first, NOW)).await;
    let third = claim_one(&*store, NOW).await;
    assert_eq!(third.event, id("a2"));
    store.accepted(&third);
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    assert_eq!(claim_one(&*store, NOW).await.event, id("a1"), "what was not written is owed again, in its order");
}

pub(crate) async fn a_waiting_head_holds_its_lane_until_it_is_due(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 2, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    settle(&*store, retry(&head, NOW, NOW + 5_000, Some(NOW + 300_000))).await;
    let claims = store.claim(10, NOW + 4_999).await.unwrap();
    assert!(claims.claims.is_empty());
    assert_eq!(claims.next_due_at_ms, Some(NOW + 5_000));
    let again = claim_one(&*store, NOW + 5_000).await;
    assert_eq!((again.event, again.attempts, again.late), (id("a0"), 1, false));
    settle(&*store, accepted(&again, NOW)).await;
    assert_eq!(claim_one(&*store, NOW + 5_000).await.event, id("a1"));
}

/// Claims until something comes: setting a head aside is written down before its lane goes on.
async fn claim_next(store: &dyn Store, now_ms: i64) -> Claim {
    let found = std::sync::Mutex::new(Vec::new());
    until("a claim", || async {
        let mut claims = claim(store, now_ms).await;
        let mut found = found.lock().unwrap();
        found.append(&mut claims);
        !found.is_empty()
    })
    .await;
    let mut found = found.into_inner().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

pub(crate) async fn a_refused_head_is_set_aside_only_after_the_hold(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 3, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    settle(&*store, retry(&head, NOW, NOW + 60_000, Some(NOW + 10_000))).await;
    commit_lane(&*store, "b", "m", 1, &[number]).await;
    let other = claim_one(&*store, NOW).await;
    settle(&*store, accepted(&other, NOW)).await;
    assert!(claim(&*store, NOW + 9_999).await.is_empty(), "the hold is not over");
    let next = claim_next(&*store, NOW + 10_000).await;
    assert_eq!(next.event, id("a1"));
    settle(&*store, accepted(&next, NOW + 10_000)).await;
    assert!(store.delivery(head.delivery).await.unwrap().unwrap().late);
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    assert_eq!(claim_one(&*store, NOW + 10_000).await.event, id("a2"));
    let late = claim_one(&*store, NOW + 60_000).await;
    assert_eq!((late.event, late.late, late.attempts), (id("a0"), true, 1));
}

pub(crate) async fn a_head_holds_its_lane_while_the_endpoint_accepts_nothing(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "b", "m", 1, &[number]).await;
    let before = claim_one(&*store, NOW).await;
    settle(&*store, accepted(&before, NOW)).await;
    commit_lane(&*store, "a", "l", 2, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    settle(&*store, retry(&head, NOW, NOW + 60_000, Some(NOW + 10_000))).await;
    assert!(claim(&*store, NOW + 20_000).await.is_empty(), "what was accepted before does not count");
    commit_lane(&*store, "c", "m", 1, &[number]).await;
    let other = claim_one(&*store, NOW + 20_000).await;
    settle(&*store, accepted(&other, NOW + 20_000)).await;
    assert_eq!(claim_next(&*store, NOW + 20_000).await.event, id("a1"));
}

pub(crate) async fn a_lane_that_is_held_for_ever_is_never_passed(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 2, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    settle(&*store, retry(&head, NOW, NOW + 1_000_000, None)).await;
    commit_lane(&*store, "b", "m", 1, &[number]).await;
    let other = claim_one(&*store, NOW).await;
    settle(&*store, accepted(&other, NOW)).await;
    assert!(claim(&*store, NOW + 999_999).await.is_empty());
    assert_eq!(claim_one(&*store, NOW + 1_000_000).await.event, id("a0"));
}

pub(crate) async fn a_released_claim_is_due_at_once(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 2, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    store.release(vec![head.clone()]).await.unwrap();
    let again = claim_one(&*store, NOW).await;
    assert_eq!((again.event, again.attempts), (head.event, 0));
    assert!(again.fence > head.fence);
}

pub(crate) async fn a_lost_claim_cannot_settle(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 1, &[number]).await;
    let lost = claim_one(&*store, NOW).await;
    store.release(vec![lost.clone()]).await.unwrap();
    let held = claim_one(&*store, NOW).await;
    assert_eq!(store.settle(vec![accepted(&lost, NOW)]).await.unwrap(), [false]);
    store.release(vec![lost]).await.unwrap();
    assert!(claim(&*store, NOW).await.is_empty(), "nor can it release what another holds");
    let record = store.delivery(held.delivery).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts), (DeliveryState::Owed, 0));
    let twice = store.settle(vec![accepted(&held, NOW), accepted(&held, NOW)]).await.unwrap();
    assert_eq!(twice, [true, false], "a claim settles once");
    assert_eq!(store.counts().await.unwrap().accepted, 1);
}

pub(crate) async fn what_was_in_flight_is_owed_again_after_reopening(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 2, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    let again = claim_one(&*store, NOW).await;
    assert_eq!(again.event, head.event);
    assert_eq!(of(&*store, "e").await.owed, 2);
}

pub(crate) async fn a_settlement_with_time_goes_with_one_that_has_none(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, EndpointRecord { ordered: false, ..endpoint("e") }).await;
    commit_lane(&*store, "a", "l", 3, &[number]).await;
    let claims = claim(&*store, NOW).await;
    let long = Duration::from_secs(600);
    let patient = store.settle_in_company(vec![accepted(&claims[0], NOW)], long);
    let (patient, plain) = tokio::join!(biased; patient, store.settle(vec![accepted(&claims[1], NOW)]));
    assert_eq!((patient.unwrap(), plain.unwrap()), (vec![true], vec![true]));
    let alone = store.settle_in_company(vec![accepted(&claims[2], NOW)], Duration::from_millis(5));
    assert_eq!(alone.await.unwrap(), [true], "its time ends");
}

pub(crate) async fn a_settlement_is_durable(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 2, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    settle(&*store, accepted(&head, NOW)).await;
    let next = claim_one(&*store, NOW).await;
    settle(&*store, retry(&next, NOW, NOW + 5_000, None)).await;
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    assert!(claim(&*store, NOW + 4_999).await.is_empty());
    let again = claim_one(&*store, NOW + 5_000).await;
    assert_eq!((again.event, again.attempts, again.first_attempt_at_ms), (id("a1"), 1, Some(NOW)));
}

pub(crate) async fn unordered_endpoints_do_not_wait_for_a_lane(engine: &mut dyn Engine) {
    let store = engine.store();
    let unordered = EndpointRecord { ordered: false, ..endpoint("e") };
    let number = put(&*store, unordered).await;
    commit_lane(&*store, "a", "l", 20, &[number]).await;
    let claims = claim(&*store, NOW).await;
    accept_all(&*store, &claims, NOW).await;
    let rest = claim(&*store, NOW).await;
    let all: HashSet<_> = claims.iter().chain(&rest).map(|claim| claim.event).collect();
    assert!(claims.len() >= 8, "as many at once as the window holds");
    accept_all(&*store, &rest, NOW).await;
    let mut seen = all.len();
    loop {
        let more = claim(&*store, NOW).await;
        if more.is_empty() {
            break;
        }
        seen += more.len();
        accept_all(&*store, &more, NOW).await;
    }
    assert_eq!(seen, 20);
}

pub(crate) async fn no_endpoint_gets_more_at_once_than_it_allows(engine: &mut dyn Engine) {
    let store = engine.store();
    let narrow = EndpointRecord { concurrency_max: 2, ..endpoint("e") };
    let number = put(&*store, narrow).await;
    for n in 0..5 {
        commit_lane(&*store, &format!("a{n}."), &format!("lane {n}"), 1, &[number]).await;
    }
    let mut claims = claim(&*store, NOW).await;
    assert_eq!(claims.len(), 2);
    settle(&*store, accepted(&claims.remove(0), NOW)).await;
    assert_eq!(claim(&*store, NOW).await.len(), 1);
}

pub(crate) async fn claims_are_fair_between_endpoints(engine: &mut dyn Engine) {
    let store = engine.store();
    let busy = put(&*store, endpoint("busy")).await;
    let quiet = put(&*store, endpoint("quiet")).await;
    for n in 0..6 {
        commit_lane(&*store, &format!("b{n}."), &format!("lane {n}"), 1, &[busy]).await;
    }
    commit_lane(&*store, "q", "l", 1, &[quiet]).await;
    let claims = store.claim(2, NOW).await.unwrap().claims;
    let endpoints: HashSet<_> = claims.iter().map(|claim| claim.endpoint).collect();
    assert_eq!(endpoints, HashSet::from([busy, quiet]));
}

pub(crate) async fn a_backlog_beyond_the_window_is_claimed_in_order(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    let version = store.endpoints().await.unwrap().0;
    for n in 0..120 {
        let body = Body::new().event(&format!("a{n}"), "1", &format!("lane {}", n % 7), &[number]);
        commit(&*store, body.build(version)).await;
    }
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    let mut seen = vec![Vec::new(); 7];
    let mut more = 120;
    loop {
        let claims = claim(&*store, NOW).await;
        if claims.is_empty() {
            break;
        }
        // New ones come in while the old ones are read.
        let body = Body::new().event(&format!("a{more}"), "1", &format!("lane {}", more % 7), &[number]);
        if more < 160 {
            commit(&*store, body.build(version)).await;
            more += 1;
        }
        for claim in &claims {
            let n = (0..more).find(|n| id(&format!("a{n}")) == claim.event).unwrap();
            seen[n % 7].push(n);
        }
        accept_all(&*store, &claims, NOW).await;
    }
    for (lane, order) in seen.iter().enumerate() {
        assert_eq!(*order, (0..more).filter(|n| n % 7 == lane).collect::<Vec<_>>());
    }
    assert_eq!(of(&*store, "e").await.owed, 0);
}

pub(crate) async fn a_blocked_lane_does_not_stop_the_others(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "blocked", 1, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    settle(&*store, retry(&head, NOW, NOW + 1_000_000, None)).await;
    // Far more followers than the window holds.
    commit_lane(&*store, "f", "blocked", 40, &[number]).await;
    commit_lane(&*store, "b", "free", 10, &[number]).await;
    for n in 0..10 {
        let next = claim_one(&*store, NOW).await;
        assert_eq!(next.event, id(&format!("b{n}")));
        settle(&*store, accepted(&next, NOW)).await;
    }
    let head = claim_one(&*store, NOW + 1_000_000).await;
    settle(&*store, accepted(&head, NOW)).await;
    for n in 0..40 {
        let next = claim_one(&*store, NOW).await;
        assert_eq!(next.event, id(&format!("f{n}")));
        settle(&*store, accepted(&next, NOW)).await;
    }
    assert!(claim(&*store, NOW + 1_000_000).await.is_empty());
}

pub(crate) async fn claims_survive_a_refusal_of_the_disk(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 3, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    engine.fail_next_commit();
    assert!(store.settle(vec![accepted(&head, NOW)]).await.is_err());
    until("the store to be writable", || async { store.health().await.writable }).await;
    assert!(claim(&*store, NOW).await.is_empty(), "the claim is still out");
    settle(&*store, accepted(&head, NOW)).await;
    for n in 1..3 {
        let next = claim_one(&*store, NOW).await;
        assert_eq!(next.event, id(&format!("a{n}")));
        settle(&*store, accepted(&next, NOW)).await;
    }
}

pub(crate) async fn an_endpoint_that_asked_for_quiet_gets_nothing_before_its_time(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 1, &[number]).await;
    let asked = claim_one(&*store, NOW).await;
    let quiet = Settlement { endpoint_held_until_ms: Some(NOW + 60_000), ..retry(&asked, NOW, NOW + 5_000, None) };
    settle(&*store, quiet).await;
    commit_lane(&*store, "b", "m", 1, &[number]).await;
    assert!(claim(&*store, NOW + 59_999).await.is_empty());
    assert_eq!(claim(&*store, NOW + 60_000).await.len(), 2);
}
