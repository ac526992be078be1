//! Writes what came of attempts, many at once.
//!
//! Nobody waits for a settlement but the endpoint's cap of requests in flight. So it waits a moment in the store for a
//! transaction to go with: alone it would take a sync of the disk from a notification that Meta waits for. When much of
//! what an endpoint may have in flight waits to be written, all of it is written at once.

use std::sync::Arc;
use std::time::Duration;

use store::{Settlement, Store, StoreError};
use tokio::sync::mpsc;

const BATCH_MAX: usize = 512;
/// How long a settlement waits for company.
const PATIENCE: Duration = Duration::from_millis(10);
/// It waits no longer when all but this part of what an endpoint may have in flight waits to be written.
const SHARE_OF_CAP: usize = 8;
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// A settlement, and how many of its endpoint may be in flight.
#[derive(Debug)]
pub(super) struct ToSettle {
    pub(super) settlement: Settlement,
    pub(super) concurrency_max: usize,
}

/// Settles in order until the last sender is gone and everything is written, or the store is closed.
pub(super) async fn run(store: Arc<dyn Store>, inbox: mpsc::Receiver<ToSettle>) {
    let mut settler = Settler { store, inbox, waiting: Waiting::default() };
    while settler.step().await {}
}

struct Settler {
    store: Arc<dyn Store>,
    inbox: mpsc::Receiver<ToSettle>,
    /// What came while others were written.
    waiting: Waiting,
}

/// Settlements in their order.
#[derive(Debug, Default)]
struct Waiting(Vec<ToSettle>);

impl Waiting {
    fn take(&mut self) -> Vec<Settlement> {
        std::mem::take(&mut self.0).into_iter().map(|one| one.settlement).collect()
    }

    /// How many may wait to be written before they are written at once.
    fn enough(&self) -> usize {
        let of_each = self.0.iter().map(|one| one.concurrency_max - one.concurrency_max / SHARE_OF_CAP);
        of_each.min().unwrap_or(BATCH_MAX).min(BATCH_MAX)
    }
}

impl Settler {
    /// Writes what is there. False when nothing will come any more, or the store is closed.
    async fn step(&mut self) -> bool {
        if self.waiting.0.is_empty() && self.inbox.recv_many(&mut self.waiting.0, BATCH_MAX).await == 0 {
            return false;
        }
        let enough = self.waiting.enough();
        let batch = self.waiting.take();
        let left = if batch.len() < enough { self.in_company(batch, enough).await } else { batch };
        left.is_empty() || settle(&*self.store, left).await
    }

    /// Writes a batch with what else is written, and with what comes meanwhile as soon as that is enough. Gives what could
    /// not be written.
    async fn in_company(&mut self, batch: Vec<Settlement>, mut enough: usize) -> Vec<Settlement> {
        let Self { store, inbox, waiting } = self;
        let patient = store.settle_in_company(batch.clone(), PATIENCE);
        tokio::pin!(patient);
        let mut open = true;
        loop {
            let room = BATCH_MAX - waiting.0.len();
            tokio::select! {
                biased;
                written = &mut patient => return unwritten(&written, batch),
                received = inbox.recv_many(&mut waiting.0, room), if open && room > 0 => open = received > 0,
            }
            enough = enough.min(waiting.enough());
            if batch.len() + waiting.0.len() >= enough && !waiting.0.is_empty() {
                break;
            }
        }
        let more = waiting.take();
        let (first, second) = tokio::join!(biased; patient, store.settle(more.clone()));
        let mut left = unwritten(&first, batch);
        left.extend(unwritten(&second, more));
        left
    }
}

fn unwritten(written: &Result<Vec<bool>, StoreError>, settlements: Vec<Settlement>) -> Vec<Settlement> {
    if written.is_ok() { Vec::new() } else { settlements }
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
