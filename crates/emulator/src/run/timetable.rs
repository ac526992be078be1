//! What is to happen when.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use tokio::time::Instant;

use crate::play::Deed;

/// Something to do.
pub(super) enum Job {
    /// A step of the script, by its position.
    Step(usize),
    /// Something happens.
    Deed(Box<Deed>),
    /// What is held back goes out.
    Flush,
}

/// Jobs by their time; those of one moment in the order in which they came.
#[derive(Default)]
pub(super) struct Timetable {
    jobs: BinaryHeap<Entry>,
    count: u64,
}

struct Entry {
    at: Instant,
    turn: u64,
    job: Job,
}

impl Timetable {
    pub(super) fn add(&mut self, at: Instant, job: Job) {
        self.count += 1;
        self.jobs.push(Entry { at, turn: self.count, job });
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.jobs.peek().map(|entry| entry.at)
    }

    /// The next one, and when it was due.
    pub(super) fn take(&mut self) -> Option<(Instant, Job)> {
        self.jobs.pop().map(|entry| (entry.at, entry.job))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first.
        (other.at, other.turn).cmp(&(self.at, self.turn))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}
