//! Every webhook field that the documentation and captures know: what it is for, who may have it, where its time stands
//! and which event types it gives. The one table behind `waypost fields`, the page of fields, metric labels and the
//! reader's own view of what is news.
//!
//! A field or type that is missing here is read, kept and forwarded all the same.

mod calls;
mod echoes;
mod flows;
mod groups;
mod management;
mod messages;
mod standby;
mod templates;
mod users;

use crate::typed::Family;

/// One field that an app can subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The name in a change's `field`.
    pub name: &'static str,
    /// Other spellings of the name, read alike.
    pub also: &'static [&'static str],
    /// What the app needs to get it.
    pub permission: Permission,
    /// Whether the callback override of a number or account redirects it.
    pub callback_override: Override,
    /// How well it is known.
    pub evidence: Evidence,
    /// What it tells, in one line.
    pub meaning: &'static str,
    /// The page that describes it, or names it where none does.
    pub page: Option<&'static str>,
    /// What the sources leave open, or say in two ways.
    pub doubts: &'static [&'static str],
    /// What its events are cut from.
    pub elements: &'static [Elements],
}

impl Field {
    /// Its known event types, sorted.
    #[must_use]
    pub fn types(&self) -> Vec<&'static str> {
        sorted(self.elements.iter().flat_map(|elements| elements.types).copied())
    }
}

/// One kind of thing in a field's value that becomes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Elements {
    /// The array in the value whose elements are events; `None` where the whole change is one event.
    pub array: Option<&'static str>,
    /// Where the time of such an event stands.
    pub time: TimeSource,
    /// The known event types.
    pub types: &'static [&'static str],
    /// Which typed value they have; `None` where no payload is published.
    pub(crate) family: Option<Family>,
}

impl Elements {
    /// The path from the change: `value.messages[]`, or `value`.
    #[must_use]
    pub fn path(&self) -> String {
        self.array.map_or_else(|| "value".to_owned(), |array| format!("value.{array}[]"))
    }

    /// The path of the time: `value.messages[].timestamp`, or `entry.time`. `None` where there is none.
    #[must_use]
    pub fn time_path(&self) -> Option<String> {
        match self.time {
            TimeSource::Entry => Some("entry.time".to_owned()),
            TimeSource::Member(member) => Some(format!("{}.{member}", self.path())),
            TimeSource::Nowhere | TimeSource::Unknown => None,
        }
    }

    /// Elements of an array, each with a `timestamp` of its own.
    const fn stamped(array: &'static str, family: Family, types: &'static [&'static str]) -> Self {
        Self { array: Some(array), time: TimeSource::Member("timestamp"), types, family: Some(family) }
    }

    /// Elements of an array that say nothing about when.
    const fn timeless(array: &'static str, family: Family, types: &'static [&'static str]) -> Self {
        Self { array: Some(array), time: TimeSource::Nowhere, types, family: Some(family) }
    }

    /// The whole change, with its time in one place.
    const fn whole(time: TimeSource, family: Family, types: &'static [&'static str]) -> Self {
        Self { array: None, time, types, family: Some(family) }
    }

    /// The whole change, where no payload is published.
    const fn unpublished(types: &'static [&'static str]) -> Self {
        Self { array: None, time: TimeSource::Unknown, types, family: None }
    }
}

/// What an app needs to subscribe to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Permission {
    /// `whatsapp_business_messaging`
    Messaging,
    /// `whatsapp_business_management`
    Management,
}

impl Permission {
    /// The permission's name at Meta.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messaging => "whatsapp_business_messaging",
            Self::Management => "whatsapp_business_management",
        }
    }
}

/// Whether Meta's callback override applies: number before account before app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Override {
    /// It does.
    Applies,
    /// The field always goes to the app's own URL.
    Ignored,
    /// No source says.
    Unstated,
}

impl Override {
    /// `yes`, `no` or `unstated`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applies => "yes",
            Self::Ignored => "no",
            Self::Unstated => "unstated",
        }
    }
}

/// How well a field is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// Meta's documentation describes its payload.
    Documented,
    /// Only samples of the dashboard or captures show its payload.
    Seen,
    /// The name is known and nothing else.
    Unpublished,
}

impl Evidence {
    /// `documented`, `seen` or `unpublished`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Seen => "seen",
            Self::Unpublished => "unpublished",
        }
    }
}

