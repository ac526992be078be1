//! Bodies in Meta's format, encoded once for all that share them.
//!
//! A notification may hold a thousand statuses: reading its body anew for each of them would cost the square of its
//! size. And an event that goes to twenty endpoints has one body for all of them. Small bodies are encoded here even when
//! nothing shares them: one after the other they cost half of what they cost each between other work.

use std::collections::HashMap;

use bytes::Bytes;
use rules::identity::{EventId, NotificationId};
use store::{Claim, Payload};
use whatsapp::meta::Encoder;

use super::form;
use crate::routing::Snapshot;

/// A body that occurs once and is larger than this is encoded where it is sent, beside others.
const ALONE_BYTES_MAX: usize = 8 * 1024;

/// The bodies of those claims that want Meta's format, but for large ones whose notification occurs once among them.
pub(super) fn shared(
    claims: &[Claim],
    payloads: &HashMap<EventId, Payload>,
    snapshot: &Snapshot,
) -> HashMap<EventId, Bytes> {
    let is_meta = |claim: &&Claim| {
        let endpoint = snapshot.endpoints.get(&claim.endpoint);
        let payload = payloads.get(&claim.event);
        endpoint.zip(payload).is_some_and(|(endpoint, payload)| {
            endpoint.format.writes_meta() && !form::is_whole(&payload.event, endpoint)
        })
    };
    let mut by_notification: HashMap<NotificationId, Vec<&Payload>> = HashMap::new();
    for payload in claims.iter().filter(is_meta).filter_map(|claim| payloads.get(&claim.event)) {
        by_notification.entry(payload.event.notification).or_default().push(payload);
    }
    let mut bodies = HashMap::new();
    for payloads in by_notification.into_values() {
        let Some(body) = payloads.first().and_then(|payload| payload.body.as_deref()) else { continue };
        match payloads.as_slice() {
            [_] if body.len() > ALONE_BYTES_MAX => {}
            [one] => {
                let encoded = whatsapp::meta::encode(body, one.event.position);
                bodies.extend(encoded.map(|encoded| (one.event.id, Bytes::from(encoded))));
            }
            several => encode_all(&Encoder::new(body), several, &mut bodies),
        }
    }
    bodies
}

fn encode_all(encoder: &Encoder<'_>, payloads: &[&Payload], bodies: &mut HashMap<EventId, Bytes>) {
    for event in payloads.iter().map(|payload| &payload.event) {
        if let (false, Some(encoded)) = (bodies.contains_key(&event.id), encoder.encode(event.position)) {
            bodies.insert(event.id, Bytes::from(encoded));
        }
    }
}
