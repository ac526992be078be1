//! The seam. Each method is one transaction.

use std::time::Duration;

use async_trait::async_trait;
use rules::identity::{EventId, NotificationId};
use tokio::sync::Notify;

use crate::error::{CommitError, StoreError};
use crate::labels::LabelsOf;
use crate::record::{
    ApiKeyRecord, BacklogLimit, Claim, Claims, Committed, ConflictRecord, DeliveryNo, DeliveryRecord, EndpointNo,
    EndpointRecord, EndpointState, EventRecord, Health, NewNotification, NotificationRecord, NumberEntry, Page,
    Payload, PruneReport, Retention, Settlement, StoreCounts, TrimReport,
};
use crate::replay::{HandSlice, NewReplay, OwedOf, ReplayNo, ReplayRecord, Steer};
use crate::tenure::Tenure;

/// What Waypost remembers. An engine keeps these promises; `facts` holds the tests of each.
///
/// * A batch is kept whole or not at all, and [`Store::commit`] returns only when it is on stable storage.
/// * A key is known only after the commit that brought it returned; a failed commit leaves no key behind.
/// * Of two copies of an event, however close together, one is [`crate::EventOutcome::New`].
/// * A claim is given to one caller. What is not settled or released is owed again after a crash.
/// * On an ordered endpoint, an event is never claimed while an earlier one of its lane holds its place.
/// * Nothing owed is pruned.
#[async_trait]
pub trait Store: Send + Sync {
    /// Keeps a batch: bodies, keys, events and what is owed, in one transaction. All of the batch or nothing.
    async fn commit(&self, batch: Vec<NewNotification>) -> Result<Vec<Committed>, CommitError>;

    /// Claims up to `max` deliveries that are due, at most `concurrency_max` in flight for each active endpoint. A lane
    /// gives one at a time. Fair between endpoints, and its cost does not grow with the number of endpoints.
    async fn claim(&self, max: usize, now_ms: i64) -> Result<Claims, StoreError>;

    /// Whether an attempt that may take so long may begin now. False: it is to be released, and nothing sent. The claim went
    /// to another, as it does when this node was silent for longer than its lease, or will do before long. Asked right before
    /// the request.
    fn may_begin(&self, _claim: &Claim, _attempt: Duration) -> bool {
        true
    }

    /// The right to have requests under way, taken before [`Store::may_begin`] is asked. When it ends, the request is to be
    /// aborted and its claim released: another may send it next. None: it never ends.
    fn tenure(&self) -> Option<Tenure> {
        None
    }

    /// The endpoint accepted what was claimed, and the settlement that says so is on its way: the lane gives its next now.
    /// The claim stays in flight until that settlement is durable, so that a crash repeats no more than what may be in
    /// flight. Told after the settlement was queued, or never; settlements of one lane must be written in their order.
    fn accepted(&self, claim: &Claim);

    /// Writes what came of claims. The answer says for each whether it was taken (false: another holds the delivery).
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError>;

    /// The same for settlements that nobody waits for: they may wait up to `patience` for another transaction to go with, so
    /// that the disk is not asked to sync for them alone. What is settled without patience takes them along. An engine that
    /// gains nothing by waiting does not wait.
    async fn settle_in_company(
        &self,
        settlements: Vec<Settlement>,
        patience: Duration,
    ) -> Result<Vec<bool>, StoreError> {
        let _ = patience;
        self.settle(settlements).await
    }

    /// Gives claims back untried: the deliveries are due at once.
    async fn release(&self, claims: Vec<Claim>) -> Result<(), StoreError>;

    /// The events with their bodies, in the order asked for; what is not there is left out.
    async fn payloads(&self, events: &[EventId]) -> Result<Vec<Payload>, StoreError>;

    /// Claims one delivery of a suspended endpoint, whether it is due or not: the head of a lane that was tried least, the
    /// oldest of those. None: it is not suspended, another probe is under way, as much is in flight as may be, or nothing is
    /// owed.
    async fn probe(&self, endpoint: EndpointNo, now_ms: i64) -> Result<Option<Claim>, StoreError>;

