//! What waits for its commit.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rules::limits::COMMIT_QUEUE_MS;
use tokio::sync::{Notify, oneshot};

use crate::common::{digest, names};
use crate::error::{CommitError, StoreError};
use crate::postgres::shared::lock;
use crate::record::{Committed, NewNotification};

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
    bytes: usize,
    closed: bool,
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
        inner.bytes += job.bytes;
        inner.jobs.push_back(job);
        drop(inner);
        self.bell.notify_one();
        Ok(())
    }

    /// The next jobs, routed by one version, within these bounds unless the first exceeds them alone. None: the queue is
    /// closed and empty.
    pub(super) async fn take(&self, events_max: usize, bytes_max: usize) -> Option<Vec<Job>> {
        loop {
            let bell = self.bell.notified();
            tokio::pin!(bell);
            // From here on no bell is missed.
            let _rung = bell.as_mut().enable();
            {
                let mut inner = lock(&self.inner);
                let jobs = inner.next(events_max, bytes_max);
                if !jobs.is_empty() {
                    if !inner.jobs.is_empty() {
                        self.bell.notify_one();
                    }
                    return Some(jobs);
                }
                if inner.closed {
                    return None;
                }
            }
            bell.await;
        }
    }
}

impl Inner {
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
        self.bytes = self.bytes.saturating_sub(job.bytes);
        Some(job)
    }
}
