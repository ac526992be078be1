//! The promise (`README.md`), from outside: what was answered 200 is delivered, whatever kills the process; the ledgers
//! are kept by the sender and the sink, and judged by set arithmetic alone.
//!
//! `WAYPOST_CRASH_ROUNDS` sets the number of kills, `WAYPOST_CRASH_SEED` repeats the moments of a run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests may fail loudly"
)]

mod support;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use emulator::{AppSecret, Load, Sender, Signing, Target};
use serde_json::json;
use support::gateway::{Gateway, Home, SECRET};
use support::meta::{self, Happened, Text, now_seconds};
use support::sink::{Arrival, HUB_SECRET, Say, Sink, WEBHOOK_SECRET};
use support::until_true;
use support::wire::Wire;

const SENDERS: u64 = 6;
const CONTACTS: usize = 20;
/// Deliveries to the endpoint that may be under way at once.
const IN_FLIGHT_MAX: usize = 16;

/// A number that the environment gives.
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by whoever runs the tests")]
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// One event that was answered 200.
#[derive(Debug, Clone)]
struct Kept {
    /// Who sent it: within one sender the order is known.
    sender: u64,
    contact: String,
    position: u64,
    /// When it was first sent.
    began: Instant,
    body: Vec<u8>,
}

/// Senders at full speed, each a connection of its own that sends the next body only after the last one's 200.
struct Meta {
    at: Arc<Mutex<SocketAddr>>,
    stop: Arc<AtomicBool>,
    ledger: Arc<Mutex<HashMap<Happened, Kept>>>,
    runtime: tokio::runtime::Runtime,
    senders: Vec<tokio::task::JoinHandle<()>>,
}

impl Meta {
    fn start(at: SocketAddr, seed: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut meta = Self {
            at: Arc::new(Mutex::new(at)),
            stop: Arc::default(),
            ledger: Arc::default(),
            runtime,
            senders: Vec::new(),
        };
        for sender in 0..SENDERS {
            let load = Load::new(seed.wrapping_mul(SENDERS).wrapping_add(sender), CONTACTS);
            let work = send(sender, load, Arc::clone(&meta.at), Arc::clone(&meta.stop), Arc::clone(&meta.ledger));
            meta.senders.push(meta.runtime.spawn(work));
        }
        meta
    }

    fn sent(&self) -> usize {
        self.ledger.lock().unwrap().len()
    }

    fn go_to(&self, at: SocketAddr) {
        *self.at.lock().unwrap() = at;
    }

    /// Ends the senders once what they had begun is answered, and gives their ledger.
    fn stop(mut self) -> HashMap<Happened, Kept> {
        self.stop.store(true, Ordering::Relaxed);
        for sender in self.senders.drain(..) {
            self.runtime.block_on(sender).unwrap();
        }
        self.ledger.lock().unwrap().clone()
    }
}

