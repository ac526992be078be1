//! Meta's side: signs, sends, writes down, and repeats what was not answered 200, only sooner than Meta does.
//!
//! Each sender has contacts of its own and sends the next body only after the last one's 200, so that the ledger knows
//! the order of every conversation.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use emulator::rebatch::merge;
use emulator::{AppSecret, Signing, Target};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::Outcome;
use crate::clock::Clock;
use crate::events::Event;
use crate::ledger::Ledger;
use crate::traffic::Traffic;

/// Senders, each a connection of its own.
pub(crate) const SENDERS: u32 = 16;
/// Waits between the times that a body is sent again.
const AGAIN: Duration = Duration::from_millis(20);

/// The way to the gateway, and the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    target: Target,
    secret: AppSecret,
    client: emulator::Sender,
    ledger: Ledger,
    clock: Clock,
}

impl Line {
    pub(crate) fn new(at: SocketAddr, path: &str, secret: &str, ledger: Ledger, clock: Clock) -> Outcome<Self> {
        Ok(Self {
            target: Target::parse(&format!("http://{at}{path}"))?,
            secret: AppSecret::new(secret),
            client: emulator::Sender::new(),
            ledger,
            clock,
        })
    }

    /// Writes down what an event is, before it is sent for the first time.
    pub(crate) fn introduce(&self, event: &Event) {
        let (lane, position) = event.lane.map_or(("-".to_owned(), 0), |(lane, at)| (lane.to_string(), at));
        self.ledger.line(format_args!("event {} {} {lane} {position}", event.key, event.waba));
    }

    /// Writes down that the same event may arrive in these bytes too.
    pub(crate) fn introduce_copy(&self, key: &str, fingerprint: &str) {
        self.ledger.line(format_args!("copy {key} {fingerprint}"));
    }

    /// Writes down that an event was answered 200, which was sent by other means.
    pub(crate) fn acknowledged(&self, key: &str) {
        let now_us = self.clock.now_us();
        self.ledger.line(format_args!("send {now_us} {key}"));
        self.ledger.line(format_args!("done {now_us} 200 0 {key}"));
    }

    /// Sends these events in one body until it is answered 200.
    pub(crate) async fn send(&self, keys: &[&str], bodies: &[&[u8]]) {
        let body = Bytes::from(merge(bodies));
        let signatures = Signing::Right.headers(&self.secret, &body);
        let names = keys.join(",");
        loop {
            self.ledger.line(format_args!("send {} {names}", self.clock.now_us()));
            let answer = self.client.send(&self.target, body.clone(), &signatures).await;
            let status = answer.result.as_ref().copied().unwrap_or(0);
            self.ledger.line(format_args!(
                "done {} {status} {} {names}",
                self.clock.now_us(),
                answer.duration.as_micros()
            ));
            if answer.is_delivered() {
                return;
            }
            sleep(AGAIN).await;
        }
    }
}

/// Senders at a rate, until they are stopped.
#[derive(Debug)]
pub(crate) struct Meta {
    runtime: Runtime,
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
}

impl Meta {
    /// Starts sending `rate` events a second.
    pub(crate) fn start(line: &Line, rate: u32, traffic: impl Fn(u32) -> Traffic) -> Outcome<Self> {
        Self::start_many(line, SENDERS, rate, traffic)
    }

    /// The same with so many senders.
    pub(crate) fn start_many(line: &Line, senders: u32, rate: u32, traffic: impl Fn(u32) -> Traffic) -> Outcome<Self> {
        let runtime = runtime()?;
        // A connection lives on the runtime that opened it, and would end under whoever else had borrowed it.
        let line = Line { client: emulator::Sender::new(), ..line.clone() };
        let stop = Arc::new(AtomicBool::new(false));
        let each = f64::from(rate.max(1)) / f64::from(senders);
        let senders =
            (0..senders).map(|n| runtime.spawn(send(line.clone(), traffic(n), each, Arc::clone(&stop)))).collect();
        Ok(Self { runtime, stop, senders })
    }

    /// Ends the senders once what they had begun is answered.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.senders.drain(..).try_for_each(|sender| Ok(self.runtime.block_on(sender)?))
    }
}

/// One thread of its own for whatever sends.
pub(crate) fn runtime() -> Outcome<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("sender").enable_all().build()?)
}

async fn send(line: Line, mut traffic: Traffic, rate: f64, stop: Arc<AtomicBool>) {
    let mut due = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let batch = traffic.next_batch();
        batch.iter().for_each(|event| line.introduce(event));
        let keys: Vec<&str> = batch.iter().map(|event| event.key.as_str()).collect();
        let bodies: Vec<&[u8]> = batch.iter().map(|event| event.body.as_slice()).collect();
        line.send(&keys, &bodies).await;
        let events = f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX));
        due += Duration::from_secs_f64(events / rate);
        // Whoever fell behind does not make up for it by a burst.
        due = due.max(Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or(due));
        sleep_until(due).await;
    }
}
