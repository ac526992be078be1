//! Meta's side, running: the handshakes, the script in its own time, what the Graph side causes, and every notification
//! tried until it is answered 200.
//!
//! One task keeps the time and says what happens next; each notification is a task of its own, for Meta sends concurrently.
//! What happens is told through a bounded channel; who does not listen slows it down and loses nothing.

mod delivery;
mod pace;
mod timetable;
mod told;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep_until};

use crate::escape::Escapes;
use crate::graph;
use crate::mischief::{Outgoing, Stage};
use crate::play::{Deed, Play};
use crate::scenario::Scenario;
use crate::sender::{Sender, Target};
use crate::world::World;

pub(crate) use delivery::challenge;
pub use pace::Pace;
pub(crate) use pace::now_seconds;
pub use told::{Attempt, Summary, Told};

use delivery::Courier;
use timetable::{Job, Timetable};
use told::Books;

/// Requests at the same moment.
const CONCURRENCY_MAX: usize = 64;
/// What is held back for a batch or to be overtaken waits no longer than this.
const HELD_MAX: Duration = Duration::from_secs(2);
/// Deeds of the Graph side that wait to be put on the timetable.
const GRAPH_QUEUE: usize = 256;

/// What is run.
#[derive(Debug)]
pub struct Settings {
    /// The world and its script.
    pub scenario: Scenario,
    /// One seed repeats one run.
    pub seed: u64,
    /// How fast time goes between events and between retries.
    pub pace: Pace,
    /// How bodies are spelled.
    pub escapes: Escapes,
    /// Callbacks are asked to prove themselves before anything is sent.
    pub handshake: bool,
    /// The script begins again when it is over.
    pub again: bool,
    /// It runs on when there is nothing more to send: until it is stopped.
    pub stays: bool,
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A callback is none.
    #[error("{url:?}: {source}")]
    Callback {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        source: crate::sender::TargetError,
    },
    /// A receiver did not prove itself.
    #[error("{url}: {source}")]
    Handshake {
        /// Whose callback.
        url: String,
        /// In Meta's words.
        source: crate::sender::HandshakeError,
    },
}

/// What all parts share.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) sender: Sender,
    pub(crate) pace: Pace,
    pub(crate) told: mpsc::Sender<Told>,
    pub(crate) books: Books,
    seed: u64,
    sending: Semaphore,
}

/// What changes.
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) play: Play,
    pub(crate) graph: graph::Memory,
    /// For what comes from outside and in no order: calls and handshakes. The play has its own, so that it can be repeated.
    pub(crate) chance: Rng,
}

impl Shared {
    /// What changes, for as long as no other part needs it: never across a wait.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells, unless nobody listens any more.
    pub(crate) async fn tell(&self, told: Told) {
        drop(self.told.send(told).await);
    }
}

/// Runs until everything is answered 200 or given up, or until it is told to stop. `graph` is where the Graph side listens.
///
/// # Errors
/// If a callback is none, or a receiver does not prove itself: nothing was sent then.
pub async fn run(
    settings: Settings,
    sender: Sender,
    graph: Option<TcpListener>,
    told: mpsc::Sender<Told>,
    stop: impl Future<Output = ()> + Send,
) -> Result<Summary, RunError> {
    let Settings { scenario, seed, pace, escapes, handshake, again, stays } = settings;
    let play = Play::new(seed, pace::now_seconds());
    let chance = Rng::with_seed(!seed);
    let state = State { world: scenario.world.clone(), play, graph: graph::Memory::default(), chance };
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        sender,
        pace,
        told,
        books: Books::default(),
        seed,
        sending: Semaphore::new(CONCURRENCY_MAX),
    });
    prove(&shared, &scenario.world, handshake).await?;
    let stage = Stage::new(scenario.mischief, escapes);
    let (caused, causes) = mpsc::channel(GRAPH_QUEUE);
    let mut tasks = JoinSet::new();
    if let Some(listener) = graph {
        let mischief = scenario.mischief;
        tasks.spawn(graph::server::serve(listener, Arc::clone(&shared), caused.clone(), mischief));
    }
    let mut director = Director {
        shared: Arc::clone(&shared),
        scenario,
        stage,
        timetable: Timetable::default(),
        deliveries: JoinSet::new(),
        again,
    };
    director.begin();
    tokio::pin!(stop);
    tokio::select! {
        () = director.play(causes, stays) => {}
        () = &mut stop => {}
    }
    tasks.abort_all();
    // The Graph side's own ends of the channel are what kept it open.
    drop(caused);
    Ok(shared.books.summary())
}