async fn send(
    sender: u64,
    mut load: Load,
    at: Arc<Mutex<SocketAddr>>,
    stop: Arc<AtomicBool>,
    ledger: Arc<Mutex<HashMap<Happened, Kept>>>,
) {
    let (client, secret) = (Sender::new(), AppSecret::new(SECRET));
    while !stop.load(Ordering::Relaxed) {
        let next = load.next_body(now_seconds());
        let signatures = Signing::Right.headers(&secret, &next.body);
        let began = Instant::now();
        loop {
            let url = format!("http://{}/webhooks/main", *at.lock().unwrap());
            let target = Target::parse(&url).unwrap();
            if client.send(&target, next.body.clone().into(), &signatures).await.is_delivered() {
                break;
            }
            // As Meta does, only sooner.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut ledger = ledger.lock().unwrap();
        for item in &next.items {
            let kept =
                Kept { sender, contact: item.wa_id.clone(), position: item.position, began, body: next.body.clone() };
            ledger.insert(Happened::from(item), kept);
        }
    }
}

/// Judges the sink's ledger against the sender's.
fn judge(sent: &HashMap<Happened, Kept>, arrivals: &[Arrival], kills: usize) {
    let mut ids: HashMap<Happened, &str> = HashMap::new();
    let mut owners: HashMap<&str, Happened> = HashMap::new();
    let mut lanes: BTreeMap<(u64, &str), u64> = BTreeMap::new();
    let mut repeats = 0;
    for arrival in arrivals {
        let key = arrival.happened();
        let kept = sent.get(&key).unwrap_or_else(|| panic_of("never answered 200 nor sent again", &key));
        assert!(arrival.body == kept.body, "{key:?}: other bytes");
        let before = ids.insert(key.clone(), arrival.id());
        if let Some(id) = before {
            repeats += 1;
            assert_eq!(id, arrival.id(), "{key:?}: another id");
        }
        let owner = owners.entry(arrival.id()).or_insert_with(|| key.clone());
        assert_eq!(*owner, key, "one id for two events");
        let last = lanes.entry((kept.sender, &kept.contact)).or_default();
        // A crash repeats the last of a lane, each as it was; what comes for the first time follows what came before.
        assert!(before.is_some() || *last <= kept.position, "{key:?}: position {} after {last}", kept.position);
        *last = kept.position.max(*last);
    }
    let lost: Vec<&Happened> = sent.keys().filter(|key| !ids.contains_key(*key)).collect();
    assert!(lost.is_empty(), "{} lost of {}: {:?}", lost.len(), sent.len(), lost.first());
    assert!(repeats <= kills * IN_FLIGHT_MAX, "{repeats} repeats for {kills} kills");
    eprintln!("{} events kept, {} arrivals, {repeats} repeats, {kills} kills", sent.len(), arrivals.len());
}

#[expect(clippy::panic, reason = "tests may fail loudly")]
fn panic_of(what: &str, key: &Happened) -> ! {
    panic!("{key:?}: {what}")
}

/// Waits until nothing is owed, and compares the gateway's own totals with the ledger.
fn drained(gateway: &Gateway, sent: &HashMap<Happened, Kept>) {
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    let totals = gateway.api.get("/api/v1/status")["totals"].clone();
    for name in ["events", "accepted"] {
        assert_eq!(totals[name], sent.len(), "{name}: {totals}");
    }
    for name in ["dead", "skipped", "conflicts", "unrouted"] {
        assert_eq!(totals[name], 0, "{name}: {totals}");
    }
}

#[test]
fn nothing_that_was_answered_200_is_lost_or_disordered_when_the_process_is_killed() {
    let rounds = given("WAYPOST_CRASH_ROUNDS").unwrap_or(5);
    let seed = given("WAYPOST_CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    eprintln!("WAYPOST_CRASH_SEED={seed} WAYPOST_CRASH_ROUNDS={rounds}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let sink = Sink::start();
    // Some are slow, so that attempts are under way when the end comes.
    sink.answer(|arrival| match arrival.id().bytes().next_back() {
        Some(b'0' | b'1') => Say::Later(Duration::from_millis(40), 200),
        _ => Say::Status(200),
    });
    let home = Home::production(&sink.endpoint("crm", ""));
    let mut gateway = home.start();
    let meta = Meta::start(gateway.receive, seed);
    for round in 0..rounds {
        let before = meta.sent();
        until_true("traffic", || meta.sent() > before);
        let moment = Instant::now() + Duration::from_micros(chance.u64(1_000..500_000));
        until_true("the moment", || Instant::now() >= moment);
        gateway.kill();
        let started = Instant::now();
        gateway = home.start();
        assert!(started.elapsed() < Duration::from_secs(5), "round {round}: {:?}", started.elapsed());
        meta.go_to(gateway.receive);
    }
    let sent = meta.stop();
    drained(&gateway, &sent);
    judge(&sent, &sink.ledger(), usize::try_from(rounds).unwrap());
}

#[test]
fn nothing_is_lost_or_sent_twice_when_the_process_is_told_to_stop_under_load() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let mut gateway = home.start();
    let meta = Meta::start(gateway.receive, fastrand::u64(..));
    for _ in 0..3 {
        let enough = meta.sent() + 50;
        until_true("traffic", || meta.sent() > enough);
        assert_eq!(gateway.stop().code(), Some(0));
        gateway = home.start();
        meta.go_to(gateway.receive);
    }
    let sent = meta.stop();
    drained(&gateway, &sent);
    judge(&sent, &sink.ledger(), 0);
}

#[test]
fn a_request_that_is_being_read_when_the_stop_comes_is_answered_and_kept() {
    let home = Home::production("");
    let mut gateway = home.start();
    let request = meta::post("/webhooks/main", SECRET, &Text::new("wamid.last").body());
    let (most, rest) = request.split_at(request.len() - 5);
    let mut wire = Wire::open(gateway.receive).unwrap();
    wire.write(&meta::post("/webhooks/main", SECRET, &Text::new("wamid.first").body())).unwrap();
    assert_eq!(wire.reply().unwrap().status, 200);
    wire.write(most).unwrap();
    // A second round trip: the first part is read before the stop.
    gateway.take(&Text::new("wamid.second").body());
    gateway.terminate();
    until_true("that it stops", || gateway.told.text().contains("stopping: no new connections"));
    until_true("that no new connection is taken", || Wire::open(gateway.receive).is_err());
    wire.write(rest).unwrap();
    assert_eq!(wire.reply().unwrap().status, 200);
    assert_eq!(gateway.wait().code(), Some(0));
    let gateway = home.start();
    let kept: HashSet<String> =
        gateway.api.events().iter().map(|event| event["message_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kept, ["wamid.first", "wamid.second", "wamid.last"].map(str::to_owned).into());
}

#[test]
fn an_attempt_in_flight_when_the_stop_comes_ends_and_is_written_down() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", ""));
    let gateway = home.start();
    sink.answer(|_| Say::Later(Duration::from_millis(700), 200));
    gateway.take(&Text::new("wamid.slow").body());
    sink.wait_for(1);
    assert_eq!(gateway.stop().code(), Some(0));
    let gateway = home.start();
    assert_eq!((gateway.api.total("accepted"), gateway.api.total("owed")), (1, 0));
    assert_eq!(sink.ledger().len(), 1);
}

#[test]
fn an_idle_connection_does_not_hold_up_a_stop() {
    let home = Home::production("");
    let gateway = home.start();
    let idle = [Wire::open(gateway.receive).unwrap(), Wire::open(gateway.api.at).unwrap()];
    let started = Instant::now();
    assert_eq!(gateway.stop().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    drop(idle);
}

#[test]
fn an_endpoint_that_hangs_holds_up_a_stop_no_longer_than_the_drain_and_is_asked_again() {
    let sink = Sink::start();
    let home = Home::limited("receive.drain_seconds = 1", &sink.endpoint("crm", ""));
    let gateway = home.start();
    sink.answer(|_| Say::Hang);
    gateway.take(&Text::new("wamid.hangs").body());
    let first = sink.wait_for(1).remove(0);
    let started = Instant::now();
    assert_eq!(gateway.stop().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    sink.answer(|_| Say::Status(200));
    let gateway = home.start();
    let second = sink.wait_for(2).remove(1);
    assert_eq!((first.id(), &first.body), (second.id(), &second.body));
    until_true("that it is accepted", || gateway.api.total("accepted") == 1);
}

#[test]
fn whoever_is_made_an_endpoint_under_load_gets_all_that_is_sent_from_then_on() {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("first", ""));
    let gateway = home.start();
    let meta = Meta::start(gateway.receive, fastrand::u64(..));
    let mut made: Vec<(String, Instant)> = Vec::new();
    for n in 0..8 {
        let enough = meta.sent() + 20;
        until_true("traffic", || meta.sent() > enough);
        let path = format!("/later-{n}");
        let endpoint = json!({ "id": format!("later-{n}"), "url": sink.url(&path),
            "hub_secret": HUB_SECRET, "webhook_secret": WEBHOOK_SECRET });
        gateway.api.post("/api/v1/endpoints", Some(&endpoint));
        made.push((path, Instant::now()));
    }
    let enough = meta.sent() + 20;
    until_true("traffic", || meta.sent() > enough);
    let sent = meta.stop();
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    let keys = |path: &str| -> HashSet<Happened> { sink.at_path(path).iter().map(Arrival::happened).collect() };
    assert_eq!(keys("/first").len(), sent.len());
    for (path, at) in made {
        let got = keys(&path);
        let owed: Vec<&Happened> = sent.iter().filter(|(_, kept)| kept.began > at).map(|(key, _)| key).collect();
        assert!(!owed.is_empty() && owed.iter().all(|key| got.contains(*key)), "{path}");
    }
    assert_eq!(gateway.stop().code(), Some(0));
}
