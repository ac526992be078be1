//! Two nodes on one database.

use std::sync::Arc;
use std::time::Duration;

use private_postgres::Server;

use crate::facts::build::{
    Body, DAY, NOW, accept_all, accepted, claim, commit, commit_lane, endpoint, events, id, of, put, retry, set_state,
    settle, until,
};
use crate::postgres::{Postgres, PostgresOptions, PostgresTuning};
use crate::record::{Claim, EndpointNo, EndpointState, EventOutcome};
use crate::seam::Store;

/// The longest attempt of these tests.
const ATTEMPT: Duration = Duration::from_millis(300);

/// A node whose leases are short.
async fn node(server: &Server) -> Postgres {
    let tuning = PostgresTuning {
        lease: Duration::from_secs(5),
        attempt: ATTEMPT,
        poll: Duration::from_millis(10),
        window: 8,
        lane_window: 3,
        ..PostgresTuning::default()
    };
    Postgres::open(PostgresOptions::parse(&server.url()).unwrap(), tuning).await.unwrap()
}

async fn two() -> Option<(Server, Postgres, Postgres)> {
    let server = private_postgres::server()?;
    let (one, other) = (node(&server).await, node(&server).await);
    Some((server, one, other))
}

/// Waits until a node owns an endpoint.
async fn owned_by(node: &Postgres, number: EndpointNo) {
    until("the node to own the endpoint", || async { node.owns(number) }).await;
}

/// An endpoint that is the node's.
async fn endpoint_of(node: &Postgres) -> EndpointNo {
    for n in 0.. {
        let number = put(node, endpoint(&format!("e{n}"))).await;
        if node.is_best_for(number).await {
            owned_by(node, number).await;
            return number;
        }
    }
    unreachable!("a node is best for some endpoint")
}

#[tokio::test]
async fn of_copies_committed_on_two_nodes_at_once_one_is_new() {
    let Some((_server, one, other)) = two().await else { return };
    for n in 0..10 {
        let body = |partition: i64, day: i64| {
            let body = Body::new().shaped(&format!("a{n}"), "1", &[], |event| event.key_partition = partition);
            body.build_at(0, NOW + day * DAY)
        };
        // The second arrives a day later, across the edge of a partition by day; its key keeps its place.
        let (first, second) = tokio::join!(commit(&one, body(20_513, 0)), commit(&other, body(20_513, 1)));
        let both = [first.events[0], second.events[0]];
        assert!(both.contains(&EventOutcome::New) && both.contains(&EventOutcome::Duplicate), "{both:?}");
        assert_eq!(commit(&other, body(20_513, 7)).await.events, [EventOutcome::Duplicate]);
    }
    assert_eq!(one.counts().await.unwrap().events, 10);
}

/// Claims on both nodes until a condition holds, and accepts what comes; gives it in its order.
async fn drain(nodes: [&Postgres; 2], count: usize) -> Vec<Claim> {
    let all = std::sync::Mutex::new(Vec::new());
    until("everything to be accepted", || async {
        for node in nodes {
            let claims = claim(node, NOW).await;
            accept_all(node, &claims, NOW).await;
            all.lock().unwrap().extend(claims);
        }
        all.lock().unwrap().len() >= count
    })
    .await;
    all.into_inner().unwrap()
}

#[tokio::test]
async fn what_both_nodes_commit_is_claimed_once_and_in_order() {
    let Some((_server, one, other)) = two().await else { return };
    let number = put(&one, endpoint("e")).await;
    let version = one.endpoints().await.unwrap().0;
    // Each is sent when the one before it was acknowledged, to the one node or the other.
    for n in 0..60 {
        let body = Body::new().event(&format!("a{n}"), "1", &format!("lane {}", n % 3), &[number]).build(version);
        let node = if n % 2 == 0 { &one } else { &other };
        assert_eq!(commit(node, body).await.events, [EventOutcome::New]);
    }
    let order = drain([&one, &other], 60).await;
    let places: Vec<usize> =
        order.iter().map(|claim| (0..60).find(|n| id(&format!("a{n}")) == claim.event).unwrap()).collect();
    for lane in 0..3 {
        let of_lane: Vec<usize> = places.iter().copied().filter(|n| n % 3 == lane).collect();
        assert_eq!(of_lane, (0..60).filter(|n| n % 3 == lane).collect::<Vec<_>>());
    }
    assert_eq!(one.counts().await.unwrap().owed, 0);
}

