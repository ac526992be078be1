//! Deliveries that came again although they had been accepted, by their causes.

use std::collections::HashMap;

use super::IN_FLIGHT_MAX;
use crate::books::Books;
use crate::report::Report;

/// What was sent before a crash may be read this much later.
pub(super) const ON_THE_WIRE_US: u64 = 200_000;

/// When the gateway was killed, and when connections were cut on purpose.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interruptions {
    pub(crate) kills_us: Vec<u64>,
    /// Of one endpoint.
    pub(crate) cuts_us: Vec<(String, u64)>,
}

impl Interruptions {
    /// Whether there was one between these times that this endpoint felt.
    pub(crate) fn between(&self, endpoint: &str, from_us: u64, to_us: u64) -> bool {
        let cuts = self.cuts_us.iter().filter(|(cut, _)| cut == endpoint).map(|(_, at_us)| at_us);
        self.kills_us.iter().chain(cuts).any(|at_us| (from_us..=to_us).contains(at_us))
    }
}

/// Counts the repeats. A crash explains at most what was in flight, for each endpoint.
pub(crate) fn repeats(report: &mut Report, books: &Books, interruptions: &Interruptions, endpoints: usize) {
    let mut last: HashMap<(&str, &str), u64> = HashMap::new();
    let (mut by_crash, mut unexplained) = (0_usize, 0_usize);
    for arrival in books.arrivals.iter().filter(|arrival| arrival.accepted()) {
        let Some((key, _)) = books.event_of(&arrival.fingerprint) else { continue };
        let Some(before_us) = last.insert((arrival.endpoint.as_str(), key), arrival.arrived_us) else { continue };
        // An answer under way when the crash came reached nobody, and neither did one to what was still on the wire.
        if interruptions.between(&arrival.endpoint, before_us.saturating_sub(ON_THE_WIRE_US), arrival.arrived_us) {
            by_crash += 1;
        } else {
            unexplained += 1;
        }
    }
    let tried_again = books.arrivals.iter().filter(|arrival| !arrival.accepted()).count();
    let crashes = interruptions.kills_us.len() + interruptions.cuts_us.len();
    let allowed =
        interruptions.kills_us.len() * endpoints * IN_FLIGHT_MAX + interruptions.cuts_us.len() * IN_FLIGHT_MAX;
    report.claim(
        "what was accepted comes again only after a crash, and no more than was in flight",
        unexplained == 0 && by_crash <= allowed,
        format!("{by_crash} after {crashes} crashes (at most {allowed}), {unexplained} unexplained"),
    );
    report.figure("arrivals that were refused, and came again for that", tried_again);
}
