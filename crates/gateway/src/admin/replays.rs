//! Replays: planned, started, paused, cancelled, shown.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use rules::limits::REPLAY_IDS_MAX;
use rules::route::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{DeliveryNo, EndpointNo, EndpointState, NewReplay, ReplayFilter, ReplayNo, ReplayOf, ReplayRecord, Steer};
use utoipa::{IntoParams, ToSchema};

use super::Admin;
use super::asked::Asked;
use super::auth::{Caller, Scope};
use super::endpoints::readable;
use super::events::{PAGE_ROWS, time};
use super::problem::{Code, Problem};
use crate::clock::rfc3339_ms;

/// Deliveries a second that a rate may name.
const RATE_MAX: u32 = 10_000;

/// A replay to be made. What is not named is anything.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReplayInput {
    /// `deliveries` (default): those that have ended, to where they went or to `to`. `unrouted`: events that matched no
    /// endpoint, to `to`. `events`: events whatever they matched, to `to`.
    of: Of,
    /// The endpoint that gets them; missing: the one that each delivery was for.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Deliveries to this endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    /// Deliveries in these states: `dead`, `skipped`. Missing or empty: both.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    states: Vec<String>,
    /// Also those that were accepted.
    include_accepted: bool,
    /// Events of this app.
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    /// Events of this field.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Events of this type; `*` at the end for the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    /// Events of this WABA.
    #[serde(skip_serializing_if = "Option::is_none")]
    waba_id: Option<String>,
    /// Events of this business number.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number_id: Option<String>,
    /// Events that arrived at or after (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Events that arrived before (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// These events, by id; at most 1000.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<String>,
    /// These deliveries, by number; at most 1000.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deliveries: Vec<i64>,
    /// Each delivery has a fresh `webhook-id`, `<event id>.<replay id>`, for receivers that would drop the repeat.
    as_new: bool,
    /// Deliveries a second at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_second: Option<u32>,
    /// Starts as soon as it is counted. Otherwise it waits with its count until it is started.
    start: bool,
}

/// What a replay repeats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Of {
    /// Deliveries that have ended.
    #[default]
    Deliveries,
    /// Events that matched no endpoint.
    Unrouted,
    /// Events whatever they matched.
    Events,
}

/// Makes a replay: it is counted, and then waits to be started, unless `start` is set. The count holds: what arrives or
/// ends later is none of it. With an `Idempotency-Key`, a repeated call finds the replay that the first one made.
#[utoipa::path(post, path = "/api/v1/replays", tag = "replays", request_body = ReplayInput,
    responses((status = 201, description = "made, and being counted"), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn create(
    State(admin): State<Admin>,
    caller: Caller,
    headers: HeaderMap,
    input: Result<Json<ReplayInput>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    caller.needs(Scope::Operate)?;
    let input = readable(input)?;
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let new = checked(&admin, &caller, input, key).await?;
    let record = admin.replays.make(new).await?;
    tracing::info!(replay.id = %record.number, by = caller.name, "a replay was made");
    Ok((StatusCode::CREATED, Json(replay_json(&record))))
}

/// Which replays to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Where the page begins: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Rows at most, up to 500.
    limit: Option<usize>,
}

/// The replays, newest first.
#[utoipa::path(get, path = "/api/v1/replays", params(ListQuery), tag = "replays",
    responses((status = 200, description = "a page: `rows`, `next_cursor`")))]
pub(super) async fn list(
    State(admin): State<Admin>,
    caller: Caller,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<Value>, Problem> {
    caller.needs(Scope::Read)?;
    let before = query.cursor.as_deref().map(number).transpose().map_err(|_| store::StoreError::BadCursor)?;
    let limit = query.limit.unwrap_or(PAGE_ROWS).clamp(1, rules::limits::PAGE_ROWS_MAX);
    let replays = admin.store.replays(before, limit).await?;
    let next = replays.last().filter(|_| replays.len() == limit).map(|last| last.number.to_string());
    let rows: Vec<Value> = replays.iter().map(replay_json).collect();
    Ok(Json(json!({ "rows": rows, "next_cursor": next })))
}

/// One replay, with what was done to it and what its deliveries are now.
#[utoipa::path(get, path = "/api/v1/replays/{id}", tag = "replays", params(("id" = String, Path, description = "rpl_…")),
    responses((status = 200, description = "the replay, `steps`, `outcomes`"), (status = 404, body = Problem)))]
