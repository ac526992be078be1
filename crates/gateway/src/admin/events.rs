//! Events: listed, found, shown.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rules::identity::{EventId, NotificationId};
use serde::Deserialize;
use store::{DeliveryQuery, EventQuery, EventRecord, Find};
use utoipa::IntoParams;

use super::Admin;
use super::asked::Asked;
use super::auth::{Caller, Scope};
use super::deliveries::delivery_json;
use super::problem::{Code, Problem};
use crate::clock::{parse_rfc3339, rfc3339_ms};
use crate::event_json::EventJson;

/// Rows on a page unless the caller says otherwise.
pub(super) const PAGE_ROWS: usize = 50;

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// The app.
    app: Option<String>,
    /// The field.
    field: Option<String>,
    /// The type; `*` at the end for the rest.
    r#type: Option<String>,
    /// The WABA.
    waba_id: Option<String>,
    /// The business number's id.
    phone_number_id: Option<String>,
    /// True for those that matched no endpoint.
    unrouted: Option<bool>,
    /// Arrived at or after (RFC 3339).
    since: Option<String>,
    /// Arrived before (RFC 3339).
    until: Option<String>,
    /// Where the page begins: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Rows at most, up to 500.
    limit: Option<usize>,
}

/// Events, newest first, without their data.
#[utoipa::path(get, path = "/api/v1/events", params(ListQuery), tag = "events",
    responses((status = 200, description = "a page: `rows`, `next_cursor`")))]
pub(super) async fn list(
    State(admin): State<Admin>,
    caller: Caller,
    Asked(query): Asked<ListQuery>,
) -> Result<Response, Problem> {
    caller.needs(Scope::Read)?;
    let page = admin
        .store
        .events(EventQuery {
            app: query.app,
            field: query.field,
            event_type: query.r#type,
            waba_id: query.waba_id,
            phone_number_id: query.phone_number_id,
            unrouted: query.unrouted,
            since_ms: time(query.since.as_deref(), "since")?,
            until_ms: time(query.until.as_deref(), "until")?,
            cursor: query.cursor,
            limit: query.limit.unwrap_or(PAGE_ROWS),
        })
        .await?;
    with_bodies(&admin, page.rows, page.next_cursor).await
}

/// What to look up.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct FindQuery {
    /// An event id, a message or call id, a phone number, a user id, or a number's id.
    q: String,
}

/// Everything about one event, message, contact or number, newest first.
#[utoipa::path(get, path = "/api/v1/events/find", params(FindQuery), tag = "events",
    responses((status = 200, description = "`rows`")))]
pub(super) async fn find(
    State(admin): State<Admin>,
    caller: Caller,
    Asked(query): Asked<FindQuery>,
) -> Result<Response, Problem> {
    caller.needs(Scope::Read)?;
    let mut rows: Vec<EventRecord> = Vec::new();
    for find in meanings(query.q.trim()) {
        for event in admin.store.find(find).await? {
            if !rows.iter().any(|row| row.id == event.id) {
                rows.push(event);
            }
        }
    }
    rows.sort_by_key(|event| std::cmp::Reverse(event.received_at_ms));
    with_bodies(&admin, rows, None).await
}

/// What a searched text may be. A number is tried as a person's and as a business's.
fn meanings(text: &str) -> Vec<Find> {
    if let Ok(id) = text.parse::<EventId>() {
        return vec![Find::Event(id)];
    }
    let mut meanings = vec![Find::MessageId(text.to_owned())];
    let digits = rules::directory::digits(text);
    let dialled = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')'));
    match digits.filter(|_| dialled) {
        Some(digits) => {
            meanings.extend([Find::Contact(digits.clone()), Find::Number(digits)]);
        }
        None => meanings.push(Find::Contact(text.to_owned())),
    }
    meanings
}

/// One event with its data, its deliveries, and the copies that differ from it.
#[utoipa::path(get, path = "/api/v1/events/{id}", tag = "events", params(("id" = String, Path, description = "evt_…")),
    responses((status = 200, description = "the event, `deliveries`, `conflicts`"), (status = 404, body = Problem)))]
pub(super) async fn one(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.needs(Scope::Read)?;
    let id: EventId = id.parse().map_err(|_| Problem::not_found("event"))?;
    let payload = admin.store.payloads(&[id]).await?.into_iter().next().ok_or_else(|| Problem::not_found("event"))?;
    let query = DeliveryQuery { event: Some(id), limit: 500, ..DeliveryQuery::default() };
    let deliveries: Vec<_> = admin.store.deliveries(query).await?.rows.iter().map(delivery_json).collect();
    let conflicts = admin.store.conflicts(id).await?;
    let conflicts: Vec<_> = conflicts
        .iter()
        .map(|copy| {
            serde_json::json!({
                "notification_id": copy.notification.to_string(),
                "received_at": rfc3339_ms(copy.received_at_ms),
            })
        })
        .collect();
    let event = EventJson::new(&payload.event, payload.body.as_deref());
    let body = format!(
        r#"{{"event":{},"deliveries":{},"conflicts":{}}}"#,
        event.to_text(),
        serde_json::Value::Array(deliveries),
        serde_json::Value::Array(conflicts)
    );
    Ok(json(body))
}

/// The exact bytes of a notification, as Meta sent them.
#[utoipa::path(get, path = "/api/v1/notifications/{id}/body", tag = "events",
    params(("id" = String, Path, description = "ntf_…")),
    responses((status = 200, description = "the bytes, with Meta's signature header"), (status = 404, body = Problem),
        (status = 500, description = "they are damaged", body = Problem)))]
pub(super) async fn notification_body(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.needs(Scope::Read)?;
    let id: NotificationId = id.parse().map_err(|_| Problem::not_found("notification"))?;
    let found = admin.store.notification(id).await?.ok_or_else(|| Problem::not_found("notification"))?;
    if found.damaged {
        let detail = "What the store holds of this notification is not what was written.";
        return Err(Problem::new(Code::Damaged, detail));
    }
    let body = found
        .body
        .ok_or_else(|| Problem::new(Code::NotFound, "Retention has dropped this body; its events are still listed."))?;
    let mut response = Response::new(Body::from(body.to_vec()));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/octet-stream"));
    if let Some(signature) = found.signature.and_then(|text| text.parse().ok()) {
        response.headers_mut().insert("x-hub-signature-256", signature);
    }
    Ok(response)
}

async fn with_bodies(admin: &Admin, rows: Vec<EventRecord>, next: Option<String>) -> Result<Response, Problem> {
    let ids: Vec<EventId> = rows.iter().map(|event| event.id).collect();
    let payloads = admin.store.payloads(&ids).await?;
    let rows: Vec<String> =
        payloads.iter().map(|payload| EventJson::new(&payload.event, payload.body.as_deref()).to_text()).collect();
    let next = serde_json::to_string(&next).unwrap_or_default();
    Ok(json(format!(r#"{{"rows":[{}],"next_cursor":{next}}}"#, rows.join(","))))
}

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A time in a query.
pub(super) fn time(text: Option<&str>, member: &str) -> Result<Option<i64>, Problem> {
    let parse = |text: &str| {
        let detail = || format!("`{member}` must be a time like 2026-03-01T10:00:00Z.");
        parse_rfc3339(text).ok_or_else(|| Problem::new(Code::BadRequest, detail()))
    };
    text.map(parse).transpose()
}
