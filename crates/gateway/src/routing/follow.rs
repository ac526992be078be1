//! Learns what other nodes changed about the endpoints. Routing would find it out at its next commit, which the store
//! refuses when it was routed by older endpoints; delivery has no such moment.

use std::sync::Arc;
use std::time::Duration;

use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use super::Routing;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);

/// Loads the endpoints again whenever their version has moved, until `stop`.
pub(crate) async fn run(store: Arc<dyn Store>, routing: Arc<Routing>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        match catch_up(&*store, &routing).await {
            Ok(()) => {}
            Err(StoreError::Closed) => return,
            // Whoever commits or claims tells of a store that is gone.
            Err(cause) => tracing::debug!(error = crate::chain(&cause), "the endpoints could not be looked at"),
        }
    }
}

async fn catch_up(store: &dyn Store, routing: &Routing) -> Result<(), StoreError> {
    if store.endpoints_version().await? != routing.current().version {
        routing.reload().await?;
    }
    Ok(())
}
