//! `--print`: each event on standard output, one JSON a line, as it is committed.

use std::sync::Arc;

use gateway::event_json::EventJson;
use rules::identity::EventId;
use store::Store;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::terminal;

/// Prints until the gateway stops or nobody reads.
pub(super) async fn run(mut fresh: Receiver<Vec<EventId>>, store: Arc<dyn Store>) {
    loop {
        let ids = match fresh.recv().await {
            Ok(ids) => ids,
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "the output is too slow: some notifications were not printed (they are kept)");
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        let payloads = match store.payloads(&ids).await {
            Ok(payloads) => payloads,
            Err(cause) => {
                tracing::warn!(error = %cause, "failed to read events for printing (they are kept)");
                continue;
            }
        };
        for payload in payloads {
            if terminal::print(&EventJson::new(&payload.event, payload.body.as_deref()).to_text()).is_err() {
                return;
            }
        }
    }
}
