//! Facts about endpoints that get nothing for a while: suspension, probes, clocks, backlogs, rates.

use rules::delivery::{DeliveryState, EndReason};

use super::build::{
    Body, NOW, accept_all, accepted, claim, claim_one, commit, commit_lane, endpoint, events, id, of, put, retry,
    set_state_at, settle,
};
use super::engine::Engine;
use crate::record::{BacklogLimit, Claim, EndpointNo, EndpointRecord, EndpointState, Settlement};
use crate::seam::{DeliveryQuery, Store};

const HOUR: i64 = 3_600_000;

/// An attempt that found nobody.
fn down(claim: &Claim, now_ms: i64, due_at_ms: i64) -> Settlement {
    Settlement { endpoint_down: true, ..retry(claim, now_ms, due_at_ms, Some(now_ms + 300_000)) }
}

async fn probe(store: &dyn Store, number: EndpointNo, now_ms: i64) -> Option<Claim> {
    store.probe(number, now_ms).await.unwrap()
}

pub(crate) async fn time_in_which_an_endpoint_stands_still_does_not_count(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 1, &[number]).await;
    let first = claim_one(&*store, NOW).await;
    assert_eq!((first.stood_still_ms, first.endpoint_stood_ms), (0, 0));
    settle(&*store, retry(&first, NOW, NOW + 5_000, None)).await;
    set_state_at(&*store, "e", EndpointState::Suspended, NOW + 10_000).await;
    set_state_at(&*store, "e", EndpointState::Paused, NOW + HOUR).await;
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    set_state_at(&*store, "e", EndpointState::Active, NOW + 2 * HOUR).await;
    let again = claim_one(&*store, NOW + 2 * HOUR).await;
    assert_eq!(again.first_attempt_at_ms, Some(NOW));
    assert_eq!(again.stood_still_ms, 2 * HOUR - 10_000);
    settle(&*store, retry(&again, NOW + 2 * HOUR, NOW + 2 * HOUR + 1, None)).await;
    let third = claim_one(&*store, NOW + 3 * HOUR).await;
    assert_eq!(third.stood_still_ms, 2 * HOUR - 10_000, "the clock goes on");
    settle(&*store, accepted(&third, NOW + 3 * HOUR)).await;
    commit_lane(&*store, "b", "l", 1, &[number]).await;
    let late = claim_one(&*store, NOW + 3 * HOUR).await;
    assert_eq!(late.stood_still_ms, 0, "what came after the standstill has not seen it");
}

pub(crate) async fn a_probe_takes_the_head_that_was_tried_least(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 2, &[number]).await;
    commit_lane(&*store, "b", "m", 2, &[number]).await;
    let claims = claim(&*store, NOW).await;
    settle(&*store, retry(&claims[0], NOW, NOW + HOUR, None)).await;
    settle(&*store, retry(&claims[1], NOW, NOW + HOUR, None)).await;
    commit_lane(&*store, "c", "n", 1, &[number]).await;
    set_state_at(&*store, "e", EndpointState::Suspended, NOW).await;
    assert!(claim(&*store, NOW + 2 * HOUR).await.is_empty(), "a suspended endpoint gets probes alone");
    let mut probed = Vec::new();
    for n in 1..=4 {
        let one = probe(&*store, number, NOW + n).await.unwrap();
        assert!(one.probe);
        assert_eq!(probe(&*store, number, NOW + n).await, None, "one probe at a time");
        probed.push(one.event);
        settle(&*store, down(&one, NOW + n, NOW + n)).await;
    }
    assert_eq!(probed, [id("c0"), id("a0"), id("b0"), id("c0")]);
}

