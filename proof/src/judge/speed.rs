//! How long things took.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use crate::books::Books;

/// A spread of times, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spread {
    pub(crate) count: usize,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) max_us: u64,
}

impl Spread {
    pub(crate) fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied();
        Self {
            count: times.len(),
            p50_us: at(50).unwrap_or(0),
            p99_us: at(99).unwrap_or(0),
            max_us: times.last().copied().unwrap_or(0),
        }
    }

    /// No worse than a tenth, or 20 ms, above the other: the machine breathes.
    pub(crate) const fn is_near(self, baseline: Self) -> bool {
        let tenth = baseline.p99_us + baseline.p99_us / 10;
        let some = baseline.p99_us + 20_000;
        self.count > 0 && self.p99_us <= if tenth > some { tenth } else { some }
    }
}

impl fmt::Display for Spread {
    #[expect(clippy::cast_precision_loss, reason = "times of a run")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u64| us as f64 / 1_000.0;
        write!(f, "p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms", ms(self.p50_us), ms(self.p99_us), ms(self.max_us))
    }
}

/// From the first byte to the gateway to the first byte at each endpoint that counts, for what arrived in this time.
pub(crate) fn delivery(books: &Books, window_us: &Range<u64>, counts: impl Fn(&str) -> bool) -> Spread {
    let mut seen = HashSet::new();
    let mut times = Vec::new();
    for arrival in books.arrivals.iter().filter(|arrival| counts(&arrival.endpoint)) {
        let Some((key, sent)) = books.event_of(&arrival.fingerprint) else { continue };
        let first = seen.insert((arrival.endpoint.as_str(), key));
        if let (true, true, Some(first_us)) = (first, window_us.contains(&arrival.arrived_us), sent.first_us) {
            times.push(arrival.arrived_us.saturating_sub(first_us));
        }
    }
    Spread::of(times)
}

/// From the first byte to the gateway to its 200.
pub(crate) fn ingest(books: &Books, window_us: &Range<u64>) -> Spread {
    let asked = books.asked.iter().filter(|asked| asked.status == 200 && window_us.contains(&asked.ended_us));
    Spread::of(asked.map(|asked| asked.took_us).collect())
}
