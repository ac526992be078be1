//! Where in a body a scalar stands, and what it is there.

use std::collections::HashMap;

use super::Scalar;
use crate::json::{Node, Step};

/// What the App Dashboard's test buttons send has one of these.
const TEST_ENTRY_ID: &str = "0";
const TEST_PHONE_NUMBER_ID: &str = "123456123";

/// Fields whose items carry an id of their own. Elsewhere the time of an item tells it from others.
const FIELDS_WITH_IDS: [&str; 9] = [
    "automatic_events",
    "calls",
    "history",
    "message_echoes",
    "messages",
    "smb_message_echoes",
    "standby",
    "tracking_events",
    "user_id_update",
];

/// A scalar's place.
#[derive(Debug, Clone, Default)]
pub(super) struct Address<'a> {
    /// Position of the entry.
    pub(super) entry: usize,
    /// Position of the change in its entry; `None` for what belongs to the entry as a whole.
    pub(super) change: Option<usize>,
    /// The names on the way, from the entry or from the change; positions are left out.
    names: Vec<&'a str>,
    /// The entry's `id`, empty where it has none.
    pub(super) entry_id: &'a str,
    /// The change's `field`.
    field: &'a str,
    /// In what the dashboard's test buttons send.
    pub(super) dashboard: bool,
    /// In a change by which a number declines to share its history. It is known by number and error code alone.
    declined: bool,
}

/// A kind of scalar that is made new, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// An id of a message or call.
    MessageId,
    /// An id in digits.
    Number,
    /// A business-scoped user id.
    UserId,
    /// An id of free form: its first word stays.
    Tagged,
    /// A time that must not be given out twice.
    Reserved,
    /// Any other time: moved with the body.
    Time,
}

impl Part {
    /// True if an event with a new one of these is a new event.
    pub(super) fn makes_distinct(self) -> bool {
        self != Self::Time
    }
}

impl<'a> Address<'a> {
    pub(super) fn of(node: &Node<'a>) -> Self {
        let mut address = Self::default();
        let mut steps = node.path.iter().peekable();
        // The envelope may be wrapped in an array.
        steps.next_if(|step| matches!(step, Step::Index(_)));
        let mut list = "";
        for step in steps {
            match (step, list) {
                (Step::Index(position), "entry") => {
                    address.entry = *position;
                    address.names.clear();
                }
                (Step::Index(position), "changes") => {
                    address.change = Some(*position);
                    address.names.clear();
                }
                (Step::Index(_), _) => {}
                (Step::Key(name), _) => address.names.push(name),
            }
            // A list counts only in its own place: the envelope's `entry`, an entry's `changes`.
            list = match (step, address.change) {
                (Step::Key(name), None) if address.names.len() == 1 => name,
                _ => "",
            };
        }
        // The bare sample is a change without an entry.
        if address.change.is_none() && matches!(address.names.first(), Some(&("field" | "value"))) {
            address.change = Some(0);
        }
        address
    }

    /// What this scalar is, if it is made new.
    pub(super) fn part(&self, text: &str) -> Option<Part> {
        let name = *self.names.last()?;
        if self.change.is_none() {
            return (self.names == ["time"]).then_some(Part::Reserved);
        }
        match name {
            _ if name.ends_with("id") && is_message_id(text) => Some(Part::MessageId),
            "request_id" | "join_request_id" | "click_id" | "tracking_token" => Some(Part::Tagged),
            "message_template_id" => Some(Part::Number),
            "flow_id" if self.names == ["value", "flow_id"] => Some(Part::Number),
            "solution_id" => Some(Part::Number),
            "phone_number_id" | "display_phone_number" if self.declined => Some(Part::Number),
            "current" if self.names == ["value", "user_id_update", "user_id", "current"] => Some(Part::UserId),
            "timestamp" | "updated_timestamp" if !FIELDS_WITH_IDS.contains(&self.field) => Some(Part::Reserved),
            _ => is_time(name).then_some(Part::Time),
        }
    }

    /// True for the times at which something happened; others are deadlines, beginnings and ends.
    pub(super) fn is_occurrence(&self) -> bool {
        match self.names.as_slice() {
            ["time"] => self.change.is_none(),
            [.., "timestamp" | "updated_timestamp"] => true,
            _ => false,
        }
    }

    /// True for prose that may carry a mark.
    pub(super) fn is_free_text(&self) -> bool {
        matches!(
            self.names.last(),
            Some(&("details" | "detail" | "note" | "description" | "message" | "text" | "body"))
        )
    }
}

/// Tells each scalar what it shares with the rest of its entry and change.
pub(super) fn tell_fields(scalars: &mut [Scalar<'_>]) {
    let mut entries: HashMap<usize, &str> = HashMap::new();
    let mut changes: HashMap<(usize, usize), Address<'_>> = HashMap::new();
    for Scalar { address, text, .. } in scalars.iter() {
        let Some(change) = address.change else {
            if address.names == ["id"] {
                entries.insert(address.entry, text);
            }
            continue;
        };
        let known = changes.entry((address.entry, change)).or_default();
        match address.names.as_slice() {
            ["field"] => known.field = text,
            ["value", "history", "errors", "code"] => known.declined = true,
            ["value", .., "phone_number_id"] => known.dashboard |= *text == TEST_PHONE_NUMBER_ID,
            _ => {}
        }
    }
    for Scalar { address, .. } in scalars {
        address.entry_id = entries.get(&address.entry).copied().unwrap_or_default();
        address.dashboard = address.entry_id == TEST_ENTRY_ID;
        if let Some(known) = address.change.and_then(|change| changes.get(&(address.entry, change))) {
            address.field = known.field;
            address.declined = known.declined;
            address.dashboard |= known.dashboard;
        }
    }
}

fn is_message_id(text: &str) -> bool {
    ["wamid.", "wacid.", "ABGG", "gBGG"].iter().any(|prefix| text.starts_with(prefix))
}

fn is_time(name: &str) -> bool {
    name.ends_with("timestamp")
        || matches!(name, "start_time" | "end_time" | "expiration" | "disable_date" | "tier_update_time")
}
