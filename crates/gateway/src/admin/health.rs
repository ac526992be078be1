//! `/healthz`, `/readyz` and `/metrics`: open to whoever reaches the listener, which is loopback by default.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Admin;
use super::problem::Problem;

/// The process is alive.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// The store can commit.
pub(super) async fn ready(State(admin): State<Admin>) -> Response {
    let health = admin.store.health().await;
    if health.writable {
        let caution = health.caution.map_or_else(String::new, |caution| format!("{caution}\n"));
        return format!("ready\n{caution}").into_response();
    }
    let reason = health.reason.unwrap_or_else(|| "the store cannot commit".to_owned());
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response()
}

/// The page for Prometheus.
pub(super) async fn metrics(State(admin): State<Admin>) -> Result<Response, Problem> {
    let health = admin.store.health().await;
    let counts = admin.store.counts().await?;
    let page = admin.metrics.page(&health, &counts);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], page).into_response())
}
