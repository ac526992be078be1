//! The endpoints in force: a snapshot that routing and delivery read without a lock.

pub(crate) mod follow;
mod form;
mod own;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use hyper::Uri;
use rules::age::AgeRule;
use rules::retry::Policy;
use rules::route::{Labels, Routes, Rule, Wants};
use store::{EndpointNo, EndpointRecord, EndpointState, LabelsOf, Store, StoreError};
use tokio::sync::Mutex;

pub use self::form::ReadyForm;
pub use self::own::Own;
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
    /// Requests in flight to it at most.
    pub concurrency_max: usize,
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
    /// What it wants.
    pub rules: Vec<Rule>,
    /// Whether it competes with others that override.
    pub overrides: bool,
    /// Changes with the endpoint.
    pub revision: u64,
}

impl Endpoint {
    fn wants(&self) -> Wants<EndpointNo> {
        Wants { target: self.number, rules: self.rules.clone(), overrides: self.overrides, owner: self.owner.clone() }
    }
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
        let first = snapshot(&*store, &sealer, &Snapshot::empty()).await?;
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
        let fresh = snapshot(&*self.store, &self.sealer, &self.current()).await?;
        self.current.store(Arc::new(fresh));
        *served = serves;
        Ok(())
    }
}

/// The endpoints as they are now. What has not changed since `before` is taken over: opening ten thousand secrets takes
/// longer than anything else here.
async fn snapshot(store: &dyn Store, sealer: &Sealer, before: &Snapshot) -> Result<Snapshot, StoreError> {
    let (version, records) = store.endpoints().await?;
    // After the version: labels that are newer than it move it on, and what was routed by it is refused.
    let labels = labels_of(store).await?;
    let mut endpoints = HashMap::with_capacity(records.len());
    let mut targets = Vec::with_capacity(records.len());
    for record in records {
        let known = before.endpoints.get(&record.number).filter(|known| known.revision == record.revision);
        match known.map_or_else(|| ready(&record, sealer).map(Arc::new), |known| Ok(Arc::clone(known))) {
            Ok(endpoint) => {
                if record.state != EndpointState::Disabled {
                    targets.push(endpoint.wants());
                }
                endpoints.insert(record.number, endpoint);
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

fn ready(record: &EndpointRecord, sealer: &Sealer) -> Result<Endpoint, String> {
    let definition: Definition =
        serde_json::from_str(&record.definition_json).map_err(|_| "its definition is damaged".to_owned())?;
    let open = |kind: &str, sealed: &str| {
        sealer.open(&secret_owner(&record.id, kind), sealed).map_err(|cause| cause.to_string())
    };
    let webhook_secret = open("webhook", &definition.webhook_secret)?;
    let webhook_key = crate::sign::webhook_key(&webhook_secret).ok_or("its webhook secret is damaged")?;
    let hub_secret = definition.hub_secret.as_deref().map(|sealed| open("hub", sealed)).transpose()?;
    let form = definition.form.open(Seals { sealer, id: &record.id }).map_err(|cause| cause.to_string())?;
    Ok(Endpoint {
        number: record.number,
        revision: record.revision,
        id: record.id.clone(),
        owner: record.owner.clone(),
        state: record.state,
        concurrency_max: usize::try_from(record.concurrency_max).unwrap_or(usize::MAX),
        backlog: definition.compiled_backlog(),
        url: definition.url.parse().map_err(|_| "its URL is damaged".to_owned())?,
        format: definition.format,
        form: ReadyForm::new(form)?,
        hub_secret,
        webhook_key: WebhookKey(webhook_key),
        policy: definition.policy(),
        ages: definition.compiled_ages(),
        rules: definition.compiled_rules(),
        overrides: definition.r#override,
    })
}

/// What a sealed secret of an endpoint is bound to.
#[must_use]
pub fn secret_owner(endpoint_id: &str, kind: &str) -> String {
    format!("endpoint/{endpoint_id}/{kind}")
}
