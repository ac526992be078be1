//! Meta changes something, and `/metrics` says so.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

mod support;

use support::gateway::{Gateway, Home};
use support::meta::{self, DISPLAY, NUMBER, WABA};

/// The lines of the counter, without its name and in order.
fn counted(gateway: &Gateway) -> Vec<String> {
    let page = gateway.api.call("GET", "/metrics", &[], None).text();
    let lines = page.lines().filter_map(|line| line.strip_prefix("waypost_problems_total"));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

fn line(field: &str, what: &str, times: u32) -> String {
    format!(r#"{{field="{field}",what="{what}"}} {times}"#)
}

/// Two messages, of which each `odd` is a member.
fn two_messages(odd: &str) -> Vec<u8> {
    let message = |id| format!(r#"{{"id":"{id}","from":"1555","type":"text","text":{{"body":"x"}},{odd}}}"#);
    let metadata = format!(r#"{{"display_phone_number":"{DISPLAY}","phone_number_id":"{NUMBER}"}}"#);
    let value = format!(
        r#"{{"messaging_product":"whatsapp","metadata":{metadata},"messages":[{},{}]}}"#,
        message("a"),
        message("b")
    );
    meta::change(WABA, "messages", &value)
}

#[test]
fn a_problem_is_counted_by_field_and_kind_once_for_each_place_in_new_events() {
    let home = Home::production("");
    let gateway = home.start();
    gateway.take(&two_messages(&format!(r#""timestamp":"{}""#, meta::now_seconds())));
    assert_eq!(counted(&gateway), [""; 0]);

    let odd = two_messages(r#""timestamp":"soon""#);
    // The same ids as before, and yet events of their own: they lie in another partition of time.
    gateway.take(&odd);
    let both = line("messages", "not a time", 2);
    assert_eq!(counted(&gateway), [both.as_str()]);
    gateway.take(&odd);
    assert_eq!(counted(&gateway), [both.as_str()], "a repeated event is no news");

    let wrapped =
        String::from_utf8(two_messages(&format!(r#""timestamp":"{}","telepathy":1"#, meta::now_seconds()))).unwrap();
    let wrapped = wrapped.replace(r#""id":"a""#, r#""id":"c""#).replace(r#""id":"b""#, r#""id":"d""#);
    gateway.take(format!("[{wrapped}]").as_bytes());
    let wanted = [both, line("messages", "unknown member", 2), line("messages", "wrapped in an array", 1)];
    assert_eq!(counted(&gateway), wanted, "the envelope is odd once");
}

#[test]
fn names_that_a_sender_made_up_share_one_label() {
    let home = Home::production("");
    let gateway = home.start();
    for name in ["telepathy", "telekinesis"] {
        gateway.take(&meta::change(WABA, name, r#"{"x":1}"#));
    }
    gateway.take(&meta::change(WABA, "security", r#"{"display_phone_number":"1999","event":"PIN_FORGOTTEN"}"#));
    gateway.take(b"{");
    let wanted = [
        line("other", "not readable as JSON", 1),
        line("other", "not readable", 1),
        line("other", "unknown field", 2),
        line("security", "number not in the directory", 1),
        line("security", "unknown type", 1),
    ];
    assert_eq!(counted(&gateway), wanted);
}
