//! API keys: made, listed, revoked. The key itself is shown once; the store has its hash.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use store::ApiKeyRecord;
use utoipa::ToSchema;

use super::auth::{Caller, Scope, hash};
use super::endpoints::readable;
use super::problem::{Code, Problem};
use super::{Admin, NOTHING};
use crate::clock::rfc3339_ms;

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyInput {
    /// What a person calls it.
    name: String,
    /// `read`, `operate` or `admin`.
    scope: String,
    /// Whose it is; empty for everybody's.
    #[serde(default)]
    owner: String,
}

/// A key, without itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyJson {
    id: String,
    name: String,
    scope: String,
    owner: String,
    created_at: Option<String>,
    revoked_at: Option<String>,
    /// The key itself: in the answer that makes it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl KeyJson {
    fn new(record: ApiKeyRecord, key: Option<String>) -> Self {
        Self {
            id: record.id,
            name: record.name,
            scope: record.scope,
            owner: record.owner,
            created_at: rfc3339_ms(record.created_at_ms),
            revoked_at: record.revoked_at_ms.and_then(rfc3339_ms),
            key,
        }
    }
}

/// The keys.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", responses((status = 200, body = Vec<KeyJson>)))]
pub(super) async fn list(State(admin): State<Admin>, caller: Caller) -> Result<Json<Vec<KeyJson>>, Problem> {
    caller.needs(Scope::Admin)?;
    let keys = admin.store.api_keys().await?;
    Ok(Json(keys.into_iter().map(|record| KeyJson::new(record, None)).collect()))
}

/// Makes a key.
#[utoipa::path(post, path = "/api/v1/keys", tag = "keys", request_body = KeyInput,
    responses((status = 201, body = KeyJson), (status = 400, body = Problem)))]
pub(super) async fn create(
    State(admin): State<Admin>,
    caller: Caller,
    input: Result<Json<KeyInput>, JsonRejection>,
) -> Result<(StatusCode, Json<KeyJson>), Problem> {
    caller.needs(Scope::Admin)?;
    let KeyInput { name, scope, owner } = readable(input)?;
    if Scope::parse(&scope).is_none() {
        return Err(Problem::new(Code::BadRequest, "`scope` must be read, operate or admin."));
    }
    if name.is_empty() || name.len() > 64 || owner.len() > 64 {
        return Err(Problem::new(Code::BadRequest, "`name` must have 1 to 64 bytes, `owner` at most 64."));
    }
    let (id, key) = fresh().ok_or_else(|| Problem::new(Code::Internal, "The system gave no random numbers."))?;
    let created_at_ms = admin.clock.now_ms();
    let record = ApiKeyRecord { id, name, hash: hash(&key), scope, owner, created_at_ms, revoked_at_ms: None };
    admin.store.put_api_key(record.clone()).await?;
    tracing::info!(key.id = record.id, scope = record.scope, "an API key was made");
    Ok((StatusCode::CREATED, Json(KeyJson::new(record, Some(key)))))
}

/// Revokes a key.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "keys",
    params(("id" = String, Path, description = "key_…")),
    responses((status = 204, description = "revoked"), (status = 404, body = Problem)))]
pub(super) async fn revoke(
    State(admin): State<Admin>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::Admin)?;
    let keys = admin.store.api_keys().await?;
    let mut record = keys.into_iter().find(|key| key.id == id).ok_or_else(|| Problem::not_found("API key"))?;
    record.revoked_at_ms.get_or_insert(admin.clock.now_ms());
    admin.store.put_api_key(record).await?;
    tracing::info!(key.id = id, "an API key was revoked");
    Ok(NOTHING)
}

fn fresh() -> Option<(String, String)> {
    let (mut id, mut key) = ([0; 9], [0; 32]);
    getrandom::fill(&mut id).ok()?;
    getrandom::fill(&mut key).ok()?;
    Some((format!("key_{}", URL_SAFE_NO_PAD.encode(id)), format!("wpk_{}", URL_SAFE_NO_PAD.encode(key))))
}
