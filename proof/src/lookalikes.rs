//! Different events that look alike: each of them must get through.

use crate::clock::unix_seconds;
use crate::events::{Event, Talk, message, messaging, status, template, text};

/// One family of look-alikes; `n` tells families apart.
pub(crate) fn family(n: u32, wabas: u32) -> Vec<Event> {
    let (waba, at_seconds) = (n % wabas, unix_seconds());
    let first = format!("wamid.{n:08X}AAAA");
    let second = format!("wamid.{n:08X}AAAB");
    let talk = |wamid| Talk { contact: n, wamid, at_seconds };
    let hello = |wamid| message(talk(wamid), "Somebody", &text("hello"));
    let reaction = |wamid, emoji: &str| {
        let content = format!(r#""type":"reaction","reaction":{{"message_id":"{first}"{emoji}}}"#);
        message(talk(wamid), "Somebody", &content)
    };
    let failed = |code: u32| {
        let errors = format!(r#","errors":[{{"code":{code},"title":"Failed","message":"Failed"}}]"#);
        status(talk(&first), "failed", &errors)
    };
    let ids: Vec<String> = (0..3).map(|at| format!("wamid.{n:08X}R{at:03}")).collect();
    let [set, other, removed] = ids.as_slice() else { return Vec::new() };
    let values = [
        // The same text in the same second.
        hello(&first),
        hello(&second),
        // The same id with every status, and with two errors.
        status(talk(&first), "sent", ""),
        status(talk(&first), "delivered", ""),
        status(talk(&first), "read", ""),
        failed(131_026),
        failed(131_047),
        // A reaction set, changed, and taken back.
        reaction(set, r#","emoji":"\u2764""#),
        reaction(other, r#","emoji":"\ud83d\udc4d""#),
        reaction(removed, ""),
    ];
    let mut family: Vec<Event> =
        values.iter().map(|value| Event::new(waba, None, messaging(waba, value, None))).collect();
    // The same message on another number, and one template's changes within a second.
    let elsewhere = (waba + 1) % wabas;
    family.push(Event::new(elsewhere, None, messaging(elsewhere, &hello(&first), None)));
    for word in ["APPROVED", "PAUSED", "DISABLED"] {
        let body = template(waba, 7_000_000 + u64::from(n), word, "look_alike", at_seconds);
        family.push(Event::new(waba, None, body));
    }
    family
}

/// The same event with another time of its entry, as a later repeat may bear it. Management events have theirs as part of
/// what they are, and are left alone.
pub(crate) fn copy(event: &Event, times: u64) -> Vec<u8> {
    let text = String::from_utf8_lossy(&event.body);
    if text.contains(r#""field":"messages""#) {
        let time = format!(r#","time":{},"changes":"#, 1_700_000_000 + times);
        return text.replacen(r#","changes":"#, &time, 1).into_bytes();
    }
    event.body.clone()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_look_alike_is_an_event_of_its_own() {
        let families: Vec<Event> = (0..50).flat_map(|n| family(n, 20)).collect();
        let keys: HashSet<&str> = families.iter().map(|event| event.key.as_str()).collect();
        assert_eq!((keys.len(), families.len()), (50 * 14, 50 * 14));
    }

    #[test]
    fn a_copy_differs_in_the_time_of_its_entry_and_nothing_else() {
        for event in family(3, 20) {
            let (first, again) = (copy(&event, 1), copy(&event, 2));
            let is_management = event.body == first;
            assert_eq!(is_management, first == again);
            let without =
                |body: &[u8], time: u32| String::from_utf8_lossy(body).replace(&format!(r#","time":{time}"#), "");
            let plain = without(&event.body, 0);
            assert!(is_management || without(&first, 1_700_000_001) == plain);
        }
    }
}
