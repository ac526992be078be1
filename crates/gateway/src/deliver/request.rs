//! The request of an attempt: body by format, Standard Webhooks headers, the hub signature, Waypost's own headers.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use store::{EventRecord, Payload, ReplayMark};

use crate::clock::rfc3339_ms;
use crate::endpoint::Format;
use crate::event_json::EventJson;
use crate::routing::Endpoint;
use crate::sign::{hub_signature, webhook_signature};

const AGENT: &str = concat!("Waypost/", env!("CARGO_PKG_VERSION"));

/// The body of an event in an endpoint's format. None when the event's bytes are gone.
#[must_use]
pub(super) fn body(payload: &Payload, format: Format, encoded: Option<Bytes>) -> Option<Bytes> {
    let body = payload.body.as_deref()?;
    match format {
        Format::Meta => encoded.or_else(|| whatsapp::meta::encode(body, payload.event.position).map(Bytes::from)),
        Format::Waypost => Some(Bytes::from(EventJson::new(&payload.event, Some(body)).to_text())),
    }
}

/// What a request says besides its body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// 1 for the first attempt.
    pub(super) attempt: u32,
    /// Set aside from its lane.
    pub(super) late: bool,
    /// Older than the endpoint likes, and delivered all the same.
    pub(super) stale: bool,
    /// The replay that it is part of.
    pub(super) replay: Option<ReplayMark>,
    /// The time of the attempt, in Unix seconds.
    pub(super) now_seconds: i64,
}

impl Facts {
    /// `webhook-id`: the event's id, or one of its own for a delivery that a receiver shall take as new.
    fn webhook_id(&self, event: &str) -> String {
        match self.replay {
            Some(ReplayMark { replay, as_new: true }) => format!("{event}.{replay}"),
            Some(_) | None => event.to_owned(),
        }
    }
}

/// The signed request. None when the endpoint's URL cannot be asked for.
#[must_use]
pub(super) fn build(
    endpoint: &Endpoint,
    event: &EventRecord,
    body: Bytes,
    facts: Facts,
) -> Option<Request<Full<Bytes>>> {
    let id = event.id.to_string();
    let webhook_id = facts.webhook_id(&id);
    let signature = webhook_signature(&endpoint.webhook_key.0, &webhook_id, facts.now_seconds, &body);
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = endpoint.url.clone();
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let mut set = |name: &'static str, value: &str| {
        // Values come from Meta: what no header can carry is left out, never sent in part.
        let visible = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if let (true, Ok(value)) = (visible, HeaderValue::from_str(value)) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("webhook-id", &webhook_id);
    set("webhook-timestamp", &facts.now_seconds.to_string());
    set("webhook-signature", &signature);
    if let Some(secret) = &endpoint.hub_secret {
        set("x-hub-signature-256", &hub_signature(secret, &body));
    }
    set("x-waypost-event-id", &id);
    set("x-waypost-event", &event.event_type);
    set("x-waypost-field", &event.field);
    set("x-waypost-app", &event.app);
    set("x-waypost-waba-id", event.waba_id.as_deref().unwrap_or_default());
    set("x-waypost-phone-number-id", event.phone_number_id.as_deref().unwrap_or_default());
    set("x-waypost-received-at", &rfc3339_ms(event.received_at_ms).unwrap_or_default());
    set("x-waypost-attempt", &facts.attempt.to_string());
    set("x-waypost-test", if event.test { "true" } else { "" });
    set("x-waypost-stale", if facts.stale { "true" } else { "" });
    set("x-waypost-replay", &facts.replay.map(|mark| mark.replay.to_string()).unwrap_or_default());
    set("x-waypost-late", if facts.late { "true" } else { "" });
    *request.body_mut() = Full::new(body);
    request.uri().authority().is_some().then_some(request)
}
