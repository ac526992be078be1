//! Whose event it is: the ids in a body, replaced wherever they stand.

use crate::json::{self, Kind, Step};

/// Ids that a body is to have. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The business account.
    pub waba_id: Option<String>,
    /// The business number's id.
    pub phone_number_id: Option<String>,
    /// The business number as it is shown.
    pub display_phone_number: Option<String>,
    /// The person on the other side: `wa_id`, `from`, `recipient_id`.
    pub contact: Option<String>,
}

/// The ids that the events of a body have.
#[must_use]
pub fn names_in(body: &[u8]) -> Names {
    let mut names = Names::default();
    for event in whatsapp::read(body).events {
        let or = |known: &mut Option<String>, new: Option<std::borrow::Cow<'_, str>>| {
            *known = known.take().or_else(|| new.map(std::borrow::Cow::into_owned));
        };
        or(&mut names.waba_id, event.waba_id);
        or(&mut names.phone_number_id, event.phone_number_id);
        or(&mut names.display_phone_number, event.display_phone_number);
        or(&mut names.contact, event.contact.wa_id);
    }
    names
}

impl Names {
    /// The body with these ids in the place of its own. An id that it does not have is not added.
    #[must_use]
    pub fn apply(&self, body: &[u8]) -> Vec<u8> {
        let Some((text, nodes)) = std::str::from_utf8(body).ok().and_then(|text| Some((text, json::nodes(text)?)))
        else {
            return body.to_vec();
        };
        let old = names_in(body);
        let pairs: Vec<(String, &String)> = [
            (old.waba_id, &self.waba_id),
            (old.phone_number_id, &self.phone_number_id),
            (old.display_phone_number, &self.display_phone_number),
            (old.contact, &self.contact),
        ]
        .into_iter()
        .filter_map(|(old, new)| Some((old?, new.as_ref()?)))
        .collect();
        let spans: Vec<_> = nodes
            .iter()
            .filter_map(|node| {
                let written = text.get(node.span.clone())?;
                let (_, new) = pairs.iter().find(|(old, _)| written.trim_matches('"') == old)?;
                // A number stays one where it can.
                let bare = node.kind == Kind::Bare && new.bytes().all(|byte| byte.is_ascii_digit());
                Some((node.span.clone(), if bare { (*new).clone() } else { format!("\"{new}\"") }))
            })
            .collect();
        json::splice(text, spans.iter().map(|(span, new)| (span.clone(), new.as_str()))).into_bytes()
    }
}

/// The body with the business-scoped user id of a person beside each place of a messaging value that names their phone
/// number and has none, as Meta sends since 2026.
#[must_use]
pub fn with_user_ids(body: &[u8], wa_id: &str, user_id: &str) -> Vec<u8> {
    const BESIDE: [(&str, &str); 3] =
        [("wa_id", "user_id"), ("from", "from_user_id"), ("recipient_id", "recipient_user_id")];
    let Some((text, nodes)) = std::str::from_utf8(body).ok().and_then(|text| Some((text, json::nodes(text)?))) else {
        return body.to_vec();
    };
    let mut additions = Vec::new();
    for node in &nodes {
        let [before @ .., Step::Key(list), Step::Index(_), Step::Key(name)] = node.path.as_slice() else { continue };
        let in_value = before.last() == Some(&Step::Key("value"));
        let known = in_value && matches!(*list, "contacts" | "messages" | "statuses");
        let Some((_, user)) = BESIDE.iter().find(|(phone, _)| phone == name).filter(|_| known) else { continue };
        let sibling = |there: &json::Node<'_>| {
            there.path.len() == node.path.len()
                && there.path.starts_with(node.path.get(..node.path.len() - 1).unwrap_or_default())
                && there.path.last() == Some(&Step::Key(user))
        };
        let is_theirs = text.get(node.span.clone()).is_some_and(|text| text.trim_matches('"') == wa_id);
        if is_theirs && !nodes.iter().any(sibling) {
            additions.push((node.span.end..node.span.end, format!(",\"{user}\":\"{user_id}\"")));
        }
    }
    json::splice(text, additions.iter().map(|(span, new)| (span.clone(), new.as_str()))).into_bytes()
}

