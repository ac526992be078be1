//! From a verified body to what the store keeps: cut, resolve the numbers, route.

use std::collections::HashMap;
use std::sync::Arc;

use rules::directory::{Directory, Number, digits};
pub use rules::identity::key_partition;
use rules::identity::{EventId, NotificationId};
use rules::lane::Names;
use rules::route::Facts;
use store::{EndpointNo, LaneName, NewConversation, NewEvent, NewNotification, NumberEntry};
use whatsapp::{Contact, Conversation, Data, Event, KeyScope, Lane, Problem};

use crate::endpoint::Format;
use crate::routing::Snapshot;

/// The one problem that is ours and not the body's.
pub(crate) const UNRESOLVED: &str = "number not in the directory";
/// Problems of the envelope that are told with each of its events, so that an odd body does not grow with their product.
const ENVELOPE_PROBLEMS_MAX: usize = 8;

/// A body that was received and verified.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its identity.
    pub id: NotificationId,
    /// The app whose callback received it.
    pub app: String,
    /// Within which keys are unique.
    pub scope: String,
    /// When its last byte arrived, in Unix milliseconds.
    pub received_at_ms: i64,
    /// The body.
    pub body: Arc<[u8]>,
    /// Meta's signature header.
    pub signature: Option<String>,
    /// Which of the app's secrets fitted.
    pub secret_index: Option<u8>,
}

/// Cuts and routes a body. `directory` is that of the body's app.
#[must_use]
pub fn cut(received: Received, snapshot: &Snapshot, directory: &Directory) -> NewNotification {
    let notification = whatsapp::read(&received.body);
    let numbers = news(&received.app, &notification.events, directory);
    let events: Vec<NewEvent> = notification
        .events
        .iter()
        .map(|event| {
            let mut new = new_event(&received, event, &notification.problems);
            resolve_number(&mut new, directory, &numbers);
            new.owed_to = route(&received.app, &new, snapshot);
            new
        })
        .collect();
    NewNotification {
        id: received.id,
        app: received.app,
        scope: received.scope,
        received_at_ms: received.received_at_ms,
        signature: received.signature,
        secret_index: received.secret_index,
        routes_version: snapshot.version,
        whole_to: whole_to(&events, snapshot),
        events,
        numbers,
        body: received.body,
    }
}

fn route(app: &str, event: &NewEvent, snapshot: &Snapshot) -> Vec<EndpointNo> {
    snapshot.routes.matching(&Facts {
        app,
        field: &event.field,
        event_type: &event.event_type,
        waba_id: event.waba_id.as_deref(),
        phone_number_id: event.phone_number_id.as_deref(),
        owner: None,
        test: event.test,
    })
}

/// The endpoints that get the notification as it is: each of its events must be theirs, those that turn out to be known
/// already as well, because all of them can be read in it.
fn whole_to(events: &[NewEvent], snapshot: &Snapshot) -> Vec<EndpointNo> {
    let Some((first, others)) = events.split_first() else {
        return Vec::new();
    };
    let is_raw =
        |number: &&EndpointNo| snapshot.endpoints.get(number).is_some_and(|endpoint| endpoint.format == Format::Raw);
    let gets_all = |number: &&EndpointNo| others.iter().all(|event| event.owed_to.contains(number));
    first.owed_to.iter().filter(is_raw).filter(gets_all).copied().collect()
}

