//! The request of an attempt: Standard Webhooks headers, the hub signature, Waypost's own headers, the endpoint's.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use store::{EventRecord, Payload, ReplayMark};

use super::form::Body;
use crate::clock::rfc3339_ms;
use crate::endpoint::Format;
use crate::routing::Endpoint;
use crate::sign::{hub_signature, webhook_signature};

const AGENT: &str = concat!("Waypost/", env!("CARGO_PKG_VERSION"));

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
    /// The time of the attempt, in Unix milliseconds.
    pub(super) now_ms: i64,
}

impl Facts {
    /// `webhook-id`: the id of the event (or the notification), or one of its own for a delivery that a receiver shall take as new.
    fn webhook_id(&self, event: &str) -> String {
        match self.replay {
            Some(ReplayMark { replay, as_new: true }) => format!("{event}.{replay}"),
            Some(_) | None => event.to_owned(),
        }
    }
}

/// The signed request. None when the endpoint's URL cannot be asked for.
#[must_use]
pub(super) fn build(endpoint: &Endpoint, payload: &Payload, body: Body, facts: Facts) -> Option<Request<Full<Bytes>>> {
    let event = &payload.event;
    // The operator's own headers come first: whatever they say, none replaces one of ours.
    let mut headers = endpoint.form.headers.clone();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let id = if body.is_whole { event.notification.to_string() } else { event.id.to_string() };
    let id = facts.webhook_id(&id);
    let seconds = facts.now_ms.div_euclid(1_000);
    let signatures: Vec<String> =
        endpoint.webhook_keys(facts.now_ms).map(|key| webhook_signature(&key.0, &id, seconds, &body.bytes)).collect();
    set(&mut headers, HeaderName::from_static("webhook-id"), &id);
    set(&mut headers, HeaderName::from_static("webhook-timestamp"), &seconds.to_string());
    set(&mut headers, HeaderName::from_static("webhook-signature"), &signatures.join(" "));
    let hub = match (body.is_whole, endpoint.hub_secret(facts.now_ms)) {
        (true, _) => payload.signature.clone(),
        (false, secret) => secret.map(|secret| hub_signature(secret, &body.bytes)),
    };
    set(&mut headers, HeaderName::from_static("x-hub-signature-256"), hub.as_deref().unwrap_or_default());
    for (name, value) in own(endpoint, event, body.is_whole, facts) {
        if let Some(name) = endpoint.form.own_name(name) {
            set(&mut headers, name, &value);
        }
    }
    let mut request = Request::new(Full::new(body.bytes));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = endpoint.url.clone();
    *request.headers_mut() = headers;
    request.uri().authority().is_some().then_some(request)
}

/// Waypost's own headers by their names after the prefix.
fn own(endpoint: &Endpoint, event: &EventRecord, is_whole: bool, facts: Facts) -> Vec<(&'static str, String)> {
    let yes = |yes: bool| if yes { "true".to_owned() } else { String::new() };
    let mut own = vec![
        ("app", event.app.clone()),
        ("received-at", rfc3339_ms(event.received_at_ms).unwrap_or_default()),
        ("attempt", facts.attempt.to_string()),
        ("late", yes(facts.late)),
        ("replay", facts.replay.map(|mark| mark.replay.to_string()).unwrap_or_default()),
        ("stale", yes(facts.stale)),
    ];
    if is_whole {
        own.push(("notification-id", event.notification.to_string()));
    } else {
        own.extend([
            ("event-id", event.id.to_string()),
            ("event", event.event_type.clone()),
            ("field", event.field.clone()),
            ("waba-id", event.waba_id.clone().unwrap_or_default()),
            ("phone-number-id", event.phone_number_id.clone().unwrap_or_default()),
            ("test", yes(event.test)),
        ]);
    }
    // A receiver of whole notifications is told which kind of body this is.
    if is_whole || endpoint.format == Format::Raw {
        own.push(("format", if is_whole { Format::Raw } else { Format::Meta }.as_str().to_owned()));
    }
    own
}

/// Values come from Meta: what no header can carry is left out, never sent in part.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let visible = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    match HeaderValue::from_str(value) {
        Ok(value) if visible => drop(headers.insert(name, value)),
        // Nothing of the operator's may stand where ours would.
        Ok(_) | Err(_) => drop(headers.remove(name)),
    }
}
