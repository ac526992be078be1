//! Endpoints: listed, made, changed, removed, paused, applied.

pub(super) mod form;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::{EndpointRecord, EndpointState};
use utoipa::ToSchema;

use super::auth::{Caller, Scope};
use super::problem::{Code, Problem};
use super::{Admin, NOTHING};

use crate::clock::rfc3339_ms;
use crate::endpoint::{Definition, EndpointInput, made_up_id};
use crate::endpoints::{PlanStep, Put};

/// The endpoints.
#[utoipa::path(get, path = "/api/v1/endpoints", tag = "endpoints",
    responses((status = 200, description = "the endpoints, without their secrets")))]
pub(super) async fn list(State(admin): State<Admin>, caller: Caller) -> Result<Json<Value>, Problem> {
    caller.needs_for_own(Scope::Read)?;
    let (_, records) = admin.store.endpoints().await?;
    let rows: Vec<Value> = records.iter().filter(|record| caller.may_see(&record.owner)).map(endpoint_json).collect();
    Ok(Json(json!({ "rows": rows, "next_cursor": null })))
}

/// One endpoint. Its `ETag` is for `If-Match`.
#[utoipa::path(get, path = "/api/v1/endpoints/{id}", tag = "endpoints",
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, description = "the endpoint, without its secrets"), (status = 404, body = Problem)))]
pub(super) async fn one(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.needs_for_own(Scope::Read)?;
    Ok(with_etag(StatusCode::OK, &visible(&admin, &caller, &id).await?, None))
}

/// Makes an endpoint. A webhook secret that Waypost makes up is in this answer, and never again. With an
/// `Idempotency-Key`, a repeated call finds the endpoint that the first one made.
#[utoipa::path(post, path = "/api/v1/endpoints", tag = "endpoints", request_body = EndpointInput,
    responses((status = 201, description = "made"), (status = 200, description = "made by an earlier call"),
        (status = 400, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn create(
    State(admin): State<Admin>,
    caller: Caller,
    headers: HeaderMap,
    input: Result<Json<EndpointInput>, JsonRejection>,
) -> Result<Response, Problem> {
    caller.needs_for_own(Scope::Admin)?;
    let mut input = readable(input)?;
    owned_by(&caller, &mut input)?;
    if let (None, Some(key)) = (&input.id, headers.get("idempotency-key")) {
        input.id = Some(id_of_idempotency_key(&caller, key.as_bytes()));
        if let Some(earlier) = admin.endpoints.find(input.id.as_deref().unwrap_or_default()).await? {
            return Ok(with_etag(StatusCode::OK, &earlier, None));
        }
    }
    let Put { record, new_webhook_secret } =
        admin.endpoints.put(input, None).await.map_err(|error| match Problem::from(error) {
            conflict if conflict == Problem::from(store::StoreError::VersionConflict) => {
                Problem::new(Code::Exists, "An endpoint with this id exists already: change it with PUT.")
            }
            other => other,
        })?;
    Ok(with_etag(StatusCode::CREATED, &record, new_webhook_secret.as_ref().map(|secret| secret.expose())))
}

/// Replaces an endpoint. Secrets that are left out stay as they are. `If-Match` refuses to undo somebody else's change.
#[utoipa::path(put, path = "/api/v1/endpoints/{id}", tag = "endpoints", request_body = EndpointInput,
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, description = "changed"), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem)))]
pub(super) async fn replace(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    input: Result<Json<EndpointInput>, JsonRejection>,
) -> Result<Response, Problem> {
    caller.needs_for_own(Scope::Admin)?;
    visible(&admin, &caller, &id).await?;
    let mut input = readable(input)?;
    owned_by(&caller, &mut input)?;
    if input.id.as_ref().is_some_and(|given| *given != id) {
        return Err(Problem::new(Code::BadRequest, "`id` in the body differs from the one in the path."));
    }
    input.id = Some(id);
    let put = admin.endpoints.put(input, Some(if_match(&headers)?.unwrap_or(0))).await?;
    Ok(with_etag(StatusCode::OK, &put.record, None))
}

/// Removes an endpoint. What it is owed ends as dead, `endpoint_removed`.
#[utoipa::path(delete, path = "/api/v1/endpoints/{id}", tag = "endpoints",
    params(("id" = String, Path, description = "its id")),
    responses((status = 204, description = "removed"), (status = 404, body = Problem), (status = 412, body = Problem)))]
pub(super) async fn remove(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    caller.needs_for_own(Scope::Admin)?;
    visible(&admin, &caller, &id).await?;
    admin.endpoints.remove(&id, if_match(&headers)?).await?;
    Ok(NOTHING)
}

/// Pauses an endpoint: what it is owed waits.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/pause", tag = "endpoints",
    params(("id" = String, Path, description = "its id")), responses((status = 204, description = "paused")))]
pub(super) async fn pause(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    set_state(&admin, &caller, &id, EndpointState::Paused, "paused by a person").await
}

/// Resumes an endpoint: what it is owed is delivered in order.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/resume", tag = "endpoints",
    params(("id" = String, Path, description = "its id")), responses((status = 204, description = "active again")))]
pub(super) async fn resume(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    set_state(&admin, &caller, &id, EndpointState::Active, "").await
}

async fn set_state(
    admin: &Admin,
    caller: &Caller,
    id: &str,
    state: EndpointState,
    reason: &str,
) -> Result<StatusCode, Problem> {
    caller.needs_for_own(Scope::Operate)?;
    visible(admin, caller, id).await?;
    admin.endpoints.set_state(id, state, reason).await?;
    Ok(NOTHING)
}

