//! A cap on requests in a second, evened out: after a pause a tenth of a second's worth may go at once, no more.

/// The cap of one endpoint, and how far it is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_second_max: u32,
    /// When the next request would begin if all came evenly, in microseconds.
    next_us: i64,
}

/// Microseconds of requests that may go at once.
const BURST_US: i64 = 100_000;

impl Rate {
    /// At most so many in a second; none at all is taken for one.
    #[must_use]
    pub fn new(per_second_max: u32) -> Self {
        Self { per_second_max: per_second_max.max(1), next_us: 0 }
    }

    /// The cap.
    #[must_use]
    pub const fn per_second_max(&self) -> u32 {
        self.per_second_max
    }

    /// A request begins at `now_ms`. Gives the time in milliseconds before which no other may; None: another may at once.
    pub fn begin(&mut self, now_ms: i64) -> Option<i64> {
        let now_us = now_ms.saturating_mul(1_000);
        let interval_us = 1_000_000 / i64::from(self.per_second_max).max(1);
        self.next_us = self.next_us.max(now_us).saturating_add(interval_us);
        // The burst holds one request at least, or nothing would ever go.
        let burst_us = BURST_US.max(interval_us);
        let wait_us = self.next_us.saturating_sub(now_us).saturating_sub(burst_us - interval_us);
        // A wall clock that was set back must not stop an endpoint for longer than a second.
        if wait_us > 2_000_000 {
            self.next_us = now_us;
        }
        (wait_us > 0).then(|| now_ms.saturating_add((wait_us + 999) / 1_000).min(now_ms + 1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests in `seconds`, each begun as soon as it may.
    fn begun(per_second_max: u32, seconds: i64) -> i64 {
        let mut rate = Rate::new(per_second_max);
        let (mut now_ms, mut count) = (5_000_000, 0);
        let end_ms = now_ms + seconds * 1_000;
        while now_ms < end_ms {
            count += 1;
            now_ms = rate.begin(now_ms).unwrap_or(now_ms);
        }
        count
    }

    #[test]
    fn no_more_than_the_cap_goes_in_a_second_but_for_one_burst() {
        for cap in [1, 2, 7, 100, 999, 5_000] {
            let count = begun(cap, 10);
            let wanted = i64::from(cap) * 10;
            assert!((wanted..=wanted + i64::from(cap) / 10 + 2).contains(&count), "{cap}/s: {count} in 10 s");
        }
    }

    #[test]
    fn a_long_pause_saves_up_no_more_than_a_burst() {
        let mut rate = Rate::new(100);
        assert_eq!(rate.begin(0), None);
        let burst = (0..1_000).take_while(|_| rate.begin(60_000).is_none()).count();
        assert!(burst <= 10, "{burst} at once");
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nothing_for_long() {
        let mut rate = Rate::new(10);
        assert!(rate.begin(1_000_000_000).is_none_or(|at| at <= 1_000_001_000));
        let open = rate.begin(0);
        assert!(open.is_none_or(|at| at <= 1_000), "{open:?}");
        assert!(rate.begin(1_000).is_none_or(|at| at <= 2_000));
    }
}