/// Every callback is a URL, and proves that it knows its verify token.
async fn prove(shared: &Shared, world: &World, handshake: bool) -> Result<(), RunError> {
    for callback in world.callbacks() {
        let url = callback.url.clone();
        let target = Target::parse(&url).map_err(|source| RunError::Callback { url: url.clone(), source })?;
        if handshake {
            let challenge = delivery::challenge(shared);
            let proof = shared.sender.handshake(&target, &callback.verify_token, &challenge).await;
            let error = proof.as_ref().err().map(ToString::to_string);
            shared.tell(Told::Handshake { url: url.clone(), error }).await;
            proof.map_err(|source| RunError::Handshake { url, source })?;
        }
    }
    Ok(())
}

/// Who says what happens next.
struct Director {
    shared: Arc<Shared>,
    scenario: Scenario,
    stage: Stage,
    timetable: Timetable,
    deliveries: JoinSet<()>,
    again: bool,
}

impl Director {
    /// Puts the script on the timetable.
    fn begin(&mut self) {
        let outage = self.scenario.mischief.outage;
        let now = Instant::now();
        let mut at = Duration::ZERO;
        for (index, step) in self.scenario.script.iter().enumerate() {
            at += step.after;
            let last = at + step.every * (step.repeat - 1);
            for time in 0..step.repeat {
                let after = if outage.is_zero() { at + step.every * time } else { Duration::ZERO };
                self.timetable.add(now + self.shared.pace.real(after), Job::Step(index));
            }
            at = last;
        }
    }

    async fn play(&mut self, mut causes: mpsc::Receiver<Vec<(Duration, Deed)>>, stays: bool) {
        loop {
            if self.again && self.timetable.next().is_none() && !self.scenario.script.is_empty() {
                self.begin();
            }
            let next = self.timetable.next();
            let idle = next.is_none() && self.deliveries.is_empty() && !self.stage.holds();
            if idle && !stays {
                return;
            }
            tokio::select! {
                () = at(next) => self.due(),
                Some(deeds) = causes.recv() => self.add(Instant::now(), deeds),
                Some(_) = self.deliveries.join_next(), if !self.deliveries.is_empty() => {}
            }
        }
    }

    /// From their own moment, not from when we came to it: so one seed gives one order.
    fn add(&mut self, moment: Instant, deeds: Vec<(Duration, Deed)>) {
        for (after, deed) in deeds {
            self.timetable.add(moment + self.shared.pace.real(after), Job::Deed(Box::new(deed)));
        }
    }

    /// Does what is due.
    fn due(&mut self) {
        let outage = self.scenario.mischief.outage;
        let seconds = i64::try_from(outage.as_secs()).unwrap_or_default();
        let now = pace::now_seconds() - seconds;
        let Some((moment, job)) = self.timetable.take() else { return };
        match job {
            Job::Step(index) => {
                let Some(step) = self.scenario.script.get(index) else { return };
                let deeds = {
                    let State { world, play, .. } = &mut *self.shared.state();
                    play.step(step, world, &self.scenario.mischief)
                };
                let hurried =
                    deeds.into_iter().map(|(after, deed)| (if seconds > 0 { Duration::ZERO } else { after }, deed));
                self.add(moment, hurried.collect());
            }
            Job::Deed(deed) => {
                let outgoing = {
                    let State { world, play, .. } = &mut *self.shared.state();
                    let Some(occurrence) = play.occurrence(&deed, world, now) else { return };
                    self.shared.books.event();
                    self.stage.take(occurrence, now, play.rng())
                };
                self.launch(outgoing);
                if self.stage.holds() {
                    self.timetable.add(moment + self.shared.pace.real(HELD_MAX), Job::Flush);
                }
            }
            Job::Flush => {
                let outgoing = self.stage.flush(now, self.shared.state().play.rng());
                self.launch(outgoing);
            }
        }
    }

    fn launch(&mut self, outgoing: Vec<Outgoing>) {
        for one in outgoing {
            let number = self.shared.books.notification(one.must_arrive);
            let courier = Courier::new(Arc::clone(&self.shared), one, number);
            self.deliveries.spawn(courier.deliver());
        }
    }
}

async fn at(next: Option<Instant>) {
    match next {
        Some(next) => sleep_until(next).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
