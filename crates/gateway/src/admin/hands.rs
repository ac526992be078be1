//! What people do by hand: try again now, give up, send a test.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use store::{DeliveryNo, OwedOf};

use super::Admin;
use super::auth::{Caller, Scope};
use super::deliveries::{attempts_json, delivery_json};
use super::endpoints::visible;
use super::problem::{Code, Problem};
use crate::endpoints::TestError;
use crate::hand;

/// Makes an owed delivery due at once.
#[utoipa::path(post, path = "/api/v1/deliveries/{number}/retry", tag = "deliveries",
    params(("number" = i64, Path, description = "its number")),
    responses((status = 200, description = "`changed`: 0 when it was due already, or is in flight"),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn retry_delivery(
    State(admin): State<Admin>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Json<Value>, Problem> {
    let number = owed(&admin, &caller, &number).await?;
    let changed = hand::retry_now(&*admin.store, OwedOf::Delivery(number)).await?;
    Ok(Json(json!({ "changed": changed })))
}

/// Ends an owed delivery as dead, `given_up`. An attempt in flight goes on, and its outcome is no longer taken.
#[utoipa::path(post, path = "/api/v1/deliveries/{number}/give-up", tag = "deliveries",
    params(("number" = i64, Path, description = "its number")),
    responses((status = 200, description = "`changed`"), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn give_up_delivery(
    State(admin): State<Admin>,
    caller: Caller,
    Path(number): Path<String>,
) -> Result<Json<Value>, Problem> {
    let number = owed(&admin, &caller, &number).await?;
    let changed = hand::give_up(&*admin.store, OwedOf::Delivery(number), admin.clock.now_ms()).await?;
    tracing::info!(delivery = number.0, by = caller.name, "a delivery was given up");
    Ok(Json(json!({ "changed": changed })))
}

/// Makes all that an endpoint is owed due at once, and ends the quiet that it asked for.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/retry", tag = "endpoints",
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, description = "`changed`: how many waited"), (status = 404, body = Problem)))]
pub(super) async fn retry_endpoint(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    caller.needs_for_own(Scope::Operate)?;
    let endpoint = visible(&admin, &caller, &id).await?;
    let changed = hand::retry_now(&*admin.store, OwedOf::Endpoint(endpoint.number)).await?;
    Ok(Json(json!({ "changed": changed })))
}

/// Ends all that an endpoint is owed as dead, `given_up`. It can be replayed.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/give-up", tag = "endpoints",
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, description = "`changed`"), (status = 404, body = Problem)))]
pub(super) async fn give_up_endpoint(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    caller.needs_for_own(Scope::Operate)?;
    let endpoint = visible(&admin, &caller, &id).await?;
    let changed = hand::give_up(&*admin.store, OwedOf::Endpoint(endpoint.number), admin.clock.now_ms()).await?;
    tracing::info!(endpoint.id = id, deliveries = changed, by = caller.name, "what an endpoint is owed was given up");
    Ok(Json(json!({ "changed": changed })))
}

/// Sends a test event to this endpoint alone, by the way that every event takes, and answers with the attempt's outcome.
/// A test that failed is given up, not tried again. With an `Idempotency-Key`, a repeated call finds the first test.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/test", tag = "endpoints",
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, description = "`accepted`, `event_id`, and the delivery with its attempts"),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn test(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    caller.needs_for_own(Scope::Operate)?;
    let endpoint = visible(&admin, &caller, &id).await?;
    let app = admin.apps.iter().next().map_or("waypost", |app| app.settings.name.as_str());
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let tested = admin.endpoints.test(&endpoint, app, key).await?;
    let accepted = tested.delivery.state == rules::delivery::DeliveryState::Accepted;
    let mut delivery = delivery_json(&tested.delivery);
    attempts_json(&mut delivery, &tested.delivery);
    Ok(Json(json!({ "accepted": accepted, "event_id": tested.event.to_string(), "delivery": delivery })))
}

/// The delivery, if it is owed and the caller may lay hands on it.
async fn owed(admin: &Admin, caller: &Caller, number: &str) -> Result<DeliveryNo, Problem> {
    caller.needs_for_own(Scope::Operate)?;
    let missing = || Problem::not_found("delivery");
    let number = DeliveryNo(number.parse().map_err(|_| missing())?);
    let delivery = admin.store.delivery(number).await?.ok_or_else(missing)?;
    if !caller.owner.is_empty() {
        visible(admin, caller, &delivery.endpoint).await.map_err(|_| missing())?;
    }
    if delivery.state.is_final() {
        let detail = format!("The delivery has ended as {}: replay it to send it again.", delivery.state.as_str());
        return Err(Problem::new(Code::DeliveryEnded, detail));
    }
    Ok(number)
}

impl From<TestError> for Problem {
    fn from(error: TestError) -> Self {
        match error {
            TestError::Inactive(state) => Self::new(
                Code::EndpointInactive,
                format!("The endpoint is {state}, and takes no deliveries: resume it first."),
            ),
            TestError::Store(cause) | TestError::Commit(store::CommitError::Store(cause)) => cause.into(),
            TestError::Commit(cause) => {
                tracing::warn!(error = crate::chain(&cause), "a test could not be committed");
                Self::new(Code::StoreUnavailable, "The store is overloaded: try again shortly.")
            }
            TestError::NoChance => Self::new(Code::Internal, "The system gave no random numbers."),
        }
    }
}
