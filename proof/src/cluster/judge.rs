//! What the judge needs where several gateways share a store: a disturbance lasts, and touches some of them only.

use std::collections::{HashMap, HashSet};

use crate::books::{Arrival, Books};
use crate::judge::IN_FLIGHT_MAX;
use crate::report::Report;
use crate::stage::Endpoint;

/// Recovery takes at most this long, from the moment at which a way to the store and a gateway are there again.
pub(crate) const RECOVERY_MAX_US: u64 = 15_000_000;
/// What a disturbance left unsettled comes again at most this much after it: a lease, and the request's own time-out.
const AFTERMATH_US: u64 = 30_000_000;
/// What was sent before may be read this much later.
const ON_THE_WIRE_US: u64 = 200_000;

/// Something that was done to the cluster, and how long it lasted.
#[derive(Debug, Clone)]
pub(crate) struct Disturbance {
    pub(crate) what: String,
    pub(crate) from_us: u64,
    pub(crate) to_us: u64,
    /// Moments from which on it must have recovered.
    pub(crate) moments_us: Vec<u64>,
}

impl Disturbance {
    fn touches(&self, from_us: u64, to_us: u64) -> bool {
        from_us <= self.to_us + AFTERMATH_US && to_us >= self.from_us
    }
}

fn explained(disturbances: &[Disturbance], from_us: u64, to_us: u64) -> bool {
    disturbances.iter().any(|disturbance| disturbance.touches(from_us, to_us))
}

/// What was accepted comes again only where a disturbance explains it, and no more than could be in flight.
pub(crate) fn repeats(report: &mut Report, books: &Books, disturbances: &[Disturbance], endpoints: usize) {
    let mut last: HashMap<(&str, &str), u64> = HashMap::new();
    let (mut again, mut unexplained) = (0_usize, 0_usize);
    for arrival in books.arrivals.iter().filter(|arrival| arrival.accepted()) {
        let Some((key, _)) = books.event_of(&arrival.fingerprint) else { continue };
        let Some(before_us) = last.insert((arrival.endpoint.as_str(), key), arrival.arrived_us) else { continue };
        if explained(disturbances, before_us.saturating_sub(ON_THE_WIRE_US), arrival.arrived_us) {
            again += 1;
        } else {
            unexplained += 1;
        }
    }
    let allowed = disturbances.len() * endpoints * IN_FLIGHT_MAX;
    report.claim(
        "what was accepted comes again only after a disturbance, and no more than was in flight",
        unexplained == 0 && again <= allowed,
        format!("{again} in {} disturbances (at most {allowed}), {unexplained} unexplained", disturbances.len()),
    );
}

#[derive(Debug, Default)]
struct Lane {
    /// Every position before this one was accepted.
    next: u64,
    /// When the last answer was given, and for which position.
    last: Option<(u64, u64)>,
}

/// An event is never offered while an earlier one of its lane holds its place, and never to two gateways at once. What
/// comes again after a disturbance is a repeat, and judged as one.
pub(crate) fn order(report: &mut Report, books: &Books, disturbances: &[Disturbance]) {
    let place =
        |arrival: &Arrival| books.event_of(&arrival.fingerprint).and_then(|(key, sent)| Some((key, sent.lane?)));
    let late: HashSet<(&str, &str)> = books
        .arrivals
        .iter()
        .filter(|arrival| arrival.late)
        .filter_map(|arrival| Some((arrival.endpoint.as_str(), place(arrival)?.0)))
        .collect();
    let mut lanes: HashMap<(&str, u32), Lane> = HashMap::new();
    let (mut judged, mut overtaken, mut backwards, mut at_once) = (0, 0, 0, 0);
    for arrival in books.arrivals.iter().filter(|arrival| !arrival.late) {
        let Some((_, (number, position))) = place(arrival) else { continue };
        judged += 1;
        let lane = lanes.entry((arrival.endpoint.as_str(), number)).or_default();
        if let Some((answered_us, before)) = lane.last {
            at_once += usize::from(arrival.arrived_us < answered_us && before != position);
            let is_old = position < lane.next && before > position;
            backwards += usize::from(is_old && !explained(disturbances, answered_us, arrival.arrived_us));
        }
        overtaken += usize::from(position > lane.next);
        if arrival.accepted() && position == lane.next {
            lane.next += 1;
        }
        lane.last = Some((arrival.answered_us, position));
    }
    report.claim(
        "lanes keep their order, across gateways",
        overtaken + backwards + at_once == 0 && judged > 0 && late.is_empty(),
        format!(
            "{judged} arrivals in {} lanes; {overtaken} overtook, {backwards} came back, {at_once} at once, {} set aside",
            lanes.len(),
            late.len()
        ),
    );
}

