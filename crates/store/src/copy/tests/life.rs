//! A store in which there is something of everything.

use std::sync::Arc;

use rules::delivery::{DeliveryState, EndReason};
use rules::identity::EventId;
use rules::lane::Names;
use rules::route::Labelled;

use crate::facts::build::{
    Body, DAY, NOW, accepted, claim, commit, commit_lane, endpoint, put, retry, set_state, settle,
};
use crate::labels::LabelsOf;
use crate::record::{
    ApiKeyRecord, EndpointNo, EndpointState, EventOutcome, LaneName, NewConversation, NewNotification, NumberEntry,
    Retention, Settlement,
};
use crate::replay::{NewReplay, ReplayFilter, ReplayOf, ReplayState, Steer};
use crate::seam::{EndpointChange, Store};

/// Keeps keys no longer than a day, and events.
const KEYS_GO: Retention = Retention { body_days: 100, metadata_days: 100, key_days: 1, store_bytes_max: None };
/// Keeps bodies and events for days, and keys.
const EVENTS_GO: Retention = Retention { body_days: 1, metadata_days: 15, key_days: 60, store_bytes_max: None };

/// The event's key has expired, and it is owed still.
pub(super) fn without_key(n: i64) -> NewNotification {
    Body::new().event(&format!("kept{n}"), "1", "k", &[]).build_at(0, NOW)
}

/// The event is gone, and its key is known.
pub(super) fn without_event(n: i64) -> NewNotification {
    Body::new().event(&format!("old{n}"), "1", "l", &[]).build_at(0, NOW)
}

/// Event and key are there.
pub(super) fn with_both() -> NewNotification {
    Body::new().event("copied", "{\"a\":1}", "l", &[]).build(0)
}

/// A copy of the same that differs, listed already.
pub(super) fn differing() -> NewNotification {
    Body::new().event("copied", "{\"a\":2}", "l", &[]).build(0)
}

/// The same as of the endpoints that are there.
pub(super) async fn again(store: &dyn Store, body: NewNotification) -> Vec<EventOutcome> {
    let routes_version = store.endpoints().await.unwrap().0;
    commit(store, NewNotification { routes_version, ..body }).await.events
}

async fn prune(store: &dyn Store, retention: Retention, days: std::ops::Range<i64>) {
    for day in days {
        while store.prune(retention, NOW + day * DAY).await.unwrap().more {}
    }
}

/// Lives it.
pub(super) async fn live(store: &dyn Store) {
    let sleeping = put(store, endpoint("sleeping")).await;
    old_times(store, sleeping).await;
    set_state(store, "sleeping", EndpointState::Paused).await;
    registers(store).await;
    let e = put(
        store,
        crate::record::EndpointRecord { definition_json: "{\"secret\":\"sealed\"}".to_owned(), ..endpoint("e") },
    )
    .await;
    let whole = put(store, endpoint("whole")).await;
    let free = put(store, crate::record::EndpointRecord { ordered: false, ..endpoint("free") }).await;
    bodies(store, &[e, whole, free]).await;
    ends(store, &[e, whole, free]).await;
    replays(store, e).await;
    let gone = put(store, endpoint("gone")).await;
    commit_lane(store, "gone", "g", 2, &[gone]).await;
    let change = EndpointChange::Remove { id: "gone".to_owned(), if_revision: None };
    store.change_endpoints(vec![change], NOW).await.unwrap();
    // What a removed endpoint was owed ends in slices of its own.
    crate::facts::build::until("the removed endpoint's deliveries to end", || async {
        let owed = crate::seam::DeliveryQuery {
            endpoint: Some(gone),
            state: Some("owed".to_owned()),
            limit: 9,
            ..Default::default()
        };
        store.deliveries(owed).await.unwrap().rows.is_empty()
    })
    .await;
}

async fn old_times(store: &dyn Store, sleeping: EndpointNo) {
    let version = store.endpoints().await.unwrap().0;
    for n in 0..3 {
        let body = Body::new().event(&format!("kept{n}"), "1", "k", &[sleeping]).build_at(version, NOW - 40 * DAY);
        commit(store, body).await;
    }
    prune(store, KEYS_GO, -39..-33).await;
    for n in 0..6 {
        let body = Body::new().event(&format!("old{n}"), "1", "l", &[]).build_at(version, NOW - 28 * DAY);
        commit(store, body).await;
    }
    prune(store, EVENTS_GO, -33..-9).await;
    assert!(store.find(crate::seam::Find::Event(EventId::derive("main", "old0"))).await.unwrap().is_empty());
}

async fn registers(store: &dyn Store) {
    store.put_setting("check", "sealed").await.unwrap();
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
    store.put_api_key(ApiKeyRecord { id: "key_2".to_owned(), revoked_at_ms: Some(NOW), ..key }).await.unwrap();
    let number = |digits: &str, waba_id: Option<&str>| NumberEntry {
        app: "main".to_owned(),
        display_digits: digits.to_owned(),
        phone_number_id: "106".to_owned(),
        waba_id: waba_id.map(str::to_owned),
    };
    store.put_numbers(vec![number("1555078", Some("102")), number("1555079", None)]).await.unwrap();
    let labels = |on, id: &str| LabelsOf { on, id: id.to_owned(), labels: vec!["acme".to_owned(), "gold".to_owned()] };
    store.put_labels(vec![labels(Labelled::Waba, "102"), labels(Labelled::Number, "106")]).await.unwrap();
}

