//! The seam, method by method.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use rules::identity::{EventId, NotificationId};
use tokio::sync::Notify;

use super::endpoints::Refusal;
use super::fault::{Fault, Kind};
use super::shared::lock;
use super::tx::Mode;
use super::{
    Postgres, backlog, claim, commit, endpoints, feed, hand, payloads, read, registers, replay, retention, settle,
    tally,
};
use crate::error::{CommitError, StoreError};
use crate::labels::LabelsOf;
use crate::record::{
    ApiKeyRecord, BacklogLimit, Claim, Claims, Committed, ConflictRecord, DeliveryNo, DeliveryRecord, EndpointNo,
    EndpointRecord, EventRecord, Health, NewNotification, NotificationRecord, NumberEntry, Page, Payload, PruneReport,
    Retention, Settlement, StoreCounts, TrimReport,
};
use crate::replay::{HandSlice, NewReplay, OwedOf, ReplayNo, ReplayRecord, Steer};
use crate::seam::{DeliveryQuery, EndpointChange, EventQuery, Find, Store};
use crate::tenure::Tenure;

/// A change that met another one's lock is made again.
const TRIES: usize = 4;

/// Reads in one transaction, which sees one state of the tables.
macro_rules! read {
    ($store:ident, $doing:literal, |$tx:ident| $work:expr) => {{
        let shared = &$store.shared;
        shared.check_open()?;
        let done = async {
            let mut tx = shared.pool.begin(Mode::Snapshot).await?;
            let $tx = &mut tx;
            let found = $work;
            tx.commit().await?;
            Ok(found)
        };
        done.await.map_err(|fault: Fault| shared.pool.tell(&fault, $doing))?
    }};
}

/// Changes something in one transaction.
macro_rules! change {
    ($store:ident, $doing:literal, |$tx:ident| $work:expr) => {{
        let shared = &$store.shared;
        shared.check_open()?;
        let mut tries = 1;
        loop {
            let done = async {
                let mut tx = shared.pool.begin(Mode::Durable).await?;
                let $tx = &mut tx;
                match $work.await {
                    Ok(done) => shared.commit(tx).await.map(|()| done).map_err(Refusal::from),
                    Err(refusal) => {
                        tx.rollback().await;
                        Err(Refusal::from(refusal))
                    }
                }
            };
            match done.await {
                Ok(done) => {
                    shared.note(None);
                    break done;
                }
                Err(Refusal::Refused(refused)) => return Err(refused),
                Err(Refusal::Fault(fault)) if fault.kind() == Kind::Conflict && tries < TRIES => tries += 1,
                Err(Refusal::Fault(fault)) => {
                    shared.note(Some(&fault));
                    return Err(shared.pool.tell(&fault, $doing));
                }
            }
        }
    }};
}

impl Postgres {
    /// Has the board learn at once what was changed here. A failure is made good by the next look.
    async fn look(&self) {
        self.shared.ring();
        let mut feed = self.shared.feed.lock().await;
        if let Err(fault) = feed::step(&self.shared, &mut feed, None).await {
            tracing::debug!(why = fault.words(), "failed to look at what was changed");
        }
        drop(feed);
        self.shared.wake.notify_one();
    }

    fn node(&self) -> i64 {
        lock(&self.shared.lease).node
    }
}

#[async_trait]
impl Store for Postgres {
    async fn commit(&self, batch: Vec<NewNotification>) -> Result<Vec<Committed>, CommitError> {
        commit::commit(&self.shared, batch).await
    }

    async fn claim(&self, max: usize, now_ms: i64) -> Result<Claims, StoreError> {
        claim::claim(&self.shared, max, now_ms).await
    }

    fn may_begin(&self, claim: &Claim, attempt: Duration) -> bool {
        lock(&self.shared.lease).outlives(attempt) && lock(&self.shared.board).is_current(claim)
    }

    fn tenure(&self) -> Option<Tenure> {
        Some(lock(&self.shared.lease).tenure())
    }

    fn accepted(&self, claim: &Claim) {
        let mut board = lock(&self.shared.board);
        board.accepted(claim);
        let more = board.has_turns();
        drop(board);
        if more {
            self.shared.wake.notify_one();
        }
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
        if settlements.is_empty() {
            return Ok(Vec::new());
        }
        settle::settle(&self.shared, settlements).await
    }

    async fn release(&self, claims: Vec<Claim>) -> Result<(), StoreError> {
        let mut board = lock(&self.shared.board);
        claims.iter().for_each(|claim| board.release(claim));
        drop(board);
        self.shared.wake.notify_one();
        Ok(())
    }

    async fn payloads(&self, events: &[EventId]) -> Result<Vec<Payload>, StoreError> {
        payloads::of(&self.shared, events).await
    }

