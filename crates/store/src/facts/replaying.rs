//! Facts about replays.

use std::sync::Arc;

use rules::delivery::{DeliveryState, EndReason};
use rules::limits::{REPLAY_OWED_MAX, REPLAYS_OPEN_MAX};

use super::build::{
    Body, DAY, NOW, accept_all, accepted, claim, claim_one, commit, commit_lane, endpoint, events, id, of, put,
    set_state, until,
};
use super::engine::Engine;
use crate::error::StoreError;
use crate::record::{Claim, EndpointNo, EndpointState, Retention, Settlement};
use crate::replay::{NewReplay, ReplayFilter, ReplayNo, ReplayOf, ReplayRecord, ReplayState, Steer};
use crate::seam::{DeliveryQuery, EndpointChange, Store};

fn failed() -> ReplayFilter {
    ReplayFilter { dead: true, skipped: true, ..ReplayFilter::default() }
}

fn of_deliveries(filter: ReplayFilter) -> NewReplay {
    NewReplay {
        of: ReplayOf::Deliveries,
        filter,
        to: None,
        as_new: false,
        per_second: None,
        starts: false,
        request_json: "{}".to_owned(),
        made_by: "anna".to_owned(),
        idempotency_key: None,
    }
}

/// Makes a replay and counts it to the end.
async fn planned(store: &dyn Store, new: NewReplay) -> ReplayRecord {
    let made = store.make_replay(new, NOW).await.unwrap();
    counted(store, made.number).await
}

async fn counted(store: &dyn Store, number: ReplayNo) -> ReplayRecord {
    loop {
        let record = store.count_replay(number, NOW).await.unwrap();
        if record.state != ReplayState::Counting {
            return record;
        }
    }
}

async fn start(store: &dyn Store, number: ReplayNo) {
    let record = store.steer_replay(number, Steer::Start, "anna", NOW).await.unwrap();
    assert_eq!(record.state, ReplayState::Running);
}

/// Ends what can be claimed as dead.
async fn bury(store: &dyn Store, claims: &[Claim], state: DeliveryState) {
    let end = |claim| Settlement { state, ..accepted(claim, NOW) };
    let taken = store.settle(claims.iter().map(end).collect()).await.unwrap();
    assert!(taken.iter().all(|taken| *taken));
}

const DEAD: DeliveryState = DeliveryState::Dead(EndReason::PolicyExhausted);
const SKIPPED: DeliveryState = DeliveryState::Skipped(EndReason::TooOld);

/// Buries everything that an endpoint is owed.
async fn bury_all(store: &dyn Store) {
    loop {
        let claims = claim(store, NOW).await;
        if claims.is_empty() {
            return;
        }
        bury(store, &claims, DEAD).await;
    }
}

/// Runs a replay and accepts what it makes; gives the claims in their order.
async fn run(store: &dyn Store, number: ReplayNo) -> Vec<Claim> {
    let mut order = Vec::new();
    loop {
        let record = store.advance_replay(number, 1_000, NOW).await.unwrap();
        let claims = claim(store, NOW).await;
        accept_all(store, &claims, NOW).await;
        if claims.is_empty() && record.state != ReplayState::Running {
            return order;
        }
        order.extend(claims);
    }
}

pub(crate) async fn a_count_that_was_told_holds_whatever_arrives_or_ends_later(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 5, &[number]).await;
    bury_all(&*store).await;
    commit_lane(&*store, "b", "m", 1, &[number]).await;
    let owed = claim_one(&*store, NOW).await;
    let made = store.make_replay(of_deliveries(failed()), NOW).await.unwrap();
    assert_eq!((made.state, made.matched), (ReplayState::Counting, 0));
    commit_lane(&*store, "c", "n", 3, &[number]).await;
    bury_all(&*store).await;
    let plan = counted(&*store, made.number).await;
    assert_eq!((plan.state, plan.matched), (ReplayState::Planned, 5));
    bury(&*store, &[owed], DEAD).await;
    start(&*store, plan.number).await;
    let replayed = run(&*store, plan.number).await;
    assert_eq!(events(&replayed), (0..5).map(|n| id(&format!("a{n}"))).collect::<Vec<_>>());
    let done = store.replay(plan.number).await.unwrap().unwrap();
    assert_eq!((done.state, done.matched, done.made, done.outcomes.accepted), (ReplayState::Done, 5, 5, 5));
    let steps: Vec<(&str, &str)> = done.steps.iter().map(|step| (step.who.as_str(), step.what.as_str())).collect();
    assert_eq!(steps[..3], [("anna", "made"), ("", "counted"), ("anna", "started")]);
}

