//! The directory of numbers: shown, and set by hand.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use rules::directory::digits;
use serde::{Deserialize, Serialize};
use store::NumberEntry;
use utoipa::ToSchema;

use super::auth::{Caller, Scope};
use super::endpoints::readable;
use super::problem::{Code, Problem};
use super::{Admin, NOTHING};

/// A number of an app.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NumberJson {
    /// The app.
    app: String,
    /// The number for display, however written.
    display_phone_number: String,
    /// Its id at Meta.
    phone_number_id: String,
    /// Its WABA.
    #[serde(default)]
    waba_id: Option<String>,
}

/// The numbers that are known.
#[utoipa::path(get, path = "/api/v1/numbers", tag = "numbers", responses((status = 200, body = Vec<NumberJson>)))]
pub(super) async fn list(State(admin): State<Admin>, caller: Caller) -> Result<Json<Vec<NumberJson>>, Problem> {
    caller.needs(Scope::Read)?;
    let numbers = admin.store.numbers().await?.into_iter().map(|entry| NumberJson {
        app: entry.app,
        display_phone_number: entry.display_digits,
        phone_number_id: entry.phone_number_id,
        waba_id: entry.waba_id,
    });
    Ok(Json(numbers.collect()))
}

/// Adds or replaces numbers.
#[utoipa::path(put, path = "/api/v1/numbers", tag = "numbers", request_body = Vec<NumberJson>,
    responses((status = 204, description = "known from now on"), (status = 400, body = Problem)))]
pub(super) async fn put(
    State(admin): State<Admin>,
    caller: Caller,
    input: Result<Json<Vec<NumberJson>>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    caller.needs(Scope::Admin)?;
    let entries = readable(input)?.into_iter().map(|number| entry(&admin, number)).collect::<Result<Vec<_>, _>>()?;
    admin.store.put_numbers(entries.clone()).await?;
    for entry in entries {
        if let Some(app) = admin.apps.named(&entry.app) {
            app.learn(vec![entry]);
        }
    }
    Ok(NOTHING)
}

fn entry(admin: &Admin, number: NumberJson) -> Result<NumberEntry, Problem> {
    if admin.apps.named(&number.app).is_none() {
        return Err(Problem::not_found("app"));
    }
    let display_digits = digits(&number.display_phone_number)
        .ok_or_else(|| Problem::new(Code::BadRequest, "`display_phone_number` must have 1 to 32 digits."))?;
    if number.phone_number_id.is_empty() || number.phone_number_id.len() > 64 {
        return Err(Problem::new(Code::BadRequest, "`phone_number_id` must have 1 to 64 characters."));
    }
    Ok(NumberEntry {
        app: number.app,
        display_digits,
        phone_number_id: number.phone_number_id,
        waba_id: number.waba_id,
    })
}
