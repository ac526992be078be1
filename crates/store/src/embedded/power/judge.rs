//! What is found after a loss of power, against what had been answered before it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fastrand::Rng;
use rules::identity::EventId;

use super::work::{Line, Sent};
use crate::embedded::{Embedded, EmbeddedOptions, check, wal};
use crate::facts::build::Body;
use crate::record::{EndpointNo, EventOutcome, NewEvent, Payload};
use crate::seam::{DeliveryQuery, Store};

/// What had been answered.
#[derive(Debug, Default)]
pub(super) struct Answered {
    committed: BTreeSet<usize>,
    settled: BTreeSet<i64>,
}

impl Answered {
    pub(super) fn learn(&mut self, line: Line) {
        match line {
            Line::Committed(number) => self.committed.insert(number),
            Line::Settled(delivery) => self.settled.insert(delivery),
        };
    }
}

/// What is wrong.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) faults: Vec<String>,
    pub(super) events_lost: usize,
}

/// Opens what a disk held, and looks whether everything is there.
pub(super) async fn look(folder: &Path, sent: &[Sent], answered: &Answered, chance: &mut Rng) -> Found {
    let mut found = Found::default();
    if let Ok(Some(broken)) = wal::scan(&folder.join("waypost.db-wal")) {
        found.faults.push(format!("a loss of power is taken for damage: {broken:?}"));
    }
    match Embedded::open(EmbeddedOptions::new(folder)) {
        Ok(store) => {
            let there = payloads(&store, sent).await;
            let deliveries = deliveries(&store).await;
            let (_, endpoints) = store.endpoints().await.unwrap_or_default();
            let named = endpoints.into_iter().map(|endpoint| (endpoint.number, endpoint.id)).collect();
            for (number, sent) in sent.iter().enumerate().filter(|(_, sent)| sent.of.is_none()) {
                kept(&mut found, sent, answered.committed.contains(&number), &there, (&deliveries, &named));
            }
            let again = |delivery: &&i64| deliveries.owed.contains(delivery);
            let again = answered.settled.iter().filter(again).count();
            if again > 0 {
                found.faults.push(format!("{again} deliveries whose acceptance was written are owed again"));
            }
            repeat(&mut found, &store, sent, &there, chance).await;
            store.close().await;
        }
        Err(cause) => {
            found.events_lost += answered.committed.len();
            found.faults.push(format!("it cannot be opened: {cause:?}"));
            return found;
        }
    }
    match check(folder) {
        Ok(report) if report.is_clean() => {}
        other => found.faults.push(format!("the check finds: {other:?}")),
    }
    found
}

pub(super) async fn payloads(store: &Embedded, sent: &[Sent]) -> BTreeMap<EventId, Payload> {
    let ids: Vec<EventId> = sent.iter().flat_map(|sent| &sent.notification.events).map(|event| event.id).collect();
    let mut there = BTreeMap::new();
    for ids in ids.chunks(500) {
        // What cannot be read is missing, and told so.
        let payloads = store.payloads(ids).await.unwrap_or_default();
        there.extend(payloads.into_iter().map(|payload| (payload.event.id, payload)));
    }
    there
}

#[derive(Debug, Default)]
struct Deliveries {
    of: BTreeMap<(EventId, String), usize>,
    owed: BTreeSet<i64>,
}

async fn deliveries(store: &Embedded) -> Deliveries {
    let mut all = Deliveries::default();
    let mut query = DeliveryQuery { limit: rules::limits::PAGE_ROWS_MAX, ..DeliveryQuery::default() };
    loop {
        let Ok(page) = store.deliveries(query.clone()).await else { return all };
        for row in page.rows {
            *all.of.entry((row.event, row.endpoint)).or_default() += 1;
            if !row.state.is_final() {
                all.owed.insert(row.number.0);
            }
        }
        if page.next_cursor.is_none() {
            return all;
        }
        query.cursor = page.next_cursor;
    }
}

/// A notification is there with everything, or it was not answered and nothing of it is there.
fn kept(
    found: &mut Found,
    sent: &Sent,
    answered: bool,
    there: &BTreeMap<EventId, Payload>,
    (deliveries, named): (&Deliveries, &BTreeMap<EndpointNo, String>),
) {
    let events = &sent.notification.events;
    let count = events.iter().filter(|event| there.contains_key(&event.id)).count();
    if answered && count < events.len() {
        found.events_lost += events.len() - count;
        found.faults.push(format!(
            "{} of {} events of an answered notification are lost",
            events.len() - count,
            events.len()
        ));
    } else if count != 0 && count != events.len() {
        found.faults.push("half of a notification is there".to_owned());
    }
    let same = |event: &NewEvent| {
        there.get(&event.id).is_none_or(|payload| payload.body.as_ref() == Some(&sent.notification.body))
    };
    if !events.iter().all(same) {
        found.faults.push("a body is not what was sent".to_owned());
    }
    for event in events.iter().filter(|event| there.contains_key(&event.id)) {
        let name = |endpoint: &EndpointNo| named.get(endpoint).cloned().unwrap_or_default();
        let once = |endpoint: &EndpointNo| deliveries.of.get(&(event.id, name(endpoint))) == Some(&1);
        if !event.owed_to.iter().all(once) {
            found.faults.push("an event is not owed once to each of its endpoints".to_owned());
        }
    }
}

/// What is there is known, and what is not there is new: the keys are those of the events.
async fn repeat(
    found: &mut Found,
    store: &Embedded,
    sent: &[Sent],
    there: &BTreeMap<EventId, Payload>,
    chance: &mut Rng,
) {
    let Ok((version, _)) = store.endpoints().await else { return };
    for _ in 0..6 {
        let Some(one) = chance.choice(sent).filter(|sent| sent.of.is_none()) else { continue };
        let mut notification = one.notification.clone();
        notification.id = Body::new().build(version).id;
        notification.routes_version = version;
        // The endpoints may not have been made yet.
        if version < 2 {
            continue;
        }
        let known = notification.events.first().is_some_and(|event| there.contains_key(&event.id));
        let expected = if known { EventOutcome::Duplicate } else { EventOutcome::New };
        match store.commit(vec![notification]).await {
            // The same may be drawn twice.
            Ok(committed) if known || committed[0].events[0] == EventOutcome::New => {
                if committed[0].events.iter().any(|outcome| *outcome != expected) {
                    found.faults.push(format!("a repeat is {:?}, and should be {expected:?}", committed[0].events));
                }
            }
            Ok(_) => {}
            Err(cause) => found.faults.push(format!("nothing can be committed: {cause:?}")),
        }
    }
}
