//! What must hold for any bytes at all, one function for each public way into the crate.
//!
//! The fuzz targets call these; so does the test `corpus`, on a stable toolchain, with the bytes that are checked in.

use std::collections::HashMap;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use whatsapp::meta::{self, Encoder};
use whatsapp::{Data, Event, KeyScope, Notification, Problem, cloudevents, eightbyeight, typed};

/// A way into the crate.
pub type Target = (&'static str, fn(&[u8]));

/// The targets that take the body of a notification; they share a corpus.
pub const OF_NOTIFICATIONS: &[Target] =
    &[("read", read), ("meta", meta), ("cloudevents", cloudevents), ("eightbyeight", eightbyeight), ("keys", keys)];

/// The target that takes an event type, a line break and the event's data.
pub const OF_TYPED: &[Target] = &[("typed", typed)];

/// Of a body with more events only so many are written down again: each costs as much as the first.
const EVENTS_MAX: usize = 24;

fn bytes<'a>(data: Data<'a>) -> &'a [u8] {
    match data {
        Data::Json(text) => text.as_bytes(),
        Data::Bytes(bytes) => bytes,
    }
}

fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// The deepest nesting of a text that is JSON.
fn depth(text: &[u8]) -> usize {
    let (mut open, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match (in_string, escaped, byte) {
            (true, true, _) => escaped = false,
            (true, false, b'\\') => escaped = true,
            (_, false, b'"') => in_string = !in_string,
            (false, _, b'{' | b'[') => open += 1,
            (false, _, b'}' | b']') => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

/// Reading gives events whatever the bytes are, and what it calls JSON is JSON.
pub fn read(body: &[u8]) {
    let notification = whatsapp::read(body);
    assert!(!notification.events.is_empty(), "a body without events");
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let unreadable = notification.problems.iter().any(|problem| problem.what == "not readable as JSON");
    let can_be = is_json(text) && depth(text) <= 256;
    assert_eq!(unreadable, !can_be, "two opinions on what is JSON");
    check_problems(&notification.problems);
    for (index, event) in notification.events.iter().enumerate() {
        check_event(index, event, body);
    }
}

fn check_event(index: usize, event: &Event<'_>, body: &[u8]) {
    assert_eq!(event.origin.event as usize, index);
    check_problems(&event.problems);
    let event_type = event.event_type.as_str();
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
    assert!(!event_type.is_empty() && event_type.len() <= 96 && event_type.bytes().all(is_plain), "{event_type}");
    assert!(!event.key.text.is_empty() && !event.key.text.chars().any(char::is_control), "{}", event.key.text);
    let data = bytes(event.data);
    assert!(
        body.as_ptr_range().start <= data.as_ptr_range().start && data.as_ptr_range().end <= body.as_ptr_range().end
    );
    assert!(!matches!(event.data, Data::Json(text) if !is_json(text.as_bytes())));
    drop((event.value(), event.profile()));
}

fn check_problems(problems: &[Problem]) {
    for problem in problems {
        assert!(Problem::KINDS.contains(&problem.what), "{problem:?}");
        assert!(
            problem.path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.[]".contains(&byte)),
            "{problem:?}"
        );
    }
}

/// An event written as a notification of its own is the same event, and an encoder writes the same as the function does.
pub fn meta(body: &[u8]) {
    let encoder = Encoder::new(body);
    let events = &encoder.notification().events;
    for event in events.iter().take(EVENTS_MAX) {
        let position = event.origin.event;
        let Some(alone) = encoder.encode(position) else { panic!("event {position} cannot be written") };
        assert_eq!(meta::encode(body, position).as_deref(), Some(alone.as_slice()));
        let again = whatsapp::read(&alone);
        assert_eq!(again.events.len(), 1, "{}", String::from_utf8_lossy(&alone));
        for again in &again.events {
            assert_eq!(again.event_type, event.event_type);
            assert_eq!(again.lane, event.lane);
            assert_eq!(bytes(again.data), bytes(event.data));
            assert!(again.key == event.key || is_of_the_whole(event), "{:?} {:?}", again.key, event.key);
        }
    }
    assert_eq!(encoder.encode(u32::try_from(events.len()).unwrap_or(u32::MAX)), None);
}

/// Keys that depend on the notification around the event.
fn is_of_the_whole(event: &Event<'_>) -> bool {
    let key = event.key.text.as_str();
    event.key.scope == KeyScope::Arrival || key.starts_with("err:") || key.starts_with("unreadable:")
}

/// A CloudEvent is JSON, and its data is the event's, byte for byte.
pub fn cloudevents(body: &[u8]) {
    for event in whatsapp::read(body).events.iter().take(EVENTS_MAX) {
        let attributes = cloudevents::Attributes {
            id: &event.key.text,
            app: "main",
            waba_id: event.waba_id.as_deref(),
            phone_number_id: event.phone_number_id.as_deref(),
            event_type: event.event_type.as_str(),
            subject: event.message_id.as_deref(),
            occurred_at_seconds: event.occurred_at_seconds,
        };
        let written = cloudevents::encode(&attributes, event.data);
        let again: HashMap<String, Box<RawValue>> = match serde_json::from_slice(&written) {
            Ok(again) => again,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&written)),
        };
        let member = |name: &str| again.get(name).map(|raw| raw.get());
        let text = |name: &str| member(name).and_then(|raw| serde_json::from_str::<String>(raw).ok());
        assert_eq!(text("id").as_deref(), Some(event.key.text.as_str()));
        assert!(text("source").is_some_and(|source| source.bytes().all(|byte| byte.is_ascii_graphic())));
        match event.data {
            Data::Json(json) => assert_eq!(member("data"), Some(json)),
            Data::Bytes(_) => assert!(text("data_base64").is_some()),
        }
    }
}

/// What has a place in 8x8's form is a JSON object, and there is never less of it where extensions are allowed.
pub fn eightbyeight(body: &[u8]) {
    for event in whatsapp::read(body).events.iter().take(EVENTS_MAX) {
        let write = |documented_only| {
            let frame = eightbyeight::Frame {
                event_id: "e",
                account_id: "a",
                received_at_seconds: 1_758_000_000,
                documented_only,
            };
            eightbyeight::encode(body, event.origin.event, &frame)
        };
        let (all, documented) = (write(false), write(true));
        for encoded in [&all, &documented] {
            match encoded {
                Some(eightbyeight::Encoded::Body(body)) => {
                    assert!(body.starts_with(b"{") && is_json(body), "{}", String::from_utf8_lossy(body));
                }
                Some(eightbyeight::Encoded::LeftOut) => {}
                None => panic!("event {} is not found", event.origin.event),
            }
        }
        let is_left_out = |encoded| encoded == Some(eightbyeight::Encoded::LeftOut);
        assert!(is_left_out(documented) || !is_left_out(all));
    }
}

/// The same body in another spelling is the same events: white space and escapes say nothing.
pub fn keys(body: &[u8]) {
    let Ok(text) = std::str::from_utf8(body) else { return };
    let notification = whatsapp::read(body);
    if notification.events.iter().any(|event| matches!(event.data, Data::Bytes(_))) {
        return;
    }
    let respelled = respell(text.strip_prefix('\u{feff}').unwrap_or(text));
    let again = whatsapp::read(respelled.as_bytes());
    let identity = |notification: &Notification<'_>| -> Vec<_> {
        let events = notification.events.iter();
        events.map(|event| (event.event_type.clone(), event.key.clone(), event.occurred_at_seconds)).collect()
    };
    assert_eq!(identity(&notification), identity(&again), "{respelled}");
    let told = |notification: &Notification<'_>| -> Vec<_> {
        notification.events.iter().map(|event| event.problems.clone()).collect()
    };
    assert_eq!(told(&notification), told(&again), "{respelled}");
}