pub(crate) async fn a_replay_goes_on_after_reopening_and_makes_nothing_twice(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 30, &[number]).await;
    bury_all(&*store).await;
    let new = NewReplay { starts: true, as_new: true, ..of_deliveries(failed()) };
    let made = store.make_replay(new, NOW).await.unwrap().number;
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    assert_eq!(store.busy_replays().await.unwrap().len(), 1);
    assert_eq!(counted(&*store, made).await.state, ReplayState::Running);
    let some = store.advance_replay(made, 12, NOW).await.unwrap();
    assert_eq!((some.made, some.state), (12, ReplayState::Running));
    let first = claim_one(&*store, NOW).await;
    assert!(first.replay.is_some_and(|mark| mark.replay == made && mark.as_new));
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    let replayed = run(&*store, made).await;
    assert_eq!(events(&replayed), (0..30).map(|n| id(&format!("a{n}"))).collect::<Vec<_>>());
    assert!(replayed.iter().all(|claim| claim.replay.is_some_and(|mark| mark.replay == made && mark.as_new)));
    let page = store.deliveries(DeliveryQuery::default()).await.unwrap();
    assert_eq!(page.rows.iter().filter(|row| row.replay == Some(made)).count(), 30);
    assert!(store.busy_replays().await.unwrap().is_empty());
    assert_eq!(store.counts().await.unwrap().owed, 0);
}

pub(crate) async fn a_refused_commit_leaves_a_replay_as_it_was(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 4, &[number]).await;
    bury_all(&*store).await;
    let plan = planned(&*store, of_deliveries(failed())).await;
    start(&*store, plan.number).await;
    engine.fail_next_commit();
    store.advance_replay(plan.number, 10, NOW).await.unwrap_err();
    until("the store to be writable", || async { store.health().await.writable }).await;
    let replayed = run(&*store, plan.number).await;
    assert_eq!(events(&replayed), (0..4).map(|n| id(&format!("a{n}"))).collect::<Vec<_>>());
}

pub(crate) async fn the_same_replay_made_twice_repeats_nothing(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 3, &[number]).await;
    bury_all(&*store).await;
    let first = planned(&*store, of_deliveries(failed())).await;
    start(&*store, first.number).await;
    store.advance_replay(first.number, 10, NOW).await.unwrap();
    assert_eq!(planned(&*store, of_deliveries(failed())).await.matched, 0, "they are owed again");
    accept_all(&*store, &[claim_one(&*store, NOW).await], NOW).await;
    bury_all(&*store).await;
    let second = planned(&*store, of_deliveries(failed())).await;
    assert_eq!(second.matched, 2, "what died again, and each event once");
    let all = ReplayFilter { accepted: true, ..failed() };
    assert_eq!(planned(&*store, of_deliveries(all)).await.matched, 3);
}

pub(crate) async fn a_replay_repeats_what_its_filter_names(engine: &mut dyn Engine) {
    let store = engine.store();
    let (e, f) = (put(&*store, endpoint("e")).await, put(&*store, endpoint("f")).await);
    let version = store.endpoints().await.unwrap().0;
    let body = Body::new().shaped("text", "1", &[e, f], |event| event.waba_id = Some("10".to_owned())).shaped(
        "read",
        "2",
        &[e],
        |event| {
            event.event_type = "messages.status.read".to_owned();
            event.phone_number_id = Some("7".to_owned());
        },
    );
    commit(&*store, body.build_at(version, NOW)).await;
    let later = Body::new().shaped("call", "3", &[f], |event| {
        (event.event_type, event.field) = ("calls.connect".to_owned(), "calls".to_owned());
    });
    commit(&*store, later.build_at(version, NOW + 1_000)).await;
    loop {
        let claims = claim(&*store, NOW).await;
        if claims.is_empty() {
            break;
        }
        for one in claims {
            bury(&*store, std::slice::from_ref(&one), if one.event == id("call") { SKIPPED } else { DEAD }).await;
        }
    }
    let rows = store.deliveries(DeliveryQuery::default()).await.unwrap().rows;
    let of_read = rows.iter().find(|row| row.event == id("read")).unwrap().number;
    let all = failed;
    for (filter, matched) in [
        (all(), 4),
        (ReplayFilter { endpoint: Some(e), ..all() }, 2),
        (ReplayFilter { skipped: false, ..all() }, 3),
        (ReplayFilter { dead: false, ..all() }, 1),
        (ReplayFilter { event_type: Some("messages.*".to_owned()), ..all() }, 3),
        (ReplayFilter { field: Some("calls".to_owned()), ..all() }, 1),
        (ReplayFilter { waba_id: Some("10".to_owned()), ..all() }, 2),
        (ReplayFilter { phone_number_id: Some("7".to_owned()), ..all() }, 1),
        (ReplayFilter { app: Some("other".to_owned()), ..all() }, 0),
        (ReplayFilter { since_ms: Some(NOW + 1_000), ..all() }, 1),
        (ReplayFilter { until_ms: Some(NOW + 1_000), ..all() }, 3),
        (ReplayFilter { since_ms: Some(NOW + 1_000), accepted: true, ..all() }, 1),
        (ReplayFilter { until_ms: Some(NOW + 1_000), accepted: true, ..all() }, 3),
        (ReplayFilter { events: vec![id("text"), id("nothing")], ..all() }, 2),
        (ReplayFilter { deliveries: vec![of_read], ..all() }, 1),
        (ReplayFilter { deliveries: vec![of_read], dead: false, ..all() }, 0),
    ] {
        let what = format!("{filter:?}");
        assert_eq!(planned(&*store, of_deliveries(filter)).await.matched, matched, "{what}");
    }
    // To another endpoint each event goes once.
    let g = put(&*store, endpoint("g")).await;
    assert_eq!(planned(&*store, NewReplay { to: Some(g), ..of_deliveries(all()) }).await.matched, 3);
}

