//! The request of an attempt: Standard Webhooks headers, the hub signature, Waypost's own headers, the endpoint's.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use store::{EventRecord, Payload, ReplayMark};

use super::form::Body;
use crate::clock::rfc3339_ms;
use crate::endpoint::Format;
use crate::routing::{Endpoint, Own};
use crate::sign::{hub_signature, webhook_signature};

/// Headers that are set here, about.
const OUR_HEADERS: usize = 20;
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
    headers.reserve(OUR_HEADERS);
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

/// Waypost's own headers.
fn own(endpoint: &Endpoint, event: &EventRecord, is_whole: bool, facts: Facts) -> Vec<(Own, String)> {
    let yes = |yes: bool| if yes { "true".to_owned() } else { String::new() };
    let mut own = vec![
        (Own::App, event.app.clone()),
        (Own::ReceivedAt, rfc3339_ms(event.received_at_ms).unwrap_or_default()),
        (Own::Attempt, facts.attempt.to_string()),
        (Own::Late, yes(facts.late)),
        (Own::Replay, facts.replay.map(|mark| mark.replay.to_string()).unwrap_or_default()),
        (Own::Stale, yes(facts.stale)),
    ];
    if is_whole {
        own.push((Own::NotificationId, event.notification.to_string()));
    } else {
        own.extend([
            (Own::EventId, event.id.to_string()),
            (Own::Event, event.event_type.clone()),
            (Own::Field, event.field.clone()),
            (Own::WabaId, event.waba_id.clone().unwrap_or_default()),
            (Own::PhoneNumberId, event.phone_number_id.clone().unwrap_or_default()),
            (Own::Test, yes(event.test)),
        ]);
    }
    // A receiver of whole notifications is told which kind of body this is.
    if is_whole || endpoint.format == Format::Raw {
        own.push((Own::Format, if is_whole { Format::Raw } else { Format::Meta }.as_str().to_owned()));
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
