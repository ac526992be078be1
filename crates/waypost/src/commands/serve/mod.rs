//! `waypost serve`: the gateway.

mod banner;
mod handler;
mod print;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use gateway::clock::Clock;
use gateway::secret::Sealer;
use gateway::{Parts, Running};
use store::{Embedded, EmbeddedOptions, Postgres, PostgresTuning, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::ServeArgs;
use crate::config::{self, Config, Environment, StorePlace};
use crate::exit::{Exit, Failure};
use crate::node::Node;
use crate::{development, logs, terminal};

/// Runs the gateway until it is told to stop.
pub(crate) fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    let environment = Environment::of_this_process();
    let mut config = config::load(args.config.config.as_deref(), &environment).map_err(Failure::Configuration)?;
    logs::start(&config.logs);
    if !config.warnings.is_empty() {
        terminal::tell(&config.warnings.to_string());
    }
    let key = development::prepare(&mut config)?;
    if let Some(url) = &args.to {
        handler::add(&mut config.settings, url)?;
    }
    runtime()?.block_on(async {
        let started = start(config, &Sealer::new(&key.0)).await?;
        terminal::tell(&banner::text(&started.about));
        if args.print {
            tokio::spawn(print::run(started.running.watch(), Arc::clone(&started.store)));
        }
        until_told_to_stop().await?;
        started.running.stop().await;
        tracing::info!("stopped; what is still owed is delivered after the next start");
        Ok(Exit::Ok)
    })
}

/// A gateway that was started, and what a person needs to know of it.
pub(crate) struct Started {
    pub(crate) running: Running,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) about: banner::About,
    /// Nobody else has its name while this is there.
    _node: Option<Node>,
}

/// Opens the store, binds the listeners and starts the gateway. Nothing is bound before the configuration is good.
pub(crate) async fn start(config: Config, sealer: &Sealer) -> Result<Started, Failure> {
    let store_name = config.store_name();
    let Config { mut settings, store, store_folder, node, volume_percent_max, file, .. } = config;
    let node = node.map(|name| Node::claim(&store_folder, &name)).transpose()?;
    let store = open(store, &store_folder, node.as_ref()).await?;
    let receive = bind(settings.receive.listen, "receive.listen").await?;
    let admin = bind(settings.admin.listen, "admin.listen").await?;
    let (receive_at, admin_at) = (address(&receive)?, address(&admin)?);
    let callback_path = settings.apps.first().and_then(|app| app.paths.first()).map(String::as_str);
    let token = development::open_way_in(&store_folder, admin_at, receive_at, callback_path)?;
    settings.admin.local_token = Some(token);
    let health = store.health().await;
    if settings.retention.store_bytes_max.is_none() && health.volume_bytes > 0 {
        settings.retention.store_bytes_max = Some(health.volume_bytes / 100 * u64::from(volume_percent_max));
    }
    if let Some(caution) = &health.caution {
        tracing::warn!("{caution}");
    }
    let kept = banner::Kept { store: store_name, caution: health.caution };
    let about = banner::About::new(&settings, receive_at, admin_at, kept, file);
    let parts =
        Parts { settings, store: Arc::clone(&store), sealer: sealer.clone(), clock: Clock::System, receive, admin };
    let running = gateway::start(parts).await.map_err(Failure::Start)?;
    Ok(Started { running, store, about, _node: node })
}

/// Opens the store. Blocks nobody while it reads and syncs.
async fn open(place: StorePlace, folder: &Path, node: Option<&Node>) -> Result<Arc<dyn Store>, Failure> {
    match place {
        StorePlace::Folder => {
            let options = EmbeddedOptions::new(folder);
            let opened = tokio::task::spawn_blocking(move || Embedded::open(options)).await;
            Ok(Arc::new(opened.map_err(|_| Failure::Broken("open the store"))?.map_err(Failure::Store)?))
        }
        StorePlace::Postgres(options) => {
            let tuning = PostgresTuning { node: node.map(|node| node.name().to_owned()), ..PostgresTuning::default() };
            let opened = Postgres::open(*options, tuning).await;
            Ok(Arc::new(opened.map_err(Failure::Store)?))
        }
    }
}

/// The runtime that everything runs on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(Failure::file("start the runtime"))
}

async fn bind(at: SocketAddr, setting: &'static str) -> Result<TcpListener, Failure> {
    TcpListener::bind(at).await.map_err(|source| Failure::Listen { at, setting, source })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(Failure::file("read the address that is listened on"))
}

#[expect(clippy::disallowed_methods, reason = "a second signal means at once")]
fn end_at_once() {
    // Everything that was answered 200 is on disk: nothing is lost by going at once.
    std::process::exit(i32::from(Exit::Failed.code()));
}

/// SIGTERM or SIGINT. A second one during the drain ends the process at once.
pub(crate) async fn until_told_to_stop() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::file("wait for signals"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::file("wait for signals"))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: no new connections; what is being read is answered, attempts in flight end");
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        end_at_once();
    });
    Ok(())
}
