//! Writes what came of attempts, as many as there are at once.

use std::sync::Arc;
use std::time::Duration;

use store::{Settlement, Store, StoreError};
use tokio::sync::mpsc;

const BATCH_MAX: usize = 512;
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// Settles until the last sender is gone and everything is written, or the store is closed.
pub(super) async fn run(store: Arc<dyn Store>, mut settlements: mpsc::Receiver<Settlement>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while settlements.recv_many(&mut batch, BATCH_MAX).await > 0 {
        if !settle(&*store, std::mem::take(&mut batch)).await {
            return;
        }
    }
}

/// An outcome that cannot be written now is written later: losing it would repeat a delivery that was accepted.
async fn settle(store: &dyn Store, batch: Vec<Settlement>) -> bool {
    let mut told = false;
    loop {
        match store.settle(batch.clone()).await {
            Ok(_) => return true,
            Err(StoreError::Closed) => return false,
            Err(cause) => {
                if !told {
                    tracing::error!(
                        error = crate::chain(&cause),
                        settlements = batch.len(),
                        "failed to settle; trying on"
                    );
                    told = true;
                }
                tokio::time::sleep(RETRY_EVERY).await;
            }
        }
    }
}