#[tokio::test]
async fn a_node_that_was_silent_for_its_lease_settles_nothing_more() {
    let Some((_server, one, other)) = two().await else { return };
    let number = endpoint_of(&one).await;
    let version = one.endpoints().await.unwrap().0;
    for n in 0..3 {
        commit(&one, Body::new().event(&format!("a{n}"), "1", "l", &[number]).build(version)).await;
    }
    let held = claim(&one, NOW).await.remove(0);
    assert!(one.may_begin(&held, ATTEMPT));
    one.freeze();
    assert!(claim(&other, NOW).await.is_empty(), "the lease has not ended");
    owned_by(&other, number).await;
    let again = claim(&other, NOW).await.remove(0);
    assert_eq!((again.event, again.delivery), (held.event, held.delivery));
    assert!(!one.may_begin(&held, ATTEMPT), "no request begins after the lease");
    assert_eq!(one.settle(vec![accepted(&held, NOW)]).await.unwrap(), [false], "another has it now");
    assert!(one.claim(10, NOW).await.unwrap().claims.is_empty(), "nor does it claim anything");
    settle(&other, accepted(&again, NOW)).await;
    assert_eq!(events(&drain([&other, &other], 2).await), [id("a1"), id("a2")]);
    assert_eq!(other.counts().await.unwrap().accepted, 3);
}

#[tokio::test]
async fn an_attempt_that_may_take_longer_begins_when_the_other_nodes_know() {
    let Some((_server, one, other)) = two().await else { return };
    let number = endpoint_of(&one).await;
    commit_lane(&one, "a", "l", 1, &[number]).await;
    let held = claim(&one, NOW).await.remove(0);
    assert!(!one.may_begin(&held, 4 * ATTEMPT));
    until("the others to be told", || async { one.may_begin(&held, 4 * ATTEMPT) }).await;
    one.freeze();
    let frozen = std::time::Instant::now();
    owned_by(&other, number).await;
    assert!(frozen.elapsed() > Duration::from_secs(3) + 4 * ATTEMPT, "what it had in flight may have gone on so long");
}

#[tokio::test]
async fn what_is_committed_late_is_not_skipped() {
    let Some((_server, one, other)) = two().await else { return };
    let number = endpoint_of(&one).await;
    let version = one.endpoints().await.unwrap().0;
    let other = Arc::new(other);
    let gate = other.hold_next_commit();
    let late = tokio::spawn({
        let other = Arc::clone(&other);
        let body = Body::new().event("late", "1", "l", &[number]).build(version);
        async move { commit(&*other, body).await }
    });
    until("the transaction to be open", || async { other.is_held() }).await;
    // Many are committed, seen, delivered and settled while it is open.
    for n in 0..30 {
        commit(&one, Body::new().event(&format!("a{n}"), "1", "l", &[number]).build(version)).await;
        let next = claim(&one, NOW).await;
        assert_eq!(events(&next), [id(&format!("a{n}"))]);
        accept_all(&one, &next, NOW).await;
    }
    gate.notify_one();
    assert_eq!(late.await.unwrap().events, [EventOutcome::New]);
    let next = drain([&one, &other], 1).await;
    assert_eq!(events(&next), [id("late")]);
    assert_eq!(one.counts().await.unwrap().owed, 0);
}

#[tokio::test]
async fn a_node_that_leaves_hands_its_endpoints_over_at_once() {
    let Some((_server, one, other)) = two().await else { return };
    let number = endpoint_of(&one).await;
    commit_lane(&one, "a", "l", 3, &[number]).await;
    let head = claim(&one, NOW).await.remove(0);
    settle(&one, retry(&head, NOW, NOW + 5_000, None)).await;
    one.close().await;
    owned_by(&other, number).await;
    assert!(claim(&other, NOW + 4_999).await.is_empty(), "what waits goes on waiting");
    let again = claim(&other, NOW + 5_000).await.remove(0);
    assert_eq!((again.event, again.attempts), (id("a0"), 1));
}

#[tokio::test]
async fn a_change_made_on_one_node_holds_on_the_other() {
    let Some((_server, one, other)) = two().await else { return };
    let number = endpoint_of(&one).await;
    let name = one.endpoints().await.unwrap().1.into_iter().find(|found| found.number == number).unwrap().id;
    set_state(&other, &name, EndpointState::Paused).await;
    commit_lane(&other, "a", "l", 2, &[number]).await;
    until("the pause to be seen", || async { of(&one, &name).await.state == EndpointState::Paused }).await;
    tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await.unwrap_err();
    assert!(claim(&one, NOW).await.is_empty());
    set_state(&other, &name, EndpointState::Active).await;
    assert_eq!(events(&drain([&one, &other], 2).await), [id("a0"), id("a1")]);
}
