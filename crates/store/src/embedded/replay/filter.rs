//! A replay's filter as the table keeps it: JSON with short names, so that counting goes on after a restart.

use rules::identity::EventId;
use serde_json::{Value, json};

use crate::record::{DeliveryNo, EndpointNo};
use crate::replay::ReplayFilter;

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