    async fn probe(&self, endpoint: EndpointNo, now_ms: i64) -> Result<Option<Claim>, StoreError> {
        claim::probe(&self.shared, endpoint, now_ms).await
    }

    async fn change_endpoints(&self, changes: Vec<EndpointChange>, now_ms: i64) -> Result<u64, StoreError> {
        let owning = self.shared.owning.lock().await;
        let node = self.node();
        let changed = change!(self, "change endpoints", |tx| endpoints::change(tx, &changes, now_ms, node));
        {
            let mut lease = lock(&self.shared.lease);
            if lease.node == node {
                lease.owned.extend(changed.made.iter().map(|number| (*number, 1)));
            }
        }
        drop(owning);
        self.look().await;
        if changed.removed {
            self.tidy.notify_one();
        }
        Ok(changed.version)
    }

    async fn trim_backlogs(&self, limits: Vec<BacklogLimit>, now_ms: i64) -> Result<TrimReport, StoreError> {
        let owed = read!(self, "look at the backlogs", |tx| tally::owed(tx).await?);
        if !limits.iter().any(|limit| owed.get(&limit.endpoint).is_some_and(|owed| *owed > 0)) {
            return Ok(TrimReport::default());
        }
        let bytes = self.shared.store_bytes.load(Ordering::Relaxed);
        let node = self.node();
        let mut feed = self.shared.feed.lock().await;
        let report = change!(self, "trim backlogs", |tx| backlog::trim(tx, &limits, (&owed, bytes, now_ms, node)));
        {
            let mut board = lock(&self.shared.board);
            report.ended.iter().for_each(|(endpoint, ended)| board.ended(*endpoint, *ended));
        }
        feed.expect_more();
        drop(feed);
        self.shared.wake.notify_one();
        Ok(report)
    }

    async fn endpoints(&self) -> Result<(u64, Vec<EndpointRecord>), StoreError> {
        let (version, mut records, owed) = read!(self, "read the endpoints", |tx| {
            (endpoints::version(tx).await?, endpoints::all(tx).await?, tally::owed(tx).await?)
        });
        let board = lock(&self.shared.board);
        for record in &mut records {
            record.owed = owed.get(&record.number).copied().unwrap_or_default();
            record.last_accepted_at_ms = board.of_endpoint(record.number).1;
        }
        drop(board);
        Ok((version, records))
    }

    async fn numbers(&self) -> Result<Vec<NumberEntry>, StoreError> {
        Ok(read!(self, "read the numbers", |tx| registers::numbers(tx).await?))
    }

    async fn put_numbers(&self, numbers: Vec<NumberEntry>) -> Result<(), StoreError> {
        change!(self, "keep numbers", |tx| registers::put_numbers(tx, numbers.iter()));
        Ok(())
    }

    async fn labels(&self) -> Result<Vec<LabelsOf>, StoreError> {
        Ok(read!(self, "read the labels", |tx| registers::labels(tx).await?))
    }

    async fn put_labels(&self, all: Vec<LabelsOf>) -> Result<u64, StoreError> {
        let version = change!(self, "keep labels", |tx| registers::put_labels(tx, &all));
        self.look().await;
        Ok(version)
    }

    async fn events(&self, query: EventQuery) -> Result<Page<EventRecord>, StoreError> {
        check_cursor(query.cursor.as_deref(), read::is_event_cursor)?;
        Ok(read!(self, "list events", |tx| read::events(tx, &query).await?))
    }

    async fn find(&self, find: Find) -> Result<Vec<EventRecord>, StoreError> {
        Ok(read!(self, "look up events", |tx| read::find(tx, &find).await?))
    }

    async fn conflicts(&self, event: EventId) -> Result<Vec<ConflictRecord>, StoreError> {
        Ok(read!(self, "read conflicts", |tx| read::conflicts(tx, event).await?))
    }

    async fn notification(&self, id: NotificationId) -> Result<Option<NotificationRecord>, StoreError> {
        Ok(read!(self, "read a notification", |tx| read::notification(tx, id).await?))
    }

    async fn deliveries(&self, query: DeliveryQuery) -> Result<Page<DeliveryRecord>, StoreError> {
        check_cursor(query.cursor.as_deref(), read::is_delivery_cursor)?;
        let mut page = read!(self, "list deliveries", |tx| read::deliveries(tx, &query).await?);
        let board = lock(&self.shared.board);
        for record in &mut page.rows {
            record.in_flight = board.is_in_flight(record.number);
        }
        drop(board);
        Ok(page)
    }

    async fn delivery(&self, number: DeliveryNo) -> Result<Option<DeliveryRecord>, StoreError> {
        let found = read!(self, "read a delivery", |tx| read::delivery(tx, number).await?);
        Ok(found.map(|record| DeliveryRecord { in_flight: lock(&self.shared.board).is_in_flight(number), ..record }))
    }