    /// Makes, changes or removes endpoints, and gives the version of the endpoints that follows. All or nothing. An
    /// endpoint's clock stands still from the change to another state than active to the change back.
    async fn change_endpoints(&self, changes: Vec<EndpointChange>, now_ms: i64) -> Result<u64, StoreError>;

    /// Ends one bounded slice of what endpoints are owed beyond these limits, the oldest first.
    async fn trim_backlogs(&self, limits: Vec<BacklogLimit>, now_ms: i64) -> Result<TrimReport, StoreError>;

    /// The version of the endpoints: asked often, to find out what other nodes changed.
    async fn endpoints_version(&self) -> Result<u64, StoreError> {
        Ok(self.endpoints().await?.0)
    }

    /// All endpoints, and their version.
    async fn endpoints(&self) -> Result<(u64, Vec<EndpointRecord>), StoreError>;

    /// The directory of numbers of all apps.
    async fn numbers(&self) -> Result<Vec<NumberEntry>, StoreError>;

    /// Adds or replaces numbers by hand.
    async fn put_numbers(&self, numbers: Vec<NumberEntry>) -> Result<(), StoreError>;

    /// The labels of WABAs and numbers, each of them once.
    async fn labels(&self) -> Result<Vec<LabelsOf>, StoreError>;

    /// Puts these labels in place of those that each of these WABAs and numbers bore. All or nothing. Rules may name
    /// labels, so that this gives the endpoints a new version, as [`Store::change_endpoints`] does.
    async fn put_labels(&self, labels: Vec<LabelsOf>) -> Result<u64, StoreError>;

    /// Events, newest first.
    async fn events(&self, query: EventQuery) -> Result<Page<EventRecord>, StoreError>;

    /// Events that one id, message id, contact or number names, newest first; at most a page.
    async fn find(&self, find: Find) -> Result<Vec<EventRecord>, StoreError>;

    /// The copies of an event that differ from it.
    async fn conflicts(&self, event: EventId) -> Result<Vec<ConflictRecord>, StoreError>;

    /// A notification as received.
    async fn notification(&self, id: NotificationId) -> Result<Option<NotificationRecord>, StoreError>;

    /// Deliveries, newest first, without their attempts.
    async fn deliveries(&self, query: DeliveryQuery) -> Result<Page<DeliveryRecord>, StoreError>;

    /// One delivery with its attempts.
    async fn delivery(&self, number: DeliveryNo) -> Result<Option<DeliveryRecord>, StoreError>;

    /// Makes a replay; it has nothing counted yet. What is committed from now on is none of it.
    async fn make_replay(&self, replay: NewReplay, now_ms: i64) -> Result<ReplayRecord, StoreError>;

    /// Counts one bounded slice of what a replay repeats, and remembers it: each event once per endpoint.
    async fn count_replay(&self, number: ReplayNo, now_ms: i64) -> Result<ReplayRecord, StoreError>;

    /// Makes up to `max` deliveries of a running replay: for each endpoint the oldest events first, as long as it is owed
    /// fewer than [`rules::limits::REPLAY_OWED_MAX`] of this replay. An endpoint that takes nothing holds up no other.
    /// They stand in their lanes behind what is owed already.
    async fn advance_replay(&self, number: ReplayNo, max: usize, now_ms: i64) -> Result<ReplayRecord, StoreError>;

    /// Starts, pauses or cancels a replay, and writes down who did. What makes no sense in its state changes nothing.
    async fn steer_replay(
        &self,
        number: ReplayNo,
        steer: Steer,
        who: &str,
        now_ms: i64,
    ) -> Result<ReplayRecord, StoreError>;

    /// Replays, newest first, without their steps.
    async fn replays(&self, before: Option<ReplayNo>, limit: usize) -> Result<Vec<ReplayRecord>, StoreError>;

    /// Replays that are being counted or run.
    async fn busy_replays(&self) -> Result<Vec<ReplayRecord>, StoreError>;

    /// One replay with its steps and what its deliveries are now.
    async fn replay(&self, number: ReplayNo) -> Result<Option<ReplayRecord>, StoreError>;

