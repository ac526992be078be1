//! The second listener: API, metrics, health. For people and tools, not for Meta.

mod api_keys;
mod asked;
mod auth;
mod deliveries;
mod endpoints;
mod events;
mod explain;
mod hands;
mod health;
mod labels;
mod numbers;
mod openapi;
mod problem;
mod refused;
mod replays;
mod status;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::endpoints::Endpoints;
use crate::metrics::Metrics;
use crate::receive::{Apps, RefusedBodies};
use crate::replays::Replays;
use crate::secret::Secret;

pub use openapi::document as openapi_document;
pub use problem::{Code, Problem};

/// Bytes of a request to the API at most.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Time for the last requests when the gateway stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Everything that the API needs.
#[derive(Clone)]
pub struct Admin {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The apps.
    pub apps: Arc<Apps>,
    /// The endpoints.
    pub endpoints: Endpoints,
    /// The replays.
    pub(crate) replays: Replays,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The time of day.
    pub clock: Clock,
    /// Bodies whose signature did not fit.
    pub refused: Arc<RefusedBodies>,
    /// Lets commands on the same machine in.
    pub local_token: Option<Secret>,
    /// When the gateway started, in Unix milliseconds.
    pub started_at_ms: i64,
    /// Development mode.
    pub development: bool,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Admin")
    }
}

/// All routes.
pub fn router(admin: Admin) -> Router {
    let api = Router::new()
        .route("/openapi.json", get(openapi::serve))
        .route("/status", get(status::status))
        .route("/apps", get(status::apps))
        .route("/events", get(events::list))
        .route("/events/find", get(events::find))
        .route("/events/{id}", get(events::one))
        .route("/events/{id}/explain", get(explain::event))
        .route("/notifications/{id}/body", get(events::notification_body))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{number}", get(deliveries::one))
        .route("/deliveries/{number}/retry", post(hands::retry_delivery))
        .route("/deliveries/{number}/give-up", post(hands::give_up_delivery))
        .route("/replays", get(replays::list).post(replays::create))
        .route("/replays/{id}", get(replays::one))
        .route("/replays/{id}/start", post(replays::start))
        .route("/replays/{id}/pause", post(replays::pause))
        .route("/replays/{id}/cancel", post(replays::cancel))
        .route("/endpoints", get(endpoints::list).post(endpoints::create))
        .route("/endpoints/{id}", get(endpoints::one).put(endpoints::replace).delete(endpoints::remove))
        .route("/endpoints/{id}/pause", post(endpoints::pause))
        .route("/endpoints/{id}/resume", post(endpoints::resume))
        .route("/endpoints/{id}/secrets/rotate", post(endpoints::form::rotate))
        .route("/endpoints/{id}/retry", post(hands::retry_endpoint))
        .route("/endpoints/{id}/give-up", post(hands::give_up_endpoint))
        .route("/endpoints/{id}/test", post(hands::test))
        .route("/apply", post(endpoints::apply))
        .route("/numbers", get(numbers::list).put(numbers::put))
        .route("/labels", get(labels::list).put(labels::put))
        .route("/keys", get(api_keys::list).post(api_keys::create))
        .route("/keys/{id}", axum::routing::delete(api_keys::revoke))
        .route("/refused/last", get(refused::last))
        .fallback(problem::no_such_path);
    Router::new()
        .nest("/api/v1", api)
        .route("/metrics", get(health::metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(|| async {
            Problem::new(Code::MethodNotAllowed, "This path takes another method; see /api/v1/openapi.json.")
        })
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(admin)
}

/// Serves the API until `stop`.
pub async fn serve(admin: Admin, listener: TcpListener, stop: CancellationToken) {
    let stopping = stop.clone();
    let server = axum::serve(listener, router(admin)).with_graceful_shutdown(async move { stopping.cancelled().await });
    let cut = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server => if let Err(cause) = ended { tracing::error!(error = %cause, "the API ended") },
        () = cut => {}
    }
}

/// 204 for what has nothing to say.
const NOTHING: StatusCode = StatusCode::NO_CONTENT;