/// How soon after each moment something was answered 200 again, and how long the longest pause was at any endpoint that
/// began before then and went on after it, counted from the moment. Whoever sends meanwhile sends to every endpoint.
pub(crate) fn recovery(report: &mut Report, books: &Books, disturbances: &[Disturbance], endpoints: &[Endpoint]) {
    let mut acked: Vec<u64> =
        books.asked.iter().filter(|asked| asked.status == 200).map(|asked| asked.ended_us).collect();
    acked.sort_unstable();
    let arrivals = |endpoint: &Endpoint| {
        let of = books.arrivals.iter().filter(|arrival| arrival.endpoint == endpoint.name);
        let mut at: Vec<u64> = of.map(|arrival| arrival.answered_us).collect();
        at.sort_unstable();
        at
    };
    let arrived: Vec<Vec<u64>> = endpoints.iter().map(arrivals).collect();
    let (mut worst_ack, mut worst_arrival) = ((0, ""), (0, ""));
    let mut never = Vec::new();
    for Disturbance { what, moments_us, .. } in disturbances {
        for moment_us in moments_us {
            match pause(&acked, *moment_us) {
                Some(pause_us) => worst_ack = worst_ack.max((pause_us, what.as_str())),
                None => never.push(what.as_str()),
            }
            for of_endpoint in &arrived {
                match pause(of_endpoint, *moment_us) {
                    Some(pause_us) => worst_arrival = worst_arrival.max((pause_us, what.as_str())),
                    None => never.push(what.as_str()),
                }
            }
        }
    }
    let ms = |us: u64| us / 1_000;
    report.claim(
        "it takes webhooks and delivers to every endpoint within 15 s",
        never.is_empty() && worst_ack.0 <= RECOVERY_MAX_US && worst_arrival.0 <= RECOVERY_MAX_US,
        format!(
            "longest without a 200 {} ms ({}), longest without a delivery {} ms ({}){}",
            ms(worst_ack.0),
            worst_ack.1,
            ms(worst_arrival.0),
            worst_arrival.1,
            if never.is_empty() { String::new() } else { format!("; never after: {}", never.join(", ")) }
        ),
    );
    let mut delays: Vec<u64> = delays(books);
    delays.sort_unstable();
    let at = |percent: usize| {
        ms(delays.get((delays.len() * percent / 100).min(delays.len().max(1) - 1)).copied().unwrap_or(0))
    };
    report.figure(
        "from a 200 to the first acceptance",
        format!("p50 {} ms, p99 {} ms, max {} ms", at(50), at(99), at(100)),
    );
}

/// The longest pause that began within the time for recovery after a moment, without what of it lies before the moment.
/// None: nothing came after the moment.
fn pause(at_us: &[u64], moment_us: u64) -> Option<u64> {
    let first = at_us.partition_point(|at| *at < moment_us);
    let mut before = moment_us;
    let mut longest = None;
    for at in at_us.get(first..)? {
        if before > moment_us + RECOVERY_MAX_US {
            break;
        }
        longest = longest.max(Some(at - before));
        before = *at;
    }
    longest
}

/// How long each delivery took, from the event's 200 to its first acceptance.
fn delays(books: &Books) -> Vec<u64> {
    let mut seen = HashSet::new();
    let accepted = books.arrivals.iter().filter(|arrival| arrival.accepted());
    let delay = |arrival: &Arrival| {
        let (key, sent) = books.event_of(&arrival.fingerprint)?;
        let is_first = seen.insert((arrival.endpoint.clone(), key.to_owned()));
        is_first.then(|| arrival.answered_us.saturating_sub(sent.acked_us.unwrap_or(arrival.answered_us)))
    };
    accepted.filter_map(delay).collect()
}