pub(super) async fn one(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    caller.needs(Scope::Read)?;
    let record = admin.store.replay(number(&id)?).await?.ok_or_else(|| Problem::not_found("replay"))?;
    let mut shown = replay_json(&record);
    if let Value::Object(members) = &mut shown {
        let steps: Vec<Value> = record
            .steps
            .iter()
            .map(|step| json!({ "at": rfc3339_ms(step.at_ms), "by": step.who, "what": step.what }))
            .collect();
        let outcomes = record.outcomes;
        members.insert("steps".to_owned(), Value::Array(steps));
        let outcomes = json!({ "owed": outcomes.owed, "accepted": outcomes.accepted, "dead": outcomes.dead,
            "skipped": outcomes.skipped });
        members.insert("outcomes".to_owned(), outcomes);
    }
    Ok(Json(shown))
}

/// Starts a replay that is planned, or resumes one that is paused. One that is still counted starts when it is counted.
#[utoipa::path(post, path = "/api/v1/replays/{id}/start", tag = "replays",
    params(("id" = String, Path, description = "rpl_…")),
    responses((status = 200, description = "the replay"), (status = 404, body = Problem)))]
pub(super) async fn start(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    steer(&admin, &caller, &id, Steer::Start).await
}

/// Pauses a replay: it makes no more deliveries until it is started again. What it has made goes on.
#[utoipa::path(post, path = "/api/v1/replays/{id}/pause", tag = "replays",
    params(("id" = String, Path, description = "rpl_…")),
    responses((status = 200, description = "the replay"), (status = 404, body = Problem)))]
pub(super) async fn pause(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    steer(&admin, &caller, &id, Steer::Pause).await
}

/// Cancels a replay: what it has not made is not made, and what it has made and is still owed is given up.
#[utoipa::path(post, path = "/api/v1/replays/{id}/cancel", tag = "replays",
    params(("id" = String, Path, description = "rpl_…")),
    responses((status = 200, description = "the replay"), (status = 404, body = Problem)))]
pub(super) async fn cancel(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    steer(&admin, &caller, &id, Steer::Cancel).await
}

async fn steer(admin: &Admin, caller: &Caller, id: &str, steer: Steer) -> Result<Json<Value>, Problem> {
    caller.needs(Scope::Operate)?;
    let record = admin.replays.steer(number(id)?, steer, &caller.name).await?;
    tracing::info!(replay.id = %record.number, by = caller.name, state = record.state.as_str(), "a replay was steered");
    Ok(Json(replay_json(&record)))
}

fn number(id: &str) -> Result<ReplayNo, Problem> {
    id.parse().map_err(|_| Problem::not_found("replay"))
}

async fn checked(admin: &Admin, caller: &Caller, input: ReplayInput, key: Option<&str>) -> Result<NewReplay, Problem> {
    takes_deliveries(admin, input.to.as_deref().or(input.endpoint.as_deref())).await?;
    let to = endpoint(admin, input.to.as_deref()).await?;
    let of = match input.of {
        Of::Deliveries => ReplayOf::Deliveries,
        Of::Unrouted => ReplayOf::Unrouted,
        Of::Events => ReplayOf::Events,
    };
    if of != ReplayOf::Deliveries && to.is_none() {
        return Err(bad("`to` must name the endpoint that gets these events."));
    }
    let of_deliveries = input.endpoint.is_some() || !input.states.is_empty() || !input.deliveries.is_empty();
    if of != ReplayOf::Deliveries && of_deliveries {
        return Err(bad("`endpoint`, `states` and `deliveries` choose among deliveries: leave them out for events."));
    }
    if input.per_second.is_some_and(|rate| !(1..=RATE_MAX).contains(&rate)) {
        return Err(bad(&format!("`per_second` must be from 1 to {RATE_MAX}.")));
    }
    let filter = filter(admin, &input).await?;
    // The record shows what was asked for, in full.
    let request_json = serde_json::to_string(&input).unwrap_or_default();
    Ok(NewReplay {
        of,
        filter,
        to,
        as_new: input.as_new,
        per_second: input.per_second,
        starts: input.start,
        request_json,
        made_by: caller.name.clone(),
        idempotency_key: key.map(|key| format!("{}/{key}", caller.name)),
    })
}

