//! Facts about endpoints and the small registers.

use rules::delivery::{DeliveryState, EndReason};
use rules::route::Labelled;

use super::build::{
    Body, NOW, accept_all, accepted, claim, claim_one, commit, commit_lane, endpoint, events, id, of, put, set_state,
    settle, until,
};
use super::engine::Engine;
use crate::error::{CommitError, StoreError};
use crate::labels::LabelsOf;
use crate::record::{ApiKeyRecord, EndpointRecord, EndpointState, EventOutcome};
use crate::seam::{DeliveryQuery, EndpointChange, EventQuery};

pub(crate) async fn a_paused_endpoint_gets_nothing_and_then_everything_in_order(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 2, &[number]).await;
    let held = claim_one(&*store, NOW).await;
    for state in [EndpointState::Paused, EndpointState::Suspended, EndpointState::Disabled] {
        set_state(&*store, "e", state).await;
        assert!(claim(&*store, NOW).await.is_empty());
    }
    settle(&*store, accepted(&held, NOW)).await;
    commit_lane(&*store, "b", "l", 20, &[number]).await;
    assert!(claim(&*store, NOW).await.is_empty());
    assert_eq!(of(&*store, "e").await.owed, 21);
    set_state(&*store, "e", EndpointState::Active).await;
    let mut order = Vec::new();
    for _ in 0..21 {
        let next = claim_one(&*store, NOW).await;
        settle(&*store, accepted(&next, NOW)).await;
        order.push(next.event);
    }
    let names = std::iter::once("a1".to_owned()).chain((0..20).map(|n| format!("b{n}")));
    assert_eq!(order, names.map(|name| id(&name)).collect::<Vec<_>>());
}

pub(crate) async fn a_batch_routed_by_an_old_version_is_refused_and_leaves_nothing(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    put(&*store, endpoint("f")).await;
    let old = Body::new().event("a", "1", "l", &[number]).build(1);
    let new = Body::new().event("b", "1", "l", &[number]).build(2);
    let (old_answer, new_answer) = tokio::join!(store.commit(vec![old.clone()]), store.commit(vec![new]));
    assert!(matches!(old_answer, Err(CommitError::RoutesMoved { current: 2 })), "{old_answer:?}");
    assert_eq!(new_answer.unwrap()[0].events, [EventOutcome::New]);
    assert_eq!(store.events(EventQuery::default()).await.unwrap().rows.len(), 1);
    assert_eq!(events(&claim(&*store, NOW).await), [id("b")]);
    let again = crate::NewNotification { routes_version: 2, ..old };
    assert_eq!(commit(&*store, again).await.events, [EventOutcome::New]);
}

pub(crate) async fn removing_an_endpoint_ends_what_it_is_owed(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 12, &[number]).await;
    let held = claim_one(&*store, NOW).await;
    let remove = EndpointChange::Remove { id: "e".to_owned(), if_revision: None };
    store.change_endpoints(vec![remove], NOW).await.unwrap();
    assert!(claim(&*store, NOW).await.is_empty());
    assert!(store.endpoints().await.unwrap().1.is_empty());
    until("all to end", || async { store.counts().await.unwrap().owed == 0 }).await;
    assert_eq!(store.settle(vec![accepted(&held, NOW)]).await.unwrap(), [false]);
    let page = store.deliveries(DeliveryQuery::default()).await.unwrap();
    let ended = DeliveryState::Dead(EndReason::EndpointRemoved);
    assert!(page.rows.iter().all(|delivery| delivery.state == ended && delivery.endpoint == "e"));
    let again = put(&*store, endpoint("e")).await;
    assert_ne!(again, number, "a number is never reused");
}

