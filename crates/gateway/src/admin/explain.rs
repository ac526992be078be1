//! Why each endpoint gets an event or not, and what its deliveries are now.

use axum::Json;
use axum::extract::{Path, State};
use rules::identity::EventId;
use rules::route::Facts;
use serde_json::{Value, json};
use store::{DeliveryQuery, EventRecord};

use super::Admin;
use super::auth::{Caller, Scope};
use super::deliveries::delivery_json;
use super::problem::Problem;
use crate::endpoints::Explained;

/// Deliveries of one event that are told.
const DELIVERIES_MAX: usize = 500;

/// Why each endpoint gets the event or not, by the rules as they are now, and what its deliveries are.
#[utoipa::path(get, path = "/api/v1/events/{id}/explain", tag = "events",
    params(("id" = String, Path, description = "evt_…")),
    responses((status = 200, description = "for each endpoint `gets_it`, `because`, `rules`; and `deliveries`"),
        (status = 404, body = Problem)))]
pub(super) async fn event(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    caller.needs(Scope::Read)?;
    let id: EventId = id.parse().map_err(|_| Problem::not_found("event"))?;
    let payload = admin.store.payloads(&[id]).await?.into_iter().next().ok_or_else(|| Problem::not_found("event"))?;
    let explained = admin.endpoints.explain(&facts(&payload.event)).await?;
    let query = DeliveryQuery { event: Some(id), limit: DELIVERIES_MAX, ..DeliveryQuery::default() };
    let deliveries: Vec<Value> = admin.store.deliveries(query).await?.rows.iter().map(delivery_json).collect();
    Ok(Json(json!({
        "event_id": id.to_string(),
        "event_type": payload.event.event_type,
        "unrouted": payload.event.unrouted,
        "endpoints": explained.iter().map(endpoint_json).collect::<Vec<_>>(),
        "deliveries": deliveries,
    })))
}

/// What routing looked at in a kept event.
pub(super) fn facts(event: &EventRecord) -> Facts<'_> {
    Facts {
        app: &event.app,
        field: &event.field,
        event_type: &event.event_type,
        waba_id: event.waba_id.as_deref(),
        phone_number_id: event.phone_number_id.as_deref(),
        owner: None,
        test: event.test,
    }
}

fn endpoint_json(explained: &Explained) -> Value {
    let rules: Vec<Value> =
        explained.misses.iter().map(|miss| json!({ "matches": miss.is_none(), "because": miss })).collect();
    json!({
        "endpoint": explained.record.id,
        "state": explained.record.state.as_str(),
        "gets_it": explained.gets_it,
        "because": explained.because,
        "rules": rules,
    })
}
