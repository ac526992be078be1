//! What is counted, for Prometheus. Labels are names of the configuration and words of closed lists; never ids of people,
//! keys or lanes.

mod problems;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use rules::delivery::{DeliveryState, FailureClass};
use store::{EventOutcome, Health, StoreCounts};

use crate::receive::Refusal;

pub(crate) use problems::{Seen, problems_of};

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    notifications: Counter,
    notification_bytes: Counter,
    events: Family<EventLabels, Counter>,
    problems: Family<ProblemLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    connections_refused: Counter,
    answer_seconds: Family<AppLabels, Histogram, fn() -> Histogram>,
    deliveries: Family<DeliveryLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    turns: Family<TurnLabels, Counter>,
    /// Of all endpoints together: a histogram for each of ten thousand would be a page of its own.
    attempt_seconds: Histogram,
    in_flight: Gauge,
    owed: Gauge,
    store_bytes: Gauge,
    free_bytes: Gauge,
    store_writable: Gauge,
    damaged: Gauge,
    disk_alarm: Gauge,
    commit_seconds: Gauge<f64, AtomicU64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    r#type: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProblemLabels {
    field: &'static str,
    what: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AppLabels {
    app: String,
    answer: AnswerLabel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the label's words as Prometheus shows them")]
enum AnswerLabel {
    kept,
    refused,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    endpoint: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    endpoint: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TurnLabels {
    endpoint: String,
    turn: &'static str,
}

/// The label for a type. Types that no catalogue lists share one, so that a sender cannot grow the metrics.
#[must_use]
pub fn type_label(event_type: &str) -> &'static str {
    let known = whatsapp::known_types();
    known.binary_search(&event_type).ok().and_then(|at| known.get(at).copied()).unwrap_or("other")
}

fn seconds() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("waypost"),
            notifications: Counter::default(),
            notification_bytes: Counter::default(),
            events: Family::default(),
            problems: Family::default(),
            refusals: Family::default(),
            connections_refused: Counter::default(),
            answer_seconds: Family::new_with_constructor(seconds),
            deliveries: Family::default(),
            attempts: Family::default(),
            turns: Family::default(),
            attempt_seconds: seconds(),
            in_flight: Gauge::default(),
            owed: Gauge::default(),
            store_bytes: Gauge::default(),
            free_bytes: Gauge::default(),
            store_writable: Gauge::default(),
            damaged: Gauge::default(),
            disk_alarm: Gauge::default(),
            commit_seconds: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("notifications", "Notifications kept", self.notifications.clone());
        r.register_with_unit("notification", "Bytes of the bodies kept", Unit::Bytes, self.notification_bytes.clone());
        r.register("events", "Events by type and what became of them", self.events.clone());
        r.register("problems", "What did not fit the known shapes, in new events", self.problems.clone());
        r.register("refusals", "Requests refused, by code", self.refusals.clone());
        r.register("connections_refused", "Connections above the cap", self.connections_refused.clone());
        r.register_with_unit("answer", "Time to the answer to Meta", Unit::Seconds, self.answer_seconds.clone());
        r.register("deliveries", "Deliveries that ended, by endpoint and state", self.deliveries.clone());
        r.register("attempts", "Attempts by endpoint and outcome", self.attempts.clone());
        r.register("endpoint_turns", "Endpoints suspended, resumed, disabled by themselves", self.turns.clone());
        r.register_with_unit("attempt", "Time of an attempt", Unit::Seconds, self.attempt_seconds.clone());
        r.register("in_flight", "Attempts being made now", self.in_flight.clone());
        r.register("owed", "Deliveries owed now", self.owed.clone());
        r.register_with_unit("store", "Size of the store's files", Unit::Bytes, self.store_bytes.clone());
        r.register_with_unit("store_free", "Free on the store's volume", Unit::Bytes, self.free_bytes.clone());
        r.register("store_writable", "1 when the store can commit", self.store_writable.clone());
        r.register("store_damaged", "Records found damaged since the start", self.damaged.clone());
        r.register("disk_alarm", "Per cent of the volume at which the alarm rings", self.disk_alarm.clone());
        r.register_with_unit("last_commit", "Time of the last commit", Unit::Seconds, self.commit_seconds.clone());
    }

    /// A notification was kept.
    pub fn notification(&self, bytes: usize) {
        self.notifications.inc();
        self.notification_bytes.inc_by(u64::try_from(bytes).unwrap_or(0));
    }

    /// An event of it, by the label of its type.
    pub fn event(&self, type_label: &'static str, outcome: EventOutcome) {
        let labels = EventLabels {
            r#type: type_label,
            outcome: match outcome {
                EventOutcome::New => "new",
                EventOutcome::Duplicate => "duplicate",
                EventOutcome::Conflicting => "conflicting",
            },
        };
        self.events.get_or_create(&labels).inc();
    }

    /// What did not fit the known shape in the new events of one notification.
    pub(crate) fn problems(&self, seen: impl IntoIterator<Item = Seen>) {
        for Seen { field, what, .. } in problems::each_once(seen) {
            self.problems.get_or_create(&ProblemLabels { field, what }).inc();
        }
    }

    /// A request was refused.
    pub fn refused(&self, refusal: Refusal) {
        self.refusals.get_or_create(&RefusalLabels { code: refusal.code() }).inc();
    }

    /// A connection above the cap was turned away.
    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// A notification was answered.
    pub fn answered(&self, app: &str, took: Duration, refusal: Option<Refusal>) {
        let answer = if refusal.is_some() { AnswerLabel::refused } else { AnswerLabel::kept };
        let labels = AppLabels { app: app.to_owned(), answer };
        self.answer_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// An attempt began.
    pub fn attempt_began(&self) {
        self.in_flight.inc();
    }

    /// An attempt began, and turned out not to be worth making.
    pub fn attempt_not_made(&self) {
        self.in_flight.dec();
    }

    /// An attempt ended.
    pub fn attempt_ended(&self, endpoint: &str, took: Duration, failure: Option<FailureClass>) {
        self.in_flight.dec();
        let outcome = failure.map_or("accepted", FailureClass::as_str);
        self.attempts.get_or_create(&AttemptLabels { endpoint: endpoint.to_owned(), outcome }).inc();
        self.attempt_seconds.observe(took.as_secs_f64());
    }

    /// A delivery ended.
    pub fn delivery_ended(&self, endpoint: &str, state: DeliveryState) {
        let labels = DeliveryLabels { endpoint: endpoint.to_owned(), state: state.as_str() };
        self.deliveries.get_or_create(&labels).inc();
    }

    /// An endpoint changed its state by itself.
    pub fn endpoint_turned(&self, endpoint: &str, turn: &'static str) {
        self.turns.get_or_create(&TurnLabels { endpoint: endpoint.to_owned(), turn }).inc();
    }

    /// The alarm about the volume that holds now, in per cent; 0 for none.
    pub(crate) fn disk_alarm(&self, level: u8) {
        self.disk_alarm.set(i64::from(level));
    }

    /// The page for Prometheus, with the store's figures of this moment.
    #[must_use]
    pub fn page(&self, health: &Health, counts: &StoreCounts) -> String {
        let gauge = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.owed.set(gauge(counts.owed));
        self.store_bytes.set(gauge(health.store_bytes));
        self.free_bytes.set(gauge(health.free_bytes));
        self.store_writable.set(i64::from(health.writable));
        self.damaged.set(gauge(health.damaged));
        self.commit_seconds.set(Duration::from_micros(health.last_commit_us).as_secs_f64());
        let mut page = String::new();
        if encode(&mut page, &self.registry).is_err() {
            tracing::error!("failed to write the metrics page");
        }
        page
    }
}
