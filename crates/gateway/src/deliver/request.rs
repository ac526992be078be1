//! The request of an attempt: Standard Webhooks headers, the hub signature, Waypost's own headers, the endpoint's.

use std::borrow::Cow;

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
    let headers = endpoint.form.headers.clone();
    let subject = if body.is_whole { event.notification.to_string() } else { event.id.to_string() };
    let id = facts.webhook_id(&subject);
    let seconds = facts.now_ms.div_euclid(1_000);
    let signatures: Vec<String> =
        endpoint.webhook_keys(facts.now_ms).map(|key| webhook_signature(&key.0, &id, seconds, &body.bytes)).collect();
    let mut set = Setter { operator_has_some: !headers.is_empty(), headers };
    set.headers.reserve(OUR_HEADERS);
    set.to(CONTENT_TYPE, body.content_type);
    set.to(USER_AGENT, AGENT);
    set.to(HeaderName::from_static("webhook-id"), id);
    set.to(HeaderName::from_static("webhook-timestamp"), seconds.to_string());
    set.to(HeaderName::from_static("webhook-signature"), signatures.join(" "));
    let hub = match (body.is_whole, endpoint.hub_secret(facts.now_ms)) {
        (true, _) => payload.signature.clone(),
        (false, secret) => secret.map(|secret| hub_signature(secret, &body.bytes)),
    };
    set.to(HeaderName::from_static("x-hub-signature-256"), hub.unwrap_or_default());
    own(event, &subject, body.is_whole, facts, |name, value| {
        if let Some(name) = endpoint.form.own_name(name) {
            set.to(name, value);
        }
    });
    // A receiver of whole notifications is told which kind of body this is.
    if (body.is_whole || endpoint.format == Format::Raw)
        && let Some(name) = endpoint.form.own_name(Own::Format)
    {
        set.to(name, if body.is_whole { Format::Raw } else { Format::Meta }.as_str());
    }
    let mut request = Request::new(Full::new(body.bytes));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = endpoint.url.clone();
    *request.headers_mut() = set.headers;
    request.uri().authority().is_some().then_some(request)
}

/// Waypost's own headers, each told to `set`. `subject` is the id of what is delivered.
fn own<'e>(
    event: &'e EventRecord,
    subject: &'e str,
    is_whole: bool,
    facts: Facts,
    mut set: impl FnMut(Own, Cow<'e, str>),
) {
    let yes = |yes: bool| Cow::Borrowed(if yes { "true" } else { "" });
    let text = |text: &'e Option<String>| Cow::Borrowed(text.as_deref().unwrap_or_default());
    set(Own::App, Cow::Borrowed(&event.app));
    set(Own::ReceivedAt, rfc3339_ms(event.received_at_ms).unwrap_or_default().into());
    set(Own::Attempt, facts.attempt.to_string().into());
    set(Own::Late, yes(facts.late));
    set(Own::Replay, facts.replay.map(|mark| mark.replay.to_string()).unwrap_or_default().into());
    set(Own::Stale, yes(facts.stale));
    if is_whole {
        set(Own::NotificationId, Cow::Borrowed(subject));
        return;
    }
    set(Own::EventId, Cow::Borrowed(subject));
    set(Own::Event, Cow::Borrowed(&event.event_type));
    set(Own::Field, Cow::Borrowed(&event.field));
    set(Own::WabaId, text(&event.waba_id));
    set(Own::PhoneNumberId, text(&event.phone_number_id));
    set(Own::Test, yes(event.test));
}

/// Sets headers over those of the operator.
struct Setter {
    headers: HeaderMap,
    operator_has_some: bool,
}

impl Setter {
    /// Values come from Meta: what no header can carry is left out, never sent in part.
    fn to<'v>(&mut self, name: HeaderName, value: impl Into<Cow<'v, str>>) {
        let value = value.into();
        let visible = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        let made = Some(value).filter(|_| visible).and_then(|value| match value {
            Cow::Borrowed(text) => HeaderValue::from_str(text).ok(),
            Cow::Owned(text) => HeaderValue::try_from(text).ok(),
        });
        match made {
            Some(value) => drop(self.headers.insert(name, value)),
            // Nothing of the operator's may stand where ours would.
            None if self.operator_has_some => drop(self.headers.remove(name)),
            None => {}
        }
    }
}