    /// Makes owed deliveries due at once, one bounded slice from a delivery on, and ends the quiet that their endpoints
    /// asked for.
    async fn retry_now(&self, of: OwedOf, from: DeliveryNo) -> Result<HandSlice, StoreError>;

    /// Ends owed deliveries as dead, `given_up`, one bounded slice from a delivery on. An attempt in flight goes on, and
    /// its outcome is no longer taken.
    async fn give_up(&self, of: OwedOf, from: DeliveryNo, now_ms: i64) -> Result<HandSlice, StoreError>;

    /// All API keys.
    async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError>;

    /// Adds or replaces an API key.
    async fn put_api_key(&self, key: ApiKeyRecord) -> Result<(), StoreError>;

    /// A small value kept under a name (the check of the secrets' key, for instance).
    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Keeps a small value under a name.
    async fn put_setting(&self, name: &str, value: &str) -> Result<(), StoreError>;

    /// Drops one bounded slice of what retention no longer keeps. Never what is owed.
    async fn prune(&self, retention: Retention, now_ms: i64) -> Result<PruneReport, StoreError>;

    /// How the store is. Cheap; touches no disk that may hang.
    async fn health(&self) -> Health;

    /// Totals.
    async fn counts(&self) -> Result<StoreCounts, StoreError>;

    /// Rings when something may have become claimable. A hint: losing one costs latency, never a delivery.
    fn wake(&self) -> &Notify;

    /// Finishes what is queued, and closes. Later calls fail with [`StoreError::Closed`].
    async fn close(&self);
}

/// One change of the endpoints.
#[derive(Debug, Clone)]
pub enum EndpointChange {
    /// Nothing by itself: the changes are made only while the endpoints are at this version, and are refused as a
    /// [`StoreError::VersionConflict`] otherwise. For changes that were judged by all endpoints.
    At {
        /// The version that the caller saw.
        version: u64,
    },
    /// Makes the endpoint, or replaces it. `number`, `revision`, times and counts of the record are the store's to set.
    Put {
        /// The endpoint as it shall be.
        endpoint: EndpointRecord,
        /// The revision that the caller saw: None to make a new one (an existing one is a conflict), `Some(0)` to put
        /// whatever is there.
        if_revision: Option<u64>,
    },
    /// Changes only the state.
    State {
        /// Which one.
        id: String,
        /// The state that it shall have.
        state: EndpointState,
        /// Why, in a few words.
        reason: String,
    },
    /// Removes it; what it is owed ends as dead, `endpoint_removed`.
    Remove {
        /// Which one.
        id: String,
        /// The revision that the caller saw; None for any.
        if_revision: Option<u64>,
    },
}

/// Which events to list. Members that are None match anything.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
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
    /// Only those that matched no endpoint (or that matched some).
    pub unrouted: Option<bool>,
    /// Arrived at or after.
    pub since_ms: Option<i64>,
    /// Arrived before.
    pub until_ms: Option<i64>,
    /// Where the page begins, from the page before.
    pub cursor: Option<String>,
    /// Rows at most; cut to [`rules::limits::PAGE_ROWS_MAX`].
    pub limit: usize,
}

/// What to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Find {
    /// One event.
    Event(EventId),
    /// Everything about one message or call.
    MessageId(String),
    /// Everything of one person: phone, WhatsApp id, user id or parent user id.
    Contact(String),
    /// Everything of one business number: its id or its digits for display.
    Number(String),
}

/// Which deliveries to list. Members that are None match anything.
#[derive(Debug, Clone, Default)]
pub struct DeliveryQuery {
    /// The endpoint's number.
    pub endpoint: Option<EndpointNo>,
    /// The event.
    pub event: Option<EventId>,
    /// `owed`, `accepted`, `dead` or `skipped`.
    pub state: Option<String>,
    /// Where the page begins, from the page before.
    pub cursor: Option<String>,
    /// Rows at most; cut to [`rules::limits::PAGE_ROWS_MAX`].
    pub limit: usize,
}
