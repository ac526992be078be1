//! Two nodes on one database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use private_postgres::Server;

use crate::facts::build::{
    Body, DAY, NOW, accept_all, accepted, claim, commit, commit_lane, endpoint, events, id, of, put, retry, set_state,
    settle, until,
};
use crate::postgres::{Postgres, PostgresOptions, PostgresTuning};
use crate::record::{Claim, EndpointNo, EndpointState, EventOutcome};
use crate::seam::Store;

/// A short attempt.
const ATTEMPT: Duration = Duration::from_millis(300);
pub(super) const LEASE: Duration = Duration::from_secs(4);

/// A node whose leases are short.
async fn node(server: &Server) -> Postgres {
    node_with(server, LEASE).await
}

async fn node_with(server: &Server, lease: Duration) -> Postgres {
    node_at(&server.url(), lease).await
}

pub(super) async fn node_at(url: &str, lease: Duration) -> Postgres {
    let tuning = PostgresTuning {
        lease,
        poll: Duration::from_millis(10),
        window: 8,
        lane_window: 3,
        ..PostgresTuning::default()
    };
    Postgres::open(PostgresOptions::parse(url).unwrap(), tuning).await.unwrap()
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
async fn an_endpoint_is_taken_as_soon_as_its_owners_lease_has_ended() {
    let Some((_server, one, other)) = two().await else { return };
    let number = endpoint_of(&one).await;
    one.renew().await;
    let renewed = Instant::now();
    one.freeze();
    owned_by(&other, number).await;
    let after = renewed.elapsed();
    // What the frozen one has under way ends with its lease: nobody waits for the time-outs of requests.
    assert!(after + Duration::from_millis(100) > LEASE && after < LEASE + Duration::from_secs(2), "{after:?}");
}

#[tokio::test]
async fn a_request_begins_only_if_the_lease_outlives_it() {
    let Some((_server, one, _other)) = two().await else { return };
    let number = endpoint_of(&one).await;
    commit_lane(&one, "a", "l", 1, &[number]).await;
    let held = claim(&one, NOW).await.remove(0);
    assert!(one.may_begin(&held, Duration::from_secs(60)), "it is renewed long before its end");
    one.freeze();
    until("half the lease to pass", || async { !one.may_begin(&held, Duration::from_secs(60)) }).await;
    assert!(one.may_begin(&held, ATTEMPT), "a short one ends in time");
    until("the lease to end", || async { !one.may_begin(&held, ATTEMPT) }).await;
}

#[tokio::test]
async fn what_is_under_way_ends_with_the_lease_and_nobody_is_fenced_because_the_database_was_away() {
    let Some((server, one, other)) = two().await else { return };
    let number = endpoint_of(&one).await;
    commit_lane(&one, "a", "l", 1, &[number]).await;
    let held = claim(&one, NOW).await.remove(0);
    let nodes = server.sql("SELECT string_agg(id::text, ',' ORDER BY id) FROM waypost.nodes").unwrap();
    let (kept, tenure) = (one.tenure().unwrap(), one.tenure().unwrap());
    assert!(tokio::time::timeout(LEASE, kept.ended()).await.is_err(), "while it is renewed, it goes on");
    server.freeze();
    tokio::time::timeout(2 * LEASE, tenure.ended()).await.unwrap();
    assert!(!one.may_begin(&held, ATTEMPT));
    one.release(vec![held.clone()]).await.unwrap();
    server.thaw();
    let again = drain([&one, &other], 1).await;
    assert_eq!(events(&again), [held.event]);
    assert_eq!(server.sql("SELECT string_agg(id::text, ',' ORDER BY id) FROM waypost.nodes").unwrap(), nodes);
}

#[tokio::test]
async fn a_node_that_begins_anew_settles_nothing_that_it_claimed_before() {
    let Some((_server, one, other)) = two().await else { return };
    let number = endpoint_of(&one).await;
    commit_lane(&one, "a", "l", 1, &[number]).await;
    let held = claim(&one, NOW).await.remove(0);
    one.freeze();
    owned_by(&other, number).await;
    one.renew().await;
    assert!(!one.may_begin(&held, ATTEMPT));
    assert_eq!(one.settle(vec![accepted(&held, NOW)]).await.unwrap(), [false], "it was claimed by who was fenced");
    assert_eq!(events(&drain([&other, &other], 1).await), [held.event]);
}

#[tokio::test]
async fn endpoints_move_without_waiting_for_a_lease() {
    let Some(server) = private_postgres::server() else { return };
    let long = Duration::from_secs(3_600);
    let one = node_with(&server, long).await;
    let mut numbers = Vec::new();
    for n in 0..16 {
        numbers.push(put(&one, endpoint(&format!("e{n}"))).await);
    }
    let other = node_with(&server, long).await;
    let its = |node: &Postgres| numbers.iter().filter(|number| node.owns(**number)).count();
    until("the new node to have its share", || async { its(&other) > 0 && its(&one) + its(&other) == 16 }).await;
    assert!(its(&one) > 0);
    one.close().await;
    until("the rest to be handed over", || async { its(&other) == 16 }).await;
}

#[tokio::test]
async fn an_endpoint_that_could_not_be_given_away_is_served_on() {
    let Some(server) = private_postgres::server() else { return };
    let one = node(&server).await;
    let mut numbers = Vec::new();
    for n in 0..16 {
        numbers.push(put(&one, endpoint(&format!("e{n}"))).await);
    }
    for (n, number) in numbers.iter().enumerate() {
        commit_lane(&one, &format!("a{n}-"), "l", 1, &[*number]).await;
    }
    one.freeze();
    let other = node(&server).await;
    one.fail_commits(1);
    one.renew().await;
    assert_eq!(numbers.iter().filter(|number| other.owns(**number)).count(), 0, "the commit failed");
    other.close().await;
    one.renew().await;
    assert_eq!(drain([&one, &one], 16).await.len(), 16);
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