/// Puts spaces around everything outside strings that can bear them, and escapes every third letter inside.
fn respell(text: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::with_capacity(text.len() * 2), false, 0_u32);
    let mut letters = 0_u32;
    for char in text.chars() {
        match (in_string, escaped, char) {
            (true, 0, '\\') => escaped = 1,
            (true, 1, 'u') => escaped = 4,
            (true, 1.., _) => escaped -= 1,
            (_, _, '"') => in_string = !in_string,
            (true, _, _) => {
                letters += 1;
                if letters.is_multiple_of(3) && char != '\u{7f}' {
                    let mut units = [0; 2];
                    char.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04X}")));
                    continue;
                }
            }
            (false, _, '{' | '[' | ':' | ',' | '}' | ']') => {
                out.push_str(" \t");
                out.push(char);
                out.push_str("\r\n");
                continue;
            }
            _ => {}
        }
        out.push(char);
    }
    out
}

/// Stored data reads into a value whenever it is JSON.
pub fn typed(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some((event_type, data)) = text.split_once('\n') else { return };
    let value = typed::read(event_type, data);
    let can_be = is_json(data.as_bytes()) && depth(data.as_bytes()) <= 256;
    assert_eq!(value.is_some(), can_be, "two opinions on what is JSON");
    let is_object = data.trim_start().starts_with('{');
    let is_known = whatsapp::outline::of_type(event_type).is_some();
    let is_raw = matches!(value, Some(typed::Value::Raw(_)));
    assert!(!can_be || is_raw != (is_object && is_known), "an object of a known type has a value of its own");
    assert_eq!(format!("{value:?}"), format!("{:?}", typed::read(event_type, data)));
}
