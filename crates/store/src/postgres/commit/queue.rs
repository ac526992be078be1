//! What waits for its commit.
//!
//! A statement costs the server more than a row of it. So while one batch is under way, the next begins when it is worth a
//! statement of its own, or when what is in it has waited long: a slow commit holds nobody up for more than that.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rules::limits::COMMIT_QUEUE_MS;
use tokio::sync::{Notify, oneshot};

use crate::common::{digest, names};
use crate::error::{CommitError, StoreError};
use crate::postgres::shared::lock;
use crate::record::{Committed, NewNotification};

/// Events that are worth a second batch beside one that is under way.
const WORTH_EVENTS: usize = 64;
/// What has waited so long is not held back any more.
const HELD_BACK_MAX: Duration = Duration::from_millis(30);

pub(super) type Answer = Result<Vec<Committed>, CommitError>;

/// A batch of one caller: kept whole or not at all.
pub(in crate::postgres) struct Job {
    pub(super) batch: Vec<Marked>,
    pub(super) version: u64,
    pub(super) events: usize,
    pub(super) bytes: usize,
    queued_at: Instant,
    reply: oneshot::Sender<Answer>,
}

/// A notification with what is computed from it before its turn comes.
pub(super) struct Marked {
    pub(super) notification: NewNotification,
    /// Of the bytes of each event.
    pub(super) digests: Vec<i64>,
    /// By which each event is found.
    pub(super) hashes: Vec<Box<[i64]>>,
}

impl Job {
    pub(super) fn new(batch: Vec<NewNotification>, version: u64, reply: oneshot::Sender<Answer>) -> Self {
        let events = batch.iter().map(|notification| notification.events.len().max(1)).sum();
        let bytes = batch.iter().map(|notification| notification.body.len()).sum();
        let marked = |notification: NewNotification| Marked {
            digests: notification.events.iter().map(|event| digest::digest(&notification, event)).collect(),
            hashes: notification.events.iter().map(names::hashes_of).collect(),
            notification,
        };
        let batch = batch.into_iter().map(marked).collect();
        Self { batch, version, events, bytes, queued_at: Instant::now(), reply }
    }

    pub(super) fn answer(self, answer: Answer) {
        // A caller that went away needs no answer: what it sent is kept all the same.
        drop(self.reply.send(answer));
    }
}

/// The queue.
pub(in crate::postgres) struct Queue {
    jobs_max: usize,
    bytes_max: usize,
    inner: Mutex<Inner>,
    bell: Notify,
}

#[derive(Default)]
struct Inner {
    jobs: VecDeque<Job>,
    events: usize,
    bytes: usize,
    /// Batches that were taken and are not done.
    under_way: usize,
    closed: bool,
}

/// A batch that was taken; it is under way until this is dropped.
pub(super) struct Taken<'q> {
    pub(super) jobs: Vec<Job>,
    queue: &'q Queue,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        lock(&self.queue.inner).under_way -= 1;
        self.queue.bell.notify_one();
    }
}

impl Queue {
    pub(in crate::postgres) fn new(jobs_max: usize, bytes_max: usize) -> Self {
        Self { jobs_max, bytes_max, inner: Mutex::default(), bell: Notify::new() }
    }

    /// Batches that wait.
    pub(in crate::postgres) fn len(&self) -> usize {
        lock(&self.inner).jobs.len()
    }

    pub(in crate::postgres) fn close(&self) {
        lock(&self.inner).closed = true;
        self.bell.notify_waiters();
    }

    pub(super) fn offer(&self, job: Job) -> Result<(), CommitError> {
        let mut inner = lock(&self.inner);
        if inner.closed {
            return Err(CommitError::Store(StoreError::Closed));
        }
        let is_full = inner.jobs.len() >= self.jobs_max || inner.bytes.saturating_add(job.bytes) > self.bytes_max;
        if is_full && !inner.jobs.is_empty() {
            return Err(CommitError::Overloaded);
        }
        inner.events += job.events;
        inner.bytes += job.bytes;
        inner.jobs.push_back(job);
        drop(inner);
        self.bell.notify_one();
        Ok(())
    }

    /// The next jobs, routed by one version, within these bounds unless the first exceeds them alone. None: the queue is
    /// closed and empty.
    pub(super) async fn take(&self, events_max: usize, bytes_max: usize) -> Option<Taken<'_>> {
        loop {
            let bell = self.bell.notified();
            tokio::pin!(bell);
            // From here on no bell is missed.
            let _rung = bell.as_mut().enable();
            let held_back = {
                let mut inner = lock(&self.inner);
                let held_back = inner.held_back();
                if held_back.is_none() {
                    let jobs = inner.next(events_max, bytes_max);
                    if !jobs.is_empty() {
                        inner.under_way += 1;
                        if !inner.jobs.is_empty() {
                            self.bell.notify_one();
                        }
                        return Some(Taken { jobs, queue: self });
                    }
                    if inner.closed {
                        return None;
                    }
                }
                held_back.unwrap_or(Duration::MAX)
            };
            // Either way it is looked again.
            drop(tokio::time::timeout(held_back, bell).await);
        }
    }
}

impl Inner {
    /// For how long what waits may still wait for more; None when it is to be taken now, or when nothing waits.
    fn held_back(&self) -> Option<Duration> {
        let waited = self.jobs.front()?.queued_at.elapsed();
        let is_worth_it = self.under_way == 0 || self.events >= WORTH_EVENTS || self.closed;
        HELD_BACK_MAX.checked_sub(waited).filter(|_| !is_worth_it)
    }

    fn next(&mut self, events_max: usize, bytes_max: usize) -> Vec<Job> {
        let (mut jobs, mut events, mut bytes): (Vec<Job>, _, _) = (Vec::new(), 0, 0);
        while let Some(first) = self.jobs.front() {
            if first.queued_at.elapsed() > Duration::from_millis(COMMIT_QUEUE_MS) {
                if let Some(late) = self.pop() {
                    late.answer(Err(CommitError::Overloaded));
                }
                continue;
            }
            let fits = events + first.events <= events_max && bytes + first.bytes <= bytes_max;
            if let Some(taken) = jobs.first()
                && (!fits || taken.version != first.version)
            {
                break;
            }
            let Some(job) = self.pop() else { break };
            (events, bytes) = (events + job.events, bytes + job.bytes);
            jobs.push(job);
        }
        jobs
    }

    fn pop(&mut self) -> Option<Job> {
        let job = self.jobs.pop_front()?;
        self.events = self.events.saturating_sub(job.events);
        self.bytes = self.bytes.saturating_sub(job.bytes);
        Some(job)
    }
}
