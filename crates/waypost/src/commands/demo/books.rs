//! Three ledgers that were kept apart, and the sums that must hold between them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rules::identity::EventId;
use serde::Serialize;
use store::StoreCounts;
use whatsapp::KeyScope;

use super::receiver::Received;
use super::stage::STATUS_TYPES;

/// What the sender sent, by its own reading of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent {
    /// Genuine requests.
    pub(super) genuine: u64,
    /// Of them answered 200.
    pub(super) taken: u64,
    /// Requests that are not Meta's.
    pub(super) foreign: u64,
    /// Of them answered 401.
    pub(super) refused: u64,
    /// Events in the requests that were answered 200.
    pub(super) events: u64,
    /// Of them never sent before.
    pub(super) distinct: u64,
    /// Of those the tests of the dashboard.
    pub(super) tests: u64,
    /// The distinct ones by type.
    pub(super) types: BTreeMap<String, u64>,
    /// Keys of those that are the same event however they arrive.
    known: HashSet<String>,
}

/// How often the order of a conversation was looked at, and how often it was right.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Order {
    pub(super) conversations: u64,
    pub(super) kept: u64,
}

/// Everything that was written down.
#[derive(Debug)]
pub(super) struct Books {
    /// Within which keys are unique.
    pub(super) scope: String,
    pub(super) sent: Sent,
    pub(super) gateway: StoreCounts,
    pub(super) everything: Received,
    pub(super) statuses: Received,
    pub(super) order: Order,
    /// The handshake: whether the right token was taken, and a wrong one.
    pub(super) handshakes: (bool, bool),
}

/// Two numbers that must be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Sum {
    /// What is compared, as a sentence.
    pub(super) what: &'static str,
    pub(super) left: u64,
    pub(super) right: u64,
    pub(super) agrees: bool,
}

impl Sent {
    /// The distinct events that `statuses` wants.
    pub(super) fn statuses(&self) -> u64 {
        let wanted = self.types.iter().filter(|(name, _)| name.starts_with(STATUS_TYPES));
        wanted.map(|(_, count)| count).sum()
    }

    /// Writes down a request and its answer.
    pub(super) fn write(&mut self, body: &[u8], genuine: bool, status: Option<u16>) {
        if !genuine {
            self.foreign += 1;
            self.refused += u64::from(status == Some(401));
            return;
        }
        self.genuine += 1;
        if status != Some(200) {
            return;
        }
        self.taken += 1;
        for event in whatsapp::read(body).events {
            self.events += 1;
            if event.key.scope == KeyScope::Content && !self.known.insert(event.key.text) {
                continue;
            }
            self.distinct += 1;
            self.tests += u64::from(event.test);
            *self.types.entry(event.event_type.as_str().to_owned()).or_default() += 1;
        }
    }
}

impl Order {
    /// Compares what was sent of some conversations with what arrived.
    pub(super) fn compare<'a>(sent: impl IntoIterator<Item = &'a Vec<String>>, arrived: &[String]) -> Self {
        let mut order = Self::default();
        for keys in sent {
            let theirs = arrived.iter().filter(|key| keys.contains(key));
            order.conversations += 1;
            order.kept += u64::from(theirs.eq(keys));
        }
        order
    }
}

impl Books {
    /// Every sum.
    pub(super) fn sums(&self) -> Vec<Sum> {
        let Self { sent, gateway, everything, statuses, order, .. } = self;
        let sum = |what, left, right| Sum { what, left, right, agrees: left == right };
        let (taken, refused) = self.handshakes;
        let (foretold, arrived) = self.foretold_ids();
        vec![
            sum("handshakes: the right token is taken, a wrong one is not", u64::from(taken) + u64::from(!refused), 2),
            sum("genuine requests sent = answered 200", sent.genuine, sent.taken),
            sum("requests with a wrong or no signature = answered 401", sent.foreign, sent.refused),
            sum(
                "events sent = kept + duplicates + conflicting copies",
                sent.events,
                gateway.events + gateway.duplicates + gateway.conflicts,
            ),
            sum("distinct events sent = kept", sent.distinct, gateway.events),
            sum("kept = received by `everything` + unrouted", gateway.events, everything.events() + gateway.unrouted),
            sum("event ids that follow from what was sent = received by `everything`", foretold, arrived),
            sum("statuses sent = received by `statuses`", sent.statuses(), statuses.events()),
            sum(
                "delivered = received and verified, by both",
                gateway.accepted,
                everything.events() + statuses.events(),
            ),
            sum("deliveries made = delivered (none owed, dead or skipped)", gateway.deliveries, gateway.accepted),
            sum(
                "types of which as many arrived as were sent = types",
                self.types_that_agree(),
                self.types().len() as u64,
            ),
            sum("dashboard tests sent = received and marked so", sent.tests, everything.tests),
            sum("conversations with a failing endpoint = still in order", order.conversations, order.kept),
            sum("deliveries that the receiver could not verify = none", everything.unfit + statuses.unfit, 0),
        ]
    }

