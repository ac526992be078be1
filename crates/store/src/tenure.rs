//! For how long what is under way may go on.

use tokio::sync::watch;

/// An engine's right to deliver, as one request sees it: it can be lost while the request is under way.
#[derive(Debug)]
pub struct Tenure {
    /// Terms of the engine that have ended.
    ended: watch::Receiver<u64>,
}

impl Tenure {
    /// From now on.
    pub(crate) fn new(ended: watch::Receiver<u64>) -> Self {
        Self { ended }
    }

    /// Waits until the right was lost, be it had again since. It is lost with the engine, too.
    pub async fn ended(mut self) {
        // An engine that is gone ends it as well.
        drop(self.ended.changed().await);
    }
}
