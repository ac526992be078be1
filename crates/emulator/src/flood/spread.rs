//! How values are spread, in bounded memory: counted in buckets that are three per cent wide.

use std::time::Duration;

/// Buckets for each doubling.
const FINENESS_BITS: u32 = 5;
const BUCKETS: usize = 64 << FINENESS_BITS;

/// Durations, counted.
#[derive(Debug, Clone)]
pub struct Spread {
    counts: Vec<u64>,
    count: u64,
    max: Duration,
}

impl Default for Spread {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], count: 0, max: Duration::ZERO }
    }
}

impl Spread {
    /// Counts one.
    pub fn add(&mut self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(us)) {
            *count += 1;
        }
        self.count += 1;
        self.max = self.max.max(duration);
    }

    /// The duration that this share of all, in thousandths, does not exceed. Zero where there is none.
    #[must_use]
    pub fn at(&self, thousandths: u64) -> Duration {
        let rank = (self.count * thousandths).div_ceil(1_000).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_micros(upper(bucket)).min(self.max);
            }
        }
        self.max
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.max
    }
}

fn bucket(us: u64) -> usize {
    let doublings = us.max(1).ilog2().saturating_sub(FINENESS_BITS);
    let part = us >> doublings;
    let index = (u64::from(doublings) << FINENESS_BITS) + part;
    usize::try_from(index).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

/// The largest value in a bucket.
fn upper(bucket: usize) -> u64 {
    let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
    let width = 1 << FINENESS_BITS;
    if bucket < 2 * width {
        return bucket;
    }
    let doublings = (bucket >> FINENESS_BITS) - 1;
    let part = (bucket & (width - 1)) + width;
    ((part + 1) << doublings.min(57)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_found_within_four_per_cent() {
        let mut spread = Spread::default();
        (1..=100_000).for_each(|us| spread.add(Duration::from_micros(us)));
        for (thousandths, us) in [(500, 50_000), (990, 99_000), (999, 99_900), (1_000, 100_000)] {
            let found = u64::try_from(spread.at(thousandths).as_micros()).unwrap_or_default();
            assert!(found >= us && found <= us + us / 25, "{thousandths}: {found}");
        }
        assert_eq!(spread.max(), Duration::from_millis(100));
        assert_eq!(Spread::default().at(500), Duration::ZERO);
    }

    #[test]
    fn every_value_is_in_a_bucket_that_reaches_to_it() {
        for us in [0, 1, 31, 32, 33, 63, 64, 65, 1_000, 1_000_000, u64::from(u32::MAX)] {
            let bucket = bucket(us);
            assert!(upper(bucket) >= us && (bucket == 0 || upper(bucket - 1) < us), "{us}");
        }
    }
}
