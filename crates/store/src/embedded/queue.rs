//! The writer's queue: bounded in jobs and in bytes, taken in pieces that fit one transaction.
//!
//! Under load the writer lets others run before it takes, for as long as that brings more: on a busy core those who are
//! about to queue something would otherwise wait for a transaction of their own, and its sync. On an idle one it costs
//! nothing, because nobody has anything to bring.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rules::limits::{COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX};

use super::fault::Fault;
use super::job::{Job, Weight};
use super::shared::lock;

/// So many jobs in one transaction are a load.
const LOAD_JOBS: usize = 8;
/// How often the writer lets others run before it takes.
const LOOKS_MAX: usize = 16;

/// Jobs and bytes that may wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) jobs: usize,
    pub(super) bytes: usize,
}

/// The queue.
pub(super) struct Queue {
    bounds: Bounds,
    inner: Mutex<Inner>,
    filled: Condvar,
}

#[derive(Default)]
struct Inner {
    jobs: VecDeque<Box<dyn Job>>,
    bytes: usize,
    /// When the writer shall begin at the latest: a job may have time to wait for others.
    begin_at: Option<Instant>,
    closing: bool,
    /// Jobs of the last piece.
    last_piece: usize,
}

/// What the writer found.
pub(super) enum Taken {
    /// Work for one transaction.
    Jobs(Vec<Box<dyn Job>>),
    /// Nothing within the time given.
    Nothing,
    /// Nothing, and nothing will come.
    Closed,
}

impl Queue {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, inner: Mutex::default(), filled: Condvar::new() }
    }

    /// Queues a job that callers can send without limit, refusing it when the queue is full.
    pub(super) fn offer(&self, job: Box<dyn Job>) -> Result<(), (Box<dyn Job>, Fault)> {
        let weight = job.weight();
        let mut inner = lock(&self.inner);
        if inner.closing {
            return Err((job, Fault::closed()));
        }
        let full = inner.jobs.len() >= self.bounds.jobs || inner.bytes.saturating_add(weight.bytes) > self.bounds.bytes;
        // A body larger than the bound itself still passes when it is alone.
        if full && !inner.jobs.is_empty() {
            return Err((job, Fault::overloaded()));
        }
        self.push(&mut inner, job, weight);
        Ok(())
    }

    /// Queues a job whose number is bounded elsewhere (by permits, or because it follows itself).
    pub(super) fn force(&self, job: Box<dyn Job>) -> Result<(), Box<dyn Job>> {
        let weight = job.weight();
        let mut inner = lock(&self.inner);
        if inner.closing {
            return Err(job);
        }
        self.push(&mut inner, job, weight);
        Ok(())
    }

    fn push(&self, inner: &mut Inner, job: Box<dyn Job>, weight: Weight) {
        inner.bytes = inner.bytes.saturating_add(weight.bytes);
        let at = Instant::now() + job.patience();
        inner.jobs.push_back(job);
        if inner.begin_at.is_none_or(|begin_at| at < begin_at) {
            inner.begin_at = Some(at);
            self.filled.notify_one();
        }
    }

    /// Takes what fits one transaction, waiting up to `patience` for the first job, and as long as the jobs that are there
    /// have time.
    pub(super) fn take(&self, patience: Duration) -> Taken {
        let deadline = Instant::now() + patience;
        let mut inner = lock(&self.inner);
        loop {
            let now = Instant::now();
            let begin_at = inner.begin_at.filter(|_| !inner.jobs.is_empty());
            if begin_at.is_some_and(|at| at <= now || inner.closing) {
                return Taken::Jobs(self.gathered(inner).piece());
            }
            if inner.closing {
                return Taken::Closed;
            }
            let left = begin_at.unwrap_or(deadline).saturating_duration_since(now);
            if left.is_zero() {
                return Taken::Nothing;
            }
            inner = match self.filled.wait_timeout(inner, left) {
                Ok((inner, _)) => inner,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Lets others run while that brings more jobs.
    fn gathered<'q>(&'q self, mut inner: MutexGuard<'q, Inner>) -> MutexGuard<'q, Inner> {
        for _ in 0..LOOKS_MAX {
            let before = inner.jobs.len();
            if inner.last_piece.max(before) < LOAD_JOBS || before >= COMMIT_EVENTS_MAX || inner.closing {
                break;
            }
            drop(inner);
            std::thread::yield_now();
            inner = lock(&self.inner);
            if inner.jobs.len() == before {
                break;
            }
        }
        inner
    }

    /// Jobs that wait.
    pub(super) fn len(&self) -> usize {
        lock(&self.inner).jobs.len()
    }

    /// Takes no more jobs. What is queued will be done.
    pub(super) fn close(&self) {
        lock(&self.inner).closing = true;
        self.filled.notify_all();
    }
}

impl Inner {
    fn piece(&mut self) -> Vec<Box<dyn Job>> {
        let mut piece = Vec::new();
        let mut total = Weight::default();
        while let Some(job) = self.jobs.pop_front() {
            let weight = job.weight();
            let events = total.events.saturating_add(weight.events);
            let bytes = total.bytes.saturating_add(weight.bytes);
            if !piece.is_empty() && (events > COMMIT_EVENTS_MAX || bytes > COMMIT_BYTES_MAX) {
                self.jobs.push_front(job);
                break;
            }
            total = Weight { events, bytes };
            self.bytes = self.bytes.saturating_sub(weight.bytes);
            piece.push(job);
        }
        self.last_piece = piece.len();
        // What is left did not fit, and has waited.
        self.begin_at = (!self.jobs.is_empty()).then(Instant::now);
        piece
    }
}

#[cfg(test)]
mod tests {
    use super::super::job::Tx;
    use super::super::shared::Shared;
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    struct Idle(Duration);

    impl Job for Idle {
        fn weight(&self) -> Weight {
            Weight { events: 1, bytes: 1 }
        }

        fn patience(&self) -> Duration {
            self.0
        }

        fn run(&mut self, _: &mut Tx<'_>) -> Result<(), Fault> {
            Ok(())
        }

        fn done(self: Box<Self>, _: &Shared) {}

        fn failed(self: Box<Self>, _: &Fault, _: &Shared) {}
    }

    fn queue() -> Queue {
        Queue::new(Bounds { jobs: 10, bytes: 1_000 })
    }

    fn taken(queue: &Queue, patience: Duration) -> Option<usize> {
        match queue.take(patience) {
            Taken::Jobs(jobs) => Some(jobs.len()),
            Taken::Nothing => None,
            Taken::Closed => Some(0),
        }
    }

    #[test]
    fn a_job_with_time_goes_with_the_first_that_has_none() {
        let queue = queue();
        assert!(queue.force(Box::new(Idle(LONG))).is_ok());
        assert!(queue.force(Box::new(Idle(Duration::ZERO))).is_ok());
        assert!(queue.force(Box::new(Idle(LONG))).is_ok());
        assert_eq!(taken(&queue, LONG), Some(3));
        assert_eq!(taken(&queue, Duration::ZERO), None);
    }

    #[test]
    fn a_job_with_time_goes_alone_when_that_has_passed() {
        let queue = queue();
        let begun = Instant::now();
        assert!(queue.force(Box::new(Idle(Duration::from_millis(20)))).is_ok());
        assert_eq!(taken(&queue, LONG), Some(1));
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn what_has_time_is_done_at_once_when_the_queue_closes() {
        let queue = queue();
        assert!(queue.force(Box::new(Idle(LONG))).is_ok());
        queue.close();
        assert_eq!(taken(&queue, LONG), Some(1));
        assert_eq!(taken(&queue, LONG), Some(0));
    }
}
