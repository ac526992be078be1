//! A replay's filter: what it lets pass, and how tables keep it, as JSON with short names, so that counting goes on after a
//! restart.

use rules::identity::EventId;
use serde_json::{Value, json};

use super::lists::type_fits;
use crate::record::{DeliveryNo, EndpointNo};
use crate::replay::{ReplayFilter, ReplayOf};

pub(crate) fn to_json(filter: &ReplayFilter) -> String {
    json!({
        "endpoint": filter.endpoint.map(|endpoint| endpoint.0),
        "dead": filter.dead,
        "skipped": filter.skipped,
        "accepted": filter.accepted,
        "app": filter.app,
        "field": filter.field,
        "type": filter.event_type,
        "waba_id": filter.waba_id,
        "phone_number_id": filter.phone_number_id,
        "since": filter.since_ms,
        "until": filter.until_ms,
        "events": filter.events.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "deliveries": filter.deliveries.iter().map(|delivery| delivery.0).collect::<Vec<_>>(),
    })
    .to_string()
}

/// What was written by [`to_json`]. A damaged text gives a filter that matches nothing.
pub(crate) fn from_json(text: &str) -> ReplayFilter {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return ReplayFilter::default() };
    let word = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| value.get(name).and_then(Value::as_i64);
    let is = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(false);
    let list = |name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    ReplayFilter {
        endpoint: number("endpoint").map(EndpointNo),
        dead: is("dead"),
        skipped: is("skipped"),
        accepted: is("accepted"),
        app: word("app"),
        field: word("field"),
        event_type: word("type"),
        waba_id: word("waba_id"),
        phone_number_id: word("phone_number_id"),
        since_ms: number("since"),
        until_ms: number("until"),
        events: list("events").iter().filter_map(|id| id.as_str()?.parse::<EventId>().ok()).collect(),
        deliveries: list("deliveries").iter().filter_map(Value::as_i64).map(DeliveryNo).collect(),
    }
}

/// What a filter looks at of an event.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) received_at_ms: i64,
    pub(crate) app: String,
    pub(crate) field: String,
    pub(crate) event_type: String,
    pub(crate) waba_id: Option<String>,
    pub(crate) phone_number_id: Option<String>,
    pub(crate) unrouted: bool,
}

impl Named {
    /// Whether a replay of this kind with this filter repeats the event.
    pub(crate) fn fits(&self, of: ReplayOf, filter: &ReplayFilter) -> bool {
        let is = |wanted: &Option<String>, there: Option<&String>| wanted.is_none() || wanted.as_ref() == there;
        filter.since_ms.is_none_or(|since| self.received_at_ms >= since)
            && filter.until_ms.is_none_or(|until| self.received_at_ms < until)
            && is(&filter.app, Some(&self.app))
            && is(&filter.field, Some(&self.field))
            && filter.event_type.as_deref().is_none_or(|wanted| type_fits(wanted, &self.event_type))
            && is(&filter.waba_id, self.waba_id.as_ref())
            && is(&filter.phone_number_id, self.phone_number_id.as_ref())
            && (of != ReplayOf::Unrouted || self.unrouted)
    }
}

impl ReplayFilter {
    /// Whether a delivery to this endpoint in this state, as kept, is one of those that it repeats.
    pub(crate) fn takes(&self, endpoint: i64, state: i64) -> bool {
        let state = match state {
            1 => self.accepted,
            2 => self.dead,
            3 => self.skipped,
            _ => false,
        };
        state && self.endpoint.is_none_or(|wanted| wanted.0 == endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_reads_back_as_written() {
        let filter = ReplayFilter {
            endpoint: Some(EndpointNo(3)),
            dead: true,
            skipped: false,
            accepted: true,
            app: Some("main".to_owned()),
            field: Some("messages".to_owned()),
            event_type: Some("messages.*".to_owned()),
            waba_id: Some("10".to_owned()),
            phone_number_id: Some("7".to_owned()),
            since_ms: Some(1),
            until_ms: Some(2),
            events: vec![EventId::derive("a", "b")],
            deliveries: vec![DeliveryNo(9)],
        };
        assert_eq!(from_json(&to_json(&filter)), filter);
        assert_eq!(from_json(&to_json(&ReplayFilter::default())), ReplayFilter::default());
    }
}