/// The numbers that this body teaches.
fn news(app: &str, events: &[Event<'_>], directory: &Directory) -> Vec<NumberEntry> {
    let mut news: HashMap<String, Number> = HashMap::new();
    for event in events.iter().filter(|event| !event.test) {
        let (Some(id), Some(display)) = (&event.phone_number_id, &event.display_phone_number) else {
            continue;
        };
        let Some(digits) = digits(display) else { continue };
        let number = Number {
            phone_number_id: id.clone().into_owned(),
            waba_id: event.waba_id.as_ref().map(|waba| waba.clone().into_owned()),
        };
        if directory.is_news(&digits, &number) {
            news.insert(digits, number);
        }
    }
    news.into_iter()
        .map(|(display_digits, number)| NumberEntry {
            app: app.to_owned(),
            display_digits,
            phone_number_id: number.phone_number_id,
            waba_id: number.waba_id,
        })
        .collect()
}

/// Fills the number's id where the event shows only the digits for display.
fn resolve_number(event: &mut NewEvent, directory: &Directory, news: &[NumberEntry]) {
    let (None, Some(display)) = (&event.phone_number_id, &event.display_phone_number) else {
        return;
    };
    let known = directory.find(display).map(|number| number.phone_number_id.clone());
    let fresh = || {
        let digits = digits(display)?;
        news.iter().find(|entry| entry.display_digits == digits).map(|entry| entry.phone_number_id.clone())
    };
    event.phone_number_id = known.or_else(fresh);
    if event.phone_number_id.is_none() {
        mark_unresolved(event);
    }
}

/// An operator can set the number by hand: see the directory of numbers.
fn mark_unresolved(event: &mut NewEvent) {
    let problem = format!(r#"{{"path":"display_phone_number","what":"{UNRESOLVED}"}}"#);
    event.problems_json = match event.problems_json.strip_suffix(']') {
        Some("[") | None => format!("[{problem}]"),
        Some(others) => format!("{others},{problem}]"),
    };
}

fn new_event(received: &Received, event: &Event<'_>, of_envelope: &[Problem]) -> NewEvent {
    let key = match event.key.scope {
        KeyScope::Content => event.key.text.clone(),
        KeyScope::Arrival => format!("{}:{}", event.key.text, received.id),
    };
    let (data_range, data_is_json) = data(&received.body, event);
    NewEvent {
        id: EventId::derive(&received.scope, &key),
        key_partition: key_partition(event.occurred_at_seconds, &key),
        key,
        event_type: event.event_type.as_str().to_owned(),
        field: event.field.clone().into_owned(),
        entry_id: owned(event.entry_id.as_ref()),
        waba_id: owned(event.waba_id.as_ref()),
        business_id: owned(event.business_id.as_ref()),
        phone_number_id: owned(event.phone_number_id.as_ref()),
        display_phone_number: owned(event.display_phone_number.as_ref()),
        wa_id: owned(event.contact.wa_id.as_ref()),
        user_id: owned(event.contact.user_id.as_ref()),
        parent_user_id: owned(event.contact.parent_user_id.as_ref()),
        message_id: owned(event.message_id.as_ref()),
        lane: lane(&event.lane),
        occurred_at_seconds: event.occurred_at_seconds,
        test: event.test,
        problems_json: problems_json(event, of_envelope),
        data_range,
        data_is_json,
        position: event.origin.event,
        owed_to: Vec::new(),
    }
}

/// Where the element lies in the body. The reader gives slices of the body, so that addresses tell the place.
fn data(body: &[u8], event: &Event<'_>) -> (std::ops::Range<usize>, bool) {
    let (bytes, is_json) = match event.data {
        Data::Json(text) => (text.as_bytes(), true),
        Data::Bytes(bytes) => (bytes, false),
    };
    let start = bytes.as_ptr().addr().wrapping_sub(body.as_ptr().addr());
    let range = start..start.saturating_add(bytes.len());
    debug_assert_eq!(body.get(range.clone()), Some(bytes), "an event's data must be a slice of its body");
    (range, is_json)
}

fn lane(lane: &Lane<'_>) -> LaneName {
    match lane {
        Lane::Conversation(Conversation { number, contact, previous }) => LaneName::Conversation(NewConversation {
            number: number.clone().into_owned(),
            names: names(contact),
            previous: names(previous),
        }),
        Lane::Object(name) => LaneName::Named(name.clone()),
        // A conversation that names nobody is a lane of its own: that is how the store takes it.
        Lane::Own => LaneName::Conversation(NewConversation::default()),
    }
}

fn names(contact: &Contact<'_>) -> Names {
    Names {
        phone: owned(contact.wa_id.as_ref()),
        user_id: owned(contact.user_id.as_ref()),
        parent_user_id: owned(contact.parent_user_id.as_ref()),
    }
}

fn owned(text: Option<&std::borrow::Cow<'_, str>>) -> Option<String> {
    text.map(|text| text.clone().into_owned())
}

/// What was odd about the envelope is told with each of its events, a few of it: it is what a person looks at.
fn problems_json(event: &Event<'_>, of_envelope: &[Problem]) -> String {
    if event.problems.is_empty() && of_envelope.is_empty() {
        return "[]".to_owned();
    }
    let problems: Vec<_> = of_envelope
        .iter()
        .take(ENVELOPE_PROBLEMS_MAX)
        .chain(&event.problems)
        .map(|p| serde_json::json!({ "path": p.path, "what": p.what }))
        .collect();
    serde_json::Value::Array(problems).to_string()
}
