//! What the board wants read from disk, and taking in what was read.
//!
//! A read names the newest delivery that was known to be durable when it was asked for; its snapshot holds everything
//! up to there. It is thrown away when the queue's epoch has changed meanwhile.

use super::Board;
use super::lane::{Head, Item, Place, Tried};
use super::queue::ALWAYS;
use crate::record::EndpointNo;

/// Rows that one read brings at most.
const READ_ROWS_MAX: usize = 1_000;

/// A lane that has used up what it had in memory moves: it gets this many times as much at once.
const REFILLS: usize = 8;

/// A read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Want {
    pub(crate) endpoint: EndpointNo,
    /// Only this lane.
    pub(crate) lane: Option<i64>,
    /// From this id on, inclusive.
    pub(crate) from: i64,
    /// Up to this id, inclusive.
    pub(crate) upto: i64,
    pub(crate) limit: usize,
    epoch: u64,
}

/// An owed delivery as read.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) item: Item,
    pub(crate) lane: i64,
}

impl Board {
    /// The next read that is wanted.
    pub(crate) fn next_want(&mut self) -> Option<Want> {
        self.next_parched().or_else(|| self.next_hungry())
    }

    fn next_parched(&mut self) -> Option<Want> {
        while let Some((number, hash)) = self.parched.pop_front() {
            let Some(queue) = self.queues.get(&number) else {
                continue;
            };
            let lane = queue.lanes.get(&Place::Lane(hash));
            let Some(from) = lane.and_then(|lane| lane.parked_from) else {
                continue;
            };
            return Some(Want {
                endpoint: number,
                lane: Some(hash),
                from,
                upto: queue.watermark,
                limit: REFILLS * self.sizes.lane,
                epoch: queue.epoch,
            });
        }
        None
    }

    fn next_hungry(&mut self) -> Option<Want> {
        for _ in 0..self.hungry.len().min(8) {
            let number = self.hungry.pop_front()?;
            let Some(queue) = self.queues.get_mut(&number) else {
                continue;
            };
            if !queue.is_hungry(&self.sizes) {
                queue.in_hungry = false;
                continue;
            }
            let room = self.sizes.total.saturating_sub(self.loaded).max(ALWAYS.saturating_sub(queue.loaded));
            if room == 0 {
                self.hungry.push_back(number);
                continue;
            }
            return Some(Want {
                endpoint: number,
                lane: None,
                from: queue.watermark + 1,
                upto: queue.newest,
                limit: room.min(READ_ROWS_MAX).min(self.sizes.window.saturating_sub(queue.loaded).max(1)),
                epoch: queue.epoch,
            });
        }
        None
    }

    /// Takes in what a read brought; None: it failed, and is wanted again.
    pub(crate) fn give(&mut self, want: &Want, rows: Option<Vec<Row>>) {
        if let (Some(rows), Some(queue)) = (rows, self.queues.get(&want.endpoint))
            && queue.epoch == want.epoch
        {
            match want.lane {
                Some(hash) => self.fill_lane(want, hash, rows),
                None => self.fill_window(want, rows),
            }
        } else if let Some(hash) = want.lane {
            self.parched.push_back((want.endpoint, hash));
        }
        if let Some(queue) = self.queues.get_mut(&want.endpoint) {
            if want.lane.is_none() {
                queue.in_hungry = false;
            }
            self.after(want.endpoint);
        }
    }

    fn fill_window(&mut self, want: &Want, rows: Vec<Row>) {
        let Some(queue) = self.queues.get_mut(&want.endpoint) else {
            return;
        };
        let whole = rows.len() < want.limit;
        let before = queue.loaded;
        for row in rows {
            queue.watermark = row.item.id;
            queue.add(row.item, row.lane, self.sizes.lane, &mut self.timers, &mut self.held);
        }
        if whole {
            queue.watermark = want.upto;
        }
        self.loaded += queue.loaded - before;
    }

    fn fill_lane(&mut self, want: &Want, hash: i64, rows: Vec<Row>) {
        let Some(queue) = self.queues.get_mut(&want.endpoint) else {
            return;
        };
        let watermark = queue.watermark;
        let place = Place::Lane(hash);
        let Some(lane) = queue.lanes.get_mut(&place) else {
            return;
        };
        lane.parked_from = if rows.len() >= want.limit {
            rows.last().map(|row| row.item.id + 1)
        } else if watermark > want.upto {
            // Followers may have been parked while the read was under way.
            Some(want.upto + 1)
        } else {
            None
        };
        self.loaded += rows.len();
        queue.loaded += rows.len();
        lane.items.extend(rows.into_iter().map(|row| row.item));
        if !lane.items.is_empty() {
            if lane.head == Head::Missing {
                queue.arm(place, &mut self.timers, &mut self.held);
            }
        } else if lane.parked_from.is_some() {
            self.parched.push_back((want.endpoint, hash));
        } else {
            queue.lanes.remove(&place);
        }
    }
}

impl Row {
    /// A delivery that waits or was tried carries what is known of that.
    pub(crate) fn new(item: Item, lane: i64, tried: Tried) -> Self {
        let untouched = tried == Tried::default();
        Self { item: Item { tried: (!untouched).then(|| Box::new(tried)), ..item }, lane }
    }
}