async fn filter(admin: &Admin, input: &ReplayInput) -> Result<ReplayFilter, Problem> {
    if let Some(state) = input.states.iter().find(|state| !matches!(state.as_str(), "dead" | "skipped")) {
        let detail = format!("`states` takes dead and skipped, not {state:?}; accepted ones by `include_accepted`.");
        return Err(bad(&detail));
    }
    if input.events.len().max(input.deliveries.len()) > REPLAY_IDS_MAX {
        return Err(bad(&format!("At most {REPLAY_IDS_MAX} ids at once.")));
    }
    if let Some(wrong) = input.r#type.as_deref().filter(|text| text.starts_with('!') || Pattern::parse(text).is_err()) {
        return Err(bad(&format!("`type` must be a type, with `*` at the end for the rest, not {wrong:?}.")));
    }
    let has = |state: &str| input.states.is_empty() || input.states.iter().any(|given| given == state);
    let events = input.events.iter().map(|id| id.parse()).collect::<Result<_, _>>();
    Ok(ReplayFilter {
        endpoint: endpoint(admin, input.endpoint.as_deref()).await?,
        dead: has("dead"),
        skipped: has("skipped"),
        accepted: input.include_accepted,
        app: input.app.clone(),
        field: input.field.clone(),
        event_type: input.r#type.clone(),
        waba_id: input.waba_id.clone(),
        phone_number_id: input.phone_number_id.clone(),
        since_ms: time(input.since.as_deref(), "since")?,
        until_ms: time(input.until.as_deref(), "until")?,
        events: events.map_err(|_| bad("`events` takes ids like evt_0123456789abcdef0123456789abcdef."))?,
        deliveries: input.deliveries.iter().copied().map(DeliveryNo).collect(),
    })
}

/// One that is disabled gets nothing new; the others get it now or when they are resumed.
async fn takes_deliveries(admin: &Admin, id: Option<&str>) -> Result<(), Problem> {
    let Some(id) = id else { return Ok(()) };
    let disabled = admin.endpoints.find(id).await?.is_some_and(|record| record.state == EndpointState::Disabled);
    if disabled {
        let detail = "The endpoint is disabled, and takes no deliveries: resume it first.";
        return Err(Problem::new(Code::EndpointInactive, detail));
    }
    Ok(())
}

async fn endpoint(admin: &Admin, id: Option<&str>) -> Result<Option<EndpointNo>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found = admin.endpoints.find(id).await?;
    found.map(|record| Some(record.number)).ok_or_else(|| Problem::not_found("endpoint"))
}

fn bad(detail: &str) -> Problem {
    Problem::new(Code::BadRequest, detail)
}

/// A replay as JSON.
fn replay_json(record: &ReplayRecord) -> Value {
    let request: Value = serde_json::from_str(&record.request_json).unwrap_or(Value::Null);
    json!({
        "id": record.number.to_string(),
        "state": record.state.as_str(),
        "request": request,
        "as_new": record.as_new,
        "per_second": record.per_second,
        "matched": record.matched,
        "made": record.made,
        "bodies_gone": record.bodies_gone,
        "endpoints_gone": record.endpoints_gone,
        "made_by": record.made_by,
        "made_at": rfc3339_ms(record.made_at_ms),
        "started_at": record.started_at_ms.and_then(rfc3339_ms),
        "ended_at": record.ended_at_ms.and_then(rfc3339_ms),
    })
}
