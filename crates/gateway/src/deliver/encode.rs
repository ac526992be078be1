//! Bodies in Meta's format, encoded once for all that share them.
//!
//! A notification may hold a thousand statuses: reading its body anew for each of them would cost the square of its
//! size. And an event that goes to twenty endpoints has one body for all of them.

use std::collections::HashMap;

use bytes::Bytes;
use rules::identity::{EventId, NotificationId};
use store::{Claim, Payload};
use whatsapp::meta::Encoder;

use super::form;
use crate::routing::Snapshot;

/// The bodies of those claims whose notification occurs more than once among them. What occurs once is encoded where it
/// is sent.
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
    for payloads in by_notification.into_values().filter(|payloads| payloads.len() > 1) {
        let Some(body) = payloads.first().and_then(|payload| payload.body.as_deref()) else { continue };
        let encoder = Encoder::new(body);
        for event in payloads.iter().map(|payload| &payload.event) {
            if let (false, Some(encoded)) = (bodies.contains_key(&event.id), encoder.encode(event.position)) {
                bodies.insert(event.id, Bytes::from(encoded));
            }
        }
    }
    bodies
}
