//! Facts about look-ups and lists.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rules::delivery::{DeliveryState, EndReason, FailureClass};

use super::build::{Body, DAY, NOW, accepted, claim, claim_one, commit, commit_lane, endpoint, id, put, retry, settle};
use super::engine::Engine;
use crate::error::StoreError;
use crate::record::{EndpointNo, EventOutcome, EventRecord, LaneName, NewConversation, Retention, Settlement};
use crate::seam::{DeliveryQuery, EventQuery, Find, Store};

pub(crate) async fn an_event_is_found_by_each_of_its_names(engine: &mut dyn Engine) {
    let store = engine.store();
    let body = Body::new()
        .shaped("a", "1", &[], |event| {
            event.message_id = Some("wamid.1".to_owned());
            event.wa_id = Some("155".to_owned());
            event.user_id = Some("US.1".to_owned());
            event.parent_user_id = Some("EU.1".to_owned());
        })
        .shaped("b", "2", &[], |event| {
            event.phone_number_id = Some("107".to_owned());
            event.display_phone_number = None;
        });
    commit(&*store, body.build(0)).await;
    let contact = |name: &str| Find::Contact(name.to_owned());
    let number = |name: &str| Find::Number(name.to_owned());
    let message = Find::MessageId("wamid.1".to_owned());
    let of_a = [Find::Event(id("a")), message, contact("155"), contact("US.1"), contact("EU.1"), number("1555078")];
    for find in of_a {
        let found = store.find(find.clone()).await.unwrap();
        assert_eq!(keys(&found), ["a"], "{find:?}");
    }
    assert_eq!(keys(&store.find(number("107")).await.unwrap()), ["b"]);
    assert!(store.find(contact("wamid.1")).await.unwrap().is_empty());
    assert!(store.find(Find::Event(id("z"))).await.unwrap().is_empty());
}

pub(crate) async fn a_look_up_while_commits_go_on_finds_each_event_once(engine: &mut dyn Engine) {
    const EVENTS: usize = 300;
    let store = engine.store();
    let committed = Arc::new(AtomicUsize::new(0));
    let committing = tokio::spawn({
        let (store, committed) = (Arc::clone(&store), Arc::clone(&committed));
        async move {
            for n in 0..EVENTS {
                let body = Body::new().shaped(&format!("a{n:03}"), "1", &[], |event| {
                    event.wa_id = Some("155".to_owned());
                });
                commit(&*store, body.build(0)).await;
                committed.store(n + 1, Ordering::SeqCst);
            }
        }
    });
    let mut before = 0;
    while before < EVENTS {
        before = committed.load(Ordering::SeqCst);
        let found = store.find(Find::Contact("155".to_owned())).await.unwrap();
        let expected: Vec<_> = (0..found.len()).rev().map(|n| format!("a{n:03}")).collect();
        assert_eq!(keys(&found), expected, "each once, the newest first");
        assert!(found.len() >= before, "{} of {before}", found.len());
    }
    committing.await.unwrap();
}

pub(crate) async fn a_payload_is_the_same_now_and_after_reopening(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    let body = Body::new()
        .shaped("a", r#"{"a":1}"#, &[number], |event| {
            event.wa_id = Some("155".to_owned());
            event.user_id = Some("US.1".to_owned());
            event.message_id = Some("wamid.1".to_owned());
            event.test = true;
            let names = rules::lane::Names { phone: Some("155".to_owned()), ..rules::lane::Names::default() };
            event.lane = LaneName::Conversation(NewConversation {
                number: "106".to_owned(),
                names,
                ..NewConversation::default()
            });
        })
        .event("unrouted", "1", "l", &[])
        .event("a", r#"{"a":1}"#, "l", &[number])
        .event("c", "2", "l", &[number]);
    commit(&*store, body.build(1)).await;
    let ids = [id("c"), id("unrouted"), id("nobody"), id("a"), id("c")];
    let of = |payloads: Vec<crate::record::Payload>| -> Vec<_> {
        let uncounted = |payload: crate::record::Payload| {
            // Copies that came after the first need not be counted in a payload.
            let event = EventRecord { duplicates: 0, ..EventRecord::clone(&payload.event) };
            (event, payload.body)
        };
        payloads.into_iter().map(uncounted).collect()
    };
    let now = of(store.payloads(&ids).await.unwrap());
    assert_eq!(now.len(), 4);
    drop(store);
    engine.reopen().await;
    assert_eq!(of(engine.store().payloads(&ids).await.unwrap()), now);
}