pub(crate) async fn unrouted_events_go_to_an_endpoint_made_later(engine: &mut dyn Engine) {
    let store = engine.store();
    commit_lane(&*store, "a", "l", 20, &[]).await;
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "b", "l", 2, &[number]).await;
    let unrouted = NewReplay { of: ReplayOf::Unrouted, to: Some(number), ..of_deliveries(ReplayFilter::default()) };
    let made = store.make_replay(unrouted, NOW).await.unwrap();
    commit_lane(&*store, "late", "l", 3, &[]).await;
    let plan = counted(&*store, made.number).await;
    assert_eq!(plan.matched, 20, "what came after it was made is none of it");
    start(&*store, plan.number).await;
    let order = run(&*store, plan.number).await;
    let names = (0..2).map(|n| format!("b{n}")).chain((0..20).map(|n| format!("a{n}")));
    assert_eq!(events(&order), names.map(|name| id(&name)).collect::<Vec<_>>(), "behind what was owed already");
    let every = NewReplay { of: ReplayOf::Events, to: Some(number), ..of_deliveries(ReplayFilter::default()) };
    assert_eq!(planned(&*store, every).await.matched, 3);
}

pub(crate) async fn bodies_and_endpoints_that_are_gone_are_counted_and_told(engine: &mut dyn Engine) {
    let store = engine.store();
    let (e, f) = (put(&*store, endpoint("e")).await, put(&*store, endpoint("f")).await);
    commit_lane(&*store, "old", "l", 3, &[e]).await;
    bury_all(&*store).await;
    let version = store.endpoints().await.unwrap().0;
    for n in 0..2 {
        let body = Body::new().event(&format!("new{n}"), "1", "l", &[e, f]);
        commit(&*store, body.build_at(version, NOW + 3 * DAY)).await;
    }
    bury_all(&*store).await;
    let retention = Retention { body_days: 1, metadata_days: 30, key_days: 8, store_bytes_max: None };
    // The clock of retention moves a day at a time at most.
    let now = std::sync::atomic::AtomicI64::new(NOW + 3 * DAY);
    until("the old bodies to go", || async {
        let at = now.fetch_add(DAY / 4, std::sync::atomic::Ordering::Relaxed);
        store.prune(retention, at.min(NOW + 4 * DAY - 1)).await.unwrap();
        store.payloads(&[id("old2")]).await.unwrap()[0].body.is_none()
    })
    .await;
    let remove = EndpointChange::Remove { id: "f".to_owned(), if_revision: None };
    store.change_endpoints(vec![remove], NOW).await.unwrap();
    let plan = planned(&*store, of_deliveries(failed())).await;
    assert_eq!((plan.matched, plan.bodies_gone, plan.endpoints_gone), (7, 3, 2));
    start(&*store, plan.number).await;
    assert_eq!(events(&run(&*store, plan.number).await), [id("new0"), id("new1")]);
    let done = store.replay(plan.number).await.unwrap().unwrap();
    assert_eq!(done.made + done.bodies_gone + done.endpoints_gone, done.matched);
    assert_eq!(done.state, ReplayState::Done);
}

/// One notification with many events in lanes of their own, all dead.
async fn many_dead(store: &dyn Store, to: EndpointNo, count: usize) {
    let version = store.endpoints().await.unwrap().0;
    let body = (0..count).fold(Body::new(), |body, n| body.event(&format!("m{n}"), "1", &format!("lane {n}"), &[to]));
    commit(store, body.build(version)).await;
    bury_all(store).await;
}

