//! The endpoints in force: a snapshot that routing and delivery read without a lock.

mod form;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use hyper::Uri;
use rules::age::AgeRule;
use rules::retry::Policy;
use rules::route::{Labels, Routes, Wants};
use store::{EndpointNo, EndpointRecord, EndpointState, LabelsOf, Store, StoreError};
use tokio::sync::Mutex;

pub use self::form::ReadyForm;
use crate::endpoint::form::Seals;
use crate::endpoint::{Backlog, Definition, Format};
use crate::secret::{Sealer, Secret};

/// An endpoint, ready for use.
#[derive(Debug)]
pub struct Endpoint {
    /// The store's number for it.
    pub number: EndpointNo,
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// Whether it gets deliveries.
    pub state: EndpointState,
    /// How much it may be owed.
    pub backlog: Backlog,
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
        Self { version: 0, routes: Routes::compile([], Labels::default()), endpoints: HashMap::new() }
    }
}

/// The snapshot in force, and the way to a newer one.
pub struct Routing {
    store: Arc<dyn Store>,
    sealer: Sealer,
    current: ArcSwap<Snapshot>,
    /// Reloads are made one at a time, so that an older one never replaces a newer one. Holds how many wishes the last one
    /// served.
    reloading: Mutex<u64>,
    /// Wishes for a reload so far.
    wished: AtomicU64,
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
        Ok(Self {
            store,
            sealer,
            current: ArcSwap::from_pointee(first),
            reloading: Mutex::new(0),
            wished: AtomicU64::new(0),
        })
    }

    /// The snapshot in force.
    #[must_use]
    pub fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Loads the endpoints again. Many who wish it at once share one.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let wish = self.wished.fetch_add(1, Ordering::SeqCst) + 1;
        let mut served = self.reloading.lock().await;
        if *served >= wish {
            return Ok(());
        }
        let serves = self.wished.load(Ordering::SeqCst);
        let fresh = snapshot(&*self.store, &self.sealer).await?;
        self.current.store(Arc::new(fresh));
        *served = serves;
        Ok(())
    }
}

async fn snapshot(store: &dyn Store, sealer: &Sealer) -> Result<Snapshot, StoreError> {
    let (version, records) = store.endpoints().await?;
    // After the version: labels that are newer than it move it on, and what was routed by it is refused.
    let labels = labels_of(store).await?;
    let mut endpoints = HashMap::with_capacity(records.len());
    let mut targets = Vec::with_capacity(records.len());
    for record in records {
        match ready(&record, sealer) {
            Ok((endpoint, definition)) => {
                if record.state != EndpointState::Disabled {
                    targets.push(Wants {
                        target: record.number,
                        rules: definition.compiled_rules(),
                        overrides: definition.r#override,
                        owner: record.owner.clone(),
                    });
                }
                endpoints.insert(record.number, Arc::new(endpoint));
            }
            // What it is owed stays owed: an attempt without an endpoint in the snapshot is a fault of ours, and retried.
            Err(cause) => tracing::error!(endpoint.id = record.id, cause, "an endpoint cannot be used"),
        }
    }
    Ok(Snapshot { version, routes: Routes::compile(targets, labels), endpoints })
}

/// The labels in force.
pub(crate) async fn labels_of(store: &dyn Store) -> Result<Labels, StoreError> {
    let mut labels = Labels::default();
    for LabelsOf { on, id, labels: borne } in store.labels().await? {
        borne.iter().for_each(|label| labels.add(on, &id, label));
    }
    Ok(labels)
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
        owner: record.owner.clone(),
        state: record.state,
        backlog: definition.compiled_backlog(),
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
