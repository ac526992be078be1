//! When Meta tries again: at once, then in growing gaps, for seven days. It never published the gaps; these are our guess,
//! within what it says: "immediately, then a few more times with decreasing frequency".

use std::time::Duration;

use fastrand::Rng;

use crate::world::Storage;

/// Minutes of the first gaps; 0 is at once.
const GAPS_SECONDS: [u64; 9] = [0, 15, 60, 300, 900, 3_600, 7_200, 14_400, 28_800];
/// The gap of all later ones.
const LAST_GAP: Duration = Duration::from_secs(12 * 3_600);
/// Gaps vary by this share of themselves.
const JITTER: f64 = 0.1;

/// How long a notification is tried for.
#[must_use]
pub const fn horizon(storage: Storage) -> Duration {
    match storage {
        Storage::Cloud => Duration::from_secs(7 * 24 * 3_600),
        Storage::Hour => Duration::from_secs(3_600),
    }
}

/// The wait after this many failures, the first being 1. None where it would end after the horizon, counted from the
/// first attempt.
#[must_use]
pub fn gap(failures: u32, since_first: Duration, storage: Storage, rng: &mut Rng) -> Option<Duration> {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let gap = GAPS_SECONDS.get(index).map_or(LAST_GAP, |seconds| Duration::from_secs(*seconds));
    let gap = gap.mul_f64(1.0 + JITTER * (2.0 * rng.f64() - 1.0));
    (since_first + gap <= horizon(storage)).then_some(gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(storage: Storage) -> Vec<Duration> {
        let mut rng = Rng::with_seed(1);
        let mut since = Duration::ZERO;
        let mut gaps = Vec::new();
        while let Some(gap) = gap(u32::try_from(gaps.len()).unwrap_or(u32::MAX) + 1, since, storage, &mut rng) {
            since += gap;
            gaps.push(gap);
        }
        assert!(since <= horizon(storage));
        gaps
    }

    #[test]
    fn the_first_retry_is_at_once_and_the_gaps_grow_for_seven_days() {
        let gaps = gaps(Storage::Cloud);
        assert_eq!(gaps.first(), Some(&Duration::ZERO));
        assert!(gaps.windows(2).take(8).all(|pair| pair.first() < pair.last()), "{gaps:?}");
        let all: Duration = gaps.iter().sum();
        assert!(all > Duration::from_secs(6 * 24 * 3_600), "{all:?}");
    }

    #[test]
    fn what_may_be_kept_for_an_hour_is_tried_for_an_hour() {
        let gaps = gaps(Storage::Hour);
        assert!((4..=6).contains(&gaps.len()), "{gaps:?}");
    }
}
