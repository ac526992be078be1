//! The node in the other process: this one's side, which asks, and the other's, which does what it is asked.
//!
//! An order and its answer are a line of JSON each. The other is this test program again, started for one test that does
//! nothing without orders. It ends by SIGKILL.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::engine::node_of;
use super::wire::Wire;
use crate::Postgres;
use crate::error::{CommitError, StoreError};
use crate::record::{Claim, Claims, Committed, DeliveryNo, EndpointNo, NewNotification, Retention, Settlement};
use crate::seam::Store as _;

/// Tells the other process where it is awaited, its node's name, and the database.
const ORDERS: &str = "WAYPOST_TEST_OTHER_NODE";
const PATIENCE: Duration = Duration::from_secs(60);

/// The other node.
pub(super) struct Other {
    process: Child,
    line: Arc<Mutex<BufReader<TcpStream>>>,
}

impl Other {
    /// Starts it; it is a node when this returns.
    pub(super) async fn start(url: &str, name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let orders = format!("{} {name} {url}", listener.local_addr().unwrap().port());
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "facts::together::other::the_other_node", "--nocapture"])
            .env(ORDERS, orders)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (stream, _) = tokio::task::spawn_blocking(move || listener.accept()).await.unwrap().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let other = Self { process, line: Arc::new(Mutex::new(BufReader::new(stream))) };
        let _ready: Value = other.ask(json!(["ready"])).await;
        other
    }

    /// Asks without holding up the node of this process.
    async fn ask(&self, order: Value) -> Value {
        let line = Arc::clone(&self.line);
        tokio::task::spawn_blocking(move || exchange(&line, &order)).await.unwrap()
    }

    async fn try_ask<T: Wire>(&self, order: Value) -> Result<T, StoreError> {
        let answer = self.ask(order).await;
        match answer["failed"].as_str() {
            None => Ok(T::of(&answer["done"])),
            Some(why) => Err(StoreError::Internal { doing: "do it elsewhere", source: why.into() }),
        }
    }

    pub(super) async fn commit(&self, batch: Vec<NewNotification>) -> Result<Vec<Committed>, CommitError> {
        let answer = self.ask(json!(["commit", batch.to()])).await;
        match (answer["moved"].as_u64(), answer["overloaded"].as_bool(), answer["failed"].as_str()) {
            (Some(current), ..) => Err(CommitError::RoutesMoved { current }),
            (_, Some(_), _) => Err(CommitError::Overloaded),
            (.., Some(why)) => {
                Err(CommitError::Store(StoreError::Internal { doing: "commit elsewhere", source: why.into() }))
            }
            (None, None, None) => Ok(Wire::of(&answer["done"])),
        }
    }

    pub(super) async fn claim(&self, max: usize, now_ms: i64) -> Result<Claims, StoreError> {
        self.try_ask(json!(["claim", max, now_ms])).await
    }

    pub(super) async fn probe(&self, endpoint: EndpointNo, now_ms: i64) -> Result<Option<Claim>, StoreError> {
        self.try_ask(json!(["probe", endpoint.to(), now_ms])).await
    }

    pub(super) async fn settle(&self, all: Vec<Settlement>, patience: Duration) -> Result<Vec<bool>, StoreError> {
        self.try_ask(json!(["settle", all.to(), u64::try_from(patience.as_millis()).unwrap()])).await
    }

    pub(super) async fn release(&self, claims: Vec<Claim>) -> Result<(), StoreError> {
        self.try_ask(json!(["release", claims.to()])).await.map(|_: bool| ())
    }

    pub(super) async fn prune(&self, retention: Retention, now_ms: i64) -> Result<bool, StoreError> {
        self.try_ask(json!(["prune", retention.to(), now_ms])).await
    }

    /// For the methods of the seam that do not wait.
    pub(super) fn accepted(&self, claim: &Claim) {
        let _told = exchange(&self.line, &json!(["accepted", claim.to()]));
    }

    pub(super) fn may_begin(&self, claim: &Claim, attempt: Duration) -> bool {
        let attempt_ms = u64::try_from(attempt.as_millis()).unwrap();
        Wire::of(&exchange(&self.line, &json!(["may_begin", claim.to(), attempt_ms]))["done"])
    }

    pub(super) async fn is_writable(&self) -> bool {
        Wire::of(&self.ask(json!(["is_writable"])).await["done"])
    }

    pub(super) async fn owns(&self, number: EndpointNo) -> bool {
        Wire::of(&self.ask(json!(["owns", number.to()])).await["done"])
    }

    pub(super) async fn in_flight(&self, of: Vec<DeliveryNo>) -> Vec<bool> {
        Wire::of(&self.ask(json!(["in_flight", of.to()])).await["done"])
    }

    /// When each endpoint accepted something last, as far as that node knows.
    pub(super) async fn last_accepted(&self) -> Vec<(EndpointNo, Option<i64>)> {
        Wire::of(&self.ask(json!(["last_accepted"])).await["done"])
    }

    pub(super) async fn fail_next_commit(&self) {
        let _told = self.ask(json!(["fail"])).await;
    }

    pub(super) async fn close(&self) {
        let _told = self.ask(json!(["close"])).await;
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn exchange(line: &Mutex<BufReader<TcpStream>>, order: &Value) -> Value {
    let mut line = line.lock().unwrap();
    line.get_mut().write_all(format!("{order}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    let _bytes = line.read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

/// This program as the other process. Started by hand it has no orders, and nothing to do.
#[tokio::test]
async fn the_other_node() {
    #[expect(clippy::disallowed_methods, reason = "a process of a test is told by its environment what it is for")]
    let orders = std::env::var(ORDERS);
    let Ok(orders) = orders else { return };
    let [port, name, url]: [&str; 3] = orders.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port.parse().unwrap())).await.unwrap();
    let store = node_of(url, name).await;
    let (read, mut write) = stream.into_split();
    let mut orders = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(read));
    while let Ok(Some(order)) = orders.next_line().await {
        let answer = obey(&store, &serde_json::from_str(&order).unwrap()).await;
        tokio::io::AsyncWriteExt::write_all(&mut write, format!("{answer}\n").as_bytes()).await.unwrap();
    }
}

async fn obey(store: &Postgres, order: &Value) -> Value {
    let (first, second) = (&order[1], &order[2]);
    let millis = |value: &Value| Duration::from_millis(Wire::of(value));
    match order[0].as_str().unwrap() {
        "commit" => match store.commit(Wire::of(first)).await {
            Ok(committed) => done(&committed),
            Err(CommitError::RoutesMoved { current }) => json!({ "moved": current }),
            Err(CommitError::Overloaded) => json!({ "overloaded": true }),
            Err(CommitError::Store(error)) => json!({ "failed": error.to_string() }),
        },
        "claim" => {
            store.look_at_next_claim().await;
            told(store.claim(Wire::of(first), Wire::of(second)).await)
        }
        "probe" => {
            store.look_at_next_claim().await;
            told(store.probe(Wire::of(first), Wire::of(second)).await)
        }
        "settle" => told(store.settle_in_company(Wire::of(first), millis(second)).await),
        "release" => told(store.release(Wire::of(first)).await.map(|()| true)),
        "prune" => told(store.prune(Wire::of(first), Wire::of(second)).await.map(|report| report.more)),
        "accepted" => {
            store.accepted(&Wire::of(first));
            done(&true)
        }
        "may_begin" => done(&store.may_begin(&Wire::of(first), millis(second))),
        "is_writable" => done(&store.health().await.writable),
        "owns" => {
            store.look_at_owners();
            done(&store.owns(Wire::of(first)))
        }
        "in_flight" => {
            let mut all = Vec::new();
            for number in <Vec<DeliveryNo>>::of(first) {
                all.push(store.delivery(number).await.unwrap().is_some_and(|delivery| delivery.in_flight));
            }
            done(&all)
        }
        "last_accepted" => {
            let (_, endpoints) = store.endpoints().await.unwrap();
            done(&endpoints.iter().map(|one| (one.number, one.last_accepted_at_ms)).collect::<Vec<_>>())
        }
        "fail" => {
            store.fail_commits(1);
            done(&true)
        }
        "close" => {
            store.close().await;
            done(&true)
        }
        _ => done(&true),
    }
}

fn done(value: &impl Wire) -> Value {
    json!({ "done": value.to() })
}

fn told<T: Wire>(outcome: Result<T, StoreError>) -> Value {
    outcome.map_or_else(|error| json!({ "failed": error.to_string() }), |value| done(&value))
}
