//! One lane of one endpoint, and what stands in it.

use std::collections::VecDeque;

use rules::identity::EventId;

use crate::replay::ReplayMark;

/// A delivery in memory. Small, because there are many; what only tried ones have is kept apart.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) id: i64,
    pub(crate) event: EventId,
    /// The row of the event.
    pub(crate) event_no: i64,
    pub(crate) tried: Option<Box<Tried>>,
}

/// What is known of a delivery that was tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) attempts: u32,
    pub(crate) uncounted: u32,
    pub(crate) first_attempt_at: Option<i64>,
    /// The same moment on the endpoint's clock.
    pub(crate) clock_from: Option<i64>,
    pub(crate) due_at: Option<i64>,
    /// On the endpoint's clock.
    pub(crate) hold_until: Option<i64>,
    /// It failed because the endpoint was down.
    pub(crate) down: bool,
    /// How many deliveries the endpoint had accepted when this one was first tried.
    pub(crate) accepted_before: u64,
    pub(crate) late: bool,
    /// Set for one that is part of a replay, tried or not.
    pub(crate) replay: Option<ReplayMark>,
}

/// Where a delivery stands: in its lane, or alone (unordered endpoint, or set aside).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    /// In the lane with this hash.
    Lane(i64),
    /// In a lane of its own; the delivery's id.
    Alone(i64),
}

/// How the first of a lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Head {
    /// There is none in memory.
    #[default]
    Missing,
    /// It can be claimed.
    Ready,
    /// It is claimed.
    InFlight,
    /// It waits for its time.
    Waiting,
}

/// A lane.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) items: VecDeque<Item>,
    pub(crate) head: Head,
    /// From this id on its followers are on disk alone.
    pub(crate) parked_from: Option<i64>,
}

impl Item {
    pub(crate) fn due_at(&self) -> Option<i64> {
        self.tried.as_ref().and_then(|tried| tried.due_at)
    }

    pub(crate) fn hold_until(&self) -> Option<i64> {
        self.tried.as_ref().and_then(|tried| tried.hold_until)
    }

    /// An attempt was made before.
    pub(crate) fn is_tried(&self) -> bool {
        self.tried.as_ref().is_some_and(|tried| tried.attempts > 0)
    }

    pub(crate) fn is_late(&self) -> bool {
        self.tried.as_ref().is_some_and(|tried| tried.late)
    }
}

impl Lane {
    /// Its first, when that is the delivery meant.
    pub(crate) fn front_if(&self, id: i64) -> Option<&Item> {
        self.items.front().filter(|item| item.id == id)
    }
}
