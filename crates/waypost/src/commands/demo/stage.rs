//! What is there before the first act: a folder, a gateway, two receiving endpoints.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway::endpoint::{EndpointInput, Format, RuleInput};
use gateway::secret::Sealer;
use gateway::settings::AppSettings;
use gateway::sign::{new_webhook_secret, webhook_key};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::receiver::{Door, Receiver};
use super::show::Show;
use crate::commands::serve::{self, Started};
use crate::config::{self, Config, Environment, StorePlace};
use crate::development;
use crate::exit::Failure;

/// The endpoint that wants everything, in Meta's own form.
pub(super) const EVERYTHING: &str = "everything";
/// The endpoint that wants message statuses, in Waypost's form.
pub(super) const STATUSES: &str = "statuses";
/// The types that it wants.
pub(super) const STATUS_TYPES: &str = "messages.status.";

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Seconds that the end may take.
const DRAIN_SECONDS: u64 = 2;

/// The folder of the store.
#[derive(Debug)]
pub(super) enum Home {
    /// Removed at the end, however the demo ends.
    Passing(TempDir),
    /// Left to look at.
    Kept(PathBuf),
}

/// All that runs.
pub(super) struct Stage {
    started: Started,
    receiver: Receiver,
    app: AppSettings,
    pub(super) show: Show,
}

impl Home {
    pub(super) fn new(keep: Option<&Path>) -> Result<Self, Failure> {
        let Some(folder) = keep else {
            let folder = tempfile::Builder::new().prefix("waypost-demo-").tempdir();
            return Ok(Self::Passing(folder.map_err(Failure::file("make a temporary folder"))?));
        };
        if std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some()) {
            let folder = folder.display();
            return Err(Failure::Arguments(format!("--keep {folder}: the folder is not empty")));
        }
        Ok(Self::Kept(folder.to_owned()))
    }

    /// The folder, if it stays.
    pub(super) fn kept(&self) -> Option<&Path> {
        match self {
            Self::Passing(_) => None,
            Self::Kept(folder) => Some(folder),
        }
    }

    fn folder(&self) -> &Path {
        match self {
            Self::Passing(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}

impl Stage {
    /// Starts everything, on ports that the system chooses. No configuration is read.
    pub(super) async fn set(home: &Home, show: Show, lose_one: bool) -> Result<Self, Failure> {
        let mut config = defaults(home.folder())?;
        let key = development::prepare(&mut config)?;
        let (everything, everything_secret) = door(EVERYTHING, Some(development::random_text()?))?;
        let (statuses, statuses_secret) = door(STATUSES, None)?;
        if lose_one {
            everything.lose_one();
        }
        let receiver = Receiver::open(vec![everything, statuses], show).await?;
        for (door, secret) in receiver.doors.iter().zip([everything_secret, statuses_secret]) {
            config.settings.endpoints.push(endpoint(door, receiver.at, secret));
        }
        let app = config.settings.apps.first().cloned();
        let app = app.ok_or(Failure::Broken("make an app"))?;
        let started = serve::start(config, &Sealer::new(&key.0)).await?;
        Ok(Self { started, receiver, app, show })
    }

    pub(super) fn app(&self) -> &AppSettings {
        &self.app
    }

    /// Where Meta sends.
    pub(super) fn callback_url(&self) -> String {
        let path = self.app.paths.first().map_or("/", String::as_str);
        format!("http://{}{path}", self.started.about.receive)
    }

    pub(super) fn door(&self, name: &str) -> Result<&Door, Failure> {
        let door = self.receiver.doors.iter().find(|door| door.name == name);
        door.ok_or(Failure::Broken("find a receiving endpoint"))
    }

    /// What the gateway's store says.
    pub(super) async fn counts(&self) -> Result<store::StoreCounts, Failure> {
        self.started.store.counts().await.map_err(Failure::Store)
    }

    /// Waits until nothing is owed. False when that takes too long: the books will tell.
    pub(super) async fn nothing_owed(&self, within: Duration) -> Result<bool, Failure> {
        let deadline = Instant::now() + within;
        while self.counts().await?.owed > 0 {
            if Instant::now() > deadline {
                return Ok(false);
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(true)
    }

    /// Waits until something holds. False when that takes too long: the books will tell.
    pub(super) async fn until(&self, within: Duration, holds: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + within;
        while !holds() {
            if Instant::now() > deadline {
                return false;
            }
            sleep(LOOK_EVERY).await;
        }
        true
    }

    /// Stops everything.
    pub(super) async fn clear(self) {
        self.started.running.stop().await;
        self.receiver.close();
    }
}

/// Development mode as the program has it without any configuration, in this folder.
fn defaults(folder: &Path) -> Result<Config, Failure> {
    let mut config = config::check(None, "", &Environment::default()).map_err(Failure::Configuration)?;
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    config.settings.receive.listen = any_port;
    config.settings.receive.drain_seconds = DRAIN_SECONDS;
    config.settings.admin.listen = any_port;
    config.store = StorePlace::Folder;
    config.store_folder = folder.to_owned();
    Ok(config)
}

/// A door, and the Standard Webhooks secret that it shares with the gateway.
fn door(name: &'static str, hub_secret: Option<String>) -> Result<(Door, String), Failure> {
    let secret = new_webhook_secret().ok_or(Failure::NoChance)?;
    let key = webhook_key(&secret).ok_or(Failure::Broken("make a secret"))?;
    Ok((Door::new(name, hub_secret, key), secret.expose().to_owned()))
}

fn endpoint(door: &Door, at: SocketAddr, webhook_secret: String) -> EndpointInput {
    let statuses = vec![format!("{STATUS_TYPES}*")];
    EndpointInput {
        id: Some(door.name.to_owned()),
        url: format!("http://{at}/{}", door.name),
        format: if door.name == STATUSES { Format::Waypost } else { Format::Meta },
        rules: vec![RuleInput {
            types: if door.name == STATUSES { statuses } else { Vec::new() },
            test: true,
            ..RuleInput::default()
        }],
        ordered: true,
        concurrency_max: 16,
        hub_secret: door.hub_secret.clone(),
        webhook_secret: Some(webhook_secret),
        ..EndpointInput::default()
    }
}
