//! Retention, a slice at a time.

use std::sync::Arc;
use std::time::Duration;

use store::{Retention, Store};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// Between two looks, when there is nothing to drop.
const REST: Duration = Duration::from_secs(60);
/// Between two slices, so that commits come first.
const BREATH: Duration = Duration::from_millis(50);

/// Drops what retention no longer keeps, until `stop`.
pub(crate) async fn run(store: Arc<dyn Store>, retention: Retention, clock: Clock, stop: CancellationToken) {
    loop {
        let wait = match store.prune(retention, clock.now_ms()).await {
            Ok(report) => {
                if report != store::PruneReport::default() {
                    tracing::debug!(?report, "retention dropped a slice");
                }
                if report.more { BREATH } else { REST }
            }
            Err(cause) => {
                tracing::warn!(error = crate::chain(&cause), "retention failed; trying again later");
                REST
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}
