//! Deliveries: listed and shown with their attempts.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{AttemptRecord, DeliveryNo, DeliveryQuery, DeliveryRecord};
use utoipa::IntoParams;

use super::Admin;
use super::asked::Asked;
use super::auth::{Caller, Scope};
use super::events::PAGE_ROWS;
use super::problem::{Code, Problem};
use crate::clock::rfc3339_ms;

/// Which deliveries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// The endpoint's id.
    endpoint: Option<String>,
    /// The event's id.
    event: Option<String>,
    /// `owed`, `accepted`, `dead` or `skipped`.
    state: Option<String>,
    /// Where the page begins: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Rows at most, up to 500.
    limit: Option<usize>,
}

/// Deliveries, newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", params(ListQuery), tag = "deliveries",
    responses((status = 200, description = "a page: `rows`, `next_cursor`")))]
pub(super) async fn list(
    State(admin): State<Admin>,
    caller: Caller,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<Value>, Problem> {
    caller.needs(Scope::Read)?;
    if let Some(state) = query.state.as_deref().filter(|s| !matches!(*s, "owed" | "accepted" | "dead" | "skipped")) {
        let detail = format!("`state` must be owed, accepted, dead or skipped, not {state:?}.");
        return Err(Problem::new(Code::BadRequest, detail));
    }
    let endpoint = match &query.endpoint {
        Some(id) => Some(admin.endpoints.find(id).await?.ok_or_else(|| Problem::not_found("endpoint"))?.number),
        None => None,
    };
    let event = query.event.as_deref().map(str::parse).transpose().map_err(|_| Problem::not_found("event"))?;
    let limit = query.limit.unwrap_or(PAGE_ROWS);
    let page = DeliveryQuery { endpoint, event, state: query.state, cursor: query.cursor, limit };
    let page = admin.store.deliveries(page).await?;
    let rows: Vec<Value> = page.rows.iter().map(delivery_json).collect();
    Ok(Json(json!({ "rows": rows, "next_cursor": page.next_cursor })))
}

/// One delivery with its attempts.
#[utoipa::path(get, path = "/api/v1/deliveries/{number}", tag = "deliveries",
    params(("number" = i64, Path, description = "its number")),
    responses((status = 200, description = "the delivery with `attempt_log`"), (status = 404, body = Problem)))]
pub(super) async fn one(
    State(admin): State<Admin>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Json<Value>, Problem> {
    caller.needs(Scope::Read)?;
    let number = number.parse().map_err(|_| Problem::not_found("delivery"))?;
    let found = admin.store.delivery(DeliveryNo(number)).await?.ok_or_else(|| Problem::not_found("delivery"))?;
    let mut delivery = delivery_json(&found);
    attempts_json(&mut delivery, &found);
    Ok(Json(delivery))
}

/// Adds its attempts to a delivery as JSON.
pub(super) fn attempts_json(delivery: &mut Value, record: &DeliveryRecord) {
    if let Value::Object(members) = delivery {
        let log: Vec<Value> = record.attempt_log.iter().map(attempt_json).collect();
        members.insert("attempt_log".to_owned(), Value::Array(log));
    }
}

/// A delivery as JSON.
pub(super) fn delivery_json(delivery: &DeliveryRecord) -> Value {
    json!({
        "number": delivery.number.0,
        "event_id": delivery.event.to_string(),
        "event_type": delivery.event_type,
        "endpoint": delivery.endpoint,
        "state": delivery.state.as_str(),
        "reason": delivery.state.reason().map(rules::delivery::EndReason::as_str),
        "in_flight": delivery.in_flight,
        "late": delivery.late,
        "replay": delivery.replay.map(|replay| replay.to_string()),
        "attempts": delivery.attempts,
        "created_at": rfc3339_ms(delivery.created_at_ms),
        "first_attempt_at": delivery.first_attempt_at_ms.and_then(rfc3339_ms),
        "due_at": delivery.due_at_ms.and_then(rfc3339_ms),
        "ended_at": delivery.ended_at_ms.and_then(rfc3339_ms),
    })
}

fn attempt_json(attempt: &AttemptRecord) -> Value {
    json!({
        "number": attempt.number,
        "started_at": rfc3339_ms(attempt.started_at_ms),
        "duration_ms": attempt.duration_ms,
        "http_status": attempt.http_status,
        "failure": attempt.failure.map(rules::delivery::FailureClass::as_str),
        "error": attempt.error,
        "response_snippet": attempt.response_snippet,
    })
}