/// Where the time of an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeSource {
    /// In `entry.time`.
    Entry,
    /// In this member of the element, or of the value where the whole change is one event.
    Member(&'static str),
    /// Nowhere: such events have no time.
    Nowhere,
    /// Nobody knows: no payload is published.
    Unknown,
}

/// An event type that is ours, for what no field of Meta's explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnType {
    /// The type.
    pub name: &'static str,
    /// When an event has it.
    pub meaning: &'static str,
}

const OWN_TYPES: &[OwnType] = &[
    OwnType { name: "notification.change", meaning: "a change without a field and without known elements" },
    OwnType { name: "notification.entry", meaning: "an entry without changes" },
    OwnType { name: "notification.unreadable", meaning: "a body in which no envelope can be seen" },
];

/// What most fields have in common.
const MANAGEMENT: Field = Field {
    name: "",
    also: &[],
    permission: Permission::Management,
    callback_override: Override::Ignored,
    evidence: Evidence::Documented,
    meaning: "",
    page: None,
    doubts: &[],
    elements: &[],
};

const PERMISSION_BY_RULE: &str =
    "Permission: by the overview's rule for all fields but `messages`; no page says it of this one.";

const FIELDS: &[Field] = &[
    management::ACCOUNT_ALERTS,
    management::ACCOUNT_REVIEW_UPDATE,
    management::ACCOUNT_SETTINGS_UPDATE,
    management::ACCOUNT_UPDATE,
    users::AUTOMATIC_EVENTS,
    management::BUSINESS_CAPABILITY_UPDATE,
    management::BUSINESS_STATUS_UPDATE,
    management::BUSINESS_USERNAME_UPDATES,
    calls::CALLS,
    management::CAMPAIGN_STATUS_UPDATE,
    users::CONSUMER_PROFILE,
    flows::FLOWS,
    groups::GROUP_LIFECYCLE_UPDATE,
    groups::GROUP_PARTICIPANTS_UPDATE,
    groups::GROUP_SETTINGS_UPDATE,
    groups::GROUP_STATUS_UPDATE,
    echoes::HISTORY,
    echoes::MESSAGE_ECHOES,
    templates::COMPONENTS,
    templates::QUALITY,
    templates::STATUS,
    messages::MESSAGES,
    standby::MESSAGING_HANDOVERS,
    management::PARTNER_SOLUTIONS,
    management::PAYMENT_CONFIGURATION_UPDATE,
    management::PHONE_NUMBER_NAME_UPDATE,
    management::PHONE_NUMBER_QUALITY_UPDATE,
    management::SECURITY,
    echoes::SMB_APP_STATE_SYNC,
    echoes::SMB_MESSAGE_ECHOES,
    standby::STANDBY,
    templates::CATEGORY,
    templates::CORRECT_CATEGORY_DETECTION,
    templates::PERFORMANCE_METRICS,
    users::TRACKING_EVENTS,
    users::USER_ID_UPDATE,
    users::USER_PREFERENCES,
];

/// Every known field, sorted by name.
#[must_use]
pub fn fields() -> &'static [Field] {
    FIELDS
}

/// The field of this name, or of this other spelling of a name.
#[must_use]
pub fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name || field.also.contains(&name))
}

/// The types that are ours, sorted.
#[must_use]
pub fn own_types() -> &'static [OwnType] {
    OWN_TYPES
}

fn sorted(types: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut types: Vec<_> = types.collect();
    types.sort_unstable();
    types.dedup();
    types
}

/// Every known type with its typed value, sorted.
pub(crate) fn types() -> Vec<(&'static str, Option<Family>)> {
    let of = |elements: &'static Elements| elements.types.iter().map(|name| (*name, elements.family));
    let mut types: Vec<_> = FIELDS.iter().flat_map(|field| field.elements).flat_map(of).collect();
    types.extend(OWN_TYPES.iter().map(|own| (own.name, None)));
    types.sort_by_key(|(name, _)| *name);
    types.dedup_by_key(|(name, _)| *name);
    types
}

/// A page of the platform's documentation.
macro_rules! page {
    ($path:literal) => {
        Some(concat!("https://developers.facebook.com/documentation/business-messaging/whatsapp/", $path))
    };
}
use page;
