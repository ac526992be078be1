//! The seam, method by method.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rules::identity::{EventId, NotificationId};
use tokio::sync::Notify;
use tokio::sync::oneshot::Receiver;

use super::commit::CommitJob;
use super::job::{After, Change, Job, Refusal, Work};
use super::readers::read;
use super::settle::SettleJob;
use super::shared::{Shared, lock};
use super::{
    Embedded, backlog, claim, endpoints, hand, labels, payloads, read as queries, registers, replay, retention,
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

impl Embedded {
    /// Queues a job that is not a commit, and waits for what came of it.
    async fn write<T>(&self, job: Box<dyn Job>, answer: Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
        let shared = &self.shared;
        let told = |fault: super::fault::Fault| fault.to_store_error(shared.folder());
        shared.condition.check().map_err(told)?;
        let permit = shared.changes.acquire().await.map_err(|_| StoreError::Closed)?;
        shared.queue.force(job).map_err(|_| StoreError::Closed)?;
        let outcome = answer.await.map_err(|_| StoreError::Closed)?;
        drop(permit);
        outcome
    }

    /// Says of each settlement whether its claim is the latest.
    fn judge(&self, settlements: Vec<Settlement>) -> Vec<(Settlement, bool)> {
        let board = lock(&self.shared.board);
        let judge = |settlement: Settlement| {
            let current = board.is_current(&settlement.claim);
            (settlement, current)
        };
        settlements.into_iter().map(judge).collect()
    }

    /// Fails on a full disk, for what makes the store grow.
    fn has_room(&self) -> Result<(), StoreError> {
        self.shared.condition.check_room().map_err(|fault| fault.to_store_error(self.shared.folder()))
    }

    async fn change<T: Send + 'static>(&self, work: Work<T>, after: After<T>) -> Result<T, StoreError> {
        let (job, answer) = Change::new(work, after);
        self.write(job, answer).await
    }
}

fn nothing<T>() -> After<T> {
    Box::new(|_: &T, _: &Shared| ())
}

#[async_trait]
impl Store for Embedded {
    async fn commit(&self, batch: Vec<NewNotification>) -> Result<Vec<Committed>, CommitError> {
        let shared = &self.shared;
        shared.condition.check_room().map_err(|fault| fault.to_commit_error(shared.folder()))?;
        let (job, answer) = CommitJob::new(batch);
        if let Err((_, fault)) = shared.queue.offer(job) {
            return Err(fault.to_commit_error(shared.folder()));
        }
        answer.await.map_err(|_| CommitError::Store(StoreError::Closed))?
    }

    async fn claim(&self, max: usize, now_ms: i64) -> Result<Claims, StoreError> {
        claim::claim(&self.shared, max, now_ms).await
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
        self.settle_in_company(settlements, Duration::ZERO).await
    }

    async fn settle_in_company(
        &self,
        settlements: Vec<Settlement>,
        patience: Duration,
    ) -> Result<Vec<bool>, StoreError> {
        if settlements.is_empty() {
            return Ok(Vec::new());
        }
        let (job, answer) = SettleJob::new(self.judge(settlements), patience);
        self.write(job, answer).await
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
        let work: Work<_> = Box::new(move |tx| endpoints::change(tx, &changes, now_ms));
        let after: After<_> = Box::new(|(_, changed): &(u64, Vec<_>), shared| endpoints::learn(changed, shared));
        Ok(self.change(work, after).await?.0)
    }

    async fn trim_backlogs(&self, limits: Vec<BacklogLimit>, now_ms: i64) -> Result<TrimReport, StoreError> {
        let beyond = backlog::beyond(&self.shared, limits).await?;
        if beyond.is_empty() {
            return Ok(TrimReport::default());
        }
        let work: Work<_> = Box::new(move |tx| Ok(backlog::trim(tx, &beyond, now_ms)?));
        self.change(work, Box::new(backlog::learn)).await
    }

    async fn endpoints_version(&self) -> Result<u64, StoreError> {
        Ok(u64::try_from(self.shared.ledger().endpoints_version).unwrap_or_default())
    }

    async fn endpoints(&self) -> Result<(u64, Vec<EndpointRecord>), StoreError> {
        let (version, mut records) = read(&self.shared, "read the endpoints", |conn| {
            let snapshot = conn.unchecked_transaction()?;
            Ok((endpoints::version(&snapshot)?, endpoints::all(&snapshot)?))
        })
        .await?;
        let board = lock(&self.shared.board);
        for record in &mut records {
            (record.owed, record.last_accepted_at_ms) = board.of_endpoint(record.number);
        }
        drop(board);
        Ok((version, records))
    }

