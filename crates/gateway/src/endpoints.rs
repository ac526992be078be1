//! Changing the endpoints: by the API, and from the declared ones of the configuration file.

mod overriding;
mod rotate;
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rules::breaker::Standing;
use rules::route::Facts;
use store::{EndpointChange, EndpointNo, EndpointRecord, EndpointState, LabelsOf, Store, StoreError};
use thiserror::Error;
use tokio::sync::Mutex;

pub use self::overriding::{Clash, Explained, clash_of};
pub use self::testing::{TestError, Tested};
use crate::clock::Clock;
use crate::endpoint::form::Seals;
use crate::endpoint::{BadEndpoint, CheckedEndpoint, Definition, EndpointInput, made_up_id};
use crate::routing::{Routing, secret_owner};
use crate::secret::{SealError, Sealer, Secret};
use crate::sign::new_webhook_secret;

/// Why the endpoints were not changed.
#[derive(Debug, Error)]
pub enum EndpointsError {
    /// What was asked for makes no sense.
    #[error(transparent)]
    Bad(#[from] BadEndpoint),
    /// The store did not take it.
    #[error("failed to write the endpoints")]
    Store(#[from] StoreError),
    /// A secret could not be sealed or opened.
    #[error("failed to seal a secret")]
    Seal(#[from] SealError),
    /// Two endpoints override the same events.
    #[error(transparent)]
    Clash(#[from] Clash),
}

/// Changes endpoints, and makes the change known to routing before it returns.
#[derive(Clone)]
pub struct Endpoints {
    store: Arc<dyn Store>,
    routing: Arc<Routing>,
    sealer: Sealer,
    clock: Clock,
    /// Held while a change is judged and made, so that two of them do not clash unseen.
    changing: Arc<Mutex<()>>,
}

impl std::fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Endpoints")
    }
}

/// An endpoint that was made or changed. A secret that Waypost made up is shown this once.
#[derive(Debug)]
pub struct Put {
    /// The endpoint as kept.
    pub record: EndpointRecord,
    /// The Standard Webhooks secret, when it was made up just now.
    pub new_webhook_secret: Option<Secret>,
}

/// How often a change is judged anew because others change endpoints at the same time.
const TRIES: usize = 8;

/// What applying the declared endpoints does to one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanStep {
    /// It is new.
    Create(String),
    /// It changes; with the names of the members that do.
    Change(String, Vec<&'static str>),
    /// It is as declared.
    Keep(String),
    /// It was declared and is no longer: it is paused, with a warning.
    Pause(String),
    /// It was declared and is no longer: it is removed (`--prune`).
    Remove(String),
}

impl Endpoints {
    /// Works on this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, routing: Arc<Routing>, sealer: Sealer, clock: Clock) -> Self {
        Self { store, routing, sealer, clock, changing: Arc::default() }
    }

    /// Makes an endpoint, or replaces it when `if_revision` is the one that it has. What the input leaves out of its
    /// secrets stays as it was.
    pub async fn put(&self, input: EndpointInput, if_revision: Option<u64>) -> Result<Put, EndpointsError> {
        let checked = input.check()?;
        let id = match &checked.input.id {
            Some(id) => id.clone(),
            None => random_id()?,
        };
        let existing = self.find(&id).await?;
        let (record, new_webhook_secret) = self.record(&id, checked, existing.as_ref(), false)?;
        self.change(vec![EndpointChange::Put { endpoint: record, if_revision }]).await?;
        let record = self.find(&id).await?.ok_or(StoreError::NotFound { what: "endpoint" })?;
        Ok(Put { record, new_webhook_secret })
    }

    /// Removes an endpoint; what it is owed ends as dead.
    pub async fn remove(&self, id: &str, if_revision: Option<u64>) -> Result<(), EndpointsError> {
        self.change(vec![EndpointChange::Remove { id: id.to_owned(), if_revision }]).await
    }

    /// Pauses, resumes or disables an endpoint.
    pub async fn set_state(&self, id: &str, state: EndpointState, reason: &str) -> Result<(), EndpointsError> {
        self.change(vec![EndpointChange::State { id: id.to_owned(), state, reason: reason.to_owned() }]).await
    }

    /// The endpoint with this id.
    pub async fn find(&self, id: &str) -> Result<Option<EndpointRecord>, StoreError> {
        let (_, records) = self.store.endpoints().await?;
        Ok(records.into_iter().find(|record| record.id == id))
    }

    /// What applying the declared endpoints would do.
    pub async fn plan(&self, declared: &[EndpointInput], prune: bool) -> Result<Vec<PlanStep>, EndpointsError> {
        let (steps, changes): (Vec<_>, Vec<_>) = self.compare(declared, prune).await?.into_iter().unzip();
        let changes: Vec<_> = changes.into_iter().flatten().collect();
        overriding::check(&*self.store, &changes).await?;
        Ok(steps)
    }

    /// Applies the declared endpoints. Those made by the API are left alone. Of several nodes that apply at the same
    /// moment one does it; the others see it done.
    pub async fn apply(&self, declared: &[EndpointInput], prune: bool) -> Result<Vec<PlanStep>, EndpointsError> {
        let mut tries = 0;
        loop {
            let (steps, changes): (Vec<_>, Vec<_>) = self.compare(declared, prune).await?.into_iter().unzip();
            let changes: Vec<_> = changes.into_iter().flatten().collect();
            if changes.is_empty() {
                self.routing.reload().await?;
                return Ok(steps);
            }
            tries += 1;
            match self.change(changes).await {
                Err(EndpointsError::Store(StoreError::VersionConflict)) if tries < TRIES => {}
                done => return done.map(|()| steps),
            }
        }
    }

    /// Puts these labels in place of those that each of these WABAs and numbers bore.
    pub async fn put_labels(&self, labels: Vec<LabelsOf>) -> Result<(), EndpointsError> {
        let _one_at_a_time = self.changing.lock().await;
        overriding::check_labels(&*self.store, &labels).await?;
        self.store.put_labels(labels).await?;
        self.routing.reload().await?;
        Ok(())
    }

    /// Why each endpoint gets an event with these facts, or not.
    pub async fn explain(&self, facts: &Facts<'_>) -> Result<Vec<Explained>, StoreError> {
        overriding::explain(&*self.store, facts).await
    }

    /// Makes changes that were judged beside all endpoints, and judges them again when another node changed one meanwhile.
    async fn change(&self, changes: Vec<EndpointChange>) -> Result<(), EndpointsError> {
        let _one_at_a_time = self.changing.lock().await;
        let mut tries = 0;
        loop {
            let version = overriding::check(&*self.store, &changes).await?;
            let mut judged = changes.clone();
            judged.push(EndpointChange::At { version });
            tries += 1;
            match self.store.change_endpoints(judged, self.clock.now_ms()).await {
                // The endpoints did not move: it is the caller's revision that does not fit.
                Err(StoreError::VersionConflict)
                    if tries < TRIES && self.store.endpoints_version().await? != version => {}
                done => {
                    let _version = done?;
                    self.routing.reload().await?;
                    return Ok(());
                }
            }
        }
    }

    async fn compare(
        &self,
        declared: &[EndpointInput],
        prune: bool,
    ) -> Result<Vec<(PlanStep, Option<EndpointChange>)>, EndpointsError> {
        let (_, records) = self.store.endpoints().await?;
        let mut steps = Vec::new();
        for input in declared {
            let checked = input.clone().check()?;
            let id = input.id.clone().ok_or_else(|| BadEndpoint {
                member: "name".to_owned(),
                expected: "a declared endpoint needs a name: it is its id".to_owned(),
            })?;
            let existing = records.iter().find(|record| record.id == id);
            steps.push(self.step(&id, checked, existing)?);
        }
        let is_declared = |record: &EndpointRecord| declared.iter().any(|input| input.id.as_ref() == Some(&record.id));
        for record in records.iter().filter(|record| record.declared && !is_declared(record)) {
            steps.push(left_over(record, prune));
        }
        Ok(steps)
    }

    fn step(
        &self,
        id: &str,
        checked: CheckedEndpoint,
        existing: Option<&EndpointRecord>,
    ) -> Result<(PlanStep, Option<EndpointChange>), EndpointsError> {
        let differences = existing.map(|existing| self.differences(existing, &checked)).transpose()?;
        if let Some([]) = differences.as_deref() {
            return Ok((PlanStep::Keep(id.to_owned()), None));
        }
        let (record, _) = self.record(id, checked, existing, true)?;
        let step = match differences {
            None => PlanStep::Create(id.to_owned()),
            Some(members) => PlanStep::Change(id.to_owned(), members),
        };
        let if_revision = existing.map(|existing| existing.revision);
        Ok((step, Some(EndpointChange::Put { endpoint: record, if_revision })))
    }

    /// The members in which an endpoint differs from what is declared.
    fn differences(&self, record: &EndpointRecord, checked: &CheckedEndpoint) -> Result<Vec<&'static str>, SealError> {
        let Ok(kept) = serde_json::from_str::<Definition>(&record.definition_json) else {
            return Ok(vec!["definition"]);
        };
        let input = &checked.input;
        let hub = kept.hub_secret.as_deref().map(|sealed| self.open(&record.id, "hub", sealed)).transpose()?;
        let webhook = self.open(&record.id, "webhook", &kept.webhook_secret)?;
        let before = kept.form.open(self.seals(&record.id))?;
        let form = checked.form.over(before.clone(), true);
        let all = [
            ("declared", !record.declared),
            ("url", kept.url != input.url),
            ("format", kept.format != input.format),
            ("owner", record.owner != input.owner),
            ("rules", kept.rules != input.rules),
            ("override", kept.r#override != input.r#override),
            ("ages", kept.ages != input.ages),
            ("ordered", record.ordered != input.is_ordered()),
            ("concurrency_max", record.concurrency_max != input.concurrency_max),
            ("rate_per_second_max", record.rate_per_second_max != input.rate_per_second_max),
            ("backlog", kept.backlog != input.backlog),
            ("policy", kept.policy != input.policy),
            ("lane_hold", kept.lane_hold_ms != checked.lane_hold_ms),
            ("hub_secret", hub != checked.hub_secret),
            ("webhook_secret", checked.webhook_secret.as_ref().is_some_and(|declared| *declared != webhook)),
        ];
        Ok(all
            .into_iter()
            .chain(form.differences(&before))
            .filter(|(_, differs)| *differs)
            .map(|(member, _)| member)
            .collect())
    }

    /// The record for an input. A webhook secret that is not given is kept, or made up.
    fn record(
        &self,
        id: &str,
        checked: CheckedEndpoint,
        existing: Option<&EndpointRecord>,
        declared: bool,
    ) -> Result<(EndpointRecord, Option<Secret>), EndpointsError> {
        let kept = existing.and_then(|record| serde_json::from_str::<Definition>(&record.definition_json).ok());
        let before = kept.as_ref().map(|kept| kept.form.open(self.seals(id))).transpose()?.unwrap_or_default();
        let (webhook_secret, made_up) = match (&checked.webhook_secret, &kept) {
            (Some(given), _) => (self.seal(id, "webhook", given)?, None),
            (None, Some(kept)) => (kept.webhook_secret.clone(), None),
            (None, None) => {
                let fresh = new_webhook_secret().ok_or(SealError::NoChance)?;
                (self.seal(id, "webhook", &fresh)?, Some(fresh))
            }
        };
        let hub_secret = match (&checked.hub_secret, kept) {
            (Some(given), _) => Some(self.seal(id, "hub", given)?),
            // The file is the whole truth of a declared endpoint; the API changes only what it names.
            (None, Some(kept)) if !declared => kept.hub_secret,
            (None, _) => None,
        };
        let CheckedEndpoint { input, lane_hold_ms, form, .. } = checked;
        let form = form.over(before, declared).seal(self.seals(id))?;
        let ordered = input.is_ordered();
        let definition = Definition {
            url: input.url,
            format: input.format,
            rules: input.rules,
            r#override: input.r#override,
            ages: input.ages,
            lane_hold_ms,
            backlog: input.backlog,
            policy: input.policy,
            hub_secret,
            webhook_secret,
            form,
        };
        let state =
            existing.map_or(if input.paused { EndpointState::Paused } else { EndpointState::Active }, |old| old.state);
        let now_ms = self.clock.now_ms();
        let record = EndpointRecord {
            number: EndpointNo(0),
            id: id.to_owned(),
            owner: input.owner,
            state,
            state_reason: existing.map_or_else(String::new, |old| old.state_reason.clone()),
            ordered,
            concurrency_max: input.concurrency_max,
            rate_per_second_max: input.rate_per_second_max,
            standing: Standing::default(),
            definition_json: serde_json::to_string(&definition).unwrap_or_default(),
            declared,
            revision: 0,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            owed: 0,
            last_accepted_at_ms: None,
        };
        Ok((record, made_up))
    }

    fn seals<'s>(&'s self, id: &'s str) -> Seals<'s> {
        Seals { sealer: &self.sealer, id }
    }

    fn seal(&self, id: &str, kind: &str, secret: &Secret) -> Result<String, SealError> {
        self.sealer.seal(&secret_owner(id, kind), secret)
    }

    fn open(&self, id: &str, kind: &str, sealed: &str) -> Result<Secret, SealError> {
        self.sealer.open(&secret_owner(id, kind), sealed)
    }
}

fn left_over(record: &EndpointRecord, prune: bool) -> (PlanStep, Option<EndpointChange>) {
    let id = record.id.clone();
    if prune {
        let if_revision = Some(record.revision);
        return (PlanStep::Remove(id.clone()), Some(EndpointChange::Remove { id, if_revision }));
    }
    if record.state != EndpointState::Active {
        return (PlanStep::Keep(id), None);
    }
    let reason = "no longer declared in the configuration".to_owned();
    (PlanStep::Pause(id.clone()), Some(EndpointChange::State { id, state: EndpointState::Paused, reason }))
}

fn random_id() -> Result<String, SealError> {
    let mut chance = [0; 12];
    getrandom::fill(&mut chance).map_err(|_| SealError::NoChance)?;
    Ok(made_up_id(&chance))
}