/// Declared endpoints, to be applied or only compared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplyInput {
    /// The declared endpoints, all of them.
    endpoints: Vec<EndpointInput>,
    /// True only tells what would be done.
    #[serde(default)]
    plan: bool,
    /// True removes what is no longer declared; otherwise it is paused.
    #[serde(default)]
    prune: bool,
}

/// Applies declared endpoints.
#[utoipa::path(post, path = "/api/v1/apply", tag = "endpoints", request_body = ApplyInput,
    responses((status = 200, description = "the steps")))]
pub(super) async fn apply(
    State(admin): State<Admin>,
    caller: Caller,
    input: Result<Json<ApplyInput>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    caller.needs(Scope::Admin)?;
    let ApplyInput { endpoints, plan, prune } = readable(input)?;
    let steps = if plan {
        admin.endpoints.plan(&endpoints, prune).await?
    } else {
        admin.endpoints.apply(&endpoints, prune).await?
    };
    Ok(Json(json!({ "applied": !plan, "steps": steps.iter().map(step_json).collect::<Vec<_>>() })))
}

/// A step as JSON.
fn step_json(step: &PlanStep) -> Value {
    match step {
        PlanStep::Create(id) => json!({ "endpoint": id, "step": "create" }),
        PlanStep::Change(id, members) => json!({ "endpoint": id, "step": "change", "members": members }),
        PlanStep::Keep(id) => json!({ "endpoint": id, "step": "keep" }),
        PlanStep::Pause(id) => json!({ "endpoint": id, "step": "pause" }),
        PlanStep::Remove(id) => json!({ "endpoint": id, "step": "remove" }),
    }
}

/// An endpoint as JSON, without its secrets.
pub(super) fn endpoint_json(record: &EndpointRecord) -> Value {
    let definition: Option<Definition> = serde_json::from_str(&record.definition_json).ok();
    json!({
        "id": record.id,
        "owner": record.owner,
        "state": record.state.as_str(),
        "state_reason": record.state_reason,
        "standing_since": record.standing.since_ms.and_then(rfc3339_ms),
        "url": definition.as_ref().map(|d| &d.url),
        "format": definition.as_ref().map(|d| d.format.as_str()),
        "rules": definition.as_ref().map(|d| &d.rules),
        "override": definition.as_ref().map(|d| d.r#override),
        "ages": definition.as_ref().map(|d| &d.ages),
        "ordered": record.ordered,
        "concurrency_max": record.concurrency_max,
        "rate_per_second_max": record.rate_per_second_max,
        "backlog": definition.as_ref().map(|d| &d.backlog),
        "lane_hold_ms": definition.as_ref().and_then(|d| d.lane_hold_ms),
        "policy": definition.as_ref().map(|d| &d.policy),
        "has_hub_secret": definition.as_ref().is_some_and(|d| d.hub_secret.is_some()),
        "form": definition.as_ref().map(|d| form::shown(&d.form)),
        "declared": record.declared,
        "revision": record.revision,
        "owed": record.owed,
        "last_accepted_at": record.last_accepted_at_ms.and_then(rfc3339_ms),
        "created_at": rfc3339_ms(record.created_at_ms),
        "updated_at": rfc3339_ms(record.updated_at_ms),
    })
}

/// The endpoint, if the caller may see it; somebody else's is as good as absent.
pub(super) async fn visible(admin: &Admin, caller: &Caller, id: &str) -> Result<EndpointRecord, Problem> {
    let found = admin.endpoints.find(id).await?.filter(|record| caller.may_see(&record.owner));
    found.ok_or_else(|| Problem::not_found("endpoint"))
}

/// An owner's key makes endpoints of that owner only.
fn owned_by(caller: &Caller, input: &mut EndpointInput) -> Result<(), Problem> {
    if caller.owner.is_empty() {
        return Ok(());
    }
    if !input.owner.is_empty() && input.owner != caller.owner {
        return Err(Problem::new(Code::Forbidden, "This key makes endpoints of its own owner only."));
    }
    input.owner.clone_from(&caller.owner);
    Ok(())
}

fn id_of_idempotency_key(caller: &Caller, key: &[u8]) -> String {
    let digest = Sha256::new().chain_update(&caller.owner).chain_update([0]).chain_update(key).finalize();
    made_up_id(digest.iter().take(12))
}

fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let revision = value.to_str().ok().and_then(|text| text.trim().trim_matches('"').parse().ok());
    revision.map(Some).ok_or_else(|| Problem::new(Code::BadRequest, "`If-Match` must be the ETag of an endpoint."))
}

fn with_etag(status: StatusCode, record: &EndpointRecord, webhook_secret: Option<&str>) -> Response {
    let mut body = endpoint_json(record);
    if let (Value::Object(members), Some(secret)) = (&mut body, webhook_secret) {
        members.insert("webhook_secret".to_owned(), json!(secret));
    }
    (status, [(header::ETAG, format!("\"{}\"", record.revision))], Json(body)).into_response()
}

/// A request body that was read, or the problem with it.
pub(super) fn readable<T>(input: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    input.map(|Json(input)| input).map_err(|rejection| {
        let what = without_texts(&rejection.body_text());
        Problem::new(Code::BadRequest, format!("The request body cannot be used: {what}."))
    })
}

/// What is told about a body quotes none of its texts: they may be secrets.
fn without_texts(told: &str) -> String {
    let parts = told.split_once("string \"").zip(told.rsplit_once("\", expected "));
    match parts {
        Some(((before, _), (_, expected))) => format!("{before}string, expected {expected}"),
        None => told.to_owned(),
    }
}
