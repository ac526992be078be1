//! Keeping a batch of notifications.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rules::limits::COMMIT_QUEUE_MS;
use rusqlite::params;
use tokio::sync::oneshot;

use super::dedupe::{Fate, judge};
use super::fault::{Fault, Kind};
use super::job::{Job, Tx, Weight};
use super::news::{NewlyKept, News};
use super::shared::Shared;
use super::{checksum, contacts, registers, wholes};
use crate::common::board::{Item, NewlyOwed, Tried};
use crate::common::digest::{self, short_hash};
use crate::common::names;
use crate::error::CommitError;
use crate::record::{Committed, EventOutcome, NewEvent, NewNotification};

type Answer = Result<Vec<Committed>, CommitError>;

/// A batch on its way into the store.
pub(super) struct CommitJob {
    batch: Vec<Marked>,
    queued_at: Instant,
    outcome: Option<Answer>,
    news: News,
    reply: oneshot::Sender<Answer>,
}

/// A notification with the marks of its events.
pub(super) struct Marked {
    pub(super) notification: NewNotification,
    pub(super) marks: Vec<Marks>,
    /// Of its body's bytes.
    pub(super) checksum: i64,
}

/// What is computed from an event before it comes to the writer, who has no time for that.
pub(super) struct Marks {
    /// Of its bytes.
    pub(super) digest: i64,
    /// Of all by which it can be found.
    pub(super) hashes: Box<[i64]>,
}

impl Marked {
    fn new(notification: NewNotification) -> Self {
        let marks =
            |event: &NewEvent| Marks { digest: digest::digest(&notification, event), hashes: names::hashes_of(event) };
        let checksum = checksum::of_bytes(&notification.body);
        Self { marks: notification.events.iter().map(marks).collect(), notification, checksum }
    }
}

impl CommitJob {
    pub(super) fn new(batch: Vec<NewNotification>) -> (Box<Self>, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        let job = Self {
            batch: batch.into_iter().map(Marked::new).collect(),
            queued_at: Instant::now(),
            outcome: None,
            news: News::default(),
            reply,
        };
        (Box::new(job), answer)
    }

    fn keep_all(&mut self, tx: &mut Tx<'_>) -> Result<Answer, Fault> {
        let current = u64::try_from(tx.ledger.endpoints_version).unwrap_or_default();
        if self.batch.iter().any(|marked| marked.notification.routes_version != current) {
            return Ok(Err(CommitError::RoutesMoved { current }));
        }
        let mut committed = Vec::with_capacity(self.batch.len());
        for (place, marked) in self.batch.iter().enumerate() {
            committed.push(keep(tx, marked, place, &mut self.news)?);
        }
        Ok(Ok(committed))
    }
}

impl Job for CommitJob {
    fn weight(&self) -> Weight {
        let mut weight = Weight::default();
        for Marked { notification, .. } in &self.batch {
            weight.events += notification.events.len().max(1);
            weight.bytes += notification.body.len();
        }
        weight
    }

    fn grows(&self) -> bool {
        true
    }

    fn expired(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.queued_at) > Duration::from_millis(COMMIT_QUEUE_MS)
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        self.news.clear();
        self.outcome = Some(self.keep_all(tx)?);
        Ok(())
    }

    fn done(self: Box<Self>, shared: &Shared) {
        self.news.tell(self.batch, shared);
        // A caller that went away needs no answer: what it sent is kept all the same.
        drop(self.reply.send(self.outcome.unwrap_or(Err(CommitError::Overloaded))));
    }

    fn failed(self: Box<Self>, fault: &Fault, shared: &Shared) {
        drop(self.reply.send(Err(fault.to_commit_error(shared.folder()))));
    }
}

fn keep(tx: &mut Tx<'_>, marked: &Marked, place: usize, news: &mut News) -> Result<Committed, Fault> {
    let Marked { notification, marks, .. } = marked;
    let first_event = tx.ledger.next_event;
    let row = tx.ledger.next_notification;
    let mut fates = Vec::with_capacity(notification.events.len());
    for (event, marks) in notification.events.iter().zip(marks) {
        let fate = judge(tx, notification, (event, marks.digest), &fates)?;
        match fate {
            Fate::New(number) => {
                let lane = contacts::lane(tx, notification, event)?;
                let is_first = !fates.iter().any(|fate| matches!(fate, Fate::New(_)));
                let kept = NewlyKept { place: (place, fates.len()), event: number, notification: row, lane, is_first };
                keep_event(tx, notification, event, &kept)?;
                let key = (event.key_partition, *event.id.as_bytes());
                tx.gathered.enter(number, key, marks.digest, &marks.hashes, notification.received_at_ms);
                owe(tx, notification, event, &kept, &mut news.owed)?;
                news.kept.push(kept);
            }
            Fate::Duplicate(first) => count_copy(tx, first)?,
            Fate::Conflicting { digest } => list_conflict(tx, notification, event, row, digest)?,
        }
        fates.push(fate);
    }
    tx.ledger.newest_received_at = tx.ledger.newest_received_at.max(notification.received_at_ms);
    // When every event is known with the same content, counting the copies is all that is left to do.
    let nothing_new = fates.iter().all(|fate| matches!(fate, Fate::Duplicate(_)));
    if !nothing_new || fates.is_empty() {
        keep_body(tx, marked, row, first_event)?;
    }
    for number in &notification.numbers {
        registers::put_number(tx.conn, number)?;
    }
    Ok(Committed { id: notification.id, events: fates.iter().map(outcome).collect() })
}

