//! The last body whose signature did not fit, for `waypost verify --last-refused`.

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use utoipa::ToSchema;

use super::Admin;
use super::auth::{Caller, Scope};
use super::problem::{Code, Problem};
use crate::clock::rfc3339_ms;

/// A body whose signature did not fit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedJson {
    /// The app whose callback it came to.
    app: String,
    /// When.
    received_at: Option<String>,
    /// Its `X-Hub-Signature-256`, where it had one.
    signature: Option<String>,
    /// Its bytes.
    body_base64: String,
}

/// The last body that was refused because of its signature. Kept in development mode only, in memory, up to 16 KiB each.
#[utoipa::path(get, path = "/api/v1/refused/last", tag = "refused",
    responses((status = 200, body = RefusedJson), (status = 404, body = Problem)))]
pub(super) async fn last(State(admin): State<Admin>, caller: Caller) -> Result<Json<RefusedJson>, Problem> {
    caller.needs(Scope::Admin)?;
    let Some(refused) = admin.refused.last() else {
        let detail = if admin.development {
            "No body was refused because of its signature since the gateway started (those above 16 KiB are not kept)."
        } else {
            "Refused bodies are kept in development mode only."
        };
        return Err(Problem::new(Code::NotFound, detail));
    };
    Ok(Json(RefusedJson {
        app: refused.app,
        received_at: rfc3339_ms(refused.received_at_ms),
        signature: refused.signature,
        body_base64: BASE64.encode(&refused.body),
    }))
}
