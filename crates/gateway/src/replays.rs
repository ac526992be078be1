//! Replays: the worker that counts and runs them, a slice at a time, behind everything else.
//!
//! All that a replay is lies in the store; this only decides when the next slice is due. A restart goes on where it was.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use store::{NewReplay, OwedOf, ReplayNo, ReplayRecord, ReplayState, Steer, Store, StoreError};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::hand;

/// Between two looks while something is counted or run and there was nothing to do.
const PACE: Duration = Duration::from_millis(100);
/// Between two slices, so that commits come first.
const BREATH: Duration = Duration::from_millis(5);
/// Between two looks when there are no replays: what is made here rings.
const REST: Duration = Duration::from_secs(30);
/// After a failure of the store.
const PAUSE: Duration = Duration::from_secs(1);
/// Deliveries that one slice makes at most.
const SLICE_MAX: usize = 200;

/// Makes and steers replays, and runs them.
#[derive(Clone)]
pub(crate) struct Replays {
    store: Arc<dyn Store>,
    clock: Clock,
    bell: Arc<Notify>,
}

/// How much of its rate a replay has left.
struct Allowance {
    since: Instant,
    /// In billionths of a delivery.
    credit: u128,
}

/// What one delivery costs of an allowance: its rate earns so much in a second.
const ONE: u128 = 1_000_000_000;

impl Replays {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { store, clock, bell: Arc::default() }
    }

    /// Makes a replay; it is counted from now on.
    pub(crate) async fn make(&self, new: NewReplay) -> Result<ReplayRecord, StoreError> {
        let record = self.store.make_replay(new, self.clock.now_ms()).await?;
        self.bell.notify_one();
        Ok(record)
    }

    /// Starts, pauses or cancels. What a cancelled one has made and is still owed is given up, also when it was done.
    pub(crate) async fn steer(&self, number: ReplayNo, steer: Steer, who: &str) -> Result<ReplayRecord, StoreError> {
        let record = self.store.steer_replay(number, steer, who, self.clock.now_ms()).await?;
        if steer == Steer::Cancel {
            hand::give_up(&*self.store, OwedOf::Replay(number), self.clock.now_ms()).await?;
        }
        self.bell.notify_one();
        Ok(record)
    }

    /// Works until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut allowances = HashMap::new();
        loop {
            let wait = match self.round(&mut allowances).await {
                Ok(wait) => wait,
                Err(StoreError::Closed) => return,
                Err(cause) => {
                    tracing::warn!(error = crate::chain(&cause), "a replay failed; trying again");
                    PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.bell.notified(), if wait > BREATH => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One slice of each. Gives how long there is nothing to do.
    async fn round(&self, allowances: &mut HashMap<ReplayNo, Allowance>) -> Result<Duration, StoreError> {
        let busy = self.store.busy_replays().await?;
        allowances.retain(|number, _| busy.iter().any(|record| record.number == *number));
        let mut wait = if busy.is_empty() { REST } else { PACE };
        for record in busy {
            if self.slice(&record, allowances).await? {
                wait = BREATH;
            }
        }
        Ok(wait)
    }

    /// One slice of one. True when there may be more to do at once.
    async fn slice(
        &self,
        before: &ReplayRecord,
        allowances: &mut HashMap<ReplayNo, Allowance>,
    ) -> Result<bool, StoreError> {
        let (number, now_ms) = (before.number, self.clock.now_ms());
        if before.state == ReplayState::Counting {
            self.store.count_replay(number, now_ms).await?;
            return Ok(true);
        }
        let allowed = match before.per_second {
            None => SLICE_MAX,
            Some(rate) => {
                allowances.entry(number).or_insert_with(|| Allowance::new(Instant::now())).take(rate, Instant::now())
            }
        };
        if allowed == 0 {
            return Ok(false);
        }
        let after = self.store.advance_replay(number, allowed, now_ms).await?;
        let made = after.made.saturating_sub(before.made);
        if let Some(allowance) = allowances.get_mut(&number) {
            allowance.give_back(allowed, made);
        }
        if after.state == ReplayState::Done {
            tracing::info!(replay.id = %number, made = after.made, matched = after.matched, "a replay is done");
        }
        Ok(made > 0 && before.per_second.is_none())
    }
}

impl Allowance {
    const fn new(now: Instant) -> Self {
        // The first delivery need not wait.
        Self { since: now, credit: ONE }
    }

    /// Takes what may be made now: never more at once than the rate gives in a second.
    fn take(&mut self, per_second: u32, now: Instant) -> usize {
        let earned = now.saturating_duration_since(self.since).as_nanos().saturating_mul(u128::from(per_second));
        self.since = now;
        self.credit = self.credit.saturating_add(earned).min(ONE * u128::from(per_second.max(1)));
        let whole = usize::try_from(self.credit / ONE).unwrap_or(SLICE_MAX).min(SLICE_MAX);
        self.credit -= credit_of(whole);
        whole
    }

    /// Gives back what was taken and not made.
    fn give_back(&mut self, taken: usize, made: u64) {
        let unmade = taken.saturating_sub(usize::try_from(made).unwrap_or(taken));
        self.credit += credit_of(unmade);
    }
}

/// What so many deliveries cost.
fn credit_of(deliveries: usize) -> u128 {
    u128::try_from(deliveries).unwrap_or_default() * ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_to_over_time_and_never_saved_up() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let mut allowance = Allowance::new(began);
        let made: usize = (0..=100).map(|tick| allowance.take(20, at(tick * 100))).sum();
        assert_eq!(made, 201, "ten seconds of twenty, and the first");
        assert_eq!(allowance.take(20, at(600_000)), 20, "a minute of rest is no minute's worth");
        assert_eq!(allowance.take(20, at(600_000)), 0);
        allowance.give_back(20, 5);
        assert_eq!(allowance.take(20, at(600_000)), 15);
    }

    #[test]
    fn a_slow_rate_makes_one_at_a_time() {
        let began = Instant::now();
        let mut allowance = Allowance::new(began);
        let made: Vec<usize> =
            (0..=20).map(|tick| allowance.take(1, began + Duration::from_millis(tick * 100))).collect();
        assert_eq!(made.iter().sum::<usize>(), 3);
        assert!(made.iter().all(|made| *made <= 1));
    }
}
