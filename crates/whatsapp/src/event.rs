//! The values that [`crate::read()`] gives back. They borrow from the body wherever its bytes can be used as they are.

use std::borrow::Cow;

use crate::json::Tape;
use crate::typed::{Family, Profile, Raw, Value};

/// One webhook body, cut into the things that happened.
#[derive(Debug, Clone)]
pub struct Notification<'a> {
    /// The envelope's `object`, where the body has one.
    pub object: Option<Cow<'a, str>>,
    /// What happened, in the order of the body; within one value array by array in an order of ours, because the order of
    /// members means nothing. Never empty: a body that cannot be cut is one event.
    pub events: Vec<Event<'a>>,
    /// What did not fit the known shape of the envelope. (What did not fit inside an event is with that event.)
    pub problems: Vec<Problem>,
}

/// One thing that happened: one message, one status, one call event, one template change.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// `<field>.<discriminator>`, for instance `messages.status.delivered`.
    pub event_type: EventType,
    /// The change's `field` as sent; empty where the body has none.
    pub field: Cow<'a, str>,
    /// `entry[].id` as sent: a WABA, a business portfolio, or `"0"` in dashboard tests.
    pub entry_id: Option<Cow<'a, str>>,
    /// The WhatsApp Business Account, where Meta gives one (from `waba_info` for partner events).
    pub waba_id: Option<Cow<'a, str>>,
    /// The business portfolio, where Meta gives one.
    pub business_id: Option<Cow<'a, str>>,
    /// Id of the business phone number.
    pub phone_number_id: Option<Cow<'a, str>>,
    /// The business phone number for display, as sent.
    pub display_phone_number: Option<Cow<'a, str>>,
    /// The person on the other side, as far as this event names them.
    pub contact: Contact<'a>,
    /// What makes two arrivals the same event.
    pub key: EventKey,
    /// What this event must stay in order with.
    pub lane: Lane<'a>,
    /// When it happened, in Unix seconds.
    pub occurred_at_seconds: Option<i64>,
    /// Meta's id of the message, call or other thing that one looks up by (`wamid.…`, `wacid.…`).
    pub message_id: Option<Cow<'a, str>>,
    /// True for what the App Dashboard's test buttons send.
    pub test: bool,
    /// What did not fit the known shape.
    pub problems: Vec<Problem>,
    /// Meta's own JSON for this element, byte for byte.
    pub data: Data<'a>,
    /// Where in the body the element sits.
    pub origin: Origin,
    /// Which typed value it has.
    pub(crate) family: Option<Family>,
    /// The entry of the value's `contacts` that belongs to it.
    pub(crate) profile: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// What the event says, as a Rust value: read when it is asked for, and not before.
    #[must_use]
    pub fn value(&self) -> Value<'a> {
        match self.data {
            Data::Json(text) => match Tape::read(text) {
                Some(tape) => Family::value(self.family, tape.root()),
                None => Value::Raw(Raw(text)),
            },
            Data::Bytes(bytes) => Value::Bytes(bytes),
        }
    }

    /// What the value says of the person on the other side: the name that the person chose, the username. It stands beside
    /// the element, in `contacts`, and is found by id.
    #[must_use]
    pub fn profile(&self) -> Option<Profile<'a>> {
        self.profile.and_then(Profile::read)
    }
}

/// `<field>.<discriminator>` in lower case; at most 96 characters of `[a-z0-9_.]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventType(pub(crate) String);

impl EventType {
    /// The type as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person's names in one event. Empty strings in the body are absent here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact<'a> {
    /// Normally the phone number, in digits.
    pub wa_id: Option<Cow<'a, str>>,
    /// The business-scoped user id.
    pub user_id: Option<Cow<'a, str>>,
    /// The user id of linked portfolios.
    pub parent_user_id: Option<Cow<'a, str>>,
}

impl Contact<'_> {
    /// True when the event names nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wa_id.is_none() && self.user_id.is_none() && self.parent_user_id.is_none()
    }
}

/// What makes two arrivals the same event: Meta's content, never the time or way of arrival.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventKey {
    /// The key as text, for instance `msg:106540352242922:wamid.…`.
    pub text: String,
    /// How far the key reaches.
    pub scope: KeyScope,
}

/// How far an [`EventKey`] reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyScope {
    /// The same key is the same event, whenever and however it arrives.
    Content,
    /// Every arrival is an event of its own (dashboard test sends): the receiver adds its own mark to the key.
    Arrival,
}

/// What an event must stay in order with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lane<'a> {
    /// A person's conversation with a business number.
    Conversation(Conversation<'a>),
    /// A thing with a name of its own: a call, a group, a template, a number, an account.
    Object(String),
    /// Nothing: the event belongs to no conversation and no object.
    Own,
}

/// A person's conversation with a business number, under all the names that this event shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation<'a> {
    /// The business number: its id, or its display digits where the body has no id.
    pub number: Cow<'a, str>,
    /// The person's names now. Where one event shows two names, they are one person.
    pub contact: Contact<'a>,
    /// The person's names before a change of number or user id: the new names continue the old conversation.
    pub previous: Contact<'a>,
}

/// Something that did not fit the known shape: where, and in which way. Never the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path from the body's root, for instance `entry[0].changes[0].value.messages[0].timestamp`.
    pub path: String,
    /// What is the matter, for instance `not a time`: one of [`Problem::KINDS`].
    pub what: &'static str,
}

impl Problem {
    /// Everything that can be the matter, sorted.
    pub const KINDS: &[&str] = &[
        "a change without its envelope",
        "a member twice",
        "missing",
        "no changes",
        "no entry",
        "no known element",
        "not a number",
        "not a time",
        "not an array",
        "not an envelope",
        "not an integer",
        "not an object",
        "not readable",
        "not readable as JSON",
        "not text",
        "not true or false",
        "null",
        "starts with a byte order mark",
        "time out of range",
        "too many events",
        "unknown field",
        "unknown member",
        "unknown type",
        "unknown word",
        "wrapped in an array",
    ];
}

/// The bytes of one element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data<'a> {
    /// Valid JSON text, a slice of the body.
    Json(&'a str),
    /// Bytes that are not JSON.
    Bytes(&'a [u8]),
}

/// Where in the body an event's element sits. Also the address that encoders take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin {
    /// Position of the entry in the body.
    pub entry: u32,
    /// Position of the change in its entry.
    pub change: u32,
    /// Position of this event among the events of the whole body, from 0.
    pub event: u32,
}
