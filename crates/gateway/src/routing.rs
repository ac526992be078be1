//! The endpoints in force: a snapshot that routing and delivery read without a lock.

mod form;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper::Uri;
use rules::age::AgeRule;
use rules::retry::Policy;
use rules::route::Routes;
use store::{EndpointNo, EndpointRecord, EndpointState, Store, StoreError};
use tokio::sync::Mutex;

pub use self::form::ReadyForm;
use crate::endpoint::form::Seals;
use crate::endpoint::{Definition, Format};
use crate::secret::{Sealer, Secret};

/// An endpoint, ready for use.
#[derive(Debug)]
pub struct Endpoint {
    /// The store's number for it.
    pub number: EndpointNo,
    /// Its id.
    pub id: String,
    /// Where deliveries go.
    pub url: Uri,
    /// The body that it gets.
    pub format: Format,
    /// The form of its deliveries beside that.
    pub form: ReadyForm,
    /// Signs `X-Hub-Signature-256`, until another one takes over.
    hub_secret: Option<Secret>,
    /// Signs `webhook-signature`.
    webhook_key: WebhookKey,
    /// How its deliveries are tried.
    pub policy: Policy,
    /// When events are too old for it.
    pub ages: Vec<AgeRule>,
}

impl Endpoint {
    /// What signs `X-Hub-Signature-256` now.
    #[must_use]
    pub fn hub_secret(&self, now_ms: i64) -> Option<&Secret> {
        self.form.hub_secret_next(now_ms).or(self.hub_secret.as_ref())
    }

    /// What signs `webhook-signature` now, the newest first.
    pub fn webhook_keys(&self, now_ms: i64) -> impl Iterator<Item = &WebhookKey> {
        std::iter::once(&self.webhook_key).chain(self.form.old_keys(now_ms))
    }
}

/// The key of a Standard Webhooks secret. Does not show itself.
pub struct WebhookKey(pub Vec<u8>);

impl std::fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookKey")
    }
}

/// The endpoints at one version.
#[derive(Debug)]
pub struct Snapshot {
    /// The version of the endpoints.
    pub version: u64,
    /// Who gets what.
    pub routes: Routes<EndpointNo>,
    /// The endpoints by number.
    pub endpoints: HashMap<EndpointNo, Arc<Endpoint>>,
}

impl Snapshot {
    /// No endpoints at all: for reading bodies that go nowhere.
    #[must_use]
    pub fn empty() -> Self {
        Self { version: 0, routes: Routes::compile([]), endpoints: HashMap::new() }
    }
}

/// The snapshot in force, and the way to a newer one.
pub struct Routing {
    store: Arc<dyn Store>,
    sealer: Sealer,
    current: ArcSwap<Snapshot>,
    /// Reloads are made one at a time, so that an older one never replaces a newer one.
    reloading: Mutex<()>,
}

impl std::fmt::Debug for Routing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routing").field("version", &self.current().version).finish_non_exhaustive()
    }
}

impl Routing {
    /// Loads the endpoints.
    pub async fn load(store: Arc<dyn Store>, sealer: Sealer) -> Result<Self, StoreError> {
        let first = snapshot(&*store, &sealer).await?;
        Ok(Self { store, sealer, current: ArcSwap::from_pointee(first), reloading: Mutex::new(()) })
    }

    /// The snapshot in force.
    #[must_use]
    pub fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Loads the endpoints again.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.reloading.lock().await;
        let fresh = snapshot(&*self.store, &self.sealer).await?;
        self.current.store(Arc::new(fresh));
        Ok(())
    }
}

async fn snapshot(store: &dyn Store, sealer: &Sealer) -> Result<Snapshot, StoreError> {
    let (version, records) = store.endpoints().await?;
    let mut endpoints = HashMap::with_capacity(records.len());
    let mut targets = Vec::with_capacity(records.len());
    for record in records {
        match ready(&record, sealer) {
            Ok((endpoint, definition)) => {
                if record.state != EndpointState::Disabled {
                    targets.push((record.number, definition.compiled_rules()));
                }
                endpoints.insert(record.number, Arc::new(endpoint));
            }
            // What it is owed stays owed: an attempt without an endpoint in the snapshot is a fault of ours, and retried.
            Err(cause) => tracing::error!(endpoint.id = record.id, cause, "an endpoint cannot be used"),
        }
    }
    Ok(Snapshot { version, routes: Routes::compile(targets), endpoints })
}

fn ready(record: &EndpointRecord, sealer: &Sealer) -> Result<(Endpoint, Definition), String> {
    let definition: Definition =
        serde_json::from_str(&record.definition_json).map_err(|_| "its definition is damaged".to_owned())?;
    let open = |kind: &str, sealed: &str| {
        sealer.open(&secret_owner(&record.id, kind), sealed).map_err(|cause| cause.to_string())
    };
    let webhook_secret = open("webhook", &definition.webhook_secret)?;
    let webhook_key = crate::sign::webhook_key(&webhook_secret).ok_or("its webhook secret is damaged")?;
    let hub_secret = definition.hub_secret.as_deref().map(|sealed| open("hub", sealed)).transpose()?;
    let form = definition.form.open(Seals { sealer, id: &record.id }).map_err(|cause| cause.to_string())?;
    let endpoint = Endpoint {
        number: record.number,
        id: record.id.clone(),
        url: definition.url.parse().map_err(|_| "its URL is damaged".to_owned())?,
        format: definition.format,
        form: ReadyForm::new(form)?,
        hub_secret,
        webhook_key: WebhookKey(webhook_key),
        policy: definition.policy(),
        ages: definition.compiled_ages(),
    };
    Ok((endpoint, definition))
}

/// What a sealed secret of an endpoint is bound to.
#[must_use]
pub fn secret_owner(endpoint_id: &str, kind: &str) -> String {
    format!("endpoint/{endpoint_id}/{kind}")
}