/// The body with the person's card in each messaging value that has no `contacts`, as Meta sends since 2026; but not beside
/// statuses that say `failed`, which have none.
#[must_use]
pub fn with_card(body: &[u8], card: &str) -> Vec<u8> {
    const LISTS: [&str; 4] = ["messages", "statuses", "calls", "message_echoes"];
    let Some((text, nodes)) = std::str::from_utf8(body).ok().and_then(|text| Some((text, json::nodes(text)?))) else {
        return body.to_vec();
    };
    let mut additions = Vec::new();
    for value in nodes.iter().filter(|node| node.path.last() == Some(&Step::Key("value"))) {
        let inside = |node: &&json::Node<'_>| node.path.starts_with(&value.path);
        let member = |name: &str| {
            let is_it = |node: &json::Node<'_>| {
                node.path.len() == value.path.len() + 1 && node.path.last() == Some(&Step::Key(name))
            };
            nodes.iter().filter(inside).any(is_it)
        };
        let failed = nodes.iter().filter(inside).any(|node| {
            node.path.last() == Some(&Step::Key("status")) && text.get(node.span.clone()) == Some("\"failed\"")
        });
        if member("metadata") && LISTS.into_iter().any(member) && !member("contacts") && !failed {
            let end = value.span.end - 1;
            additions.push((end..end, format!(",\"contacts\":[{card}]")));
        }
    }
    json::splice(text, additions.iter().map(|(span, new)| (span.clone(), new.as_str()))).into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use super::*;
    use crate::fixtures;

    #[test]
    fn an_event_is_anothers_in_every_place_that_says_whose_it_is() {
        let names = Names {
            waba_id: Some("1".into()),
            phone_number_id: Some("2".into()),
            display_phone_number: Some("15550001111".into()),
            contact: Some("4".into()),
        };
        for name in ["messages/text", "messages/status-sent", "calls/connect"] {
            let Some(fixture) = fixtures::find(name) else { continue };
            let before = names_in(fixture.body);
            let after = names.apply(fixture.body);
            assert_eq!(names_in(&after), names, "{name}");
            let text = String::from_utf8(after).unwrap();
            for old in [before.waba_id, before.phone_number_id, before.contact].into_iter().flatten() {
                assert!(!text.contains(&format!("\"{old}\"")), "{name}: {old}");
            }
        }
    }

    #[test]
    fn a_user_id_stands_beside_each_phone_number_that_is_theirs_once() {
        let body = br#"{"entry":[{"changes":[{"value":{"contacts":[{"wa_id":"1"},{"wa_id":"2"}],"messages":[
            {"from":"1","id":"x"}],"statuses":[{"recipient_id":"1","recipient_user_id":"US.7"}]}}]}]}"#;
        let new = with_user_ids(body, "1", "US.9");
        let text = String::from_utf8(new.clone()).unwrap();
        assert!(text.contains(r#"{"wa_id":"1","user_id":"US.9"},{"wa_id":"2"}"#), "{text}");
        assert!(text.contains(r#"{"from":"1","from_user_id":"US.9","id":"x"}"#) && text.contains("US.7"), "{text}");
        assert_eq!(with_user_ids(&new, "1", "US.9"), new);
    }

    #[test]
    fn a_card_is_given_to_messaging_values_that_have_none_and_did_not_fail() {
        let with = |value: &str| {
            let body = format!(r#"{{"entry":[{{"changes":[{{"value":{value}}}]}}]}}"#);
            with_card(body.as_bytes(), "{}") != body.as_bytes()
        };
        assert!(with(r#"{"metadata":{},"statuses":[{"status":"sent"}]}"#));
        assert!(with(r#"{"metadata":{},"calls":[]}"#));
        for other in [
            r#"{"metadata":{},"statuses":[{"status":"failed"}]}"#,
            r#"{"metadata":{},"messages":[],"contacts":[]}"#,
            r#"{"metadata":{},"history":[]}"#,
            r#"{"event":"X"}"#,
        ] {
            assert!(!with(other), "{other}");
        }
    }

    #[test]
    fn an_id_that_a_body_does_not_have_is_not_added() {
        let fixture = fixtures::find("account_review_update/approved")
            .or_else(|| fixtures::all().find(|fixture| fixture.field == "account_review_update"));
        let fixture = fixture.unwrap();
        let names = Names { contact: Some("4".into()), ..Names::default() };
        assert_eq!(names.apply(fixture.body), fixture.body);
    }
}
