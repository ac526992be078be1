//! What goes in and out of the seam. Times are Unix milliseconds unless the name says otherwise.

use std::ops::Range;
use std::sync::Arc;

use rules::breaker::Standing;
use rules::delivery::{DeliveryState, FailureClass};
use rules::identity::{EventId, NotificationId};

use crate::replay::{ReplayMark, ReplayNo};

/// The number by which the store knows an endpoint. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointNo(pub i64);

/// The number by which the store knows a delivery. Grows in commit order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryNo(pub i64);

/// A notification that was verified, cut and routed, ready to be kept: all of it or nothing.
#[derive(Debug, Clone)]
pub struct NewNotification {
    /// Its identity.
    pub id: NotificationId,
    /// The app whose callback received it.
    pub app: String,
    /// Within which keys are unique: the app's group, or the app.
    pub scope: String,
    /// When its last byte arrived.
    pub received_at_ms: i64,
    /// The body, byte for byte.
    pub body: Arc<[u8]>,
    /// Meta's `X-Hub-Signature-256`, where it sent one.
    pub signature: Option<String>,
    /// Which of the app's secrets fitted, by position (0 is the first).
    pub secret_index: Option<u8>,
    /// The version of the endpoints by which it was routed.
    pub routes_version: u64,
    /// What happened, in the order of the body.
    pub events: Vec<NewEvent>,
    /// Numbers that this body shows for the first time, or differently from what is known.
    pub numbers: Vec<NumberEntry>,
    /// Endpoints that are owed it once, as a whole, although each of its events names them: they get one delivery, with
    /// the first event that is new. With none that is new they get nothing.
    pub whole_to: Vec<EndpointNo>,
}

/// One event of a [`NewNotification`].
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its identity, derived from scope and key.
    pub id: EventId,
    /// Its key as text.
    pub key: String,
    /// The partition that its key belongs to, from the event's own time (days since 1970), or a small fixed set for
    /// events without a time. The same key always has the same partition.
    pub key_partition: i64,
    /// Its type, `<field>.<discriminator>`.
    pub event_type: String,
    /// The change's field.
    pub field: String,
    /// `entry[].id` as sent.
    pub entry_id: Option<String>,
    /// The WABA.
    pub waba_id: Option<String>,
    /// The portfolio.
    pub business_id: Option<String>,
    /// The business number's id, from the body or from the directory.
    pub phone_number_id: Option<String>,
    /// The business number for display.
    pub display_phone_number: Option<String>,
    /// The person's phone or WhatsApp id.
    pub wa_id: Option<String>,
    /// The person's user id.
    pub user_id: Option<String>,
    /// The person's parent user id.
    pub parent_user_id: Option<String>,
    /// Meta's id of the message or call.
    pub message_id: Option<String>,
    /// The lane, or what the store needs to find it.
    pub lane: LaneName,
    /// When it happened, in Unix seconds.
    pub occurred_at_seconds: Option<i64>,
    /// A dashboard test.
    pub test: bool,
    /// Its problems as a JSON array, `[]` when there are none.
    pub problems_json: String,
    /// Where its element lies in the body; the whole body for what is not JSON.
    pub data_range: Range<usize>,
    /// True when the element is valid JSON.
    pub data_is_json: bool,
    /// Its position among the events of its body: the address that encoders take.
    pub position: u32,
    /// The endpoints that get it. Empty: unrouted.
    pub owed_to: Vec<EndpointNo>,
}

/// How a new event names its lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaneName {
    /// By this text.
    Named(String),
    /// By the person's names; the store keeps which names belong to one lane.
    Conversation(NewConversation),
}

/// The names under which an event shows a person's conversation with a business number. See
/// [`rules::lane`] for how names become a lane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewConversation {
    /// The business number.
    pub number: String,
    /// The person's names now.
    pub names: rules::lane::Names,
    /// The person's names before a change.
    pub previous: rules::lane::Names,
}

