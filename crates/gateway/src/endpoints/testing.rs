//! Test sends: an event of our own, marked as a test, through the very path that every event takes.

use std::time::Duration;

use rules::directory::Directory;
use rules::identity::{EventId, NotificationId};
use serde_json::json;
use store::{
    CommitError, DeliveryQuery, DeliveryRecord, EndpointRecord, EndpointState, LaneName, NewConversation,
    NewNotification, OwedOf, StoreError,
};
use thiserror::Error;

use super::Endpoints;
use crate::cut::{Received, cut, key_partition};
use crate::hand;
use crate::routing::Snapshot;

/// The longest that a caller waits for the outcome.
const WAIT_MAX: Duration = Duration::from_secs(25);
/// Between two looks at the delivery.
const LOOK: Duration = Duration::from_millis(25);
/// Routings of one test before it is given up: the endpoints change all the time.
const ROUTINGS_MAX: usize = 8;

/// What came of a test send.
#[derive(Debug)]
pub struct Tested {
    /// The event that was made.
    pub event: EventId,
    /// Its delivery, with the attempt; without one when that was not made in time.
    pub delivery: DeliveryRecord,
}

/// Why there was no test send.
#[derive(Debug, Error)]
pub enum TestError {
    /// The endpoint takes no deliveries in this state.
    #[error("the endpoint is {0}, and takes no deliveries: resume it first")]
    Inactive(&'static str),
    /// The store did not take it.
    #[error("failed to commit the test")]
    Commit(#[from] CommitError),
    /// The store did not answer.
    #[error("failed to read the test's outcome")]
    Store(#[from] StoreError),
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    NoChance,
}

impl Endpoints {
    /// Sends a test to one endpoint alone and waits for its outcome. What failed, or was not tried in time, is given up. With the
    /// same key, the test of the first call is found.
    pub async fn test(&self, endpoint: &EndpointRecord, app: &str, key: Option<&str>) -> Result<Tested, TestError> {
        match endpoint.state {
            EndpointState::Active => {}
            EndpointState::Paused => return Err(TestError::Inactive("paused")),
            EndpointState::Suspended => return Err(TestError::Inactive("suspended")),
            EndpointState::Disabled => return Err(TestError::Inactive("disabled")),
        }
        let event = self.commit_test(endpoint, app, key).await?;
        let delivery = self.outcome(endpoint, event).await?;
        if !delivery.state.is_final() {
            hand::give_up(&*self.store, OwedOf::Delivery(delivery.number), self.clock.now_ms()).await?;
        }
        let delivery = self.store.delivery(delivery.number).await?.unwrap_or(delivery);
        Ok(Tested { event, delivery })
    }

    async fn commit_test(&self, endpoint: &EndpointRecord, app: &str, key: Option<&str>) -> Result<EventId, TestError> {
        let now_ms = self.clock.now_ms();
        let mut chance = [0; 10];
        getrandom::fill(&mut chance).map_err(|_| TestError::NoChance)?;
        let id = NotificationId::new(now_ms, chance);
        let received = Received {
            id,
            app: app.to_owned(),
            scope: format!("test:{app}"),
            received_at_ms: now_ms,
            body: body(id, now_ms).into_bytes().into(),
            signature: None,
            secret_index: None,
        };
        let mut last = None;
        for _ in 0..ROUTINGS_MAX {
            let mut notification = cut(received.clone(), &Snapshot::empty(), &Directory::default());
            notification.routes_version = self.routing.current().version;
            let event = address(&mut notification, endpoint, key);
            match self.store.commit(vec![notification]).await {
                Ok(_) => return event.ok_or(TestError::Inactive("not reached by the test")),
                Err(CommitError::RoutesMoved { current }) => {
                    self.routing.reload().await?;
                    last = Some(CommitError::RoutesMoved { current });
                }
                Err(cause) => return Err(cause.into()),
            }
        }
        Err(TestError::Commit(last.unwrap_or(CommitError::Overloaded)))
    }

    /// Waits until the delivery was tried or has ended.
    async fn outcome(&self, endpoint: &EndpointRecord, event: EventId) -> Result<DeliveryRecord, TestError> {
        let deadline = tokio::time::Instant::now() + WAIT_MAX;
        loop {
            let query = DeliveryQuery {
                endpoint: Some(endpoint.number),
                event: Some(event),
                limit: 1,
                ..DeliveryQuery::default()
            };
            let found = self.store.deliveries(query).await?.rows.into_iter().next();
            let over = tokio::time::Instant::now() >= deadline;
            match found {
                Some(delivery) if over || delivery.attempts > 0 || delivery.state.is_final() => return Ok(delivery),
                None if over => return Err(StoreError::NotFound { what: "delivery of the test" }.into()),
                Some(_) | None => tokio::time::sleep(LOOK).await,
            }
        }
    }
}

/// Makes the test's one event the endpoint's alone. It has a lane of its own, so that it waits for nobody.
fn address(notification: &mut NewNotification, endpoint: &EndpointRecord, key: Option<&str>) -> Option<EventId> {
    notification.numbers.clear();
    notification.events.truncate(1);
    let event = notification.events.first_mut()?;
    if let Some(key) = key {
        event.key = format!("test:{}:{key}", endpoint.id);
        event.id = EventId::derive(&notification.scope, &event.key);
        event.key_partition = key_partition(None, &event.key);
    }
    event.test = true;
    event.lane = LaneName::Conversation(NewConversation::default());
    event.owed_to = vec![endpoint.number];
    Some(event.id)
}

/// A text message as the dashboard's test button sends it, by Meta's constants for that.
fn body(id: NotificationId, now_ms: i64) -> String {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "0", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "16505551111", "phone_number_id": "123456123" },
            "contacts": [{ "profile": { "name": "test user name" }, "wa_id": "16315551181" }],
            "messages": [{
                "from": "16315551181",
                "id": format!("wamid.waypost-test-{id}"),
                "timestamp": now_ms.div_euclid(1_000).to_string(),
                "type": "text",
                "text": { "body": "this is a test from Waypost" },
            }],
        } }] }],
    })
    .to_string()
}