pub(crate) async fn a_payload_is_of_the_newest_event_with_its_id(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    let at =
        |day: i64, data: &str, to: &[EndpointNo]| Body::new().event("a", data, "l", to).build_at(1, NOW + day * DAY);
    commit(&*store, at(0, "1", &[number])).await;
    let keys_go = Retention { body_days: 100, metadata_days: 100, key_days: 1, store_bytes_max: None };
    for day in 0..4 {
        while store.prune(keys_go, NOW + day * DAY).await.unwrap().more {}
    }
    assert_eq!(commit(&*store, at(4, "2", &[])).await.events, [EventOutcome::New]);
    let payload = store.payloads(&[id("a")]).await.unwrap().remove(0);
    assert_eq!(&payload.body.unwrap()[payload.event.data_range.clone()], b"2");
}

fn keys(events: &[EventRecord]) -> Vec<&str> {
    events.iter().map(|event| event.key.as_str()).collect()
}

pub(crate) async fn pages_by_cursor_show_each_row_once_while_commits_go_on(engine: &mut dyn Engine) {
    let store = engine.store();
    for n in 0..10 {
        // Several arrive in one millisecond, some late.
        let body = Body::new().event(&format!("a{n}"), "1", "l", &[]);
        commit(&*store, body.build_at(0, NOW + [0, 0, 2, 1, 1][n % 5])).await;
    }
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let query = EventQuery { cursor, limit: 3, ..EventQuery::default() };
        let page = store.events(query).await.unwrap();
        seen.extend(page.rows.into_iter().map(|event| event.key));
        let new = Body::new().event(&format!("later{}", seen.len()), "1", "l", &[]);
        commit(&*store, new.build_at(0, NOW + 10)).await;
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.first().unwrap(), "a7", "the newest comes first");
    seen.sort();
    assert_eq!(seen, (0..10).map(|n| format!("a{n}")).collect::<Vec<_>>());
}

pub(crate) async fn filters_leave_out_what_they_do_not_name(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    let early = Body::new().shaped("status", "1", &[number], |event| {
        event.event_type = "messages.status.read".to_owned();
        event.waba_id = Some("999".to_owned());
    });
    commit(&*store, early.build(1)).await;
    commit(&*store, Body::new().event("text", "1", "l", &[]).build_at(1, NOW + DAY)).await;
    let all = EventQuery::default;
    let cases = [
        (EventQuery { event_type: Some("messages.status.*".to_owned()), ..all() }, "status"),
        (EventQuery { event_type: Some("messages.text".to_owned()), ..all() }, "text"),
        (EventQuery { waba_id: Some("999".to_owned()), ..all() }, "status"),
        (EventQuery { unrouted: Some(true), ..all() }, "text"),
        (EventQuery { unrouted: Some(false), ..all() }, "status"),
        (EventQuery { since_ms: Some(NOW + 1), ..all() }, "text"),
        (EventQuery { until_ms: Some(NOW + DAY), ..all() }, "status"),
    ];
    for (query, key) in cases {
        let page = store.events(query.clone()).await.unwrap();
        assert_eq!(keys(&page.rows), [key], "{query:?}");
    }
    let other_app = EventQuery { app: Some("other".to_owned()), ..all() };
    assert!(store.events(other_app).await.unwrap().rows.is_empty());
}