/// One number of an app's directory: how to get from the digits for display to the id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NumberEntry {
    /// The app whose directory it is.
    pub app: String,
    /// Digits only.
    pub display_digits: String,
    /// The number's id.
    pub phone_number_id: String,
    /// The WABA that it belongs to, where known.
    pub waba_id: Option<String>,
}

/// What became of a committed notification.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The notification.
    pub id: NotificationId,
    /// One outcome per event, in the order of [`NewNotification::events`].
    pub events: Vec<EventOutcome>,
}

/// What became of one event of a committed notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventOutcome {
    /// Kept, and owed to the endpoints that matched.
    New,
    /// Known already, with the same content. Counted.
    Duplicate,
    /// Known already, with other content. Kept and listed as conflicting.
    Conflicting,
}

/// The right to make the next attempt of a delivery. Who holds it must settle or release it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The delivery.
    pub delivery: DeliveryNo,
    /// Proves that this claim is still the latest: a settlement with an older one is refused.
    pub fence: u64,
    /// The endpoint.
    pub endpoint: EndpointNo,
    /// The event.
    pub event: EventId,
    /// Attempts made before this claim.
    pub attempts: u32,
    /// Of them, those that the policy does not count.
    pub uncounted: u32,
    /// When the first attempt was made, if one was.
    pub first_attempt_at_ms: Option<i64>,
    /// For how long the endpoint's clock has stood still since the first attempt.
    pub stood_still_ms: i64,
    /// For how long the endpoint's clock has stood still in all.
    pub endpoint_stood_ms: i64,
    /// The attempt is a probe of a suspended endpoint.
    pub probe: bool,
    /// Set aside from its lane.
    pub late: bool,
    /// The replay that it is part of.
    pub replay: Option<ReplayMark>,
}

/// What a claim call gave.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// The claims, at most as many as asked for.
    pub claims: Vec<Claim>,
    /// When the next delivery that is now waiting becomes due. None: nothing is waiting.
    pub next_due_at_ms: Option<i64>,
}

/// What came of a claim.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The claim that is settled.
    pub claim: Claim,
    /// The state that the delivery has now.
    pub state: DeliveryState,
    /// When it is due again; for an owed one.
    pub due_at_ms: Option<i64>,
    /// From when on it no longer holds up its lane, provided that the endpoint accepted another delivery since this
    /// one's first attempt. None: it holds its lane for ever. Moves on with the time in which the endpoint stands still.
    pub lane_held_until_ms: Option<i64>,
    /// The attempt failed because nothing would be accepted now. A probe that found this is not counted, and what failed
    /// so is due at once when the endpoint goes on.
    pub endpoint_down: bool,
    /// Until when the endpoint asked for quiet: nothing is claimed for it before. Kept in memory only.
    pub endpoint_held_until_ms: Option<i64>,
    /// The attempt that was made; None when none was (skipped, removed).
    pub attempt: Option<AttemptRecord>,
}

impl Settlement {
    /// Attempts so far that the policy does not count.
    #[must_use]
    pub fn uncounted(&self) -> u32 {
        self.claim.uncounted + u32::from(self.claim.probe && self.endpoint_down)
    }

    /// When the delivery was first tried.
    #[must_use]
    pub fn first_attempt_at_ms(&self) -> Option<i64> {
        self.claim.first_attempt_at_ms.or(self.attempt.as_ref().map(|attempt| attempt.started_at_ms))
    }

    /// The same moment on the endpoint's clock.
    #[must_use]
    pub fn clock_from_ms(&self) -> Option<i64> {
        let stood_at_first_ms = self.claim.endpoint_stood_ms - self.claim.stood_still_ms;
        self.first_attempt_at_ms().map(|at_ms| at_ms - stood_at_first_ms)
    }

    /// Until when it holds its lane, on the endpoint's clock.
    #[must_use]
    pub fn hold_until_on_clock_ms(&self) -> Option<i64> {
        self.lane_held_until_ms.map(|until_ms| until_ms - self.claim.endpoint_stood_ms)
    }
}