pub(crate) async fn a_probe_that_finds_the_endpoint_down_is_not_counted(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 1, &[number]).await;
    let first = claim_one(&*store, NOW).await;
    settle(&*store, down(&first, NOW, NOW + 5_000)).await;
    set_state_at(&*store, "e", EndpointState::Suspended, NOW).await;
    for n in 1..=3 {
        let one = probe(&*store, number, NOW + n * HOUR).await.unwrap();
        assert_eq!((i64::from(one.attempts), i64::from(one.uncounted)), (n, n - 1));
        assert_eq!(one.stood_still_ms, n * HOUR, "no time has passed for the policy");
        settle(&*store, down(&one, NOW + n * HOUR, NOW + n * HOUR)).await;
    }
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    let refused = probe(&*store, number, NOW + 4 * HOUR).await.unwrap();
    assert_eq!((refused.attempts, refused.uncounted), (4, 3));
    settle(&*store, retry(&refused, NOW + 4 * HOUR, NOW + 4 * HOUR, None)).await;
    set_state_at(&*store, "e", EndpointState::Active, NOW + 4 * HOUR).await;
    let next = claim_one(&*store, NOW + 4 * HOUR).await;
    assert_eq!((next.attempts, next.uncounted), (5, 3), "a refusal counts");
}

pub(crate) async fn a_probe_finds_what_lies_on_disk_alone(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 3, &[number]).await;
    set_state_at(&*store, "e", EndpointState::Suspended, NOW).await;
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    let one = probe(&*store, number, NOW).await.unwrap();
    assert_eq!(one.event, id("a0"));
    settle(&*store, accepted(&one, NOW)).await;
    set_state_at(&*store, "e", EndpointState::Active, NOW).await;
    assert_eq!(claim_one(&*store, NOW).await.event, id("a1"));
}

pub(crate) async fn only_a_suspended_endpoint_is_probed(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 1, &[number]).await;
    for state in [EndpointState::Active, EndpointState::Paused, EndpointState::Disabled] {
        set_state_at(&*store, "e", state, NOW).await;
        assert_eq!(probe(&*store, number, NOW).await, None);
    }
    assert_eq!(probe(&*store, EndpointNo(99), NOW).await, None);
}

pub(crate) async fn what_failed_while_the_endpoint_was_down_is_due_when_it_goes_on(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    for (prefix, lane) in [("a", "l"), ("b", "m"), ("c", "n")] {
        commit_lane(&*store, prefix, lane, 2, &[number]).await;
    }
    let claims = claim(&*store, NOW).await;
    settle(&*store, retry(&claims[0], NOW, NOW + HOUR, None)).await;
    settle(&*store, down(&claims[2], NOW, NOW + HOUR)).await;
    settle(&*store, down(&claims[1], NOW, NOW + HOUR)).await;
    set_state_at(&*store, "e", EndpointState::Suspended, NOW).await;
    let one = probe(&*store, number, NOW).await.unwrap();
    settle(&*store, accepted(&one, NOW)).await;
    set_state_at(&*store, "e", EndpointState::Active, NOW + 1_000).await;
    let mut order = vec![one.event];
    loop {
        let claims = claim(&*store, NOW + 1_000).await;
        if claims.is_empty() {
            break;
        }
        order.extend(events(&claims));
        accept_all(&*store, &claims, NOW + 1_000).await;
    }
    assert_eq!(order[0], id("a0"), "of those tried as often, the oldest is probed");
    assert_eq!(order.len(), 6, "an hour's gap holds up nobody: {order:?}");
    for lane in ["a", "b", "c"] {
        let [first, second] = [0, 1].map(|n| order.iter().position(|event| *event == id(&format!("{lane}{n}"))));
        assert!(first < second, "{order:?}");
    }
}

pub(crate) async fn an_endpoint_that_comes_back_is_loaded_little_by_little(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    for n in 0..20 {
        commit_lane(&*store, &format!("a{n}-"), &format!("l{n}"), 1, &[number]).await;
    }
    set_state_at(&*store, "e", EndpointState::Suspended, NOW).await;
    let one = probe(&*store, number, NOW).await.unwrap();
    settle(&*store, accepted(&one, NOW)).await;
    set_state_at(&*store, "e", EndpointState::Active, NOW).await;
    let mut at_once = Vec::new();
    loop {
        let claims = claim(&*store, NOW).await;
        if claims.is_empty() {
            break;
        }
        at_once.push(claims.len());
        accept_all(&*store, &claims, NOW).await;
    }
    assert_eq!(at_once, [2, 4, 8, 5], "each acceptance makes room for one more");
}

