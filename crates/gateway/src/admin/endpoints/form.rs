//! The form of an endpoint's deliveries as it is shown, and new secrets.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{readable, visible, with_etag};
use crate::admin::Admin;
use crate::admin::auth::{Caller, Scope};
use crate::admin::problem::{Code, Problem};
use crate::clock::rfc3339_ms;
use crate::endpoint::KeptForm;
use crate::endpoints::Put;
use crate::secret::Secret;

/// How long the secret before signs besides the new one, unless the call says otherwise.
const OVERLAP: &str = "24h";

/// The form as JSON, without its secrets: of custom headers the names.
pub(super) fn shown(form: &KeptForm) -> Value {
    let until: Vec<_> = form.webhook_secrets_old.iter().map(|old| rfc3339_ms(old.at_ms)).collect();
    json!({
        "eight_by_eight": form.eight_by_eight,
        "header_prefix": form.header_prefix,
        "header_names": form.header_names,
        "auth": form.auth_kind,
        "client_certificate": form.client_certificate,
        "ca": form.ca,
        "proxy": form.proxy,
        "hub_secret_next_at": form.hub_secret_next.as_ref().and_then(|next| rfc3339_ms(next.at_ms)),
        "webhook_secrets_old_until": until,
    })
}

/// A new Standard Webhooks secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct RotateInput {
    /// The secret: `whsec_` and base64 of 24 to 64 bytes. Made up when missing.
    #[serde(default)]
    secret: Option<String>,
    /// How long the secret before signs as well: a duration, `24h` when missing, `0s` for not at all.
    #[serde(default)]
    overlap: Option<String>,
}

/// Gives an endpoint a new Standard Webhooks secret, which is in this answer and never again. The secret before signs
/// besides it until the overlap has passed, so that the receiver can change over at leisure.
#[utoipa::path(post, path = "/api/v1/endpoints/{id}/secrets/rotate", tag = "endpoints", request_body = RotateInput,
    params(("id" = String, Path, description = "its id")),
    responses((status = 200, description = "the endpoint, with `webhook_secret`"), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub(in crate::admin) async fn rotate(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
    input: Result<Json<RotateInput>, JsonRejection>,
) -> Result<Response, Problem> {
    caller.needs_for_own(Scope::Admin)?;
    visible(&admin, &caller, &id).await?;
    let RotateInput { secret, overlap } = readable(input)?;
    let overlap: Duration = humantime::parse_duration(overlap.as_deref().unwrap_or(OVERLAP))
        .map_err(|_| Problem::new(Code::BadRequest, "`overlap` must be a duration like `24h`."))?;
    let Put { record, new_webhook_secret } = admin.endpoints.rotate(&id, secret.map(Secret::new), overlap).await?;
    let secret = new_webhook_secret.as_ref().map(Secret::expose);
    Ok(with_etag(axum::http::StatusCode::OK, &record, secret))
}
