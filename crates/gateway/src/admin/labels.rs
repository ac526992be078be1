//! The labels of WABAs and numbers: shown, and hung there.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use rules::route::{LABELS_OF_ONE_MAX, Labelled, is_label};
use serde::{Deserialize, Serialize};
use store::LabelsOf;
use utoipa::ToSchema;

use super::auth::{Caller, Scope};
use super::endpoints::readable;
use super::problem::{Code, Problem};
use super::{Admin, NOTHING};
use crate::endpoint::BAD_LABEL;

/// The labels of one WABA or number.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelsJson {
    /// What bears them.
    on: On,
    /// Its id at Meta.
    id: String,
    /// The labels: all that it shall bear.
    labels: Vec<String>,
}

/// What can bear labels.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum On {
    /// A WABA: its labels count for all its numbers that bear none themselves.
    Waba,
    /// A business number: its labels count in place of its WABA's.
    Number,
}

/// The labels.
#[utoipa::path(get, path = "/api/v1/labels", tag = "labels", responses((status = 200, body = Vec<LabelsJson>)))]
pub(super) async fn list(State(admin): State<Admin>, caller: Caller) -> Result<Json<Vec<LabelsJson>>, Problem> {
    caller.needs(Scope::Read)?;
    let labels = admin.store.labels().await?.into_iter().map(|LabelsOf { on, id, labels }| {
        let on = match on {
            Labelled::Waba => On::Waba,
            Labelled::Number => On::Number,
        };
        LabelsJson { on, id, labels }
    });
    Ok(Json(labels.collect()))
}

/// Puts these labels in place of those that each of these WABAs and numbers bore; an empty list takes them off. All or
/// nothing. Events that arrive from then on are routed by them.
#[utoipa::path(put, path = "/api/v1/labels", tag = "labels", request_body = Vec<LabelsJson>,
    responses((status = 204, description = "in force"), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn put(
    State(admin): State<Admin>,
    caller: Caller,
    input: Result<Json<Vec<LabelsJson>>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::Admin)?;
    let labels = readable(input)?.into_iter().enumerate().map(|(n, one)| checked(n, one));
    admin.endpoints.put_labels(labels.collect::<Result<_, _>>()?).await?;
    Ok(NOTHING)
}

fn checked(n: usize, LabelsJson { on, id, labels }: LabelsJson) -> Result<LabelsOf, Problem> {
    let bad = |what: &str, expected: &str| Problem::new(Code::BadRequest, format!("[{n}].{what}: {expected}."));
    if id.is_empty() || id.len() > 64 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad("id", "expected Meta's id, 1 to 64 characters"));
    }
    if labels.len() > LABELS_OF_ONE_MAX {
        return Err(bad("labels", &format!("expected at most {LABELS_OF_ONE_MAX}")));
    }
    if !labels.iter().all(|label| is_label(label)) {
        return Err(bad("labels", BAD_LABEL));
    }
    let on = match on {
        On::Waba => Labelled::Waba,
        On::Number => Labelled::Number,
    };
    Ok(LabelsOf { on, id, labels })
}
