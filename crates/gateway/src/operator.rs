//! Waypost's own events: what an operator wants to hear of, committed and routed like any other.
//!
//! They go only to endpoints whose rules name them (`fields = ["waypost"]`, `types = ["waypost.endpoint.*"]`). What is told
//! has been written before; a crash between the two loses the telling, never the fact.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rules::delivery::EndReason;
use rules::identity::{EventId, NotificationId};
use rules::route::Facts;
use serde_json::json;
use store::{CommitError, DeliveryNo, LaneName, NewEvent, NewNotification, Store};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, rfc3339_ms};
use crate::cut::key_partition;
use crate::routing::{Routing, Snapshot};

/// The field of these events, and the first word of their types. No app may be called so.
pub const FIELD: &str = "waypost";
/// News that wait to be told; beyond that they are dropped, and counted in the log.
const QUEUE_MAX: usize = 10_000;
/// Deaths are gathered for so long, so that a backlog that ends is a few events and not a million.
const GATHER: Duration = Duration::from_secs(1);
/// Deliveries that one event names.
const NAMED_MAX: usize = 100;
/// News that are gathered at once.
const BATCH_MAX: usize = 1_000;

/// Something that an operator wants to hear of.
#[derive(Debug, Clone)]
pub(crate) enum News {
    /// An endpoint changed its state by itself.
    Endpoint {
        /// Its id.
        id: String,
        /// Whose it is.
        owner: String,
        /// `suspended`, `resumed` or `disabled`.
        turn: &'static str,
        /// Why.
        reason: String,
        /// When.
        at_ms: i64,
    },
    /// The store's volume fills up, or has more room again.
    Disk {
        /// It fills up.
        rising: bool,
        /// The alarm that holds now, in per cent; 0 for none.
        level: u8,
        /// How much is used.
        used_percent: u8,
        /// How much is not.
        free_bytes: u64,
        /// When.
        at_ms: i64,
    },
    /// Deliveries of an endpoint died.
    Dead {
        /// The endpoint's id.
        id: String,
        /// Whose it is.
        owner: String,
        /// Why.
        reason: EndReason,
        /// How many.
        count: u64,
        /// One of them, where it is known.
        delivery: Option<(DeliveryNo, EventId)>,
        /// When.
        at_ms: i64,
    },
}

/// The way to tell news. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Herald {
    queue: mpsc::Sender<News>,
}

impl Herald {
    /// A herald, and what its task works on.
    pub(crate) fn new() -> (Self, mpsc::Receiver<News>) {
        let (queue, inbox) = mpsc::channel(QUEUE_MAX);
        (Self { queue }, inbox)
    }

    /// Tells something; never waits.
    pub(crate) fn tell(&self, news: News) {
        if self.queue.try_send(news).is_err() {
            tracing::warn!("an operator event was dropped: too many wait to be told");
        }
    }
}

/// What telling needs.
pub(crate) struct Teller {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routing: Arc<Routing>,
    pub(crate) clock: Clock,
}

/// Tells news until `stop`, and then what is left.
pub(crate) async fn run(teller: Teller, mut inbox: mpsc::Receiver<News>, stop: CancellationToken) {
    loop {
        let mut news = Vec::new();
        tokio::select! {
            () = stop.cancelled() => inbox.close(),
            count = inbox.recv_many(&mut news, BATCH_MAX) => if count == 0 { return },
        }
        if news.iter().any(|one| matches!(one, News::Dead { .. })) && !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(GATHER) => {}
            }
            while let (true, Ok(more)) = (news.len() < BATCH_MAX, inbox.try_recv()) {
                news.push(more);
            }
        }
        teller.tell(news).await;
        if stop.is_cancelled() && inbox.is_empty() {
            return;
        }
    }
}

impl Teller {
    async fn tell(&self, news: Vec<News>) {
        let told = gather(news);
        if told.is_empty() {
            return;
        }
        // Twice, for the endpoints may change between routing and commit.
        for _ in 0..2 {
            let snapshot = self.routing.current();
            let batch: Vec<_> = told.iter().filter_map(|one| self.notification(one, &snapshot)).collect();
            match self.store.commit(batch).await {
                Ok(_) => return,
                Err(CommitError::RoutesMoved { .. }) => drop(self.routing.reload().await),
                Err(cause) => {
                    tracing::warn!(error = crate::chain(&cause), "failed to commit operator events; they are not told");
                    return;
                }
            }
        }
    }