pub(crate) async fn a_lane_is_not_passed_because_its_endpoint_stood_still(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 2, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    settle(&*store, retry(&head, NOW, NOW + 2 * HOUR, Some(NOW + 300_000))).await;
    set_state_at(&*store, "e", EndpointState::Paused, NOW + 1_000).await;
    set_state_at(&*store, "e", EndpointState::Active, NOW + HOUR).await;
    commit_lane(&*store, "b", "m", 1, &[number]).await;
    let other = claim_one(&*store, NOW + HOUR).await;
    assert_eq!(other.event, id("b0"));
    settle(&*store, accepted(&other, NOW + HOUR)).await;
    assert!(claim(&*store, NOW + HOUR + 298_999).await.is_empty(), "five minutes of its own have not passed");
    let claims = store.claim(1, NOW + HOUR + 298_999).await.unwrap();
    assert_eq!(claims.next_due_at_ms, Some(NOW + HOUR + 299_000), "then its lane goes on");
}

pub(crate) async fn the_oldest_beyond_a_backlog_limit_end_and_the_rest_goes_on_in_order(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    let version = store.endpoints().await.unwrap().0;
    for n in 0..6_i64 {
        let body = Body::new().event(&format!("a{n}"), "1", "l", &[number]).build_at(version, NOW + n * 1_000);
        commit(&*store, body).await;
    }
    let in_flight = claim_one(&*store, NOW).await;
    let limit = BacklogLimit { endpoint: number, created_before_ms: NOW + 2_500, bytes_max: None };
    let report = store.trim_backlogs(vec![limit], NOW + HOUR).await.unwrap();
    assert_eq!((report.ended, report.more), (vec![(number, 3)], false));
    assert_eq!(of(&*store, "e").await.owed, 3);
    let dead = store
        .deliveries(DeliveryQuery { state: Some("dead".to_owned()), limit: 10, ..DeliveryQuery::default() })
        .await
        .unwrap();
    assert!(dead.rows.iter().all(|row| row.state == DeliveryState::Dead(EndReason::BacklogLimit)));
    assert_eq!(dead.rows.len(), 3);
    assert_eq!(store.settle(vec![accepted(&in_flight, NOW)]).await.unwrap(), [false], "it has ended already");
    for n in 3..6 {
        let next = claim_one(&*store, NOW).await;
        assert_eq!(next.event, id(&format!("a{n}")));
        settle(&*store, accepted(&next, NOW)).await;
    }
    assert_eq!(of(&*store, "e").await.owed, 0);
    assert_eq!(store.counts().await.unwrap().owed, 0);
}

pub(crate) async fn a_backlog_keeps_no_more_than_its_share_of_the_store(engine: &mut dyn Engine) {
    let store = engine.store();
    let (big, small) = (put(&*store, endpoint("big")).await, put(&*store, endpoint("small")).await);
    commit_lane(&*store, "a", "l", 30, &[big]).await;
    commit_lane(&*store, "b", "l", 3, &[small]).await;
    let limit = |endpoint, bytes_max| BacklogLimit { endpoint, created_before_ms: 0, bytes_max };
    let wide = vec![limit(big, Some(u64::MAX)), limit(small, None)];
    assert!(store.trim_backlogs(wide, NOW).await.unwrap().ended.is_empty());
    let report = store.trim_backlogs(vec![limit(big, Some(0)), limit(small, Some(u64::MAX))], NOW).await.unwrap();
    assert_eq!(report.ended, [(big, 30)]);
    assert_eq!(events(&claim(&*store, NOW).await), [id("b0")]);
}

pub(crate) async fn no_endpoint_gets_more_in_a_second_than_its_rate(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, EndpointRecord { rate_per_second_max: Some(20), ..endpoint("slow") }).await;
    for n in 0..50 {
        commit_lane(&*store, &format!("a{n}-"), &format!("l{n}"), 1, &[number]).await;
    }
    let mut begun = Vec::new();
    for now_ms in (NOW..NOW + 2_000).step_by(10) {
        let claims = claim(&*store, now_ms).await;
        accept_all(&*store, &claims, now_ms).await;
        begun.extend(claims.iter().map(|_| now_ms));
    }
    let in_first_second = begun.iter().filter(|at| **at < NOW + 1_000).count();
    assert!((20..=23).contains(&in_first_second), "{in_first_second} in the first second");
    assert!((39..=43).contains(&begun.len()), "{} in two seconds", begun.len());
}
