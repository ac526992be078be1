//! Alarms about the store's volume: at 80, 90 and 95 % of it, once each on the way up and once on the way down.

use std::sync::Arc;
use std::time::Duration;

use store::{Health, Store};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::operator::{Herald, News};

/// The alarms, in per cent of the volume that are used.
const LEVELS: [u8; 3] = [95, 90, 80];
/// An alarm ends when so many per cent less are used, so that a volume that stays near it does not ring on.
const SLACK_PERCENT: u8 = 2;
const EVERY: Duration = Duration::from_secs(1);

/// What watching the volume needs.
pub(crate) struct Alarm {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) herald: Herald,
    pub(crate) clock: Clock,
}

/// Watches until `stop`.
pub(crate) async fn run(alarm: Alarm, stop: CancellationToken) {
    let mut level = 0;
    loop {
        let health = alarm.store.health().await;
        level = alarm.look(level, &health);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

impl Alarm {
    /// Tells of a change, and gives the level that holds from now on.
    fn look(&self, before: u8, health: &Health) -> u8 {
        let Some(used) = used_percent(health) else { return before };
        let level = level(before, used);
        self.metrics.disk_alarm(level);
        if level == before {
            return level;
        }
        let free_bytes = health.free_bytes;
        if level > before {
            tracing::warn!(used_percent = used, free_bytes, "the store's volume fills up");
        } else {
            tracing::info!(used_percent = used, free_bytes, "the store's volume has more room again");
        }
        let at_ms = self.clock.now_ms();
        self.herald.tell(News::Disk { rising: level > before, level, used_percent: used, free_bytes, at_ms });
        level
    }
}

/// Per cent of the volume that are used; None where nobody knows its size.
fn used_percent(health: &Health) -> Option<u8> {
    let used = u128::from(health.volume_bytes.saturating_sub(health.free_bytes));
    let percent = (used * 100).checked_div(u128::from(health.volume_bytes))?;
    u8::try_from(percent).ok()
}

/// The alarm that holds at so many per cent, after the one that held before. 0: none.
fn level(before: u8, used_percent: u8) -> u8 {
    let reached = |from: u8| LEVELS.into_iter().find(|level| used_percent >= level.saturating_sub(from)).unwrap_or(0);
    reached(0).max(reached(SLACK_PERCENT).min(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_alarm_rings_once_on_the_way_up_and_ends_a_little_below() {
        let way = [10, 79, 80, 81, 89, 90, 96, 94, 93, 92, 88, 87, 79, 78, 77, 95, 10];
        let mut before = 0;
        let told: Vec<u8> = way
            .into_iter()
            .map(|used| {
                before = level(before, used);
                before
            })
            .collect();
        assert_eq!(told, [0, 0, 80, 80, 80, 90, 95, 95, 95, 90, 90, 80, 80, 80, 0, 95, 0]);
    }

    #[test]
    fn a_volume_of_which_nobody_knows_the_size_rings_no_alarm() {
        let health = |free_bytes, volume_bytes| Health {
            writable: true,
            reason: None,
            caution: None,
            store_bytes: 0,
            free_bytes,
            volume_bytes,
            last_commit_us: 0,
            queued: 0,
            damaged: 0,
        };
        let used = [health(0, 0), health(20, 100), health(0, 100), health(u64::MAX, 100)].map(|one| used_percent(&one));
        assert_eq!(used, [None, Some(80), Some(100), Some(0)]);
    }
}