/// One HTTP request made for a delivery, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// 1 for the first.
    pub number: u32,
    /// When it began.
    pub started_at_ms: i64,
    /// How long it took.
    pub duration_ms: u32,
    /// The answer's status, where there was one.
    pub http_status: Option<u16>,
    /// Whose fault it is; None when the endpoint accepted.
    pub failure: Option<FailureClass>,
    /// What happened, in a few safe words (`connection refused`); None when the endpoint accepted.
    pub error: Option<String>,
    /// The beginning of the answer's body, where it failed.
    pub response_snippet: Option<String>,
}

/// An event as kept, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// Its identity.
    pub id: EventId,
    /// The notification that it was first seen in.
    pub notification: NotificationId,
    /// The app.
    pub app: String,
    /// Its key.
    pub key: String,
    /// Its type.
    pub event_type: String,
    /// The change's field.
    pub field: String,
    /// `entry[].id` as sent.
    pub entry_id: Option<String>,
    /// The WABA.
    pub waba_id: Option<String>,
    /// The portfolio.
    pub business_id: Option<String>,
    /// The business number's id.
    pub phone_number_id: Option<String>,
    /// The business number for display.
    pub display_phone_number: Option<String>,
    /// The person's phone or WhatsApp id.
    pub wa_id: Option<String>,
    /// The person's user id.
    pub user_id: Option<String>,
    /// The person's parent user id.
    pub parent_user_id: Option<String>,
    /// Meta's id of the message or call.
    pub message_id: Option<String>,
    /// Its lane, as stamped at commit.
    pub lane: String,
    /// When it happened, in Unix seconds.
    pub occurred_at_seconds: Option<i64>,
    /// When its notification arrived.
    pub received_at_ms: i64,
    /// A dashboard test.
    pub test: bool,
    /// Its problems as a JSON array.
    pub problems_json: String,
    /// Where its element lies in the body.
    pub data_range: Range<usize>,
    /// True when the element is valid JSON.
    pub data_is_json: bool,
    /// Its position among the events of its body.
    pub position: u32,
    /// How many identical copies arrived after it.
    pub duplicates: u32,
    /// True when no endpoint matched.
    pub unrouted: bool,
    /// Endpoints to which the delivery of this event is that of its whole notification.
    pub whole_to: Vec<EndpointNo>,
    /// What the store holds of it is not what was written: the row, in which case nothing but `id` can be relied upon, or
    /// its notification's body, which is not given then.
    pub damaged: bool,
}

impl EventRecord {
    /// An event whose row cannot be relied upon.
    #[must_use]
    pub fn unreadable(id: EventId) -> Self {
        Self {
            id,
            notification: NotificationId::from_bytes([0; 16]),
            app: String::new(),
            key: String::new(),
            event_type: String::new(),
            field: String::new(),
            entry_id: None,
            waba_id: None,
            business_id: None,
            phone_number_id: None,
            display_phone_number: None,
            wa_id: None,
            user_id: None,
            parent_user_id: None,
            message_id: None,
            lane: String::new(),
            occurred_at_seconds: None,
            received_at_ms: 0,
            test: false,
            problems_json: "[]".to_owned(),
            data_range: 0..0,
            data_is_json: true,
            position: 0,
            duplicates: 0,
            unrouted: false,
            whole_to: Vec::new(),
            damaged: true,
        }
    }
}

