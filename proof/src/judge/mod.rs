//! The judge: set arithmetic over the two ledgers, and nothing else.

mod order;
mod repeats;
mod speed;

use std::collections::{HashMap, HashSet};

pub(crate) use order::order;
pub(crate) use repeats::{Interruptions, repeats};
pub(crate) use speed::{Spread, delivery, ingest};

use crate::Outcome;
use crate::books::Books;
use crate::gateway::Gateway;
use crate::report::Report;
use crate::stage::Endpoint;

/// Requests in flight to one endpoint at most, where nothing else is said.
pub(crate) const IN_FLIGHT_MAX: usize = 16;

/// What holds of every run: nothing lost, nothing altered, nothing foreign, one id per event.
pub(crate) fn basics(report: &mut Report, books: &Books, endpoints: &[Endpoint]) {
    let (mut owed, mut lost) = (0_usize, 0_usize);
    let mut accepted: HashSet<(&str, &str)> = HashSet::new();
    let (mut altered, mut foreign, mut ids) = (0_usize, 0_usize, 0_usize);
    let mut id_of: HashMap<&str, &str> = HashMap::new();
    let mut key_of: HashMap<&str, &str> = HashMap::new();
    let wants: HashMap<&str, &Endpoint> = endpoints.iter().map(|endpoint| (endpoint.name.as_str(), endpoint)).collect();
    for arrival in &books.arrivals {
        let Some((key, sent)) = books.event_of(&arrival.fingerprint) else {
            altered += 1;
            continue;
        };
        if !wants.get(arrival.endpoint.as_str()).is_some_and(|endpoint| endpoint.wabas.contains(&sent.waba)) {
            foreign += 1;
        }
        let same_id = *id_of.entry(key).or_insert(&arrival.event_id) == arrival.event_id;
        let same_key = *key_of.entry(&arrival.event_id).or_insert(key) == key;
        ids += usize::from(!same_id || !same_key);
        if arrival.accepted() {
            accepted.insert((arrival.endpoint.as_str(), key));
        }
    }
    for (key, sent) in books.acked() {
        for endpoint in endpoints.iter().filter(|endpoint| endpoint.wabas.contains(&sent.waba)) {
            owed += 1;
            lost += usize::from(!accepted.contains(&(endpoint.name.as_str(), key.as_str())));
        }
    }
    let arrivals = books.arrivals.len();
    report.claim(
        "nothing that was answered 200 is lost",
        lost == 0 && owed > 0,
        format!("{lost} lost of {owed} deliveries"),
    );
    report.claim(
        "what arrives is byte for byte what was sent",
        altered == 0,
        format!("{altered} altered of {arrivals}"),
    );
    report.claim("no endpoint gets what it did not ask for", foreign == 0, format!("{foreign} of {arrivals}"));
    report.claim("one event has one id, always", ids == 0, format!("{ids} of {arrivals} arrivals disagree"));
    report.figure("events answered 200", books.acked().count());
    report.figure("arrivals", arrivals);
    report.figure("stalls of the machine", books.stalls.to_string());
}

/// The gateway's own totals against the ledgers, once nothing is owed.
pub(crate) fn totals(report: &mut Report, gateway: &Gateway, books: &Books, endpoints: &[Endpoint]) -> Outcome<()> {
    let events = books.acked().count();
    let wanted = |waba: u32| endpoints.iter().filter(|endpoint| endpoint.wabas.contains(&waba)).count();
    let deliveries: usize = books.acked().map(|(_, sent)| wanted(sent.waba)).sum();
    let expected = [
        ("events", events),
        ("deliveries", deliveries),
        ("accepted", deliveries),
        ("owed", 0),
        ("dead", 0),
        ("skipped", 0),
    ];
    let mut differs = Vec::new();
    // Everything that is sent has an endpoint; what has none are the gateway's own events about its endpoints.
    let own = gateway.total("unrouted")?;
    for (name, expected) in expected {
        let told = gateway.total(name)?.saturating_sub(if name == "events" { own } else { 0 });
        if told != u64::try_from(expected)? {
            differs.push(format!("{name}: {told} by the API, {expected} by the ledgers"));
        }
    }
    let told = if differs.is_empty() { format!("{events} events, {deliveries} accepted") } else { differs.join("; ") };
    report.claim("the API's totals agree with the ledgers", differs.is_empty(), told);
    Ok(())
}

#[cfg(test)]
mod tests;