    /// Every type that was sent or arrived: how many were sent, how many arrived at `everything`.
    pub(super) fn types(&self) -> Vec<(&str, u64, u64)> {
        let (sent, arrived) = (&self.sent.types, &self.everything.types);
        let names: BTreeSet<&String> = sent.keys().chain(arrived.keys()).collect();
        let count = |types: &BTreeMap<String, u64>, name| types.get(name).copied().unwrap_or_default();
        names.into_iter().map(|name| (name.as_str(), count(sent, name), count(arrived, name))).collect()
    }

    /// Ids are derived from the scope and the key, so that the sender can tell which ones must have arrived.
    fn foretold_ids(&self) -> (u64, u64) {
        let id = |key: &String| EventId::derive(&self.scope, key).to_string();
        let arrived = self.sent.known.iter().filter(|key| self.everything.has(&id(key)));
        (self.sent.known.len() as u64, arrived.count() as u64)
    }

    fn types_that_agree(&self) -> u64 {
        let agreeing = self.types().into_iter().filter(|(_, sent, arrived)| sent == arrived);
        agreeing.count() as u64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    fn off(books: &Books) -> Vec<&'static str> {
        let off = books.sums().into_iter().filter(|sum| !sum.agrees);
        off.map(|sum| sum.what).collect()
    }

    fn message(id: &str) -> Vec<u8> {
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{
            "metadata":{{"phone_number_id":"7"}},"messages":[{{"id":"{id}","from":"1555","type":"text",
            "timestamp":"1758000000","text":{{"body":"hi"}}}}]}}}}]}}]}}"#
        )
        .into_bytes()
    }

    #[test]
    fn the_sender_counts_an_event_as_distinct_once_and_only_what_was_taken() {
        let mut sent = Sent::default();
        sent.write(&message("a"), true, Some(200));
        sent.write(&message("a"), true, Some(200));
        sent.write(&message("b"), true, Some(503));
        sent.write(&message("c"), false, Some(401));
        sent.write(b"not JSON", true, Some(200));
        assert_eq!((sent.genuine, sent.taken, sent.foreign, sent.refused), (4, 3, 1, 1));
        assert_eq!((sent.events, sent.distinct), (3, 2));
        let types: Vec<&str> = sent.types.keys().map(String::as_str).collect();
        assert_eq!(types, ["messages.text", "notification.unreadable"]);
    }

    #[test]
    fn an_event_that_never_arrived_puts_the_sums_off() {
        let mut sent = Sent::default();
        sent.write(&message("a"), true, Some(200));
        let books = Books {
            scope: "app:main".into(),
            sent,
            gateway: StoreCounts { events: 1, deliveries: 1, accepted: 1, ..StoreCounts::default() },
            everything: Received::default(),
            statuses: Received::default(),
            order: Order::default(),
            handshakes: (true, false),
        };
        assert_eq!(
            off(&books),
            [
                "kept = received by `everything` + unrouted",
                "event ids that follow from what was sent = received by `everything`",
                "delivered = received and verified, by both",
                "types of which as many arrived as were sent = types",
            ]
        );
    }

    #[test]
    fn order_is_judged_within_each_conversation() {
        let keys = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let sent = [keys("abc"), keys("xyz")];
        let kept = |arrived| Order::compare(&sent, &keys(arrived)).kept;
        assert_eq!(kept("axybcz"), 2);
        assert_eq!(kept("acxybz"), 1);
        assert_eq!(kept("abcxz"), 1);
    }
}