const fn outcome(fate: &Fate) -> EventOutcome {
    match fate {
        Fate::New(_) => EventOutcome::New,
        Fate::Duplicate(_) => EventOutcome::Duplicate,
        Fate::Conflicting { .. } => EventOutcome::Conflicting,
    }
}

fn keep_body(tx: &mut Tx<'_>, marked: &Marked, row: i64, first_event: i64) -> Result<(), Fault> {
    let notification = &marked.notification;
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO notifications (id, notification_id, app, scope, received_at, signature, secret_index, event_count,
                                    first_event, end_event, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    checksum::insert(
        &mut insert,
        params![
            row,
            notification.id.as_bytes(),
            notification.app,
            notification.scope,
            notification.received_at_ms,
            notification.signature,
            notification.secret_index,
            i64::try_from(notification.events.len()).unwrap_or(i64::MAX),
            first_event,
            tx.ledger.next_event,
        ],
    )?;
    let received_at = notification.received_at_ms;
    let checksum = checksum::of_large([row, received_at], marked.checksum);
    tx.conn
        .prepare_cached("INSERT INTO bodies (notification, received_at, checksum, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![row, received_at, checksum, Arc::as_ref(&notification.body)])?;
    tx.ledger.next_notification += 1;
    tx.ledger.notifications += 1;
    Ok(())
}

fn keep_event(
    tx: &mut Tx<'_>,
    notification: &NewNotification,
    event: &NewEvent,
    kept: &NewlyKept,
) -> Result<(), Fault> {
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO events (id, event_id, notification, app, key, event_type, field, entry_id, waba_id, business_id,
                             phone_number_id, display_phone_number, wa_id, user_id, parent_user_id, message_id, lane,
                             occurred_at, received_at, test, problems, data_start, data_end, data_is_json, position,
                             unrouted, whole_to, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                 ?23, ?24, ?25, ?26, ?27, ?28)",
    )?;
    checksum::insert(
        &mut insert,
        params![
            kept.event,
            event.id.as_bytes(),
            kept.notification,
            notification.app,
            event.key,
            event.event_type,
            event.field,
            event.entry_id,
            event.waba_id,
            event.business_id,
            event.phone_number_id,
            event.display_phone_number,
            event.wa_id,
            event.user_id,
            event.parent_user_id,
            event.message_id,
            kept.lane,
            event.occurred_at_seconds,
            notification.received_at_ms,
            event.test,
            event.problems_json,
            i64::try_from(event.data_range.start).unwrap_or(i64::MAX),
            i64::try_from(event.data_range.end).unwrap_or(i64::MAX),
            event.data_is_json,
            event.position,
            event.owed_to.is_empty(),
            wholes::to_text(wholes::of(notification, kept)),
        ],
    )?;
    tx.ledger.events += 1;
    tx.ledger.unrouted += i64::from(event.owed_to.is_empty());
    Ok(())
}

fn owe(
    tx: &mut Tx<'_>,
    notification: &NewNotification,
    event: &NewEvent,
    kept: &NewlyKept,
    owed: &mut Vec<NewlyOwed>,
) -> Result<(), Fault> {
    if event.owed_to.is_empty() {
        return Ok(());
    }
    let lane = short_hash(&[kept.lane.as_bytes()]);
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO deliveries (id, endpoint, event, lane, state, late, attempts, created_at)
         SELECT ?1, number, ?3, ?4, 0, 0, 0, ?5 FROM endpoints WHERE number = ?2 AND removed_at IS NULL",
    )?;
    let created_at = notification.received_at_ms;
    for endpoint in event.owed_to.iter().filter(|endpoint| wholes::owes(notification, kept, **endpoint)) {
        let id = tx.ledger.next_delivery;
        if insert.execute(params![id, endpoint.0, kept.event, lane, created_at])? == 0 {
            return Err(Fault::new(Kind::Internal, "owe a delivery", "there is no such endpoint"));
        }
        tx.ledger.next_delivery += 1;
        tx.ledger.deliveries += 1;
        owed.push(NewlyOwed { endpoint: *endpoint, lane, id, event: event.id, event_no: kept.event, replay: None });
    }
    Ok(())
}

fn count_copy(tx: &mut Tx<'_>, first: i64) -> Result<(), Fault> {
    tx.ledger.duplicates += 1;
    // The key may outlive its event, which then has nothing to count on.
    tx.conn
        .prepare_cached(
            "INSERT INTO event_duplicates (event, copies) SELECT id, 1 FROM events WHERE id = ?1
             ON CONFLICT (event) DO UPDATE SET copies = copies + 1",
        )?
        .execute([first])?;
    Ok(())
}

fn list_conflict(
    tx: &mut Tx<'_>,
    notification: &NewNotification,
    event: &NewEvent,
    row: i64,
    digest: i64,
) -> Result<(), Fault> {
    tx.ledger.conflicts += 1;
    tx.conn
        .prepare_cached(
            "INSERT INTO conflicts (event_id, notification, received_at, position, data_start, data_end, digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            event.id.as_bytes(),
            row,
            notification.received_at_ms,
            event.position,
            i64::try_from(event.data_range.start).unwrap_or(i64::MAX),
            i64::try_from(event.data_range.end).unwrap_or(i64::MAX),
            digest,
        ])?;
    Ok(())
}

impl From<NewlyOwed> for Item {
    fn from(owed: NewlyOwed) -> Self {
        let of_replay = |mark| Box::new(Tried { replay: Some(mark), ..Tried::default() });
        Self { id: owed.id, event: owed.event, event_no: owed.event_no, tried: owed.replay.map(of_replay) }
    }
}
