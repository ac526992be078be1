//! The breakers of all endpoints: what attempts say about them, and when the suspended ones are probed.
//!
//! Failures in a row live in memory: a restart begins to count anew. That an endpoint is suspended lives in the store, and
//! is followed from there, so that a person's pause or resumption always has the last word.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rules::breaker::{Breaker, Sign, probe_gap_ms};
use store::{EndpointNo, EndpointState};

/// The breakers.
#[derive(Debug, Default)]
pub(crate) struct Breakers {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    version: Option<u64>,
    entries: HashMap<EndpointNo, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    breaker: Breaker,
    /// The endpoint is suspended.
    probe: Option<Probe>,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    at_ms: i64,
    failed: u32,
}

/// What follows from an attempt for its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing.
    Stays,
    /// It must be suspended, after this many failures in a row.
    Suspend(u32),
    /// It shows life: it must go on.
    Resume,
}

impl Breakers {
    /// Takes the sign of an attempt that ended at `now_ms`. `chance` spreads the probes.
    pub(crate) fn note(&self, endpoint: EndpointNo, sign: Sign, probe: bool, now_ms: i64, chance: u8) -> Turn {
        let mut inner = self.lock();
        if sign == Sign::Up && !inner.entries.contains_key(&endpoint) {
            return Turn::Stays;
        }
        let entry = inner.entries.entry(endpoint).or_default();
        match (&mut entry.probe, sign) {
            (Some(_), Sign::Up) => {
                inner.entries.remove(&endpoint);
                Turn::Resume
            }
            (Some(next), Sign::Down) if probe => {
                next.failed = next.failed.saturating_add(1);
                next.at_ms = now_ms.saturating_add(probe_gap_ms(next.failed, chance));
                Turn::Stays
            }
            (Some(_), Sign::Down | Sign::None) => Turn::Stays,
            (None, sign) => {
                if !entry.breaker.note(sign, now_ms) {
                    if entry.breaker.failures() == 0 {
                        inner.entries.remove(&endpoint);
                    }
                    return Turn::Stays;
                }
                entry.probe = Some(Probe { at_ms: now_ms.saturating_add(probe_gap_ms(0, chance)), failed: 0 });
                Turn::Suspend(entry.breaker.failures())
            }
        }
    }

    /// The store did not take the suspension: the next failure brings it up again.
    pub(crate) fn not_suspended(&self, endpoint: EndpointNo) {
        if let Some(entry) = self.lock().entries.get_mut(&endpoint) {
            entry.probe = None;
        }
    }

    /// The store did not take the resumption: a probe comes soon.
    pub(crate) fn not_resumed(&self, endpoint: EndpointNo, now_ms: i64) {
        let at_ms = now_ms.saturating_add(probe_gap_ms(0, 0));
        self.lock().entries.entry(endpoint).or_default().probe = Some(Probe { at_ms, failed: 0 });
    }

    /// Follows the endpoints' states: whoever is suspended is probed, whoever is not begins anew.
    pub(crate) fn follow(&self, version: u64, states: impl Iterator<Item = (EndpointNo, EndpointState)>, now_ms: i64) {
        let mut inner = self.lock();
        if inner.version == Some(version) {
            return;
        }
        inner.version = Some(version);
        let suspended: HashSet<EndpointNo> =
            states.filter(|(_, state)| *state == EndpointState::Suspended).map(|(number, _)| number).collect();
        inner.entries.retain(|number, entry| entry.probe.is_none() || suspended.contains(number));
        for number in suspended {
            let entry = inner.entries.entry(number).or_default();
            let at_ms = now_ms.saturating_add(probe_gap_ms(0, 0));
            entry.probe.get_or_insert(Probe { at_ms, failed: 0 });
        }
    }

    /// The suspended endpoints whose probe is due. Each is due again after its gap, whatever comes of this one.
    pub(crate) fn due(&self, now_ms: i64) -> Vec<EndpointNo> {
        let mut due = Vec::new();
        for (number, entry) in &mut self.lock().entries {
            if let Some(probe) = entry.probe.as_mut().filter(|probe| probe.at_ms <= now_ms) {
                probe.at_ms = now_ms.saturating_add(probe_gap_ms(probe.failed, 0));
                due.push(*number);
            }
        }
        due
    }

    /// When the next probe is due.
    pub(crate) fn next_at_ms(&self) -> Option<i64> {
        self.lock().entries.values().filter_map(|entry| entry.probe).map(|probe| probe.at_ms).min()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const E: EndpointNo = EndpointNo(1);

    fn note(breakers: &Breakers, sign: Sign, probe: bool, now_ms: i64) -> Turn {
        breakers.note(E, sign, probe, now_ms, 0)
    }

    fn suspended(now_ms: i64) -> Breakers {
        let breakers = Breakers::default();
        let turns: Vec<Turn> = (0..10).map(|_| note(&breakers, Sign::Down, false, now_ms)).collect();
        assert_eq!(turns.last(), Some(&Turn::Suspend(10)));
        breakers
    }

    #[test]
    fn a_suspended_endpoint_is_told_once_and_probed_at_growing_gaps() {
        let breakers = suspended(0);
        assert_eq!(note(&breakers, Sign::Down, false, 10), Turn::Stays, "attempts that were under way say nothing new");
        let mut probes = Vec::new();
        while probes.len() < 5 {
            let at = breakers.next_at_ms().unwrap_or_default();
            assert_eq!(breakers.due(at), [E]);
            assert!(breakers.due(at).is_empty(), "it is not due twice");
            assert_eq!(note(&breakers, Sign::Down, true, at), Turn::Stays);
            probes.push(at);
        }
        assert_eq!(probes, [5_000, 15_000, 35_000, 65_000, 95_000]);
    }

    #[test]
    fn any_sign_of_life_resumes_and_begins_anew() {
        let breakers = suspended(0);
        assert_eq!(note(&breakers, Sign::None, true, 5_000), Turn::Stays);
        assert_eq!(note(&breakers, Sign::Up, true, 6_000), Turn::Resume);
        assert_eq!(breakers.next_at_ms(), None);
        assert_eq!(note(&breakers, Sign::Down, false, 7_000), Turn::Stays);
        assert_eq!(note(&breakers, Sign::Up, false, 7_000), Turn::Stays);
    }

    #[test]
    fn what_the_store_did_not_take_comes_up_again() {
        let breakers = suspended(0);
        breakers.not_suspended(E);
        assert_eq!(note(&breakers, Sign::Down, false, 1), Turn::Suspend(11));
        assert_eq!(note(&breakers, Sign::Up, true, 2), Turn::Resume);
        breakers.not_resumed(E, 3);
        assert_eq!(breakers.next_at_ms(), Some(5_003));
    }

    #[test]
    fn a_persons_resumption_ends_the_probes() {
        let breakers = suspended(0);
        breakers.follow(7, [(E, EndpointState::Active)].into_iter(), 1);
        assert_eq!(breakers.next_at_ms(), None);
    }
}