    async fn numbers(&self) -> Result<Vec<NumberEntry>, StoreError> {
        read(&self.shared, "read the numbers", registers::numbers).await
    }

    async fn put_numbers(&self, numbers: Vec<NumberEntry>) -> Result<(), StoreError> {
        let work: Work<()> = Box::new(move |tx| {
            let put = |number| registers::put_number(tx.conn, number);
            numbers.iter().try_for_each(put).map_err(Refusal::from)
        });
        self.change(work, nothing()).await
    }

    async fn labels(&self) -> Result<Vec<LabelsOf>, StoreError> {
        read(&self.shared, "read the labels", labels::all).await
    }

    async fn put_labels(&self, all: Vec<LabelsOf>) -> Result<u64, StoreError> {
        let work: Work<_> = Box::new(move |tx| labels::put(tx, &all));
        self.change(work, nothing()).await
    }

    async fn events(&self, query: EventQuery) -> Result<Page<EventRecord>, StoreError> {
        check_cursor(query.cursor.as_deref(), queries::is_event_cursor)?;
        read(&self.shared, "list events", move |conn| queries::events(conn, &query)).await
    }

    async fn find(&self, find: Find) -> Result<Vec<EventRecord>, StoreError> {
        let owner = Arc::clone(&self.shared);
        read(&self.shared, "look up events", move |conn| queries::find(conn, &owner.index, &find)).await
    }

    async fn conflicts(&self, event: EventId) -> Result<Vec<ConflictRecord>, StoreError> {
        read(&self.shared, "read conflicts", move |conn| queries::conflicts(conn, event)).await
    }

    async fn notification(&self, id: NotificationId) -> Result<Option<NotificationRecord>, StoreError> {
        let found = read(&self.shared, "read a notification", move |conn| queries::notification(conn, id)).await?;
        if found.as_ref().is_some_and(|found| found.damaged) {
            self.shared.damage.notification(id);
        }
        Ok(found)
    }

    async fn deliveries(&self, query: DeliveryQuery) -> Result<Page<DeliveryRecord>, StoreError> {
        check_cursor(query.cursor.as_deref(), queries::is_delivery_cursor)?;
        let owner = Arc::clone(&self.shared);
        let mut page =
            read(&self.shared, "list deliveries", move |conn| queries::deliveries(conn, &owner.index, &query)).await?;
        let board = lock(&self.shared.board);
        for record in &mut page.rows {
            record.in_flight = board.is_in_flight(record.number);
        }
        drop(board);
        Ok(page)
    }

    async fn delivery(&self, number: DeliveryNo) -> Result<Option<DeliveryRecord>, StoreError> {
        let found = read(&self.shared, "read a delivery", move |conn| queries::delivery(conn, number)).await?;
        Ok(found.map(|record| DeliveryRecord { in_flight: lock(&self.shared.board).is_in_flight(number), ..record }))
    }

    async fn make_replay(&self, new: NewReplay, now_ms: i64) -> Result<ReplayRecord, StoreError> {
        self.has_room()?;
        let work: Work<_> = Box::new(move |tx| replay::make(tx, &new, now_ms));
        self.change(work, nothing()).await
    }

    async fn count_replay(&self, number: ReplayNo, now_ms: i64) -> Result<ReplayRecord, StoreError> {
        self.has_room()?;
        let owner = Arc::clone(&self.shared);
        let found = read(&self.shared, "count a replay", move |conn| replay::look(conn, &owner.index, number)).await?;
        let work: Work<_> = Box::new(move |tx| replay::count(tx, number, &found, now_ms));
        self.change(work, Box::new(replay::clear_away)).await
    }

    async fn advance_replay(&self, number: ReplayNo, max: usize, now_ms: i64) -> Result<ReplayRecord, StoreError> {
        self.has_room()?;
        let work: Work<_> = Box::new(move |tx| replay::advance(tx, number, max, now_ms));
        let after: After<_> = Box::new(|(_, owed): &(_, Vec<_>), shared| shared.owe(owed));
        Ok(self.change(work, after).await?.0)
    }

