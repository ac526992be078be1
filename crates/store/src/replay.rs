//! Replays and what hands do to deliveries: what goes in and out of the seam about them.

use std::fmt;
use std::str::FromStr;

use rules::identity::EventId;

use crate::record::{DeliveryNo, EndpointNo};

/// The number by which the store knows a replay. Shown as `rpl_` and the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplayNo(pub i64);

impl fmt::Display for ReplayNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rpl_{}", self.0)
    }
}

impl FromStr for ReplayNo {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("rpl_").unwrap_or("").parse().map(Self)
    }
}

/// That a delivery is part of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayMark {
    /// Which one.
    pub replay: ReplayNo,
    /// Its deliveries bear a `webhook-id` of their own, for receivers that would drop the repeat.
    pub as_new: bool,
}

/// What a replay repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayOf {
    /// Deliveries that have ended, to where they went or to another endpoint.
    Deliveries,
    /// Events that matched no endpoint, to one.
    Unrouted,
    /// Events whatever they matched, to one endpoint.
    Events,
}

/// Which deliveries or events a replay repeats. Members that are None, and lists that are empty, match anything.
///
/// What the receiving endpoint is still owed is always left out, and what it has accepted unless `accepted` is set, so
/// that the same replay made twice repeats nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayFilter {
    /// Deliveries to this endpoint.
    pub endpoint: Option<EndpointNo>,
    /// Deliveries that are dead.
    pub dead: bool,
    /// Deliveries that were skipped.
    pub skipped: bool,
    /// Deliveries that were accepted.
    pub accepted: bool,
    /// The app.
    pub app: Option<String>,
    /// The field.
    pub field: Option<String>,
    /// The type; a trailing `*` stands for the rest.
    pub event_type: Option<String>,
    /// The WABA.
    pub waba_id: Option<String>,
    /// The business number's id.
    pub phone_number_id: Option<String>,
    /// The event arrived at or after.
    pub since_ms: Option<i64>,
    /// The event arrived before.
    pub until_ms: Option<i64>,
    /// These events; at most [`rules::limits::REPLAY_IDS_MAX`].
    pub events: Vec<EventId>,
    /// These deliveries; as many.
    pub deliveries: Vec<DeliveryNo>,
}

/// A replay to be made.
#[derive(Debug, Clone)]
pub struct NewReplay {
    /// What it repeats.
    pub of: ReplayOf,
    /// Which of them.
    pub filter: ReplayFilter,
    /// The endpoint that gets them; None for those that the deliveries went to. Needed for events.
    pub to: Option<EndpointNo>,
    /// See [`ReplayMark::as_new`].
    pub as_new: bool,
    /// Deliveries a second at most.
    pub per_second: Option<u32>,
    /// Goes on by itself when it is counted; otherwise it waits to be started.
    pub starts: bool,
    /// What was asked for, as JSON that the caller reads.
    pub request_json: String,
    /// Who asks.
    pub made_by: String,
    /// A replay that was made with the same key is found instead of made.
    pub idempotency_key: Option<String>,
}

/// Where a replay is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayState {
    /// What it repeats is being counted.
    Counting,
    /// Counted, and waiting to be started.
    Planned,
    /// Its deliveries are being made.
    Running,
    /// Stopped until it is resumed.
    Paused,
    /// All its deliveries have been made.
    Done,
    /// Ended by a person, or because it was too large.
    Cancelled,
}

/// What a person does to a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steer {
    /// Starts one that is planned, or resumes one that is paused.
    Start,
    /// Stops it until it is started again.
    Pause,
    /// Ends it; what it has not made is not made.
    Cancel,
}

/// A replay as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayRecord {
    /// Its number.
    pub number: ReplayNo,
    /// Where it is in its life.
    pub state: ReplayState,
    /// What was asked for, as JSON.
    pub request_json: String,
    /// See [`ReplayMark::as_new`].
    pub as_new: bool,
    /// Deliveries a second at most.
    pub per_second: Option<u32>,
    /// What it repeats: counted once, and then never changed by new traffic.
    pub matched: u64,
    /// Of them deliveries that were made.
    pub made: u64,
    /// Of them those whose bytes retention has dropped.
    pub bodies_gone: u64,
    /// Of them those whose endpoint was removed.
    pub endpoints_gone: u64,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at_ms: i64,
    /// When it was first started.
    pub started_at_ms: Option<i64>,
    /// When it was done or cancelled.
    pub ended_at_ms: Option<i64>,
    /// What was done to it, oldest first; empty in lists.
    pub steps: Vec<ReplayStep>,
    /// What its deliveries are now; zero in lists.
    pub outcomes: ReplayOutcomes,
}

/// Something that was done to a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayStep {
    /// When.
    pub at_ms: i64,
    /// Who did it; empty for Waypost itself.
    pub who: String,
    /// What, in a word or a few.
    pub what: String,
}

/// How many of a replay's deliveries are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplayOutcomes {
    /// Owed.
    pub owed: u64,
    /// Accepted.
    pub accepted: u64,
    /// Dead.
    pub dead: u64,
    /// Skipped.
    pub skipped: u64,
}

/// Which owed deliveries a hand is laid on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwedOf {
    /// This one.
    Delivery(DeliveryNo),
    /// All of an endpoint.
    Endpoint(EndpointNo),
    /// All of a replay.
    Replay(ReplayNo),
}

/// What one slice of it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HandSlice {
    /// Deliveries that were changed.
    pub changed: u64,
    /// Where the next slice begins; None: that was all.
    pub next: Option<DeliveryNo>,
}

impl ReplayOf {
    /// The word for storage.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Deliveries => "deliveries",
            Self::Unrouted => "unrouted",
            Self::Events => "events",
        }
    }

    /// What this word says; a word of a newer version says deliveries.
    pub(crate) fn of(word: &str) -> Self {
        [Self::Unrouted, Self::Events].into_iter().find(|of| of.as_str() == word).unwrap_or(Self::Deliveries)
    }
}

/// What steering does to a replay in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It changes its state; the word is for its list of steps.
    Turn(ReplayState, &'static str),
    /// It is started once it is counted.
    StartWhenCounted,
    /// Nothing: it makes no sense now.
    Nothing,
}

impl Steer {
    /// What it does to a replay in this state.
    pub(crate) const fn step(self, state: ReplayState) -> Step {
        use ReplayState as S;
        match (self, state) {
            (Self::Start, S::Counting) => Step::StartWhenCounted,
            (Self::Start, S::Planned) => Step::Turn(S::Running, "started"),
            (Self::Start, S::Paused) => Step::Turn(S::Running, "resumed"),
            (Self::Pause, S::Running) => Step::Turn(S::Paused, "paused"),
            (Self::Cancel, S::Counting | S::Planned | S::Running | S::Paused) => Step::Turn(S::Cancelled, "cancelled"),
            (Self::Start | Self::Pause | Self::Cancel, _) => Step::Nothing,
        }
    }
}

impl ReplayState {
    /// The stable word for storage and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counting => "counting",
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with this word. A word of a newer version stops rather than starts.
    pub(crate) fn of(word: &str) -> Self {
        let all = [Self::Counting, Self::Planned, Self::Running, Self::Paused, Self::Done];
        all.into_iter().find(|state| state.as_str() == word).unwrap_or(Self::Cancelled)
    }

    /// True once nothing more comes of it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}
