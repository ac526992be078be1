//! When an endpoint is down: suspended on failures in a row, probed at intervals, resumed on the first sign of life.
//!
//! An endpoint that is down and an event that is refused are different things. A refusal (most 4xx) says that somebody is
//! there and does not want this event; it is the lane's matter. No connection, no answer in time, 429, 5xx and redirects
//! say that nothing would be accepted now: after a few of them the endpoint is suspended, and its deliveries' clocks stand
//! still.

use crate::retry::Answer;

/// Failures in a row after which an endpoint is suspended at once.
pub const FAILURES_MAX: u32 = 10;
/// Failures in a row that are enough when they lasted for [`DOWN_MS`].
pub const FAILURES_MIN: u32 = 3;
/// Milliseconds from the first to the last of [`FAILURES_MIN`] failures.
pub const DOWN_MS: i64 = 10_000;
/// Milliseconds between two probes, the first first; the last one repeats.
const PROBE_GAPS_MS: [i64; 4] = [5_000, 10_000, 20_000, 30_000];

/// What an attempt says about its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It answers for itself, with acceptance or refusal.
    Up,
    /// Nothing would be accepted now.
    Down,
    /// Nothing either way: the fault is ours.
    None,
}

/// Reads the sign in an answer.
#[must_use]
pub const fn sign(answer: Answer, accepted: bool) -> Sign {
    match answer {
        Answer::Status { .. } if accepted => Sign::Up,
        // A redirect is not followed: whatever stands at that URL takes nothing.
        Answer::Status { code: 429 | 500..=599 | 300..=399, .. } | Answer::NoAnswer | Answer::Forbidden => Sign::Down,
        Answer::Status { .. } => Sign::Up,
        Answer::Fault => Sign::None,
    }
}

/// The failures in a row of one endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    since_ms: i64,
}

impl Breaker {
    /// Takes the sign of an attempt that ended at `at_ms`. True: the endpoint must be suspended now.
    #[must_use]
    pub fn note(&mut self, sign: Sign, at_ms: i64) -> bool {
        match sign {
            Sign::None => false,
            Sign::Up => {
                *self = Self::default();
                false
            }
            Sign::Down => {
                if self.failures == 0 {
                    self.since_ms = at_ms;
                }
                self.failures = self.failures.saturating_add(1);
                let lasting = at_ms.saturating_sub(self.since_ms) >= DOWN_MS;
                self.failures >= FAILURES_MAX || (self.failures >= FAILURES_MIN && lasting)
            }
        }
    }

    /// Failures in a row so far.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

/// Milliseconds to wait before the next probe, after this many probes failed. `chance` (0 to 255) lengthens it by up to a
/// tenth, so that endpoints behind one host are not all probed at once.
#[must_use]
pub fn probe_gap_ms(failed_probes: u32, chance: u8) -> i64 {
    let at = usize::try_from(failed_probes).unwrap_or(usize::MAX);
    let [.., last] = PROBE_GAPS_MS;
    let gap = PROBE_GAPS_MS.get(at).copied().unwrap_or(last);
    gap + gap * i64::from(chance) / (10 * 255)
}

/// A clock that stands still while an endpoint gets no deliveries: paused, suspended or disabled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Milliseconds for which it stood still, up to the last time that it went on.
    pub stood_ms: i64,
    /// Since when it stands still now; None: it goes.
    pub since_ms: Option<i64>,
}

impl Standing {
    /// Milliseconds for which it has stood still until `now_ms`, all in all.
    #[must_use]
    pub fn stood_until(&self, now_ms: i64) -> i64 {
        let standing = self.since_ms.map_or(0, |since| now_ms.saturating_sub(since).max(0));
        self.stood_ms.saturating_add(standing)
    }

    /// The clock after a change at `now_ms`.
    #[must_use]
    pub fn changed(&self, goes: bool, now_ms: i64) -> Self {
        match (goes, self.since_ms) {
            (true, Some(_)) => Self { stood_ms: self.stood_until(now_ms), since_ms: None },
            (false, None) => Self { since_ms: Some(now_ms), ..*self },
            (true, None) | (false, Some(_)) => *self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16) -> Answer {
        Answer::Status { code, retry_after_ms: None }
    }

    #[test]
    fn silence_429_5xx_and_redirects_mean_down_and_every_other_answer_means_up() {
        for code in [301, 308, 429, 500, 502, 503, 599] {
            assert_eq!(sign(status(code), false), Sign::Down, "{code}");
        }
        for code in [400, 401, 404, 408, 410, 418, 422] {
            assert_eq!(sign(status(code), false), Sign::Up, "{code}");
        }
        assert_eq!(sign(status(204), false), Sign::Up);
        assert_eq!(sign(status(503), true), Sign::Up, "an endpoint's own list of successes counts");
        assert_eq!(sign(Answer::NoAnswer, false), Sign::Down);
        assert_eq!(sign(Answer::Forbidden, false), Sign::Down);
        assert_eq!(sign(Answer::Fault, false), Sign::None);
    }

    #[test]
    fn ten_failures_in_a_row_suspend_at_once() {
        let mut breaker = Breaker::default();
        let told: Vec<bool> = (0..10).map(|_| breaker.note(Sign::Down, 1_000)).collect();
        assert_eq!(told, [false, false, false, false, false, false, false, false, false, true]);
    }

    #[test]
    fn three_failures_suspend_when_they_lasted_ten_seconds() {
        let mut breaker = Breaker::default();
        assert!(!breaker.note(Sign::Down, 0));
        assert!(!breaker.note(Sign::Down, 30_000), "two say little");
        assert!(breaker.note(Sign::Down, 35_000));
        let mut quick = Breaker::default();
        assert!(!(0..3).any(|n| quick.note(Sign::Down, n * 4_999)));
    }

    #[test]
    fn one_sign_of_life_forgets_the_failures_and_a_fault_of_ours_says_nothing() {
        let mut breaker = Breaker::default();
        let signs = [Sign::Down, Sign::Down, Sign::None, Sign::Up, Sign::Down, Sign::Down];
        assert!(!signs.iter().zip([0, 20_000, 21_000, 22_000, 23_000, 60_000]).any(|(s, at)| breaker.note(*s, at)));
        assert_eq!(breaker.failures(), 2);
    }

    #[test]
    fn probes_come_at_growing_gaps_up_to_half_a_minute() {
        let gaps: Vec<i64> = (0..6).map(|failed| probe_gap_ms(failed, 0)).collect();
        assert_eq!(gaps, [5_000, 10_000, 20_000, 30_000, 30_000, 30_000]);
        assert_eq!(probe_gap_ms(u32::MAX, 255), 33_000);
    }

    #[test]
    fn a_clock_counts_only_the_time_in_which_it_goes() {
        let clock = Standing::default();
        let stopped = clock.changed(false, 100);
        assert_eq!(stopped.changed(false, 150), stopped, "stopping twice is stopping once");
        assert_eq!(stopped.stood_until(170), 70);
        let going = stopped.changed(true, 200);
        assert_eq!(going, Standing { stood_ms: 100, since_ms: None });
        assert_eq!(going.stood_until(1_000_000), 100);
        assert_eq!(going.changed(false, 300).stood_until(340), 140);
        assert_eq!(stopped.stood_until(50), 0, "a wall clock that was set back takes nothing away");
    }
}
