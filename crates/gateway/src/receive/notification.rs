//! A notification from its first byte to its 200.

use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use rules::identity::NotificationId;
use rules::limits;
use store::{CommitError, Committed, EventOutcome, NewNotification};

use super::answer::Refusal;
use super::apps::App;
use super::body;
use super::listener::Receiver;
use super::refused::RefusedBody;
use crate::cut::{Received, cut, route_again};
use crate::sign::fitting_secret;

/// Bodies above this many bytes are verified and cut on a thread of their own, so that small requests do not wait.
const INLINE_BYTES_MAX: usize = 64 * 1024;
/// How often a notification is routed again because the endpoints moved, before the sender is asked to come again.
const ROUTINGS_MAX: usize = 5;

/// Takes one notification; it is kept when this returns `Ok`.
pub(super) async fn take(receiver: &Arc<Receiver>, app: &Arc<App>, request: Request<Incoming>) -> Result<(), Refusal> {
    let signature = request
        .headers()
        .get("x-hub-signature-256")
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let limit = receiver.settings.body_bytes_max;
    let timeout = Duration::from_secs(limits::BODY_TIMEOUT_SECONDS);
    let body = body::read(request.into_body(), limit, timeout, &receiver.bytes_in_flight).await?;
    // Taken after the body was read, so that slow senders do not use up the places.
    let _place = receiver
        .requests_in_flight
        .try_acquire()
        .map_err(|_| Refusal::Overloaded)?;
    let work = Arrived {
        app: Arc::clone(app),
        signature,
        bytes: body.bytes,
    };
    let notification = if work.bytes.len() <= INLINE_BYTES_MAX {
        work.verify_and_cut(receiver)?
    } else {
        let receiver = Arc::clone(receiver);
        tokio::task::spawn_blocking(move || work.verify_and_cut(&receiver))
            .await
            .map_err(|_| Refusal::StoreUnavailable)??
    };
    commit(receiver, app, notification).await
}

/// A body that has arrived whole and is not believed yet.
struct Arrived {
    app: Arc<App>,
    signature: Option<String>,
    bytes: Vec<u8>,
}

impl Arrived {
    fn verify_and_cut(self, receiver: &Receiver) -> Result<NewNotification, Refusal> {
        let received_at_ms = receiver.clock.now_ms();
        let secret_index = match self.verify() {
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
        let mut chance = [0; 10];
        getrandom::fill(&mut chance).map_err(|_| Refusal::StoreUnavailable)?;
        let received = Received {
            id: NotificationId::new(received_at_ms, chance),
            app: self.app.settings.name.clone(),
            scope: self.app.scope.clone(),
            received_at_ms,
            body: self.bytes.into(),
            signature: self.signature,
            secret_index: u8::try_from(secret_index).ok(),
        };
        let snapshot = receiver.routing.current();
        Ok(self.app.with_directory(|directory| cut(received, &snapshot, directory)))
    }

    fn verify(&self) -> Result<usize, Refusal> {
        let header = self.signature.as_deref().ok_or(Refusal::SignatureMissing)?;
        fitting_secret(&self.app.settings.secrets, header, &self.bytes).ok_or(Refusal::SignatureWrong)
    }
}

async fn commit(receiver: &Receiver, app: &App, mut notification: NewNotification) -> Result<(), Refusal> {
    for _ in 0..ROUTINGS_MAX {
        match receiver.store.commit(vec![notification.clone()]).await {
            Ok(committed) => {
                app.learn(std::mem::take(&mut notification.numbers));
                count(receiver, &notification, committed);
                return Ok(());
            }
            Err(CommitError::RoutesMoved { .. }) => {
                receiver.routing.reload().await.map_err(|cause| unavailable(&cause))?;
                route_again(&mut notification, &receiver.routing.current());
            }
            Err(CommitError::Overloaded) => return Err(Refusal::Overloaded),
            Err(CommitError::Store(cause)) => return Err(unavailable(&cause)),
        }
    }
    Err(Refusal::Overloaded)
}

fn unavailable(cause: &store::StoreError) -> Refusal {
    tracing::error!(
        error = crate::chain(cause),
        "a notification was refused with 503: the store cannot take it"
    );
    Refusal::StoreUnavailable
}

fn count(receiver: &Receiver, notification: &NewNotification, committed: Vec<Committed>) {
    let outcomes = committed.into_iter().flat_map(|committed| committed.events);
    let mut fresh = Vec::new();
    for (event, outcome) in notification.events.iter().zip(outcomes) {
        receiver.metrics.event(&event.event_type, outcome);
        if outcome == EventOutcome::New {
            fresh.push(event.id);
        }
    }
    receiver.metrics.notification(notification.body.len());
    if let Some(fresh_events) = &receiver.fresh_events
        && !fresh.is_empty()
    {
        // Whoever watches may lag behind or be gone; that is no matter for Meta.
        drop(fresh_events.send(fresh));
    }
}
