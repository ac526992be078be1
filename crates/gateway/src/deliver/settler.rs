//! Writes what came of attempts, many at once.
//!
//! Nobody waits for a settlement but the endpoint's cap of requests in flight, so that one that comes alone waits a moment
//! for others: it would take a sync of the disk from a notification that Meta waits for.

use std::sync::Arc;
use std::time::Duration;

use store::{Settlement, Store, StoreError};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

const BATCH_MAX: usize = 512;
/// How long a settlement waits for others.
const LINGER: Duration = Duration::from_millis(5);
/// A batch waits no longer when all but this part of what an endpoint may have in flight waits to be written.
const SHARE_OF_CAP: usize = 8;
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// A settlement, and how many of its endpoint may be in flight.
#[derive(Debug)]
pub(super) struct ToSettle {
    pub(super) settlement: Settlement,
    pub(super) concurrency_max: usize,
}

/// Settles in order until the last sender is gone and everything is written, or the store is closed.
pub(super) async fn run(store: Arc<dyn Store>, mut inbox: mpsc::Receiver<ToSettle>) {
    while let Some(batch) = next_batch(&mut inbox).await {
        if !settle(&*store, batch).await {
            return;
        }
    }
}

/// What there is, and what comes within a moment.
async fn next_batch(inbox: &mut mpsc::Receiver<ToSettle>) -> Option<Vec<Settlement>> {
    let mut batch = Vec::new();
    inbox.recv_many(&mut batch, BATCH_MAX).await;
    let until = Instant::now() + LINGER;
    while batch.len() < enough(&batch) {
        let room = BATCH_MAX - batch.len();
        match timeout_at(until, inbox.recv_many(&mut batch, room)).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let batch: Vec<Settlement> = batch.into_iter().map(|one| one.settlement).collect();
    (!batch.is_empty()).then_some(batch)
}

fn enough(batch: &[ToSettle]) -> usize {
    let least = batch.iter().map(|one| one.concurrency_max - one.concurrency_max / SHARE_OF_CAP).min();
    least.unwrap_or(0).min(BATCH_MAX)
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
