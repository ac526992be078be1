//! The gateway as a whole: put together, started, stopped.

use std::sync::Arc;
use std::time::Duration;

use rules::identity::EventId;
use store::{Store, StoreError};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, broadcast};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Admin};
use crate::alarm::{self, Alarm};
use crate::clock::Clock;
use crate::deliver::{self, Client, Guard, Sender};
use crate::endpoints::{Endpoints, EndpointsError, PlanStep};
use crate::metrics::Metrics;
use crate::operator;
use crate::receive::{self, Apps, Receiver, RefusedBodies};
use crate::replays::Replays;
use crate::routing::{Routing, follow};
use crate::secret::{SealError, Sealer, Secret};
use crate::settings::Settings;
use crate::upkeep::{self, Upkeep};

/// The name under which the store keeps a sealed word that proves the key.
const KEY_CHECK: &str = "secrets_key_check";
/// Events that a watcher may lag behind before it misses some.
const WATCH_MAX: usize = 4_096;

/// What the gateway is started with.
pub struct Parts {
    /// What it is told.
    pub settings: Settings,
    /// Where it keeps everything.
    pub store: Arc<dyn Store>,
    /// Seals the secrets in the store.
    pub sealer: Sealer,
    /// The time of day.
    pub clock: Clock,
    /// The listener that Meta reaches, bound.
    pub receive: TcpListener,
    /// The listener for people and tools, bound.
    pub admin: TcpListener,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Why the gateway did not start. Nothing of it runs.
#[derive(Debug, Error)]
pub enum StartError {
    /// The store cannot be used.
    #[error("failed to read the store")]
    Store(#[from] StoreError),
    /// The key does not open the secrets in the store.
    #[error("the key does not fit this store")]
    Key(#[source] SealError),
    /// The declared endpoints cannot be applied.
    #[error("failed to apply the declared endpoints")]
    Endpoints(#[from] EndpointsError),
}

/// A gateway that runs.
#[derive(Debug)]
pub struct Running {
    watch: broadcast::Sender<Vec<EventId>>,
    receiving: Task,
    delivering: Task,
    serving: Task,
    keeping: Task,
    telling: Task,
    following: Task,
    replaying: Task,
    store: KeepsStore,
    drain: Duration,
}

#[derive(Debug)]
struct Task {
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

struct KeepsStore(Arc<dyn Store>);

impl std::fmt::Debug for KeepsStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Task {
    fn start<F: Future<Output = ()> + Send + 'static>(work: impl FnOnce(CancellationToken) -> F) -> Self {
        let stop = CancellationToken::new();
        let handle = tokio::spawn(work(stop.clone()));
        Self { stop, handle }
    }

    /// Tells it to stop, and waits at most so long.
    async fn stop(self, name: &'static str, within: Duration) {
        self.stop.cancel();
        match tokio::time::timeout(within, self.handle).await {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => tracing::error!(task = name, error = %cause, "a task broke"),
            Err(_) => tracing::warn!(task = name, within_ms = within.as_millis(), "a task did not end in time"),
        }
    }
}

/// Starts the gateway.
pub async fn start(parts: Parts) -> Result<Running, StartError> {
    let Parts { settings, store, sealer, clock, receive, admin } = parts;
    check_key(&*store, &sealer).await?;
    let routing = Arc::new(Routing::load(Arc::clone(&store), sealer.clone()).await?);
    let endpoints = Endpoints::new(Arc::clone(&store), Arc::clone(&routing), sealer, clock.clone());
    tell(&endpoints.apply(&settings.endpoints, false).await?);
    let apps = Arc::new(Apps::new(settings.apps, store.numbers().await?));
    let metrics = Arc::new(Metrics::default());
    let refused = Arc::new(RefusedBodies::new(settings.development || settings.receive.keep_refused));
    let (watch, _) = broadcast::channel(WATCH_MAX);
    let drain = Duration::from_secs(settings.receive.drain_seconds);

    let receiver = Arc::new(Receiver {
        requests_in_flight: Semaphore::new(settings.receive.requests_in_flight_max),
        bytes_in_flight: Arc::new(Semaphore::new(settings.receive.bytes_in_flight_max)),
        settings: settings.receive,
        apps: Arc::clone(&apps),
        store: Arc::clone(&store),
        routing: Arc::clone(&routing),
        clock: clock.clone(),
        metrics: Arc::clone(&metrics),
        refused: Arc::clone(&refused),
        fresh_events: watch.clone(),
    });
    let (herald, news) = operator::Herald::new();
    let teller = operator::Teller { store: Arc::clone(&store), routing: Arc::clone(&routing), clock: clock.clone() };
    let upkeep = Upkeep {
        store: Arc::clone(&store),
        routing: Arc::clone(&routing),
        retention: settings.retention,
        clock: clock.clone(),
        herald: herald.clone(),
    };
    let alarm = Alarm {
        store: Arc::clone(&store),
        metrics: Arc::clone(&metrics),
        herald: herald.clone(),
        clock: clock.clone(),
    };
    let (followed, follower) = (Arc::clone(&store), Arc::clone(&routing));
    let sender = Sender {
        breakers: Arc::default(),
        herald,
        store: Arc::clone(&store),
        routing,
        client: Client::new(Guard::new(&settings.outbound, settings.development), settings.outbound.proxy),
        clock: clock.clone(),
        metrics: Arc::clone(&metrics),
        in_flight_max: settings.outbound.in_flight_max.max(1),
    };
    let replays = Replays::new(Arc::clone(&store), clock.clone());
    let admin_state = Admin {
        replays: replays.clone(),
        store: Arc::clone(&store),
        apps,
        endpoints,
        metrics,
        started_at_ms: clock.now_ms(),
        clock: clock.clone(),
        refused,
        local_token: settings.admin.local_token,
        development: settings.development,
    };
    Ok(Running {
        watch,
        receiving: Task::start(|stop| receive::serve(receiver, receive, stop)),
        delivering: Task::start(|stop| deliver::run(sender, stop)),
        serving: Task::start(|stop| admin::serve(admin_state, admin, stop)),
        replaying: Task::start(|stop| replays.run(stop)),
        keeping: Task::start(|stop| async move {
            tokio::join!(upkeep::run(upkeep, stop.clone()), alarm::run(alarm, stop));
        }),
        telling: Task::start(|stop| operator::run(teller, news, stop)),
        following: Task::start(|stop| follow::run(followed, follower, stop)),
        store: KeepsStore(store),
        drain,
    })
}

impl Running {
    /// The ids of new events, as they are committed. Whoever is too slow misses some.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Vec<EventId>> {
        self.watch.subscribe()
    }

    /// Stops: takes no new connection, answers what is being read, lets attempts in flight end, closes the store. What
    /// is still owed is delivered after the next start.
    pub async fn stop(self) {
        let grace = Duration::from_secs(1);
        self.receiving.stop("receive", self.drain + grace).await;
        self.keeping.stop("upkeep", grace).await;
        self.following.stop("endpoints", grace).await;
        self.replaying.stop("replays", grace).await;
        self.delivering.stop("deliver", self.drain + grace).await;
        self.telling.stop("operator", grace).await;
        self.serving.stop("api", Duration::from_secs(6)).await;
        self.store.0.close().await;
    }
}

/// Tells what became of the declared endpoints.
fn tell(steps: &[PlanStep]) {
    for step in steps {
        match step {
            PlanStep::Create(id) => tracing::info!(endpoint.id = id, "a declared endpoint was made"),
            PlanStep::Change(id, members) => {
                tracing::info!(endpoint.id = id, ?members, "a declared endpoint was changed")
            }
            PlanStep::Pause(id) => tracing::warn!(
                endpoint.id = id,
                "an endpoint is no longer declared and was paused; `waypost apply --prune` removes it"
            ),
            PlanStep::Remove(id) => {
                tracing::warn!(endpoint.id = id, "an endpoint that is no longer declared was removed")
            }
            PlanStep::Keep(_) => {}
        }
    }
}

/// The first start seals a word; every later one must be able to open it.
async fn check_key(store: &dyn Store, sealer: &Sealer) -> Result<(), StartError> {
    match store.setting(KEY_CHECK).await? {
        Some(sealed) => sealer.open(KEY_CHECK, &sealed).map(drop).map_err(StartError::Key),
        None => {
            let sealed = sealer.seal(KEY_CHECK, &Secret::new("waypost")).map_err(StartError::Key)?;
            Ok(store.put_setting(KEY_CHECK, &sealed).await?)
        }
    }
}
