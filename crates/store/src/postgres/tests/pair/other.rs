//! What the other process does, order by order.

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use crate::facts::build::{Body, DAY, NOW, accepted, commit, id, until};
use crate::postgres::Postgres;
use crate::postgres::tests::nodes::{LEASE, node_at};
use crate::record::{Claim, EndpointNo, EventOutcome};
use crate::seam::Store;

/// Events of one notification that is sent twice.
const TOGETHER: usize = 5;

/// A delivery that was made, with its beginning and its end on the clock that all processes of a machine share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Delivered {
    pub(super) began_us: u128,
    pub(super) ended_us: u128,
    pub(super) endpoint: i64,
    /// `a0`, `a1` …
    pub(super) event: usize,
}

impl Delivered {
    pub(super) fn read(word: &str) -> Self {
        let mut numbers = word.split(':');
        let mut next = || numbers.next().unwrap();
        Self {
            began_us: next().parse().unwrap(),
            ended_us: next().parse().unwrap(),
            endpoint: next().parse().unwrap(),
            event: next().parse().unwrap(),
        }
    }
}

impl fmt::Display for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.began_us, self.ended_us, self.endpoint, self.event)
    }
}

/// Does what it is told, until who tells it is gone.
pub(super) async fn obey(port: u16, url: &str) {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let store = Arc::new(node_at(url, LEASE).await);
    let (read, mut answers) = stream.into_split();
    say(&mut answers, "ready").await;
    let mut orders = BufReader::new(read).lines();
    let mut held = None;
    let delivered: Arc<Mutex<Vec<Delivered>>> = Arc::default();
    while let Ok(Some(order)) = orders.next_line().await {
        let words: Vec<&str> = order.split(' ').collect();
        let answer = match words.as_slice() {
            ["copies", count, days, "backwards"] => {
                commit_copies(&store, count.parse().unwrap(), days.parse().unwrap(), true).await.to_string()
            }
            ["commit", key, lane] => commit_to_all(&store, key, &format!("lane {lane}")).await,
            ["deliver"] => {
                let (store, delivered) = (Arc::clone(&store), Arc::clone(&delivered));
                drop(tokio::spawn(async move { deliver(&store, &delivered).await }));
                "begun".to_owned()
            }
            ["delivered"] => {
                let all = delivered.lock().unwrap();
                all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            }
            ["hold"] => {
                let claim = hold(&store).await;
                let number = claim.delivery.0.to_string();
                held = Some(claim);
                number
            }
            ["settle"] => {
                let taken = store.settle(vec![accepted(&held.take().unwrap(), NOW)]).await.unwrap();
                if taken == [true] { "taken".to_owned() } else { "refused".to_owned() }
            }
            ["stream"] => stream_of(&store, &mut answers).await,
            _ => panic!("no such order: {order}"),
        };
        say(&mut answers, &answer).await;
    }
}

async fn say(answers: &mut OwnedWriteHalf, answer: &str) {
    answers.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
}

/// Commits events that another process commits as well, some to a notification; gives how many were new.
pub(super) async fn commit_copies(store: &Postgres, count: usize, days: i64, backwards: bool) -> usize {
    let mut keys: Vec<String> = (0..count).map(|n| format!("c{n}")).collect();
    if backwards {
        keys.reverse();
    }
    let mut new = 0;
    for keys in keys.chunks(TOGETHER) {
        let body = keys.iter().fold(Body::new(), |body, key| body.event(key, "1", "l", &[]));
        let committed = commit(store, body.build_at(0, NOW + days * DAY)).await;
        new += committed.events.iter().filter(|outcome| **outcome == EventOutcome::New).count();
    }
    new
}

async fn commit_to_all(store: &Postgres, key: &str, lane: &str) -> String {
    let (version, endpoints) = store.endpoints().await.unwrap();
    let numbers: Vec<EndpointNo> = endpoints.iter().map(|endpoint| endpoint.number).collect();
    format!("{:?}", commit(store, Body::new().event(key, "1", lane, &numbers).build(version)).await.events[0])
}

async fn hold(store: &Postgres) -> Claim {
    let found = Mutex::new(None);
    until("something to claim", || async {
        let claims = store.claim(1, NOW).await.unwrap().claims;
        *found.lock().unwrap() = claims.into_iter().next();
        found.lock().unwrap().is_some()
    })
    .await;
    found.into_inner().unwrap().unwrap()
}

/// Delivers what there is, for ever; notes it before it is settled.
pub(super) async fn deliver(store: &Postgres, into: &Mutex<Vec<Delivered>>) {
    loop {
        deliver_once(store, into).await;
    }
}

async fn deliver_once(store: &Postgres, into: &Mutex<Vec<Delivered>>) {
    let claims = store.claim(16, NOW).await.unwrap().claims;
    if claims.is_empty() {
        drop(tokio::time::timeout(std::time::Duration::from_millis(5), store.wake().notified()).await);
        return;
    }
    let began_us = now_us();
    tokio::task::yield_now().await;
    let ended_us = now_us();
    let made = claims.iter().map(|claim| Delivered {
        began_us,
        ended_us,
        endpoint: claim.endpoint.0,
        event: (0..80).find(|n| id(&format!("a{n}")) == claim.event).unwrap(),
    });
    into.lock().unwrap().extend(made);
    let taken = store.settle(claims.iter().map(|claim| accepted(claim, NOW)).collect()).await.unwrap();
    assert!(taken.iter().all(|taken| *taken));
}

/// Commits one event after the other, and tells of each that is durable.
async fn stream_of(store: &Postgres, answers: &mut OwnedWriteHalf) -> String {
    for n in 0.. {
        let body = Body::new().event(&format!("s{n}"), "1", "l", &[]).build(0);
        assert_eq!(commit(store, body).await.events, [EventOutcome::New]);
        say(answers, &n.to_string()).await;
    }
    String::new()
}

#[expect(clippy::disallowed_methods, reason = "two processes compare their times")]
fn now_us() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros()
}
