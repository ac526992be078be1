//! A load: the mix of a busy day at a rate that does not wait for the receiver (open loop). Each request has its moment on
//! a schedule, and its latency counts from there: a receiver that stalls cannot hide it by being asked less.

mod spread;

use std::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::mix::{Batch, Mix};
use crate::retry;
use crate::run::{Pace, now_seconds};
use crate::sender::{Sender, Target};
use crate::sign::{AppSecret, Signing};
use crate::world::{Number, Storage};

pub use spread::Spread;

/// Requests under way at most. More of them wait, and their latency goes on counting.
const IN_FLIGHT_MAX: usize = 1_024;
/// Waits shorter than this are none: the system could not keep them.
const SLEEP_MIN: Duration = Duration::from_millis(1);

/// What is sent.
#[derive(Debug)]
pub struct Settings {
    /// Where to.
    pub target: Target,
    /// What signs.
    pub secret: AppSecret,
    /// The number that all of it belongs to.
    pub number: Number,
    /// Events a second.
    pub events_per_second: f64,
    /// For how long events are made.
    pub length: Duration,
    /// People who write and are written to.
    pub contacts: u32,
    /// One seed repeats one load.
    pub seed: u64,
    /// How fast time goes between retries.
    pub pace: Pace,
}

/// How it goes.
#[derive(Debug, Default)]
pub struct Progress {
    /// Events in bodies that were sent.
    pub events: AtomicU64,
    /// Bodies that were sent.
    pub bodies: AtomicU64,
    /// Requests, retries among them.
    pub requests: AtomicU64,
    /// Bodies that were answered 200.
    pub acknowledged: AtomicU64,
    /// Events in those.
    pub acknowledged_events: AtomicU64,
    /// How late the schedule is, in microseconds: more than a little, and this side is the bottleneck.
    pub late_us: AtomicU64,
}

/// How it went.
#[derive(Debug)]
pub struct Report {
    /// The sums.
    pub progress: Arc<Progress>,
    /// From each request's moment on the schedule to its 200.
    pub latency: Spread,
    /// How far behind its schedule this side was at worst.
    pub behind: Duration,
    /// From the first request to the last answer.
    pub took: Duration,
}

/// Where it is written down what was sent and what was answered: one line each, JSON.
type Ledger = Option<Box<dyn io::Write + Send>>;

struct Shared {
    settings: Settings,
    sender: Sender,
    progress: Arc<Progress>,
    latency: Mutex<Spread>,
    ledger: Mutex<Ledger>,
    begun: Instant,
}

/// Sends the load, and waits until it is answered 200 or told to stop. Nothing is lost on the way that the ledger does not
/// show: a line with the events before a body is sent, and a line with its answer.
///
/// # Errors
/// If the ledger cannot be written.
pub async fn flood(
    settings: Settings,
    sender: Sender,
    ledger: Ledger,
    progress: Arc<Progress>,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<Report> {
    let begun = Instant::now();
    let ledger = Mutex::new(ledger);
    let shared = Arc::new(Shared { settings, sender, progress, latency: Mutex::default(), ledger, begun });
    let mut sending = JoinSet::new();
    tokio::pin!(stop);
    let behind = tokio::select! {
        behind = schedule(&shared, &mut sending) => behind,
        () = &mut stop => Duration::ZERO,
    };
    tokio::select! {
        () = async { while sending.join_next().await.is_some() {} } => {}
        () = stop => {}
    }
    sending.shutdown().await;
    if let Some(ledger) = shared.ledger.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        ledger.flush()?;
    }
    let latency = shared.latency.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Report { progress: Arc::clone(&shared.progress), latency, behind, took: begun.elapsed() })
}