pub(crate) async fn a_replay_is_never_further_ahead_than_its_share(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    many_dead(&*store, number, REPLAY_OWED_MAX + 200).await;
    let plan = planned(&*store, of_deliveries(failed())).await;
    start(&*store, plan.number).await;
    for _ in 0..20 {
        store.advance_replay(plan.number, 10_000, NOW).await.unwrap();
    }
    assert_eq!(of(&*store, "e").await.owed, REPLAY_OWED_MAX as u64);
    let claims = store.claim(50, NOW).await.unwrap().claims;
    accept_all(&*store, &claims, NOW).await;
    let record = store.advance_replay(plan.number, 10_000, NOW).await.unwrap();
    assert_eq!(record.made, (REPLAY_OWED_MAX + claims.len()) as u64);
}

pub(crate) async fn an_endpoint_that_takes_nothing_holds_up_no_other_in_a_replay(engine: &mut dyn Engine) {
    let store = engine.store();
    let (e, f) = (put(&*store, endpoint("e")).await, put(&*store, endpoint("f")).await);
    many_dead(&*store, e, REPLAY_OWED_MAX + 50).await;
    commit_lane(&*store, "a", "l", 120, &[f]).await;
    bury_all(&*store).await;
    set_state(&*store, "e", EndpointState::Paused).await;
    let plan = planned(&*store, of_deliveries(failed())).await;
    start(&*store, plan.number).await;
    let mut order = Vec::new();
    for _ in 0..30 {
        store.advance_replay(plan.number, 30, NOW).await.unwrap();
        let claims = claim(&*store, NOW).await;
        accept_all(&*store, &claims, NOW).await;
        order.extend(claims);
    }
    assert_eq!(events(&order), (0..order.len()).map(|n| id(&format!("a{n}"))).collect::<Vec<_>>());
    assert!(order.len() > 25, "one after the other has its turn: {}", order.len());
    set_state(&*store, "e", EndpointState::Active).await;
    run(&*store, plan.number).await;
    let done = store.replay(plan.number).await.unwrap().unwrap();
    assert_eq!((done.state, done.made, done.outcomes.accepted), (ReplayState::Done, 670, 670));
}

pub(crate) async fn a_replay_that_is_paused_or_cancelled_makes_nothing_more(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 6, &[number]).await;
    bury_all(&*store).await;
    let plan = planned(&*store, of_deliveries(failed())).await;
    assert_eq!(store.advance_replay(plan.number, 10, NOW).await.unwrap().made, 0, "it is not started");
    start(&*store, plan.number).await;
    store.advance_replay(plan.number, 2, NOW).await.unwrap();
    let paused = store.steer_replay(plan.number, Steer::Pause, "bert", NOW).await.unwrap();
    assert_eq!(paused.state, ReplayState::Paused);
    assert_eq!(store.advance_replay(plan.number, 10, NOW).await.unwrap().made, 2);
    start(&*store, plan.number).await;
    store.advance_replay(plan.number, 1, NOW).await.unwrap();
    let cancelled = store.steer_replay(plan.number, Steer::Cancel, "bert", NOW).await.unwrap();
    assert_eq!((cancelled.state, cancelled.made), (ReplayState::Cancelled, 3));
    assert_eq!(store.advance_replay(plan.number, 10, NOW).await.unwrap().made, 3);
    let again = store.steer_replay(plan.number, Steer::Start, "bert", NOW).await.unwrap();
    assert_eq!(again.state, ReplayState::Cancelled);
    let steps = store.replay(plan.number).await.unwrap().unwrap().steps;
    assert!(steps.iter().any(|step| (step.who.as_str(), step.what.as_str()) == ("bert", "cancelled")));
}

pub(crate) async fn a_replay_made_again_with_its_key_is_found(engine: &mut dyn Engine) {
    let store = engine.store();
    let keyed = || NewReplay { idempotency_key: Some("k".to_owned()), ..of_deliveries(failed()) };
    let first = store.make_replay(keyed(), NOW).await.unwrap();
    assert_eq!(store.make_replay(keyed(), NOW + 1).await.unwrap(), first);
    let others: Arc<dyn Store> = engine.store();
    for _ in 1..REPLAYS_OPEN_MAX {
        others.make_replay(of_deliveries(failed()), NOW).await.unwrap();
    }
    let refused = others.make_replay(of_deliveries(failed()), NOW).await;
    assert!(matches!(refused, Err(StoreError::LimitReached { .. })), "{refused:?}");
    assert_eq!(store.replays(Some(ReplayNo(3)), 10).await.unwrap().len(), 2);
    let missing = store.steer_replay(ReplayNo(9_999), Steer::Start, "anna", NOW).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    assert!(store.replay(ReplayNo(9_999)).await.unwrap().is_none());
}