pub(crate) async fn a_change_with_an_old_revision_is_refused_whole(engine: &mut dyn Engine) {
    let store = engine.store();
    put(&*store, endpoint("e")).await;
    let change = |id: &str, if_revision| EndpointChange::Put { endpoint: endpoint(id), if_revision };
    let stale = vec![change("new", None), change("e", Some(7))];
    let refused = store.change_endpoints(stale, NOW).await;
    assert!(matches!(refused, Err(StoreError::VersionConflict)), "{refused:?}");
    let (version, endpoints) = store.endpoints().await.unwrap();
    assert_eq!((version, endpoints.len()), (1, 1));
    assert!(matches!(store.change_endpoints(vec![change("e", None)], NOW).await, Err(StoreError::VersionConflict)));
    assert_eq!(store.change_endpoints(vec![change("e", Some(1))], NOW).await.unwrap(), 2);
    assert_eq!(of(&*store, "e").await.revision, 2);
    let missing = EndpointChange::Remove { id: "z".to_owned(), if_revision: None };
    assert!(matches!(store.change_endpoints(vec![missing], NOW).await, Err(StoreError::NotFound { .. })));
}

pub(crate) async fn a_change_judged_by_older_endpoints_is_refused_whole(engine: &mut dyn Engine) {
    let store = engine.store();
    put(&*store, endpoint("e")).await;
    let (version, _) = store.endpoints().await.unwrap();
    assert_eq!(store.endpoints_version().await.unwrap(), version);
    let made = |id: &str, version| {
        vec![EndpointChange::Put { endpoint: endpoint(id), if_revision: None }, EndpointChange::At { version }]
    };
    assert_eq!(store.change_endpoints(made("f", version), NOW).await.unwrap(), version + 1);
    let refused = store.change_endpoints(made("g", version), NOW).await;
    assert!(matches!(refused, Err(StoreError::VersionConflict)), "{refused:?}");
    assert_eq!(store.endpoints().await.unwrap().1.len(), 2);
    assert_eq!(store.endpoints_version().await.unwrap(), version + 1);
}

pub(crate) async fn an_endpoint_that_turns_unordered_gives_its_lanes_at_once(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 4, &[number]).await;
    let head = claim_one(&*store, NOW).await;
    let unordered = EndpointRecord { ordered: false, ..endpoint("e") };
    put(&*store, unordered).await;
    let rest = claim(&*store, NOW).await;
    assert_eq!(events(&rest), [id("a1"), id("a2"), id("a3")]);
    settle(&*store, accepted(&head, NOW)).await;
    accept_all(&*store, &rest, NOW).await;
    assert_eq!(of(&*store, "e").await.owed, 0);
}

pub(crate) async fn settings_and_api_keys_read_back(engine: &mut dyn Engine) {
    let store = engine.store();
    assert_eq!(store.setting("check").await.unwrap(), None);
    store.put_setting("check", "1").await.unwrap();
    store.put_setting("check", "2").await.unwrap();
    let key = ApiKeyRecord {
        id: "key_1".to_owned(),
        name: "ops".to_owned(),
        hash: [7; 32],
        scope: "admin".to_owned(),
        owner: String::new(),
        created_at_ms: NOW,
        revoked_at_ms: None,
    };
    store.put_api_key(key.clone()).await.unwrap();
    let revoked = ApiKeyRecord { revoked_at_ms: Some(NOW), ..key };
    store.put_api_key(revoked.clone()).await.unwrap();
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    assert_eq!(store.setting("check").await.unwrap().as_deref(), Some("2"));
    assert_eq!(store.api_keys().await.unwrap(), [revoked]);
}

pub(crate) async fn labels_are_replaced_whole_and_move_the_routes_on(engine: &mut dyn Engine) {
    let store = engine.store();
    let of = |on, id: &str, labels: &[&str]| LabelsOf {
        on,
        id: id.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    };
    let first = vec![of(Labelled::Waba, "10", &["acme", "gold"]), of(Labelled::Number, "10", &["beta"])];
    assert_eq!(store.put_labels(first.clone()).await.unwrap(), 1);
    assert_eq!(store.labels().await.unwrap(), first);
    let old = Body::new().event("a", "1", "l", &[]).build(0);
    assert!(matches!(store.commit(vec![old]).await, Err(CommitError::RoutesMoved { current: 1 })));
    let second = vec![of(Labelled::Waba, "10", &["silver"]), of(Labelled::Number, "10", &[])];
    assert_eq!(store.put_labels(second).await.unwrap(), 2);
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    assert_eq!(store.labels().await.unwrap(), [of(Labelled::Waba, "10", &["silver"])]);
    assert_eq!(store.endpoints().await.unwrap().0, 2);
}