    async fn steer_replay(
        &self,
        number: ReplayNo,
        steer: Steer,
        who: &str,
        now_ms: i64,
    ) -> Result<ReplayRecord, StoreError> {
        let who = who.to_owned();
        let work: Work<_> = Box::new(move |tx| replay::steer(tx, number, steer, &who, now_ms));
        let after: After<_> = Box::new(replay::clear_away);
        self.change(work, after).await
    }

    async fn replays(&self, before: Option<ReplayNo>, limit: usize) -> Result<Vec<ReplayRecord>, StoreError> {
        read(&self.shared, "list replays", move |conn| replay::list(conn, before, limit)).await
    }

    async fn busy_replays(&self) -> Result<Vec<ReplayRecord>, StoreError> {
        read(&self.shared, "list replays", replay::busy).await
    }

    async fn replay(&self, number: ReplayNo) -> Result<Option<ReplayRecord>, StoreError> {
        read(&self.shared, "read a replay", move |conn| replay::one(conn, number)).await
    }

    async fn retry_now(&self, of: OwedOf, from: DeliveryNo) -> Result<HandSlice, StoreError> {
        let work: Work<_> = Box::new(move |tx| Ok(hand::retry_now(tx, of, from)?));
        Ok(self.change(work, Box::new(hand::learn_retry)).await?.slice)
    }

    async fn give_up(&self, of: OwedOf, from: DeliveryNo, now_ms: i64) -> Result<HandSlice, StoreError> {
        let work: Work<_> = Box::new(move |tx| Ok(hand::give_up(tx, of, from, now_ms)?));
        Ok(self.change(work, Box::new(hand::learn_end)).await?.slice)
    }

    async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        read(&self.shared, "read the API keys", registers::api_keys).await
    }

    async fn put_api_key(&self, key: ApiKeyRecord) -> Result<(), StoreError> {
        let work: Work<()> = Box::new(move |tx| Ok(registers::put_api_key(tx.conn, &key)?));
        self.change(work, nothing()).await
    }

    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        read(&self.shared, "read a setting", move |conn| registers::setting(conn, &name)).await
    }

    async fn put_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        let work: Work<()> = Box::new(move |tx| Ok(registers::put_setting(tx.conn, &name, &value)?));
        self.change(work, nothing()).await
    }

    async fn prune(&self, retention: Retention, now_ms: i64) -> Result<PruneReport, StoreError> {
        let slice = lock(&self.shared.horizon).slice(retention, now_ms);
        let work: Work<_> = Box::new(move |tx| Ok(retention::prune(tx, &slice)?));
        let after: After<_> = Box::new(retention::learn);
        Ok(self.change(work, after).await?.report)
    }

    async fn health(&self) -> Health {
        let shared = &self.shared;
        let reason = shared.condition.reason(shared.folder());
        let disk = shared.condition.disk();
        Health {
            writable: reason.is_none(),
            reason,
            caution: shared.damage.caution(),
            store_bytes: disk.store_bytes,
            free_bytes: disk.free_bytes,
            volume_bytes: disk.volume_bytes,
            last_commit_us: shared.last_commit_us(),
            queued: shared.queue.len(),
            damaged: shared.damage.found(),
        }
    }

    async fn counts(&self) -> Result<StoreCounts, StoreError> {
        let ledger = self.shared.ledger();
        let count = |count: i64| u64::try_from(count).unwrap_or_default();
        Ok(StoreCounts {
            notifications: count(ledger.notifications),
            events: count(ledger.events),
            duplicates: count(ledger.duplicates),
            conflicts: count(ledger.conflicts),
            unrouted: count(ledger.unrouted),
            deliveries: count(ledger.deliveries),
            owed: count(ledger.owed()),
            accepted: count(ledger.accepted),
            dead: count(ledger.dead),
            skipped: count(ledger.skipped),
        })
    }

    fn wake(&self) -> &Notify {
        &self.shared.wake
    }

    async fn close(&self) {
        self.shared.queue.close();
        let threads = Arc::clone(&self.threads);
        // Joining waits for the last commit.
        drop(tokio::task::spawn_blocking(move || lock(&threads).join()).await);
        self.shared.readers.drop_all();
    }
}

/// A cursor of somebody's own making would silently begin somewhere else.
fn check_cursor(cursor: Option<&str>, is_cursor: fn(&str) -> bool) -> Result<(), StoreError> {
    if cursor.is_none_or(is_cursor) { Ok(()) } else { Err(StoreError::BadCursor) }
}
