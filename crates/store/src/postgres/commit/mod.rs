//! Keeping batches of notifications: what waits is taken together, by a few tasks that each commit one transaction at a
//! time. A notification is never in two of them.
//!
//! | file | does |
//! | --- | --- |
//! | `queue` | what waits, within its bounds |
//! | `judge` | enters the keys, and finds out which events are new |
//! | `write` | everything else, with the COMMIT in the same round trip |
//! | `rows` | the columns that it writes |

mod judge;
mod queue;
mod rows;
mod write;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

pub(super) use self::queue::Queue;
use self::queue::{Answer, Job};
use super::days;
use super::fault::{Fault, Kind};
use super::shared::{Shared, lock};
use crate::error::{CommitError, StoreError};
use crate::record::{Committed, EventOutcome, NewNotification};

/// Events in a batch: more only make its statements longer.
const BATCH_EVENTS_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = rules::limits::COMMIT_BYTES_MAX;
/// A batch that met another one's lock, or a partition that was dropped, is tried again.
const TRIES: usize = 3;

/// Keeps a batch, and waits for it.
pub(super) async fn commit(shared: &Shared, batch: Vec<NewNotification>) -> Result<Vec<Committed>, CommitError> {
    shared.check_open()?;
    let Some(version) = batch.first().map(|notification| notification.routes_version) else {
        return Ok(Vec::new());
    };
    if let Some(other) = batch.iter().find(|notification| notification.routes_version != version) {
        return Err(CommitError::RoutesMoved { current: version.max(other.routes_version) });
    }
    let (reply, answer) = oneshot::channel();
    shared.queue.offer(Job::new(batch, version, reply))?;
    answer.await.map_err(|_| CommitError::Store(StoreError::Closed))?
}

/// Commits what waits, until the queue is closed and empty.
pub(super) async fn work(shared: Arc<Shared>) {
    while let Some(mut taken) = shared.queue.take(BATCH_EVENTS_MAX, BATCH_BYTES_MAX).await {
        let jobs = std::mem::take(&mut taken.jobs);
        let began = Instant::now();
        let outcome = keep(&shared, &jobs).await;
        shared.note(outcome.as_ref().err());
        match outcome {
            Ok(answers) => {
                shared.committed_in(began.elapsed());
                let wrote = answers.iter().any(Result::is_ok);
                for (job, answer) in jobs.into_iter().zip(answers) {
                    job.answer(answer);
                }
                if wrote {
                    shared.ring();
                }
            }
            // One that cannot be kept must not take the others with it.
            Err(fault) if jobs.len() > 1 && fault.kind() == Kind::Other => one_by_one(&shared, jobs).await,
            Err(fault) => {
                for job in jobs {
                    job.answer(Err(fault.commit_error(shared.pool.server())));
                }
            }
        }
    }
}

async fn one_by_one(shared: &Shared, jobs: Vec<Job>) {
    for job in jobs {
        let job = [job];
        let outcome = keep(shared, &job).await;
        let [job] = job;
        job.answer(match outcome {
            Ok(mut answers) => answers.pop().unwrap_or(Err(CommitError::Overloaded)),
            Err(fault) => Err(fault.commit_error(shared.pool.server())),
        });
        shared.ring();
    }
}

/// Keeps these batches in one transaction, and gives the answer of each.
async fn keep(shared: &Shared, jobs: &[Job]) -> Result<Vec<Answer>, Fault> {
    let arrived = jobs.iter().flat_map(|job| &job.batch).map(|marked| days::of(marked.notification.received_at_ms));
    let arrived: BTreeSet<i32> = arrived.collect();
    let mut tries = 1;
    loop {
        days::ensure(shared, &arrived).await?;
        match keep_once(shared, jobs).await {
            Err(fault) if tries < TRIES && may_pass(&fault) => {
                if is_partition_gone(&fault) {
                    lock(&shared.days).clear();
                }
                tries += 1;
            }
            done => return done,
        }
    }
}

fn may_pass(fault: &Fault) -> bool {
    fault.kind() == Kind::Conflict || is_partition_gone(fault)
}

fn is_partition_gone(fault: &Fault) -> bool {
    fault.words().contains("23514") || fault.words().contains("42P01")
}

async fn keep_once(shared: &Shared, jobs: &[Job]) -> Result<Vec<Answer>, Fault> {
    let (tx, judged) = judge::judge(shared, jobs).await?;
    let fates = match judged {
        judge::Judged::Moved { current } => {
            tx.rollback().await;
            return Ok(jobs.iter().map(|_| Err(CommitError::RoutesMoved { current })).collect());
        }
        judge::Judged::Fates(fates) => fates,
    };
    #[cfg(test)]
    {
        let gate = lock(&shared.gate).take();
        if let Some(gate) = gate {
            gate.notified().await;
        }
    }
    let answers = answers(jobs, &fates);
    write::write(shared, tx, jobs, fates).await?;
    Ok(answers)
}

fn answers(jobs: &[Job], fates: &judge::Fates) -> Vec<Answer> {
    let mut next = fates.of_events.iter();
    let of_job = |job: &Job| {
        let of = |marked: &queue::Marked| Committed {
            id: marked.notification.id,
            events: next.by_ref().take(marked.notification.events.len()).map(judge::Fate::outcome).collect(),
        };
        Ok(job.batch.iter().map(of).collect())
    };
    jobs.iter().map(of_job).collect()
}

impl judge::Fate {
    const fn outcome(&self) -> EventOutcome {
        match self {
            Self::New { .. } => EventOutcome::New,
            Self::Duplicate { .. } => EventOutcome::Duplicate,
            Self::Conflicting => EventOutcome::Conflicting,
        }
    }
}
