//! The body of a delivery in its endpoint's format.

use std::sync::Arc;

use bytes::Bytes;
use store::{EventRecord, Payload};
use whatsapp::eightbyeight::{Encoded, Frame, event_id};
use whatsapp::{Data, cloudevents, eightbyeight};

use crate::endpoint::Format;
use crate::event_json::EventJson;
use crate::routing::Endpoint;

const JSON: &str = "application/json";

/// What came of writing an event.
#[derive(Debug)]
pub(super) enum Written {
    /// The body.
    Body(Body),
    /// The format has no place for the event.
    LeftOut,
    /// The event's bytes are gone.
    Gone,
}

/// A body and what it is.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) content_type: &'static str,
    /// It is the whole notification as Meta sent it.
    pub(super) is_whole: bool,
}

/// Whether this delivery is that of the whole notification. Decided when it was committed: what was owed as a whole stays
/// whole, because the other events of the notification are owed with it.
pub(super) fn is_whole(event: &EventRecord, endpoint: &Endpoint) -> bool {
    event.whole_to.contains(&endpoint.number)
}

/// Writes an event for an endpoint. `encoded` is its body in Meta's format, where that was made already.
pub(super) fn write(payload: &Payload, endpoint: &Endpoint, encoded: Option<Bytes>) -> Written {
    let Some(shared) = &payload.body else {
        return Written::Gone;
    };
    let (event, body) = (&payload.event, shared.as_ref());
    if is_whole(event, endpoint) {
        let bytes = Bytes::from_owner(Arc::clone(shared));
        return Written::Body(Body { bytes, content_type: JSON, is_whole: true });
    }
    match endpoint.format {
        Format::Meta | Format::Raw => {
            let bytes = encoded.or_else(|| whatsapp::meta::encode(body, event.position).map(Bytes::from));
            bytes.map_or(Written::Gone, plain)
        }
        Format::Waypost => plain(Bytes::from(EventJson::new(event, Some(body)).to_text())),
        Format::CloudEvents => cloud_event(event, body),
        Format::EightByEight => eight_by_eight(event, body, endpoint),
    }
}

fn plain(bytes: Bytes) -> Written {
    Written::Body(Body { bytes, content_type: JSON, is_whole: false })
}

fn cloud_event(event: &EventRecord, body: &[u8]) -> Written {
    let Some(bytes) = body.get(event.data_range.clone()) else {
        return Written::Gone;
    };
    let json = std::str::from_utf8(bytes).ok().filter(|_| event.data_is_json);
    let attributes = cloudevents::Attributes {
        id: &event.id.to_string(),
        app: &event.app,
        waba_id: event.waba_id.as_deref(),
        phone_number_id: event.phone_number_id.as_deref(),
        event_type: &event.event_type,
        subject: event.message_id.as_deref(),
        occurred_at_seconds: event.occurred_at_seconds,
    };
    let bytes = Bytes::from(cloudevents::encode(&attributes, json.map_or(Data::Bytes(bytes), Data::Json)));
    Written::Body(Body { bytes, content_type: cloudevents::CONTENT_TYPE, is_whole: false })
}

fn eight_by_eight(event: &EventRecord, body: &[u8], endpoint: &Endpoint) -> Written {
    let settings = &endpoint.form.eight_by_eight;
    let frame = Frame {
        event_id: &event_id(*event.id.as_bytes()),
        account_id: &settings.account_id,
        received_at_seconds: event.received_at_ms.div_euclid(1_000),
        documented_only: settings.documented_only,
    };
    match eightbyeight::encode(body, event.position, &frame) {
        Some(Encoded::Body(bytes)) => plain(Bytes::from(bytes)),
        Some(Encoded::LeftOut) => Written::LeftOut,
        None => Written::Gone,
    }
}
