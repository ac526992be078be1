//! Retention and the limits of backlogs, a slice at a time.

use std::sync::Arc;
use std::time::Duration;

use rules::delivery::EndReason;
use store::{BacklogLimit, Retention, Store, TrimReport};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::operator::{Herald, News};
use crate::routing::{Routing, Snapshot};

/// Between two looks, when there is nothing to drop.
const REST: Duration = Duration::from_secs(60);
/// Between two slices, so that commits come first.
const BREATH: Duration = Duration::from_millis(50);
/// Share of the volume that the store may fill where no size is set, in per cent.
const VOLUME_PERCENT: u64 = 80;

/// What upkeep works on.
pub(crate) struct Upkeep {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routing: Arc<Routing>,
    pub(crate) retention: Retention,
    pub(crate) clock: Clock,
    pub(crate) herald: Herald,
}

/// Drops what is no longer kept, until `stop`.
pub(crate) async fn run(upkeep: Upkeep, stop: CancellationToken) {
    loop {
        let more = upkeep.prune().await | upkeep.trim().await;
        let wait = if more { BREATH } else { REST };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

impl Upkeep {
    /// Drops one slice of what retention no longer keeps. True: there is more.
    async fn prune(&self) -> bool {
        match self.store.prune(self.retention, self.clock.now_ms()).await {
            Ok(report) => {
                if report != store::PruneReport::default() {
                    tracing::debug!(?report, "retention dropped a slice");
                }
                report.more
            }
            Err(cause) => {
                tracing::warn!(error = crate::chain(&cause), "retention failed; trying again later");
                false
            }
        }
    }

    /// Ends one slice of what endpoints are owed beyond their limits. True: there is more.
    async fn trim(&self) -> bool {
        let snapshot = self.routing.current();
        let now_ms = self.clock.now_ms();
        let limits = self.limits(&snapshot, now_ms).await;
        match self.store.trim_backlogs(limits, now_ms).await {
            Ok(report) => {
                self.tell(&snapshot, &report, now_ms);
                report.more
            }
            Err(cause) => {
                tracing::warn!(error = crate::chain(&cause), "trimming backlogs failed; trying again later");
                false
            }
        }
    }

    async fn limits(&self, snapshot: &Snapshot, now_ms: i64) -> Vec<BacklogLimit> {
        let of_volume = |bytes: u64| bytes / 100 * VOLUME_PERCENT;
        let store_bytes_max = match self.retention.store_bytes_max {
            Some(bytes) => bytes,
            None => of_volume(self.store.health().await.volume_bytes),
        };
        let limit = |endpoint: &Arc<crate::routing::Endpoint>| BacklogLimit {
            endpoint: endpoint.number,
            created_before_ms: now_ms.saturating_sub(endpoint.backlog.age_ms_max),
            // A volume whose size nobody knows limits nothing.
            bytes_max: (store_bytes_max > 0)
                .then(|| store_bytes_max / 100 * u64::from(endpoint.backlog.share_percent_max)),
        };
        snapshot.endpoints.values().map(limit).collect()
    }

    fn tell(&self, snapshot: &Snapshot, report: &TrimReport, now_ms: i64) {
        for (number, count) in &report.ended {
            let Some(endpoint) = snapshot.endpoints.get(number) else { continue };
            tracing::warn!(endpoint.id = endpoint.id, count, "the oldest of a backlog beyond its limit ended");
            self.herald.tell(News::Dead {
                id: endpoint.id.clone(),
                owner: endpoint.owner.clone(),
                reason: EndReason::BacklogLimit,
                count: *count,
                delivery: None,
                at_ms: now_ms,
            });
        }
    }
}
