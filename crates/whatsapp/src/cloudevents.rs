//! Writes one event as a CloudEvent 1.0 in the structured mode of its JSON format (`application/cloudevents+json`).
//!
//! The type is `com.meta.whatsapp.` and the event's own; the source is `/apps/<app>/wabas/<waba>`, with
//! `/phones/<phone number id>` where the event has a number. The data is Meta's own JSON for the element, byte for byte;
//! what is no JSON goes as `data_base64`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::event::Data;
use crate::iso;
use crate::write::{Members, quoted};

/// The media type of the bodies.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";

/// What the event is called. The caller decides on its identity and on the app's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// Unique within the source; the same whenever the event is sent again.
    pub id: &'a str,
    /// The name of the app that received it.
    pub app: &'a str,
    /// The WhatsApp Business Account, where there is one.
    pub waba_id: Option<&'a str>,
    /// The business number, where there is one.
    pub phone_number_id: Option<&'a str>,
    /// The event's type, for instance `messages.text`.
    pub event_type: &'a str,
    /// What it is about within the source: Meta's id of the message or call.
    pub subject: Option<&'a str>,
    /// When it happened, in Unix seconds.
    pub occurred_at_seconds: Option<i64>,
}

/// Writes an event.
#[must_use]
pub fn encode(attributes: &Attributes<'_>, data: Data<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut members = Members::open(&mut out);
    members.text("specversion", "1.0");
    members.text("id", attributes.id);
    members.text("source", &source(attributes));
    members.text("type", &format!("com.meta.whatsapp.{}", attributes.event_type));
    // An empty subject is not allowed.
    if let Some(subject) = attributes.subject.filter(|subject| !subject.is_empty()) {
        members.text("subject", subject);
    }
    if let Some(time) = attributes.occurred_at_seconds.and_then(|seconds| iso::utc(seconds, "Z")) {
        members.text("time", &time);
    }
    match data {
        Data::Json(json) => {
            members.text("datacontenttype", "application/json");
            members.named("data").extend(json.as_bytes());
        }
        Data::Bytes(bytes) => {
            members.text("datacontenttype", "application/octet-stream");
            members.named("data_base64").extend(quoted(&BASE64.encode(bytes)).as_bytes());
        }
    }
    members.close();
    out
}

/// A URI reference: what is not plain in a name is percent-encoded, so that a slash in it makes no new segment.
#[must_use]
pub fn source(attributes: &Attributes<'_>) -> String {
    let mut source = format!("/apps/{}", segment(attributes.app));
    for (name, id) in [("wabas", attributes.waba_id), ("phones", attributes.phone_number_id)] {
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            source.push_str(&format!("/{name}/{}", segment(id)));
        }
    }
    source
}

fn segment(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Attributes<'_> = Attributes {
        id: "e-1",
        app: "main",
        waba_id: Some("102"),
        phone_number_id: Some("106"),
        event_type: "messages.text",
        subject: Some("wamid.A=="),
        occurred_at_seconds: Some(1_769_435_420),
    };

    #[track_caller]
    fn check(attributes: &Attributes<'_>, data: Data<'_>, expected: &str) {
        assert_eq!(String::from_utf8_lossy(&encode(attributes, data)), expected);
    }

    #[test]
    fn a_message_is_a_cloud_event_with_its_data_as_sent() {
        check(
            &TEXT,
            Data::Json(r#"{"n": 12345678901234567890.50, "t":"\ud83d \/"}"#),
            r#"{"specversion":"1.0","id":"e-1","source":"/apps/main/wabas/102/phones/106","type":"com.meta.whatsapp.messages.text","subject":"wamid.A==","time":"2026-01-26T13:50:20Z","datacontenttype":"application/json","data":{"n": 12345678901234567890.50, "t":"\ud83d \/"}}"#,
        );
    }

    #[test]
    fn what_is_not_known_is_left_out_and_bytes_go_as_base64() {
        let bare = Attributes {
            waba_id: None,
            phone_number_id: Some(""),
            subject: Some(""),
            occurred_at_seconds: None,
            event_type: "notification.unreadable",
            ..TEXT
        };
        check(
            &bare,
            Data::Bytes(b"\xff\x00"),
            r#"{"specversion":"1.0","id":"e-1","source":"/apps/main","type":"com.meta.whatsapp.notification.unreadable","datacontenttype":"application/octet-stream","data_base64":"/wA="}"#,
        );
    }

    #[test]
    fn a_name_cannot_leave_its_segment_of_the_source() {
        let odd = Attributes { app: "a/b c\u{e9}", waba_id: Some("../1"), phone_number_id: None, ..TEXT };
        assert_eq!(source(&odd), "/apps/a%2Fb%20c%C3%A9/wabas/..%2F1");
    }
}
