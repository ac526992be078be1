//! From a body to events with ids, numbers and lanes, by the gateway's own code and without its store: what a gateway
//! learns from one body to the next is kept here for one run.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use gateway::cut::{Received, cut};
use gateway::routing::Snapshot;
use gateway::secret::Secret;
use gateway::settings::AppSettings;
use rules::directory::{Directory, Number};
use rules::identity::{EventId, NotificationId};
use rules::lane::{Known, resolve};
use store::{EventRecord, LaneName, NewConversation, NewEvent, Payload};

/// Reads bodies as one app would.
#[derive(Debug)]
pub(super) struct Reader {
    app: String,
    scope: String,
    nowhere: Snapshot,
    directory: Directory,
    /// What names lead to, by business number and name.
    names: HashMap<(String, String), Known>,
}

impl Reader {
    /// Reads as this app, alone or in a group.
    pub(super) fn new(app: &str, group: Option<&str>) -> Self {
        let settings = AppSettings {
            name: app.to_owned(),
            app_id: None,
            group: group.map(str::to_owned),
            paths: Vec::new(),
            verify_token: Secret::new(""),
            secrets: Vec::new(),
        };
        Self {
            scope: settings.scope(),
            app: settings.name,
            nowhere: Snapshot::empty(),
            directory: Directory::default(),
            names: HashMap::new(),
        }
    }

    /// The events of a body, in its order.
    pub(super) fn events(&mut self, body: Arc<[u8]>) -> Vec<Payload> {
        let received = Received {
            id: NotificationId::new(0, [0; 10]),
            app: self.app.clone(),
            scope: self.scope.clone(),
            received_at_ms: 0,
            body: Arc::clone(&body),
            signature: None,
            secret_index: None,
        };
        let notification = cut(received, &self.nowhere, &self.directory);
        for entry in notification.numbers {
            let number = Number { phone_number_id: entry.phone_number_id, waba_id: entry.waba_id };
            self.directory.learn(entry.display_digits, number);
        }
        let id = notification.id;
        let events = notification.events.into_iter();
        events
            .map(|event| Payload {
                event: Arc::new(self.record(id, event)),
                body: Some(Arc::clone(&body)),
                signature: None,
            })
            .collect()
    }

    fn record(&mut self, notification: NotificationId, event: NewEvent) -> EventRecord {
        let key = without_arrival(event.key, event.test, notification);
        let id = EventId::derive(&self.scope, &key);
        let lane = match &event.lane {
            LaneName::Named(lane) => lane.clone(),
            // As the store names the lane of an event that is in order with nothing.
            LaneName::Conversation(names) => self.lane(names).unwrap_or_else(|| format!("event:{id}")),
        };
        // Nothing was routed here, so nothing is said of it.
        EventRecord { unrouted: false, ..NewEvent { id, key, ..event }.kept(notification, &self.app, 0, lane) }
    }

    fn lane(&mut self, conversation: &NewConversation) -> Option<String> {
        let NewConversation { number, names, previous } = conversation;
        let known = |name: &str| Ok(self.names.get(&(number.clone(), name.to_owned())).cloned());
        let found: Result<_, Infallible> = resolve(number, names, previous, known);
        let Ok(resolved) = found;
        let resolved = resolved?;
        let learned = resolved.learn.into_iter();
        self.names.extend(learned.map(|(name, known)| ((number.clone(), name), known)));
        Some(resolved.lane)
    }
}

/// A gateway gives each arrival of a test send a key of its own. Here nothing arrives, and one body keeps one set of ids.
fn without_arrival(key: String, test: bool, notification: NotificationId) -> String {
    let mark = format!(":{notification}");
    match key.strip_suffix(&mark) {
        Some(plain) if test => plain.to_owned(),
        _ => key,
    }
}