impl NewEvent {
    /// The event as it is kept, with what its notification and the store add. `unrouted` is told by `owed_to`.
    #[must_use]
    pub fn kept(self, notification: NotificationId, app: &str, received_at_ms: i64, lane: String) -> EventRecord {
        EventRecord {
            id: self.id,
            notification,
            app: app.to_owned(),
            key: self.key,
            event_type: self.event_type,
            field: self.field,
            entry_id: self.entry_id,
            waba_id: self.waba_id,
            business_id: self.business_id,
            phone_number_id: self.phone_number_id,
            display_phone_number: self.display_phone_number,
            wa_id: self.wa_id,
            user_id: self.user_id,
            parent_user_id: self.parent_user_id,
            message_id: self.message_id,
            lane,
            occurred_at_seconds: self.occurred_at_seconds,
            received_at_ms,
            test: self.test,
            problems_json: self.problems_json,
            data_range: self.data_range,
            data_is_json: self.data_is_json,
            position: self.position,
            duplicates: 0,
            unrouted: self.owed_to.is_empty(),
            whole_to: Vec::new(),
            damaged: false,
        }
    }
}

/// An event with the body that it lies in; the body is shared between the events of one notification.
#[derive(Debug, Clone)]
pub struct Payload {
    /// The event.
    pub event: Arc<EventRecord>,
    /// Its notification's body; None when retention has dropped it, or when the event is [`EventRecord::damaged`].
    pub body: Option<Arc<[u8]>>,
    /// Meta's signature header over that body.
    pub signature: Option<String>,
}

/// A copy of a known event whose content differs from the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictRecord {
    /// The event whose key it bears.
    pub event: EventId,
    /// The notification that it came in.
    pub notification: NotificationId,
    /// When that arrived.
    pub received_at_ms: i64,
    /// Its position among the events of that body.
    pub position: u32,
    /// Where its element lies in that body.
    pub data_range: Range<usize>,
}

/// A notification as kept.
#[derive(Debug, Clone)]
pub struct NotificationRecord {
    /// Its identity.
    pub id: NotificationId,
    /// The app.
    pub app: String,
    /// When it arrived.
    pub received_at_ms: i64,
    /// Meta's signature header.
    pub signature: Option<String>,
    /// Its bytes; None when retention has dropped them, or when they are damaged.
    pub body: Option<Arc<[u8]>>,
    /// What the store holds of it is not what was written.
    pub damaged: bool,
    /// How many events it held.
    pub events: u32,
}

impl NotificationRecord {
    /// A notification whose row cannot be relied upon.
    #[must_use]
    pub const fn unreadable(id: NotificationId) -> Self {
        Self { id, app: String::new(), received_at_ms: 0, signature: None, body: None, damaged: true, events: 0 }
    }
}

/// Whether an endpoint gets deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndpointState {
    /// It does.
    Active,
    /// A person paused it; what it is owed waits.
    Paused,
    /// Its breaker opened; what it is owed waits.
    Suspended,
    /// It answered 410, or a person disabled it; what it is owed waits, and nothing new is owed.
    Disabled,
}

impl EndpointState {
    /// The stable word for storage and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Disabled => "disabled",
        }
    }

    /// The state with this word. A word of a newer version stops deliveries rather than starting them.
    pub(crate) fn of(word: &str) -> Self {
        let all = [Self::Active, Self::Paused, Self::Suspended];
        all.into_iter().find(|state| state.as_str() == word).unwrap_or(Self::Disabled)
    }
}

/// An endpoint as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointRecord {
    /// The store's number for it.
    pub number: EndpointNo,
    /// Its id: the name in the file, or `ep_…`.
    pub id: String,
    /// Whose it is; empty by default.
    pub owner: String,
    /// Whether it gets deliveries.
    pub state: EndpointState,
    /// Why it is in that state, in a few words; empty when active.
    pub state_reason: String,
    /// Deliveries keep the order of their lanes.
    pub ordered: bool,
    /// Requests in flight to it at most.
    pub concurrency_max: u32,
    /// Requests begun in a second at most; None: as many as it takes.
    pub rate_per_second_max: Option<u32>,
    /// Its clock, which stands still while it gets no deliveries; the store's to set.
    pub standing: Standing,
    /// Everything else about it: JSON that the gateway reads and writes; secrets in it are sealed.
    pub definition_json: String,
    /// True when it is declared in the configuration file.
    pub declared: bool,
    /// Grows with each change of this endpoint; the basis of `If-Match`.
    pub revision: u64,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// How many deliveries it is owed now.
    pub owed: u64,
    /// When it last accepted a delivery, since this process started.
    pub last_accepted_at_ms: Option<i64>,
}