    fn notification(&self, told: &Told, snapshot: &Snapshot) -> Option<NewNotification> {
        let now_ms = self.clock.now_ms();
        let mut chance = [0; 10];
        getrandom::fill(&mut chance).ok()?;
        let id = NotificationId::new(now_ms, chance);
        let seconds = told.at_ms.div_euclid(1_000);
        let value = told.value.to_string();
        let entry = serde_json::to_string(&told.endpoint).ok()?;
        let head = format!(
            r#"{{"object":"waypost","entry":[{{"id":{entry},"time":{seconds},"changes":[{{"field":"{}","value":"#,
            told.event_type
        );
        let data_range = head.len()..head.len() + value.len();
        let key = format!("{}:{id}", told.event_type);
        let owed_to = snapshot.routes.matching(&Facts {
            app: FIELD,
            field: FIELD,
            event_type: &told.event_type,
            waba_id: None,
            phone_number_id: None,
            test: false,
            owner: Some(&told.owner),
        });
        let event = NewEvent {
            id: EventId::derive(FIELD, &key),
            key_partition: key_partition(Some(seconds), &key),
            key,
            event_type: told.event_type.clone(),
            field: FIELD.to_owned(),
            entry_id: Some(told.endpoint.clone()),
            waba_id: None,
            business_id: None,
            phone_number_id: None,
            display_phone_number: None,
            wa_id: None,
            user_id: None,
            parent_user_id: None,
            message_id: None,
            lane: LaneName::Named(format!("{FIELD}:{}", told.endpoint)),
            occurred_at_seconds: Some(seconds),
            test: false,
            problems_json: "[]".to_owned(),
            data_range,
            data_is_json: true,
            position: 0,
            owed_to,
        };
        Some(NewNotification {
            id,
            app: FIELD.to_owned(),
            scope: FIELD.to_owned(),
            received_at_ms: now_ms,
            signature: None,
            secret_index: None,
            routes_version: snapshot.version,
            events: vec![event],
            numbers: Vec::new(),
            whole_to: Vec::new(),
            body: format!("{head}{value}}}]}}]}}").into_bytes().into(),
        })
    }
}

/// One event to be.
#[derive(Debug)]
struct Told {
    event_type: String,
    endpoint: String,
    owner: String,
    value: serde_json::Value,
    at_ms: i64,
}

/// Changes of state one by one; deaths by endpoint and reason.
fn gather(news: Vec<News>) -> Vec<Told> {
    let mut told = Vec::new();
    let mut deaths: BTreeMap<(String, &'static str), Deaths> = BTreeMap::new();
    for one in news {
        match one {
            News::Endpoint { id, owner, turn, reason, at_ms } => told.push(Told {
                event_type: format!("{FIELD}.endpoint.{turn}"),
                value: json!({ "endpoint": id, "owner": &owner, "reason": reason, "at": rfc3339_ms(at_ms) }),
                endpoint: id,
                owner,
                at_ms,
            }),
            News::Disk { rising, level, used_percent, free_bytes, at_ms } => told.push(Told {
                event_type: format!("{FIELD}.disk.{}", if rising { "filling" } else { "eased" }),
                value: json!({
                    "level": level, "used_percent": used_percent, "free_bytes": free_bytes, "at": rfc3339_ms(at_ms),
                }),
                endpoint: "disk".to_owned(),
                owner: String::new(),
                at_ms,
            }),
            News::Dead { id, owner, reason, count, delivery, at_ms } => {
                let deaths = deaths.entry((id, reason.as_str())).or_default();
                deaths.count += count;
                deaths.owner = owner;
                deaths.at_ms = at_ms;
                if let Some(delivery) = delivery.filter(|_| deaths.named.len() < NAMED_MAX) {
                    deaths.named.push(delivery);
                }
            }
        }
    }
    told.extend(deaths.into_iter().map(|((id, reason), deaths)| deaths.told(id, reason)));
    told
}

#[derive(Debug, Default)]
struct Deaths {
    owner: String,
    count: u64,
    named: Vec<(DeliveryNo, EventId)>,
    at_ms: i64,
}

impl Deaths {
    fn told(self, id: String, reason: &str) -> Told {
        let named: Vec<_> = self
            .named
            .iter()
            .map(|(delivery, event)| json!({ "delivery": delivery.0, "event": event.to_string() }))
            .collect();
        Told {
            event_type: format!("{FIELD}.delivery.dead"),
            value: json!({
                "endpoint": id, "owner": &self.owner, "reason": reason, "count": self.count, "deliveries": named,
                "at": rfc3339_ms(self.at_ms),
            }),
            endpoint: id,
            owner: self.owner,
            at_ms: self.at_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests may fail loudly")]

    use super::*;

    fn dead(id: &str, n: i64) -> News {
        News::Dead {
            id: id.to_owned(),
            owner: String::new(),
            reason: EndReason::PolicyExhausted,
            count: 1,
            delivery: Some((DeliveryNo(n), EventId::derive("s", "k"))),
            at_ms: n,
        }
    }

    #[test]
    fn a_thousand_deaths_of_one_endpoint_are_one_event_that_names_a_hundred() {
        let mut news: Vec<News> = (0..1_000).map(|n| dead("a", n)).collect();
        news.push(dead("b", 7));
        let told = gather(news);
        let counts: Vec<_> = told.iter().map(|one| (one.endpoint.as_str(), &one.value["count"])).collect();
        assert_eq!(counts, [("a", &json!(1_000)), ("b", &json!(1))]);
        assert!(told.first().is_some_and(|one| one.value["deliveries"].as_array().is_some_and(|d| d.len() == 100)));
    }
}
