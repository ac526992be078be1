//! A notification from its first byte to its 200.

use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use rules::identity::{EventId, NotificationId};
use rules::limits;
use store::{CommitError, Committed, EventOutcome, NewEvent, NewNotification, NumberEntry};

use super::answer::Refusal;
use super::apps::App;
use super::body;
use super::listener::Receiver;
use super::refused::RefusedBody;
use crate::chance;
use crate::cut::{Received, cut};
use crate::metrics::{Seen, problems_of, type_label};
use crate::sign::fitting_secret;

/// Bodies above this many bytes are verified and cut on a thread of their own, so that small requests do not wait.
const INLINE_BYTES_MAX: usize = 64 * 1024;
/// How often a notification is routed again because the endpoints moved, before the sender is asked to come again.
const ROUTINGS_MAX: usize = 5;

/// Takes one notification; it is kept when this returns `Ok`.
pub(super) async fn take(receiver: &Arc<Receiver>, app: &Arc<App>, request: Request<Incoming>) -> Result<(), Refusal> {
    let header = request.headers().get("x-hub-signature-256");
    let signature = header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let limit = receiver.settings.body_bytes_max;
    let timeout = Duration::from_secs(limits::BODY_TIMEOUT_SECONDS);
    let body = body::read(request.into_body(), limit, timeout, &receiver.bytes_in_flight).await?;
    // Taken after the body was read, so that slow senders do not use up the places.
    let _place = receiver.requests_in_flight.try_acquire().map_err(|_| Refusal::Overloaded)?;
    let arrived = Arrived { app: Arc::clone(app), signature, bytes: body.bytes };
    let is_small = arrived.bytes.len() <= INLINE_BYTES_MAX;
    let receiver_too = Arc::clone(receiver);
    let received = aside(is_small, move || arrived.verify(&receiver_too)).await??;
    keep(receiver, app, received, is_small).await
}

/// Does work that takes processor time: here when it is short, on a thread of its own when it is not.
async fn aside<T: Send + 'static>(is_short: bool, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    if is_short {
        return Ok(work());
    }
    // It fails only when the runtime is going down.
    tokio::task::spawn_blocking(work).await.map_err(|_| Refusal::Stopping)
}

/// A body that has arrived whole and is not believed yet.
struct Arrived {
    app: Arc<App>,
    signature: Option<String>,
    bytes: Vec<u8>,
}

impl Arrived {
    /// Believes the body when one of the app's secrets signed its bytes.
    fn verify(self, receiver: &Receiver) -> Result<Received, Refusal> {
        let received_at_ms = receiver.clock.now_ms();
        let secret_index = match self.fitting_secret() {
            Ok(index) => index,
            Err(refusal) => {
                receiver.refused.remember(RefusedBody {
                    app: self.app.settings.name.clone(),
                    received_at_ms,
                    signature: self.signature,
                    body: self.bytes,
                });
                return Err(refusal);
            }
        };
        let chance = chance::bytes().ok_or(Refusal::StoreUnavailable)?;
        Ok(Received {
            id: NotificationId::new(received_at_ms, chance),
            app: self.app.settings.name.clone(),
            scope: self.app.scope.clone(),
            received_at_ms,
            body: self.bytes.into(),
            signature: self.signature,
            secret_index: u8::try_from(secret_index).ok(),
        })
    }

    fn fitting_secret(&self) -> Result<usize, Refusal> {
        let header = self.signature.as_deref().ok_or(Refusal::SignatureMissing)?;
        fitting_secret(&self.app.settings.secrets, header, &self.bytes).ok_or(Refusal::SignatureWrong)
    }
}

/// Cuts, routes and commits. When the endpoints moved on in the meantime, the body is cut and routed again.
async fn keep(receiver: &Receiver, app: &Arc<App>, received: Received, is_small: bool) -> Result<(), Refusal> {
    for _ in 0..ROUTINGS_MAX {
        let (snapshot, app_too, again) = (receiver.routing.current(), Arc::clone(app), received.clone());
        let work = move || app_too.with_directory(|directory| cut(again, &snapshot, directory));
        let summed_up = move || {
            let notification = work();
            (Summary::of(&notification), notification)
        };
        let (summary, notification) = aside(is_small, summed_up).await?;
        match receiver.store.commit(vec![notification]).await {
            Ok(committed) => {
                #[cfg(feature = "failpoints")]
                testdisk::point("receive.committed");
                summary.tell(receiver, app, committed);
                return Ok(());
            }
            Err(CommitError::RoutesMoved { .. }) => {
                receiver.routing.reload().await.map_err(|cause| unavailable(&cause))?;
            }
            Err(CommitError::Overloaded) => return Err(Refusal::Overloaded),
            Err(CommitError::Store(cause)) => return Err(unavailable(&cause)),
        }
    }
    Err(Refusal::Overloaded)
}

/// The store tells once why it cannot be written; four thousand refusals a second need not repeat it. A fault of its own
/// is told each time.
fn unavailable(cause: &store::StoreError) -> Refusal {
    if matches!(cause, store::StoreError::Internal { .. }) {
        tracing::error!(error = crate::chain(cause), "a notification was refused with 503: the store failed");
    } else {
        tracing::debug!(error = crate::chain(cause), "a notification was refused with 503: the store cannot take it");
    }
    Refusal::StoreUnavailable
}

/// What is told of a notification when it is committed.
struct Summary {
    bytes: usize,
    events: Vec<EventSummary>,
    numbers: Vec<NumberEntry>,
}

struct EventSummary {
    id: EventId,
    type_label: &'static str,
    problems: Vec<Seen>,
}

impl Summary {
    fn of(notification: &NewNotification) -> Self {
        let event = |event: &NewEvent| EventSummary {
            id: event.id,
            type_label: type_label(&event.event_type),
            problems: problems_of(event),
        };
        Self {
            bytes: notification.body.len(),
            events: notification.events.iter().map(event).collect(),
            numbers: notification.numbers.clone(),
        }
    }

    fn tell(self, receiver: &Receiver, app: &App, committed: Vec<Committed>) {
        app.learn(self.numbers);
        receiver.metrics.notification(self.bytes);
        let outcomes = committed.into_iter().flat_map(|committed| committed.events);
        let (mut fresh, mut problems) = (Vec::new(), Vec::new());
        for (event, outcome) in self.events.into_iter().zip(outcomes) {
            receiver.metrics.event(event.type_label, outcome);
            if outcome == EventOutcome::New {
                fresh.push(event.id);
                problems.extend(event.problems);
            }
        }
        receiver.metrics.problems(problems);
        if receiver.fresh_events.receiver_count() > 0 && !fresh.is_empty() {
            // Whoever watches may lag behind or be gone; that is no matter for Meta.
            drop(receiver.fresh_events.send(fresh));
        }
    }
}