/// A delivery as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Its number.
    pub number: DeliveryNo,
    /// The event.
    pub event: EventId,
    /// The event's type.
    pub event_type: String,
    /// The endpoint's id.
    pub endpoint: String,
    /// Where it is in its life.
    pub state: DeliveryState,
    /// Under a claim now.
    pub in_flight: bool,
    /// Set aside from its lane.
    pub late: bool,
    /// The replay that it is part of.
    pub replay: Option<ReplayNo>,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was first tried.
    pub first_attempt_at_ms: Option<i64>,
    /// When it is due; for an owed one.
    pub due_at_ms: Option<i64>,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
    /// When it was committed.
    pub created_at_ms: i64,
    /// Its attempts, oldest first; empty in lists.
    pub attempt_log: Vec<AttemptRecord>,
}

/// One page of a listing.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; None on the last.
    pub next_cursor: Option<String>,
}

/// An API key as kept: never the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// Its id, `key_…`.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// `read`, `operate` or `admin`.
    pub scope: String,
    /// Whose it is; empty for everybody's.
    pub owner: String,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it was revoked.
    pub revoked_at_ms: Option<i64>,
}

/// What is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Bodies of notifications.
    pub body_days: u32,
    /// Events, ended deliveries, attempts.
    pub metadata_days: u32,
    /// Keys, counted from the last arrival of their event or of a copy. They go in larger pieces, some of them later.
    pub key_days: u32,
    /// Bytes of the store's files, beyond which the oldest bodies go early. None: no limit.
    pub store_bytes_max: Option<u64>,
}

/// What one slice of retention dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// Bodies.
    pub bodies: u64,
    /// Events with all that hangs on them.
    pub events: u64,
    /// Keys.
    pub keys: u64,
    /// True when there is more to drop now.
    pub more: bool,
}

/// How much an endpoint may be owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BacklogLimit {
    /// The endpoint.
    pub endpoint: EndpointNo,
    /// What was owed before goes.
    pub created_before_ms: i64,
    /// Bytes of the store that its backlog may keep alive, by the average of the events in it. None: no limit.
    pub bytes_max: Option<u64>,
}

/// What a slice of trimming ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrimReport {
    /// Deliveries that ended as dead, `backlog_limit`, by endpoint.
    pub ended: Vec<(EndpointNo, u64)>,
    /// True when there is more to end now.
    pub more: bool,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// It can commit.
    pub writable: bool,
    /// Why not, in a sentence for the operator.
    pub reason: Option<String>,
    /// What it can commit and the operator should know of, in a sentence: which loss its commits would not
    /// survive, or what was found lost or damaged.
    pub caution: Option<String>,
    /// Bytes of the store's files.
    pub store_bytes: u64,
    /// Bytes free on its volume.
    pub free_bytes: u64,
    /// Bytes of its volume.
    pub volume_bytes: u64,
    /// How long the last commit took, in microseconds.
    pub last_commit_us: u64,
    /// Batches waiting for their turn.
    pub queued: usize,
    /// Events and notifications that were found damaged since the store was opened.
    pub damaged: u64,
}

/// Totals for the status page. Exact for what is owed; the rest since the store was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Notifications kept.
    pub notifications: u64,
    /// Events kept.
    pub events: u64,
    /// Copies suppressed as identical.
    pub duplicates: u64,
    /// Copies kept as conflicting.
    pub conflicts: u64,
    /// Events that matched no endpoint.
    pub unrouted: u64,
    /// Deliveries made.
    pub deliveries: u64,
    /// Of them owed.
    pub owed: u64,
    /// Of them accepted.
    pub accepted: u64,
    /// Of them dead.
    pub dead: u64,
    /// Of them skipped.
    pub skipped: u64,
}