    async fn make_replay(&self, new: NewReplay, now_ms: i64) -> Result<ReplayRecord, StoreError> {
        Ok(change!(self, "make a replay", |tx| replay::make(tx, &new, now_ms)))
    }

    async fn count_replay(&self, number: ReplayNo, now_ms: i64) -> Result<ReplayRecord, StoreError> {
        Ok(change!(self, "count a replay", |tx| replay::count(tx, number, now_ms)))
    }

    async fn advance_replay(&self, number: ReplayNo, max: usize, now_ms: i64) -> Result<ReplayRecord, StoreError> {
        let record = change!(self, "advance a replay", |tx| replay::advance(tx, number, max, now_ms));
        self.shared.ring();
        Ok(record)
    }

    async fn steer_replay(
        &self,
        number: ReplayNo,
        steer: Steer,
        who: &str,
        now_ms: i64,
    ) -> Result<ReplayRecord, StoreError> {
        Ok(change!(self, "steer a replay", |tx| replay::steer(tx, number, steer, (who, now_ms))))
    }

    async fn replays(&self, before: Option<ReplayNo>, limit: usize) -> Result<Vec<ReplayRecord>, StoreError> {
        Ok(read!(self, "list replays", |tx| replay::list(tx, before, limit).await?))
    }

    async fn busy_replays(&self) -> Result<Vec<ReplayRecord>, StoreError> {
        Ok(read!(self, "list replays", |tx| replay::busy(tx).await?))
    }

    async fn replay(&self, number: ReplayNo) -> Result<Option<ReplayRecord>, StoreError> {
        Ok(read!(self, "read a replay", |tx| replay::one(tx, number).await?))
    }

    async fn retry_now(&self, of: OwedOf, from: DeliveryNo) -> Result<HandSlice, StoreError> {
        let node = self.node();
        let mut feed = self.shared.feed.lock().await;
        let laid = change!(self, "make deliveries due", |tx| hand::retry_now(tx, of, from, node));
        {
            let mut board = lock(&self.shared.board);
            board.hurry(&laid.touched);
            laid.endpoint.into_iter().for_each(|endpoint| board.end_quiet(endpoint));
        }
        feed.expect_more();
        drop(feed);
        self.shared.wake.notify_one();
        Ok(laid.slice)
    }

    async fn give_up(&self, of: OwedOf, from: DeliveryNo, now_ms: i64) -> Result<HandSlice, StoreError> {
        let node = self.node();
        let mut feed = self.shared.feed.lock().await;
        let laid = change!(self, "give deliveries up", |tx| hand::give_up(tx, of, from, (now_ms, node)));
        lock(&self.shared.board).end_owed(&laid.touched);
        feed.expect_more();
        drop(feed);
        self.shared.wake.notify_one();
        Ok(laid.slice)
    }

    async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        Ok(read!(self, "read the API keys", |tx| registers::api_keys(tx).await?))
    }

    async fn put_api_key(&self, key: ApiKeyRecord) -> Result<(), StoreError> {
        change!(self, "keep an API key", |tx| registers::put_api_key(tx, &key));
        Ok(())
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(read!(self, "read a setting", |tx| registers::setting(tx, name).await?))
    }

    async fn put_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        change!(self, "keep a setting", |tx| registers::put_setting(tx, name, value));
        Ok(())
    }

    async fn prune(&self, retention: Retention, now_ms: i64) -> Result<PruneReport, StoreError> {
        retention::prune(&self.shared, retention, now_ms).await
    }

    async fn health(&self) -> Health {
        let shared = &self.shared;
        let reason = match shared.check_open() {
            Ok(()) => shared.trouble(),
            Err(closed) => Some(closed.to_string()),
        };
        Health {
            writable: reason.is_none(),
            reason,
            caution: self.caution(),
            store_bytes: shared.store_bytes.load(Ordering::Relaxed),
            // The volume is the database's matter; nobody here can see it.
            free_bytes: 0,
            volume_bytes: 0,
            last_commit_us: shared.last_commit_us(),
            queued: shared.queue.len(),
            // Its pages have checksums of the server's.
            damaged: 0,
        }
    }

    async fn counts(&self) -> Result<StoreCounts, StoreError> {
        Ok(read!(self, "add up the totals", |tx| tally::counts(tx).await?))
    }

    fn wake(&self) -> &Notify {
        &self.shared.wake
    }

    async fn close(&self) {
        self.end().await;
    }
}

/// A cursor of somebody's own making would silently begin somewhere else.
fn check_cursor(cursor: Option<&str>, is_cursor: fn(&str) -> bool) -> Result<(), StoreError> {
    if cursor.is_none_or(is_cursor) { Ok(()) } else { Err(StoreError::BadCursor) }
}
