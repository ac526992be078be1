//! The order of lanes: on an ordered endpoint an event is never offered while an earlier one of its lane still holds its
//! place.

use std::collections::{HashMap, HashSet};

use super::repeats::{Interruptions, ON_THE_WIRE_US};
use crate::books::{Arrival, Books};
use crate::report::Report;

#[derive(Debug, Default)]
struct Lane {
    /// Every position before this one was accepted.
    next: u64,
    /// When the last answer was given, and for which position.
    last: Option<(u64, u64)>,
}

#[derive(Debug, Default)]
struct Faults {
    /// Offered before an earlier one was accepted.
    overtaken: usize,
    /// Offered again after a later one was accepted, and no crash explains it.
    backwards: usize,
    /// Two of one lane under way at once.
    at_once: usize,
    lanes: usize,
    judged: usize,
}

/// Judges every arrival, accepted or not, by the order in which the sender's ledger has the events.
pub(crate) fn order(report: &mut Report, books: &Books, interruptions: &Interruptions) {
    let place =
        |arrival: &Arrival| books.event_of(&arrival.fingerprint).and_then(|(key, sent)| Some((key, sent.lane?)));
    let set_aside: HashSet<(&str, &str)> = books
        .arrivals
        .iter()
        .filter(|arrival| arrival.late)
        .filter_map(|arrival| Some((arrival.endpoint.as_str(), place(arrival)?.0)))
        .collect();
    let mut by_place: HashMap<(&str, u32, u64), &str> = HashMap::new();
    for (endpoint, key) in &set_aside {
        if let Some((lane, position)) = books.sent.get(*key).and_then(|sent| sent.lane) {
            by_place.insert((endpoint, lane, position), key);
        }
    }
    let mut lanes: HashMap<(&str, u32), Lane> = HashMap::new();
    let mut faults = Faults::default();
    for arrival in books.arrivals.iter().filter(|arrival| !arrival.late) {
        let Some((_, (number, position))) = place(arrival) else { continue };
        // Whoever asked is gone: what was answered reached nobody.
        if interruptions.between(&arrival.endpoint, arrival.arrived_us, arrival.answered_us) {
            continue;
        }
        let endpoint = arrival.endpoint.as_str();
        let lane = lanes.entry((endpoint, number)).or_default();
        while by_place.contains_key(&(endpoint, number, lane.next)) {
            lane.next += 1;
        }
        judge(lane, arrival, position, interruptions, &mut faults);
    }
    faults.lanes = lanes.len();
    let Faults { overtaken, backwards, at_once, lanes, judged } = faults;
    report.claim(
        "lanes keep their order",
        overtaken + backwards + at_once == 0 && judged > 0,
        format!(
            "{judged} arrivals in {lanes} lanes; {overtaken} overtook, {backwards} came back, {at_once} at once; {} set aside",
            set_aside.len()
        ),
    );
}

fn judge(lane: &mut Lane, arrival: &Arrival, position: u64, interruptions: &Interruptions, faults: &mut Faults) {
    faults.judged += 1;
    // What was on the wire when the gateway died is read a moment later, and its answer reached nobody.
    let interrupted = |since_us: u64| {
        interruptions.between(&arrival.endpoint, since_us.saturating_sub(ON_THE_WIRE_US), arrival.arrived_us)
    };
    if let Some((answered_us, before)) = lane.last {
        if arrival.arrived_us < answered_us && before != position {
            faults.at_once += 1;
        }
        if position < lane.next && before > position && !interrupted(answered_us) {
            faults.backwards += 1;
        }
    }
    if position > lane.next {
        faults.overtaken += 1;
    }
    if arrival.accepted() && position == lane.next {
        lane.next += 1;
    }
    lane.last = Some((arrival.answered_us, position));
}
