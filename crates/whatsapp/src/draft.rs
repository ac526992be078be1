//! An event in the making: what the reader of one kind of element finds out.

use std::borrow::Cow;

use crate::contact::{self, Few};
use crate::event::{Contact, Conversation, EventType, Lane};
use crate::json::Json;
use crate::key::{self, Key};
use crate::part::Part;
use crate::scene::{Number, Scene};
use crate::text;
use crate::typed::Family;

const TYPE_CHARS_MAX: usize = 96;

/// What one element says about itself. The scene adds what it shares with its siblings.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) event_type: EventType,
    pub(crate) key: String,
    /// True where two arrivals are two events unless the whole notification is the same.
    pub(crate) by_notification: bool,
    pub(crate) lane: Lane<'a>,
    pub(crate) contact: Contact<'a>,
    pub(crate) occurred_at_seconds: Option<i64>,
    pub(crate) message_id: Option<Cow<'a, str>>,
    /// Set where the element names another number than `metadata`.
    pub(crate) number: Option<Number<'a>>,
    /// Set where the entry's id is not simply the WABA.
    pub(crate) account: Option<Account<'a>>,
    /// Which typed value the event has.
    pub(crate) family: Option<Family>,
    /// The cards of `contacts[]` that belong to this event.
    pub(crate) cards: Few,
    /// True where the event would take the only card of its value, if it were the only event there.
    pub(crate) takes_only_card: bool,
}

/// Whom an event of the business itself is about.
#[derive(Debug, Default)]
pub(crate) struct Account<'a> {
    pub(crate) waba_id: Option<Cow<'a, str>>,
    pub(crate) business_id: Option<Cow<'a, str>>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(words: &[&str], key: String, lane: Lane<'a>) -> Self {
        Self {
            event_type: event_type(words),
            key,
            by_notification: false,
            lane,
            contact: Contact::default(),
            occurred_at_seconds: None,
            message_id: None,
            number: None,
            account: None,
            family: None,
            cards: Few::default(),
            takes_only_card: false,
        }
    }

    pub(crate) fn at(mut self, seconds: Option<i64>) -> Self {
        self.occurred_at_seconds = seconds;
        self
    }

    pub(crate) fn about(mut self, contact: Contact<'a>, cards: Few) -> Self {
        self.contact = contact;
        self.cards = cards;
        self
    }

    pub(crate) fn id(mut self, message_id: Option<Cow<'a, str>>) -> Self {
        self.message_id = message_id;
        self
    }

    /// What could not be read any further: one event, known by its content.
    pub(crate) fn raw(words: &[&str], scene: &Scene<'_, 'a>, data: Json<'_, 'a>) -> Self {
        let field = Some(scene.field_name.as_ref()).filter(|name| !name.is_empty());
        let key = Key::new("raw").may(field).may(scene.entry_id.as_deref());
        let mut key = key.may(Some(&scene.content_hash(data)));
        if let Some(time) = &scene.entry_time {
            key = key.may(Some(time));
        }
        Self::new(words, key.end(String::new), scene.number_lane()).at(scene.entry_seconds())
    }
}

impl<'a> Scene<'_, 'a> {
    /// A person's conversation with the business number; the number's own lane where nobody is named.
    pub(crate) fn conversation(&self, contact: &Contact<'a>, previous: Contact<'a>) -> Lane<'a> {
        let display = || self.number.display.clone().map(text::digits);
        let number = self.number.id.clone().or_else(display).or_else(|| self.entry_id.clone());
        match number {
            Some(number) if !contact.is_empty() || !previous.is_empty() => {
                Lane::Conversation(Conversation { number, contact: contact.clone(), previous })
            }
            Some(_) | None => self.number_lane(),
        }
    }

    /// The lane of things that concern the number as a whole.
    pub(crate) fn number_lane(&self) -> Lane<'a> {
        number_lane(&self.number)
    }

    /// `entry.time`, where it is a time.
    pub(crate) fn entry_seconds(&self) -> Option<i64> {
        self.entry_time.as_deref().and_then(|time| crate::time::seconds(time).ok())
    }

    /// Completes a person's names from `contacts[]`, and says which cards are theirs.
    pub(crate) fn person(&self, names: Contact<'a>) -> (Contact<'a>, Few) {
        let cards = self.cards.matching(&names);
        (self.cards.complete(names, &cards), cards)
    }
}

/// The lane of one business number.
pub(crate) fn number_lane<'a>(number: &Number<'_>) -> Lane<'a> {
    let display = || number.display.clone().map(|display| text::digits(display).into_owned());
    let name = number.id.as_ref().map(ToString::to_string).or_else(display);
    name.map_or(Lane::Own, |name| Lane::Object(format!("number:{}", key::part(&name))))
}

/// A person's names in three members of an element.
pub(crate) fn names<'a>(part: &Part<'_, 'a>, phone: &str, user: &str, parent: &str) -> Contact<'a> {
    contact::named(&part.object, phone, user, parent)
}

/// Joins the words of a type and folds them to `[a-z0-9_.]`.
pub(crate) fn event_type(words: &[&str]) -> EventType {
    const TYPE_BYTES_USUAL: usize = 32;
    let plain = |byte: u8| byte.is_ascii_lowercase() | byte.is_ascii_digit() | (byte == b'_') | (byte == b'.');
    let mut folded = String::with_capacity(TYPE_BYTES_USUAL);
    for word in words.iter().filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push('.');
        }
        if word.len() <= TYPE_CHARS_MAX && word.bytes().fold(true, |all, byte| all & plain(byte)) {
            folded.push_str(word);
            continue;
        }
        let fold = |char: char| match char.to_ascii_lowercase() {
            char @ ('a'..='z' | '0'..='9' | '_' | '.') => char,
            _ => '_',
        };
        folded.extend(word.chars().take(TYPE_CHARS_MAX).map(fold));
    }
    folded.truncate(TYPE_CHARS_MAX);
    EventType(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_folded_and_bounded() {
        assert_eq!(event_type(&["Messages", "", "Needs Testing"]).as_str(), "messages.needs_testing");
        assert_eq!(event_type(&["été"]).as_str(), "_t_");
        assert_eq!(event_type(&["a", &"b".repeat(500)]).as_str().len(), 96);
    }
}
