//! The one screen for whoever is on call, and the apps.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::{EndpointState, EventQuery};
use utoipa::ToSchema;

use super::Admin;
use super::auth::{Caller, Scope};
use super::problem::Problem;
use crate::clock::rfc3339_ms;

/// The one screen.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    version: &'static str,
    development: bool,
    started_at: Option<String>,
    now: Option<String>,
    ready: bool,
    not_ready_because: Option<String>,
    /// What the store can commit and somebody should know of.
    caution: Option<String>,
    store: StoreStatus,
    totals: Totals,
    apps: Vec<AppStatus>,
    /// The endpoints that are not active or are owed most, worst first; at most 20.
    endpoints: Vec<EndpointStatus>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StoreStatus {
    bytes: u64,
    volume_free_bytes: u64,
    volume_bytes: u64,
    last_commit_us: u64,
    queued_batches: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct Totals {
    notifications: u64,
    events: u64,
    duplicates: u64,
    conflicts: u64,
    unrouted: u64,
    deliveries: u64,
    owed: u64,
    accepted: u64,
    dead: u64,
    skipped: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct AppStatus {
    name: String,
    last_event_at: Option<String>,
    /// How old the last event was when it arrived, by its own time.
    last_event_age_seconds: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct EndpointStatus {
    id: String,
    state: &'static str,
    reason: String,
    owed: u64,
    last_accepted_at: Option<String>,
}

/// What is going on.
#[utoipa::path(get, path = "/api/v1/status", responses((status = 200, body = Status)), tag = "status")]
pub(super) async fn status(State(admin): State<Admin>, caller: Caller) -> Result<Json<Status>, Problem> {
    caller.needs(Scope::Read)?;
    let health = admin.store.health().await;
    let counts = admin.store.counts().await?;
    let mut apps = Vec::new();
    for app in admin.apps.iter() {
        apps.push(app_status(&admin, &app.settings.name).await?);
    }
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        development: admin.development,
        started_at: rfc3339_ms(admin.started_at_ms),
        now: rfc3339_ms(admin.clock.now_ms()),
        ready: health.writable,
        not_ready_because: health.reason,
        caution: health.caution,
        store: StoreStatus {
            bytes: health.store_bytes,
            volume_free_bytes: health.free_bytes,
            volume_bytes: health.volume_bytes,
            last_commit_us: health.last_commit_us,
            queued_batches: health.queued,
        },
        totals: Totals {
            notifications: counts.notifications,
            events: counts.events,
            duplicates: counts.duplicates,
            conflicts: counts.conflicts,
            unrouted: counts.unrouted,
            deliveries: counts.deliveries,
            owed: counts.owed,
            accepted: counts.accepted,
            dead: counts.dead,
            skipped: counts.skipped,
        },
        apps,
        endpoints: worst_endpoints(&admin).await?,
    }))
}

async fn app_status(admin: &Admin, name: &str) -> Result<AppStatus, Problem> {
    let query = EventQuery { app: Some(name.to_owned()), limit: 1, ..EventQuery::default() };
    let last = admin.store.events(query).await?.rows.into_iter().next();
    let age = last.as_ref().and_then(|event| Some(event.received_at_ms.div_euclid(1_000) - event.occurred_at_seconds?));
    Ok(AppStatus {
        name: name.to_owned(),
        last_event_at: last.and_then(|event| rfc3339_ms(event.received_at_ms)),
        last_event_age_seconds: age,
    })
}

async fn worst_endpoints(admin: &Admin) -> Result<Vec<EndpointStatus>, Problem> {
    let (_, mut records) = admin.store.endpoints().await?;
    records.retain(|record| record.state != EndpointState::Active || record.owed > 0);
    records.sort_by_key(|record| (record.state == EndpointState::Active, std::cmp::Reverse(record.owed)));
    records.truncate(20);
    let status = |record: store::EndpointRecord| EndpointStatus {
        state: record.state.as_str(),
        reason: record.state_reason,
        owed: record.owed,
        last_accepted_at: record.last_accepted_at_ms.and_then(rfc3339_ms),
        id: record.id,
    };
    Ok(records.into_iter().map(status).collect())
}

/// An app, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AppJson {
    name: String,
    app_id: Option<String>,
    group: Option<String>,
    callback_paths: Vec<String>,
    secrets: usize,
}

/// The apps.
#[utoipa::path(get, path = "/api/v1/apps", responses((status = 200, body = Vec<AppJson>)), tag = "status")]
pub(super) async fn apps(State(admin): State<Admin>, caller: Caller) -> Result<Json<Vec<AppJson>>, Problem> {
    caller.needs(Scope::Read)?;
    let apps = admin.apps.iter().map(|app| AppJson {
        name: app.settings.name.clone(),
        app_id: app.settings.app_id.clone(),
        group: app.settings.group.clone(),
        callback_paths: app.settings.paths.clone(),
        secrets: app.settings.secrets.len(),
    });
    Ok(Json(apps.collect()))
}
