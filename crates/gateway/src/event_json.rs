//! The event as everybody outside sees it: in the API, in `inspect`, and in the `waypost` delivery format.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::value::RawValue;
use store::EventRecord;

use crate::clock::{rfc3339_ms, rfc3339_seconds};

/// The event as JSON. Absent facts are null, never missing; members may be added, never renamed.
#[derive(Debug, Serialize)]
pub struct EventJson<'a> {
    id: String,
    #[serde(rename = "type")]
    event_type: &'a str,
    field: &'a str,
    app: &'a str,
    entry_id: Option<&'a str>,
    waba_id: Option<&'a str>,
    business_id: Option<&'a str>,
    phone_number_id: Option<&'a str>,
    display_phone_number: Option<&'a str>,
    contact: ContactJson<'a>,
    message_id: Option<&'a str>,
    key: &'a str,
    lane: &'a str,
    occurred_at: Option<String>,
    received_at: Option<String>,
    notification_id: Option<String>,
    test: bool,
    duplicates: u32,
    unrouted: bool,
    problems: &'a RawValue,
    data: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    data_dropped: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    damaged: bool,
}

#[derive(Debug, Serialize)]
struct ContactJson<'a> {
    wa_id: Option<&'a str>,
    user_id: Option<&'a str>,
    parent_user_id: Option<&'a str>,
}

impl<'a> EventJson<'a> {
    /// The event with the element that lies in this body; without a body, its data was dropped by retention, or is
    /// damaged.
    #[must_use]
    pub fn new(event: &'a EventRecord, body: Option<&'a [u8]>) -> Self {
        let bytes = body.and_then(|body| body.get(event.data_range.clone()));
        let data = bytes.filter(|_| event.data_is_json).and_then(compact);
        let data_base64 = bytes.filter(|_| data.is_none()).map(|bytes| BASE64.encode(bytes));
        Self {
            id: event.id.to_string(),
            event_type: &event.event_type,
            field: &event.field,
            app: &event.app,
            entry_id: event.entry_id.as_deref(),
            waba_id: event.waba_id.as_deref(),
            business_id: event.business_id.as_deref(),
            phone_number_id: event.phone_number_id.as_deref(),
            display_phone_number: event.display_phone_number.as_deref(),
            contact: ContactJson {
                wa_id: event.wa_id.as_deref(),
                user_id: event.user_id.as_deref(),
                parent_user_id: event.parent_user_id.as_deref(),
            },
            message_id: event.message_id.as_deref(),
            key: &event.key,
            lane: &event.lane,
            occurred_at: event.occurred_at_seconds.and_then(rfc3339_seconds),
            received_at: rfc3339_ms(event.received_at_ms),
            notification_id: Some(event.notification.to_string()),
            test: event.test,
            duplicates: event.duplicates,
            unrouted: event.unrouted,
            problems: serde_json::from_str(&event.problems_json).unwrap_or(RawValue::NULL),
            data,
            data_base64,
            data_dropped: bytes.is_none(),
            damaged: event.damaged,
        }
    }

    /// The same for a body that was read but never received: no time and no notification.
    #[must_use]
    pub fn not_received(mut self) -> Self {
        self.received_at = None;
        self.notification_id = None;
        self
    }

    /// The JSON text.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Strings, numbers and checked raw JSON cannot fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The element on one line: numbers and strings exactly as sent, white space between them left out.
fn compact(json: &[u8]) -> Option<Cow<'_, RawValue>> {
    if !json.contains(&b'\n') {
        return serde_json::from_slice(json).ok().map(Cow::Borrowed);
    }
    let (mut in_string, mut escaped) = (false, false);
    let significant = json.iter().copied().filter(|byte| {
        let keep = in_string || !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        in_string ^= *byte == b'"' && !escaped;
        escaped = in_string && *byte == b'\\' && !escaped;
        keep
    });
    let line = String::from_utf8(significant.collect()).ok()?;
    RawValue::from_string(line).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        assert_eq!(compact(json.as_bytes()).map(|raw| raw.get().to_owned()).as_deref(), Some(expected));
    }

    #[test]
    fn an_element_is_written_on_one_line_with_its_strings_and_numbers_untouched() {
        check("{ \"a\" : 1 }", "{ \"a\" : 1 }");
        check("{\n \"a\" :\t1.50e+3,\r\n\"b\": \"x \\\" \\\\\" }", "{\"a\":1.50e+3,\"b\":\"x \\\" \\\\\"}");
        check("[\n\"\\u00e4 \", 12345678901234567890]", "[\"\\u00e4 \",12345678901234567890]");
    }
}