/// Bodies of every kind.
async fn bodies(store: &dyn Store, to: &[EndpointNo; 3]) {
    let version = store.endpoints().await.unwrap().0;
    let named = Names {
        phone: Some("155".to_owned()),
        user_id: Some("US.1".to_owned()),
        parent_user_id: Some("EU.1".to_owned()),
    };
    for n in 0..4 {
        let names = named.clone();
        let body = Body::new().shaped(&format!("talk{n}"), "{\"t\":\"ä\"}", to, |event| {
            let number = "106".to_owned();
            event.lane = LaneName::Conversation(NewConversation { number, names, previous: Names::default() });
            (event.wa_id, event.user_id) = (Some("155".to_owned()), Some("US.1".to_owned()));
            event.parent_user_id = Some("EU.1".to_owned());
            event.message_id = Some(format!("m{n}"));
            event.problems_json = "[\"odd\"]".to_owned();
            event.test = n == 3;
        });
        commit(store, body.build(version)).await;
    }
    let mut whole = Body::new().event("w1", "1", "w", to).event("w2", "2", "w", to).build(version);
    whole.whole_to = vec![to[1]];
    commit(store, whole).await;
    let mut raw = Body::new().shaped("raw:1", "x", to, |event| event.data_is_json = false).build(version);
    raw.body = Arc::from(&b"\xff\x00 not JSON"[..]);
    raw.events[0].data_range = 0..raw.body.len();
    raw.events[0].occurred_at_seconds = None;
    raw.events[0].key_partition = -3;
    commit(store, raw).await;
    for body in [with_both(), with_both(), differing(), differing()] {
        again(store, body).await;
    }
    commit(store, Body::new().build(version)).await;
    commit_lane(store, "u", "u", 3, &[]).await;
    commit_lane(store, "a", "l", 6, to).await;
    commit_lane(store, "b", "m", 5, to).await;
}

/// What ends, what is tried again, what is held.
async fn ends(store: &dyn Store, to: &[EndpointNo; 3]) {
    let claims = claim(store, NOW).await;
    let of = |endpoint: EndpointNo| claims.iter().filter(move |claim| claim.endpoint == endpoint);
    let mut each = of(to[0]).chain(of(to[2]));
    let end = |claim, state| Settlement { state, ..accepted(claim, NOW + 1) };
    settle(store, accepted(each.next().unwrap(), NOW)).await;
    settle(store, retry(each.next().unwrap(), NOW, NOW + 60_000, Some(NOW + 90_000))).await;
    settle(store, end(each.next().unwrap(), DeliveryState::Dead(EndReason::PolicyExhausted))).await;
    settle(store, end(each.next().unwrap(), DeliveryState::Skipped(EndReason::TooOld))).await;
    for claim in each.by_ref().take(3) {
        settle(store, end(claim, DeliveryState::Dead(EndReason::PolicyExhausted))).await;
    }
    // The rest goes back; one that failed is tried once more, and fails again.
    store.release(each.cloned().chain(of(to[1]).cloned()).collect()).await.unwrap();
    let tried = claim(store, NOW + 70_000).await;
    let failed = tried.iter().find(|claim| claim.attempts == 1).unwrap();
    settle(store, retry(failed, NOW + 70_000, NOW + 200_000, None)).await;
    let rest = tried.iter().filter(|claim| claim.delivery != failed.delivery).cloned().collect();
    store.release(rest).await.unwrap();
}

async fn replays(store: &dyn Store, to: EndpointNo) {
    let make = |filter, of, to, request: &str| NewReplay {
        of,
        filter,
        to,
        as_new: false,
        per_second: Some(5),
        starts: false,
        request_json: request.to_owned(),
        made_by: "anna".to_owned(),
        idempotency_key: Some(request.to_owned()),
    };
    let failed = ReplayFilter { dead: true, skipped: true, ..ReplayFilter::default() };
    let unrouted = ReplayFilter::default();
    let steers = [vec![], vec![Steer::Start], vec![Steer::Cancel], vec![Steer::Start, Steer::Pause]];
    for (n, steers) in steers.into_iter().enumerate() {
        let new = match n % 2 {
            0 => make(failed.clone(), ReplayOf::Deliveries, None, &format!("[{n}]")),
            _ => make(unrouted.clone(), ReplayOf::Unrouted, Some(to), &format!("[{n}]")),
        };
        let number = store.make_replay(new, NOW).await.unwrap().number;
        while store.count_replay(number, NOW).await.unwrap().state == ReplayState::Counting {}
        for steer in steers {
            store.steer_replay(number, steer, "bert", NOW).await.unwrap();
        }
        if n == 1 {
            store.advance_replay(number, 1, NOW).await.unwrap();
        }
    }
}