/// Puts each body on its way at its moment. How late the latest was.
async fn schedule(shared: &Arc<Shared>, sending: &mut JoinSet<()>) -> Duration {
    let Settings { number, events_per_second, length, contacts, seed, .. } = &shared.settings;
    let mut mix = Mix::new(*seed, *contacts);
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let mut due = Duration::ZERO;
    let mut behind = Duration::ZERO;
    let mut count = 0;
    while due < *length {
        let batch = mix.batch(number, now_seconds());
        let events = f64::from(u32::try_from(batch.events.len()).unwrap_or(u32::MAX));
        let moment = shared.begun + due;
        if moment.saturating_duration_since(Instant::now()) > SLEEP_MIN {
            sleep_until(moment).await;
        }
        // Never closed.
        let Ok(turn) = Arc::clone(&in_flight).acquire_owned().await else { return behind };
        let late = moment.elapsed();
        behind = behind.max(late);
        shared.progress.late_us.store(u64::try_from(late.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        count += 1;
        sending.spawn(send(Arc::clone(shared), count, batch, moment, turn));
        while sending.try_join_next().is_some() {}
        due += Duration::from_secs_f64(events / events_per_second);
    }
    behind
}

async fn send(shared: Arc<Shared>, number: u64, batch: Batch, moment: Instant, turn: OwnedSemaphorePermit) {
    let Settings { target, secret, pace, seed, .. } = &shared.settings;
    let mut rng = Rng::with_seed(seed.wrapping_add(number));
    let signatures = Signing::Right.headers(secret, &batch.body);
    let body = Bytes::from(batch.body);
    let events = u64::try_from(batch.events.len()).unwrap_or(u64::MAX);
    shared.note_sending(number, &batch.events);
    shared.progress.bodies.fetch_add(1, Ordering::Relaxed);
    shared.progress.events.fetch_add(events, Ordering::Relaxed);
    let mut turn = Some(turn);
    for attempt in 1.. {
        let answer = shared.sender.send(target, body.clone(), &signatures).await;
        shared.progress.requests.fetch_add(1, Ordering::Relaxed);
        let latency = moment.elapsed();
        shared.note_answer(number, attempt, answer.result.as_ref().ok().copied(), latency);
        if answer.is_delivered() {
            shared.progress.acknowledged.fetch_add(1, Ordering::Relaxed);
            shared.progress.acknowledged_events.fetch_add(events, Ordering::Relaxed);
            shared.latency.lock().unwrap_or_else(PoisonError::into_inner).add(latency);
            return;
        }
        // What waits is not under way.
        drop(turn.take());
        let Some(gap) = retry::gap(attempt, pace.metas(moment.elapsed()), Storage::Cloud, &mut rng) else { return };
        sleep(pace.real(gap)).await;
    }
}

impl Shared {
    fn note_sending(&self, number: u64, events: &[String]) {
        self.note(|line| {
            write!(line, r#"{{"at_us":{},"send":{number},"events":["#, self.begun.elapsed().as_micros())?;
            for (position, event) in events.iter().enumerate() {
                let comma = if position == 0 { "" } else { "," };
                write!(line, r#"{comma}"{event}""#)?;
            }
            line.write_str("]}\n")
        });
    }

    fn note_answer(&self, number: u64, attempt: u32, status: Option<u16>, latency: Duration) {
        self.note(|line| {
            let status = status.map_or_else(|| "null".to_owned(), |status| status.to_string());
            writeln!(
                line,
                r#"{{"at_us":{},"answer":{number},"attempt":{attempt},"status":{status},"latency_us":{}}}"#,
                self.begun.elapsed().as_micros(),
                latency.as_micros()
            )
        });
    }

    fn note(&self, write: impl FnOnce(&mut String) -> std::fmt::Result) {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = ledger.as_mut() else { return };
        let mut line = String::new();
        #[expect(clippy::expect_used, reason = "writing to a String cannot fail")]
        write(&mut line).expect("a String takes all text");
        if open.write_all(line.as_bytes()).is_err() {
            // Half a ledger proves nothing; the end tells that it could not be written.
            *ledger = Some(Box::new(Full));
        }
    }
}

/// A ledger that could not be written.
struct Full;

impl io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::Error::other("a line could not be written"))
    }
}
