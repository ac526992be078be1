//! The API's own description, OpenAPI 3.1.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::{
    api_keys, deliveries, endpoints, events, explain, hands, labels, numbers, problem, refused, replays, status,
};
use crate::endpoint;

#[derive(OpenApi)]
#[openapi(
    info(title = "Waypost", description = "The API of a Waypost gateway.", license(name = "MIT OR Apache-2.0")),
    paths(
        status::status, status::apps,
        events::list, events::find, events::one, events::notification_body, explain::event,
        deliveries::list, deliveries::one,
        endpoints::list, endpoints::one, endpoints::create, endpoints::replace, endpoints::remove, endpoints::pause,
        endpoints::resume, endpoints::form::rotate, endpoints::apply,
        hands::retry_delivery, hands::give_up_delivery, hands::retry_endpoint, hands::give_up_endpoint, hands::test,
        replays::list, replays::create, replays::one, replays::start, replays::pause, replays::cancel,
        numbers::list, numbers::put,
        labels::list, labels::put,
        api_keys::list, api_keys::create, api_keys::revoke,
        refused::last,
    ),
    components(schemas(
        problem::Problem, endpoint::EndpointInput, endpoint::RuleInput, endpoint::Format, endpoint::PolicyInput,
    )),
    security(("key" = []))
)]
struct Document;

/// The description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    let key = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    document.components.get_or_insert_default().add_security_scheme("key", key);
    document
}

/// Open to whoever reaches the listener: it holds nothing of the operator's.
pub(super) async fn serve() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