async fn listed(store: &dyn Store, query: DeliveryQuery) -> usize {
    store.deliveries(query).await.unwrap().rows.len()
}

pub(crate) async fn deliveries_are_listed_by_endpoint_event_and_state(engine: &mut dyn Engine) {
    let store = engine.store();
    let one = put(&*store, endpoint("one")).await;
    let two = put(&*store, endpoint("two")).await;
    commit_lane(&*store, "a", "l", 2, &[one, two]).await;
    let claims = claim(&*store, NOW).await;
    assert_eq!(claims.len(), 2);
    let all = store.deliveries(DeliveryQuery::default()).await.unwrap().rows;
    assert_eq!(all.iter().filter(|delivery| delivery.in_flight).count(), 2);
    let dead = Settlement { state: DeliveryState::Dead(EndReason::PolicyExhausted), ..accepted(&claims[0], NOW) };
    settle(&*store, dead).await;
    settle(&*store, accepted(&claims[1], NOW)).await;
    let query = DeliveryQuery::default;
    let state = |state: &str| Some(state.to_owned());
    let dead_at = claims[0].endpoint;
    let cases = [
        (query(), 4),
        (DeliveryQuery { endpoint: Some(one), ..query() }, 2),
        (DeliveryQuery { event: Some(id("a1")), ..query() }, 2),
        (DeliveryQuery { event: Some(id("a1")), endpoint: Some(two), ..query() }, 1),
        (DeliveryQuery { state: state("owed"), ..query() }, 2),
        (DeliveryQuery { state: state("owed"), endpoint: Some(one), ..query() }, 1),
        (DeliveryQuery { state: state("dead"), ..query() }, 1),
        (DeliveryQuery { state: state("dead"), endpoint: Some(dead_at), ..query() }, 1),
        (DeliveryQuery { state: state("skipped"), ..query() }, 0),
        (DeliveryQuery { state: state("accepted"), event: Some(id("a0")), ..query() }, 1),
    ];
    for (query, count) in cases {
        assert_eq!(listed(&*store, query.clone()).await, count, "{query:?}");
    }
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.deliveries, counts.owed, counts.accepted, counts.dead), (4, 2, 1, 1));
}

pub(crate) async fn a_delivery_shows_its_attempts(engine: &mut dyn Engine) {
    let store = engine.store();
    let number = put(&*store, endpoint("e")).await;
    commit_lane(&*store, "a", "l", 1, &[number]).await;
    let claim = claim_one(&*store, NOW).await;
    let mut failed = retry(&claim, NOW, NOW + 1_000, None);
    failed.attempt.as_mut().unwrap().response_snippet = Some("ü".repeat(5_000));
    settle(&*store, failed).await;
    let again = claim_one(&*store, NOW + 1_000).await;
    assert_eq!((again.attempts, again.first_attempt_at_ms), (1, Some(NOW)));
    settle(&*store, accepted(&again, NOW + 1_000)).await;
    let record = store.delivery(claim.delivery).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts, record.endpoint.as_str()), (DeliveryState::Accepted, 2, "e"));
    assert_eq!(record.ended_at_ms, Some(NOW + 1_005));
    let failures: Vec<_> = record.attempt_log.iter().map(|attempt| attempt.failure).collect();
    assert_eq!(failures, [Some(FailureClass::TheirAnswer), None]);
    assert_eq!(record.attempt_log[0].response_snippet.as_ref().unwrap().len(), 4_096);
}

pub(crate) async fn a_cursor_that_the_store_did_not_give_is_refused(engine: &mut dyn Engine) {
    let store = engine.store();
    let cursor = Some("nonsense".to_owned());
    let events = store.events(EventQuery { cursor: cursor.clone(), ..EventQuery::default() }).await;
    assert!(matches!(events, Err(StoreError::BadCursor)));
    let deliveries = store.deliveries(DeliveryQuery { cursor, ..DeliveryQuery::default() }).await;
    assert!(matches!(deliveries, Err(StoreError::BadCursor)));
}
