//! Two processes of the operating system on one database: this one, and the same program again (`other`), with which it
//! shares nothing but the server.

mod other;

use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use private_postgres::Server;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use self::other::{Delivered, commit_copies, deliver};
use super::nodes::{LEASE, node_at};
use crate::facts::build::{Body, NOW, accepted, commit, commit_lane, endpoint, put, until};
use crate::postgres::Postgres;
use crate::record::{EndpointNo, EventOutcome};
use crate::seam::Store;

/// Tells the other process where it is awaited, and which database it shares.
const ORDERS: &str = "WAYPOST_TEST_OTHER_PROCESS";

/// The other process, as this one sees it.
struct Other {
    process: Child,
    answers: Lines<BufReader<OwnedReadHalf>>,
    orders: OwnedWriteHalf,
}

impl Other {
    /// Starts it. It is a node when it answers for the first time.
    async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let orders = format!("{} {url}", listener.local_addr().unwrap().port());
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "postgres::tests::pair::the_other_process", "--nocapture"])
            .env(ORDERS, orders)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (stream, _) = tokio::time::timeout(Duration::from_secs(20), listener.accept()).await.unwrap().unwrap();
        let (read, orders) = stream.into_split();
        Self { process, answers: BufReader::new(read).lines(), orders }
    }

    async fn hear(&mut self) -> String {
        let answer = tokio::time::timeout(Duration::from_secs(30), self.answers.next_line()).await;
        answer.unwrap().unwrap().unwrap()
    }

    /// Gives an order, and waits for the answer.
    async fn ask(&mut self, order: &str) -> String {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        self.hear().await
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// This process as the other one. Started by hand it has no orders, and nothing to do.
#[tokio::test]
async fn the_other_process() {
    #[expect(clippy::disallowed_methods, reason = "a process of a test is told by its environment what it is for")]
    let orders = std::env::var(ORDERS);
    if let Ok(orders) = orders {
        let (port, url) = orders.split_once(' ').unwrap();
        other::obey(port.parse().unwrap(), url).await;
    }
}

async fn both(server: &Server) -> (Postgres, Other) {
    let one = node_at(&server.url(), LEASE).await;
    let mut other = Other::start(&server.url()).await;
    assert_eq!(other.hear().await, "ready");
    (one, other)
}

/// An endpoint that belongs to the other process.
async fn endpoint_of_the_other(one: &Postgres) -> EndpointNo {
    for n in 0.. {
        let number = put(one, endpoint(&format!("e{n}"))).await;
        if !one.is_best_for(number).await {
            until("the endpoint to be given away", || async { !one.owns(number) }).await;
            return number;
        }
    }
    unreachable!("each of two nodes is best for some endpoint")
}

#[tokio::test]
async fn of_two_processes_that_open_an_empty_database_at_once_one_makes_the_tables() {
    let Some(server) = private_postgres::server() else { return };
    let url = server.url();
    let (_one, mut other) = tokio::join!(node_at(&url, LEASE), Other::start(&url));
    assert_eq!(other.hear().await, "ready");
    let steps = server.sql("SELECT version, count(*) FROM waypost.migrations GROUP BY 1 HAVING count(*) <> 1").unwrap();
    assert_eq!(steps, "");
    assert_eq!(server.sql("SELECT count(*) FROM waypost.nodes WHERE NOT fenced").unwrap(), "2");
}

#[tokio::test]
async fn of_copies_that_two_processes_commit_at_once_one_is_new() {
    let Some(server) = private_postgres::server() else { return };
    let (one, mut other) = both(&server).await;
    // The other's arrive a day later, across the edge of a partition by day, and from the last to the first.
    let (here, there) = tokio::join!(commit_copies(&one, 300, 0, false), other.ask("copies 300 1 backwards"));
    let there: usize = there.parse().unwrap();
    assert_eq!(here + there, 300, "{here} here and {there} there");
    let counts = one.counts().await.unwrap();
    assert_eq!((counts.events, counts.duplicates), (300, 300));
    assert!(here > 0 && there > 0, "they met: {here} here and {there} there");
}

#[tokio::test]
async fn what_two_processes_commit_is_claimed_once_and_in_order() {
    let Some(server) = private_postgres::server() else { return };
    let (one, mut other) = both(&server).await;
    let mut numbers = Vec::new();
    for n in 0..8 {
        numbers.push(put(&one, endpoint(&format!("e{n}"))).await);
    }
    let version = one.endpoints().await.unwrap().0;
    let here: Mutex<Vec<Delivered>> = Mutex::default();
    let sent = async {
        assert_eq!(other.ask("deliver").await, "begun");
        // Each is sent when the one before it was acknowledged, to the one process or the other.
        for n in 0..80 {
            let (key, lane) = (format!("a{n}"), format!("lane {}", n % 5));
            if n % 2 == 0 {
                let body = Body::new().event(&key, "1", &lane, &numbers).build(version);
                assert_eq!(commit(&one, body).await.events, [EventOutcome::New]);
            } else {
                assert_eq!(other.ask(&format!("commit {key} {}", n % 5)).await, "New");
            }
        }
        until("nothing to be owed", || async { one.counts().await.unwrap().owed == 0 }).await;
    };
    tokio::select! {
        () = deliver(&one, &here) => unreachable!("it delivers for ever"),
        () = sent => {}
    }
    let mut all = here.into_inner().unwrap();
    let here = all.len();
    all.extend(other.ask("delivered").await.split(' ').filter(|word| !word.is_empty()).map(Delivered::read));
    assert_eq!(all.len(), 8 * 80);
    assert!(here > 0 && here < all.len(), "both delivered: {here} here");
    all.sort_unstable();
    for number in numbers {
        for lane in 0..5 {
            let of: Vec<&Delivered> =
                all.iter().filter(|one| one.endpoint == number.0 && one.event % 5 == lane).collect();
            assert_eq!(
                of.iter().map(|one| one.event).collect::<Vec<_>>(),
                (0..80).filter(|n| n % 5 == lane).collect::<Vec<_>>()
            );
            assert!(of.windows(2).all(|two| two[0].ended_us <= two[1].began_us), "never two of a lane at once");
        }
    }
}

#[tokio::test]
async fn a_process_that_was_stopped_for_longer_than_its_lease_settles_nothing_when_it_goes_on() {
    let Some(server) = private_postgres::server() else { return };
    let (one, mut other) = both(&server).await;
    let number = endpoint_of_the_other(&one).await;
    commit_lane(&one, "a", "l", 2, &[number]).await;
    let held = other.ask("hold").await;
    other.signal("STOP");
    let stopped = Instant::now();
    until("the endpoint to be taken", || async { one.owns(number) }).await;
    assert!(stopped.elapsed() < LEASE + Duration::from_secs(3), "{:?}", stopped.elapsed());
    let again = crate::facts::build::claim(&one, NOW).await.remove(0);
    assert_eq!(again.delivery.0.to_string(), held);
    other.signal("CONT");
    assert_eq!(other.ask("settle").await, "refused");
    assert_eq!(one.settle(vec![accepted(&again, NOW)]).await.unwrap(), [true]);
    assert_eq!(one.counts().await.unwrap().accepted, 1);
}

#[tokio::test]
async fn what_a_process_acknowledged_before_it_was_killed_is_there() {
    let Some(server) = private_postgres::server() else { return };
    let (one, mut other) = both(&server).await;
    other.orders.write_all(b"stream\n").await.unwrap();
    let mut told = 0;
    while told < 100 {
        told = other.hear().await.parse().unwrap();
    }
    other.signal("KILL");
    while let Ok(Some(line)) = other.answers.next_line().await {
        told = line.parse().unwrap();
    }
    for n in 0..=told {
        let body = Body::new().event(&format!("s{n}"), "1", "l", &[]).build(one.endpoints().await.unwrap().0);
        assert_eq!(commit(&one, body).await.events, [EventOutcome::Duplicate], "{n} of {told}");
    }
}