/// Answers other than 200 between these times, and requests without any.
pub(crate) fn refused(books: &Books, from_us: u64, to_us: u64) -> (usize, usize) {
    let during = || books.asked.iter().filter(|asked| (from_us..=to_us).contains(&asked.ended_us));
    let silent = during().filter(|asked| asked.status == 0).count();
    (during().filter(|asked| !matches!(asked.status, 0 | 200)).count(), silent)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    const SECOND: u64 = 1_000_000;

    /// Two events of one conversation, sent and answered at once; and these lines of arrivals: when, when answered, key.
    fn books(arrivals: &[(u64, u64, &str)]) -> Books {
        let sent = "event a 1 7 0\nevent b 1 7 1\nsend 10 a\ndone 20 200 10 a\nsend 30 b\ndone 40 200 10 b\n\
                    send 900000000 a\ndone 900000010 200 10 a\n";
        let line = |(at, answered, key): &(u64, u64, &str)| format!("{at} {answered} e evt_{key} 1 0 200 {key}\n");
        Books::read(sent, &arrivals.iter().map(line).collect::<String>()).unwrap()
    }

    fn held(judge: impl FnOnce(&mut Report)) -> bool {
        let mut report = Report::default();
        judge(&mut report);
        report.claims.iter().all(|claim| claim.held)
    }

    fn one(from_s: u64, to_s: u64) -> Vec<Disturbance> {
        let (from_us, to_us) = (from_s * SECOND, to_s * SECOND);
        vec![Disturbance { what: "x".to_owned(), from_us, to_us, moments_us: vec![to_us] }]
    }

    #[test]
    fn order_is_broken_by_overtaking_by_two_at_once_and_by_what_comes_back_for_no_reason() {
        let check = |arrivals: &[(u64, u64, &str)], disturbances: &[Disturbance]| {
            held(|report| order(report, &books(arrivals), disturbances))
        };
        assert!(check(&[(100, 110, "a"), (120, 130, "b")], &[]));
        assert!(!check(&[(100, 110, "b"), (120, 130, "a")], &[]));
        assert!(!check(&[(100, 110, "a"), (105, 130, "b")], &[]));
        let back = [(100, 110, "a"), (120, 130, "b"), (5 * SECOND, 5 * SECOND + 10, "a")];
        assert!(!check(&back, &[]));
        assert!(check(&back, &one(2, 3)));
        assert!(
            !check(&[(100, 110, "b"), (5 * SECOND, 5 * SECOND + 10, "a")], &one(2, 3)),
            "nothing excuses overtaking"
        );
    }

    #[test]
    fn repeats_need_a_disturbance_near_them() {
        let again = [(100, 110, "a"), (60 * SECOND, 60 * SECOND + 10, "a"), (120, 130, "b")];
        assert!(!held(|report| repeats(report, &books(&again), &[], 1)));
        assert!(held(|report| repeats(report, &books(&again), &one(40, 45), 1)));
        let soon = [(100, 110, "a"), (SECOND, SECOND + 10, "a")];
        assert!(!held(|report| repeats(report, &books(&soon), &one(40, 45), 1)), "before it there was no reason");
    }

    #[test]
    fn recovery_that_comes_late_or_never_is_told() {
        let endpoints = [Endpoint { name: "e".to_owned(), wabas: vec![1], more: serde_json::Value::Null }];
        let after = |to_s: u64, arrivals_s: &[u64]| {
            let arrivals: Vec<_> = arrivals_s.iter().map(|at| (at * SECOND, at * SECOND + 1, "a")).collect();
            held(|report| recovery(report, &books(&arrivals), &one(1, to_s), &endpoints))
        };
        assert!(after(890, &[901]));
        assert!(!after(870, &[901]), "the first 200 comes after half a minute");
        assert!(!after(890, &[920]), "the first delivery does");
        assert!(!after(890, &[891, 910]), "one comes, and then none for long");
        assert!(after(890, &[891, 905, 906, 940]), "a pause much later has nothing to do with it");
        assert!(!after(950, &[901]), "nothing comes at all");
    }
}
