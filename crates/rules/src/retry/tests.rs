//! Claims about policies and decisions: the tables of the presets, and what holds of every policy.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

use super::*;
use crate::outcome::{Answers, StatusSet};

const NOW: i64 = 1_758_000_000_000;

fn by(policy: &Policy, attempts: u32, first_ago_ms: i64, answer: Answer) -> Decision {
    decide(policy, Progress { attempts, first_attempt_at_ms: NOW - first_ago_ms }, answer, NOW, 0)
}

fn after(attempts: u32, first_ago_ms: i64, answer: Answer) -> Decision {
    by(&Policy::standard(), attempts, first_ago_ms, answer)
}

fn status(code: u16) -> Answer {
    Answer::Status { code, retry_after_ms: None }
}

/// The seconds after each of the first failures; -1 once the delivery is given up.
fn gaps(policy: &Policy, count: u32) -> Vec<i64> {
    let seconds = |n| by(policy, n, 0, status(500)).due_at_ms.map_or(-1, |due| (due - NOW) / SECOND_MS);
    (1..=count).map(seconds).collect()
}

fn presets() -> [Policy; 3] {
    [Policy::standard(), Policy::meta(), Policy::eight_by_eight()]
}

#[test]
fn any_2xx_accepts_by_standard_and_nothing_else_does() {
    for code in [200, 201, 204, 299] {
        assert_eq!(after(1, 0, status(code)).state, DeliveryState::Accepted);
    }
    for code in [100, 199, 300, 301, 400, 404, 500, 599] {
        assert_eq!(after(1, 0, status(code)).state, DeliveryState::Owed, "{code}");
    }
    assert_eq!(after(1, 0, Answer::NoAnswer).state, DeliveryState::Owed);
}

#[test]
fn the_standard_gaps_follow_the_table_and_then_repeat_every_12_hours() {
    let expected = [5, 30, 120, 300, 900, 3_600, 7_200, 14_400, 28_800, 43_200, 43_200, 43_200];
    assert_eq!(gaps(&Policy::standard(), 12), expected);
}

#[test]
fn meta_accepts_200_alone_tries_again_at_once_and_then_every_hour_for_7_days() {
    let meta = Policy::meta();
    assert_eq!(gaps(&meta, 8), [0, 15, 60, 300, 900, 3_600, 3_600, 3_600]);
    assert_eq!(meta.timeout_ms, 20_000);
    assert_eq!(by(&meta, 1, 0, status(200)).state, DeliveryState::Accepted);
    for code in [201, 204, 301, 404, 410] {
        let decision = by(&meta, 1, 0, status(code));
        assert_eq!((decision.state, decision.disable_endpoint), (DeliveryState::Owed, false), "{code}");
    }
    assert_eq!(by(&meta, 200, 7 * DAY_MS - HOUR_MS, status(500)).state, DeliveryState::Owed);
    assert!(by(&meta, 200, 7 * DAY_MS - HOUR_MS + 1, status(500)).state.is_final());
}

#[test]
fn of_8x8_four_gaps_are_made_and_then_nothing_more() {
    let policy = Policy::eight_by_eight();
    assert_eq!(gaps(&policy, 6), [1, 10, 30, 90, -1, -1]);
    assert_eq!((policy.timeout_ms, policy.connect_timeout_ms), (5_000, 5_000));
    for answer in [status(400), status(404), status(410), status(599), Answer::NoAnswer] {
        let decision = by(&policy, 1, 0, answer);
        assert_eq!((decision.state, decision.due_at_ms), (DeliveryState::Owed, Some(NOW + 1_000)), "{answer:?}");
        let last = by(&policy, 5, 131_000, answer);
        assert_eq!(last.state, DeliveryState::Dead(EndReason::PolicyExhausted), "{answer:?}");
    }
    let moved = by(&policy, 1, 0, status(302));
    assert_eq!(moved.state, DeliveryState::Dead(EndReason::RefusedForGood), "a redirect is not among what is retried");
}

#[test]
fn of_8x8_retry_after_is_ignored() {
    let asked = by(&Policy::eight_by_eight(), 1, 0, Answer::Status { code: 429, retry_after_ms: Some(60_000) });
    assert_eq!((asked.due_at_ms, asked.hold_endpoint_until_ms), (Some(NOW + 1_000), None));
}

#[test]
fn a_delivery_is_given_up_when_its_next_attempt_would_come_after_7_days() {
    assert_eq!(after(20, 7 * DAY_MS - 13 * HOUR_MS, status(500)).state, DeliveryState::Owed);
    let last = after(20, 7 * DAY_MS - 11 * HOUR_MS, status(500));
    assert_eq!(last.state, DeliveryState::Dead(EndReason::PolicyExhausted));
}

#[test]
fn retry_after_lengthens_a_gap_up_to_an_hour_and_never_shortens_it() {
    let with = |code, ms| after(1, 0, Answer::Status { code, retry_after_ms: Some(ms) });
    assert_eq!(with(503, 60_000).due_at_ms, Some(NOW + 60_000));
    assert_eq!(with(503, 1_000).due_at_ms, Some(NOW + 5_000));
    assert_eq!(with(429, 9 * HOUR_MS).due_at_ms, Some(NOW + HOUR_MS));
    assert_eq!(with(500, 60_000).due_at_ms, Some(NOW + 5_000));
    assert_eq!(with(429, 60_000).hold_endpoint_until_ms, Some(NOW + 60_000));
    assert_eq!(with(500, 60_000).hold_endpoint_until_ms, None);
}

#[test]
fn retry_after_holds_the_endpoint_also_where_the_delivery_itself_is_over() {
    let asked = Answer::Status { code: 429, retry_after_ms: Some(60_000) };
    let exhausted = after(20, 8 * DAY_MS, asked);
    assert_eq!(exhausted.state, DeliveryState::Dead(EndReason::PolicyExhausted));
    assert_eq!(exhausted.hold_endpoint_until_ms, Some(NOW + 60_000));
    let standard = Policy::standard();
    let last = StatusSet::range(429..=429);
    let ending = Policy { answers: Answers { last, ..standard.answers.clone() }, ..standard };
    let refused = by(&ending, 1, 0, asked);
    assert_eq!(refused.state, DeliveryState::Dead(EndReason::RefusedForGood));
    assert_eq!(refused.hold_endpoint_until_ms, Some(NOW + 60_000));
}

#[test]
fn a_410_ends_the_delivery_and_disables_the_endpoint_unless_that_is_switched_off() {
    let gone = after(1, 0, status(410));
    assert_eq!(gone.state, DeliveryState::Dead(EndReason::EndpointGone));
    assert!(gone.disable_endpoint);
    let standard = Policy::standard();
    let patient = Policy { answers: Answers { gone_disables: false, ..standard.answers.clone() }, ..standard };
    let again = by(&patient, 1, 0, status(410));
    assert_eq!((again.state, again.disable_endpoint), (DeliveryState::Owed, false));
}

#[test]
fn what_we_prevented_ourselves_uses_up_no_attempt_and_is_ended_by_time_alone() {
    let policy = Policy::eight_by_eight();
    for answer in [Answer::Fault, Answer::Forbidden] {
        assert_eq!(by(&policy, 50, HOUR_MS, answer).state, DeliveryState::Owed);
        let late = by(&policy, 50, 7 * DAY_MS, answer);
        assert_eq!(late.state, DeliveryState::Dead(EndReason::PolicyExhausted));
    }
}

#[test]
fn whose_fault_it_is_follows_from_what_came_back() {
    let class = |answer| after(1, 0, answer).failure;
    assert_eq!(class(status(200)), None);
    assert_eq!(class(status(302)), Some(FailureClass::TheirAnswer));
    assert_eq!(class(status(410)), Some(FailureClass::TheirAnswer));
    assert_eq!(class(Answer::NoAnswer), Some(FailureClass::TheirNetwork));
    assert_eq!(class(Answer::Forbidden), Some(FailureClass::OurConfiguration));
    assert_eq!(class(Answer::Fault), Some(FailureClass::Us));
}

#[test]
fn a_refused_delivery_holds_its_lane_for_five_minutes_from_its_first_attempt() {
    assert_eq!(after(2, 10_000, status(500)).lane_held_until_ms, Some(NOW - 10_000 + 5 * MINUTE_MS));
}

#[test]
fn chance_lengthens_a_gap_by_at_most_the_jitter() {
    let progress = Progress { attempts: 1, first_attempt_at_ms: NOW };
    let due = |chance| decide(&Policy::standard(), progress, status(500), NOW, chance).due_at_ms;
    assert_eq!((due(0), due(255)), (Some(NOW + 5_000), Some(NOW + 5_500)));
}

#[test]
fn a_backoff_grows_by_its_factor_up_to_its_longest_gap() {
    let backoff = |first, factor, max| Gaps::backoff(first * SECOND_MS, factor, max * SECOND_MS).unwrap();
    let seconds = |gaps: &Gaps| (1..=6).map(|n| gaps.after(n) / SECOND_MS).collect::<Vec<_>>();
    assert_eq!(seconds(&backoff(5, 200, 60)), [5, 10, 20, 40, 60, 60]);
    assert_eq!(seconds(&backoff(10, 150, 3_600)), [10, 15, 22, 33, 50, 75]);
    assert_eq!(seconds(&backoff(10, 100, 60)), [10; 6]);
    assert_eq!(backoff(1, 101, 2_592_000).after(u32::MAX), 2_592_000 * SECOND_MS);
    assert_eq!(backoff(7, 100, 9).after(u32::MAX), 7 * SECOND_MS);
}

#[test]
fn the_presets_keep_every_rule() {
    for preset in presets() {
        assert_eq!(preset.clone().checked(), Ok(preset));
    }
}

#[test]
fn nonsense_is_refused_with_the_rule_that_it_breaks() {
    type Change = fn(&mut Policy);
    let cases: [(Change, BadPolicy, &str); 15] = [
        (|p| p.timeout_ms = 99, BadPolicy::Timeout, "timeout"),
        (|p| p.timeout_ms = 60_001, BadPolicy::Timeout, "timeout"),
        (|p| p.connect_timeout_ms = 0, BadPolicy::ConnectTimeout, "connect_timeout"),
        (|p| p.connect_timeout_ms = 15_001, BadPolicy::ConnectLonger, "connect_timeout"),
        (|p| p.attempts_max = Some(0), BadPolicy::Attempts, "attempts_max"),
        (|p| p.attempts_max = Some(10_001), BadPolicy::Attempts, "attempts_max"),
        (|p| p.give_up_after_ms = 999, BadPolicy::GiveUpAfter, "give_up_after"),
        (|p| p.give_up_after_ms = 31 * DAY_MS, BadPolicy::GiveUpAfter, "give_up_after"),
        (|p| p.give_up_after_ms = 4_000, BadPolicy::NeverAgain, "give_up_after"),
        (|p| p.jitter_percent = 101, BadPolicy::Jitter, "jitter_percent"),
        (|p| p.answers.success = StatusSet::none(), BadPolicy::NoSuccess, "success"),
        (|p| p.answers.last = StatusSet::range(204..=204), BadPolicy::SuccessRefused { status: 204 }, "final"),
        (|p| p.snippet_bytes = 4_097, BadPolicy::Snippet, "snippet_bytes"),
        (|p| p.gaps = Gaps::list(vec![5_000, 999]).unwrap(), BadPolicy::RepeatedGap, "gaps"),
        (|p| (p.gaps, p.attempts_max) = (Gaps::list(vec![0]).unwrap(), Some(3)), BadPolicy::RepeatedGap, "gaps"),
    ];
    for (change, bad, member) in cases {
        let mut policy = Policy::standard();
        change(&mut policy);
        assert_eq!(policy.checked(), Err(bad));
        assert_eq!(bad.member(), member);
    }
    let once = Policy { gaps: Gaps::list(vec![0]).unwrap(), attempts_max: Some(2), ..Policy::standard() };
    assert_eq!(once.clone().checked(), Ok(once), "a gap that is not repeated may be none");
    assert_eq!(Gaps::list(Vec::new()), Err(BadPolicy::GapCount));
    assert_eq!(Gaps::list(vec![1; 65]), Err(BadPolicy::GapCount));
    assert_eq!(Gaps::list(vec![1_000, -1]), Err(BadPolicy::GapLength { at: 1 }));
    assert_eq!(BadPolicy::GapLength { at: 1 }.member(), "gaps[1]");
    assert_eq!(Gaps::backoff(999, 200, 2_000), Err(BadPolicy::BackoffFirst));
    assert_eq!(Gaps::backoff(1_000, 99, 2_000), Err(BadPolicy::BackoffFactor));
    assert_eq!(Gaps::backoff(1_000, 1_001, 2_000), Err(BadPolicy::BackoffFactor));
    assert_eq!(Gaps::backoff(2_000, 200, 1_999), Err(BadPolicy::BackoffMax));
}

/// A policy that keeps every rule, drawn by chance.
fn drawn(chance: &mut fastrand::Rng) -> Policy {
    loop {
        let gaps = if chance.bool() {
            Gaps::list((0..chance.usize(1..8)).map(|_| chance.i64(0..2 * HOUR_MS)).collect())
        } else {
            let first = chance.i64(SECOND_MS..HOUR_MS);
            Gaps::backoff(first, chance.u32(100..=1_000), chance.i64(first..=GAP_MS_MAX))
        };
        let presets = presets();
        let [standard, ..] = &presets;
        let base = presets.get(chance.usize(..3)).unwrap_or(standard).clone();
        let policy = Policy {
            gaps: gaps.unwrap(),
            attempts_max: chance.bool().then(|| chance.u32(1..30)),
            give_up_after_ms: chance.i64(SECOND_MS..=30 * DAY_MS),
            jitter_percent: chance.u8(0..=100),
            lane_hold_ms: chance.bool().then(|| chance.i64(0..DAY_MS)),
            ..base
        };
        if let Ok(policy) = policy.checked() {
            return policy;
        }
    }
}

fn drawn_answer(chance: &mut fastrand::Rng) -> Answer {
    match chance.u8(..8) {
        0 => Answer::NoAnswer,
        1 => Answer::Forbidden,
        2 => Answer::Fault,
        3 => Answer::Status { code: if chance.bool() { 429 } else { 503 }, retry_after_ms: Some(chance.i64(..)) },
        _ => Answer::Status { code: chance.u16(100..600), retry_after_ms: None },
    }
}

#[test]
fn of_every_policy_and_every_answer_the_same_things_hold() {
    for seed in 0..20_000 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let (policy, answer) = (drawn(&mut chance), drawn_answer(&mut chance));
        let progress = Progress {
            attempts: chance.u32(1..100),
            first_attempt_at_ms: NOW - chance.i64(0..=policy.give_up_after_ms),
        };
        let decision = decide(&policy, progress, answer, NOW, chance.u8(..));
        let told = format!("seed {seed}: {policy:?} {progress:?} {answer:?} {decision:?}");
        let owed = decision.state == DeliveryState::Owed;
        assert_eq!(owed, decision.due_at_ms.is_some(), "what is owed has its time, what has ended has none: {told}");
        assert_eq!(decision.failure.is_none(), decision.state == DeliveryState::Accepted, "{told}");
        if let Some(due) = decision.due_at_ms {
            let plain = policy.gap_ms(progress.attempts, 0);
            let longest = policy.gap_ms(progress.attempts, 255).max(RETRY_AFTER_MS_MAX);
            assert!((plain..=longest).contains(&(due - NOW)), "{told}");
            assert!(due - progress.first_attempt_at_ms <= policy.give_up_after_ms, "{told}");
        }
        if let Some(until) = decision.hold_endpoint_until_ms {
            assert!((0..=RETRY_AFTER_MS_MAX).contains(&(until - NOW)), "{told}");
            assert!(decision.due_at_ms.is_none_or(|due| due >= until), "{told}");
        }
        let gone = matches!(answer, Answer::Status { code: 410, .. }) && policy.answers.gone_disables;
        assert_eq!(decision.disable_endpoint, gone, "{told}");
    }
}

#[test]
fn a_delivery_that_always_fails_ends_within_the_policy() {
    for seed in 0..500 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let policy = drawn(&mut chance);
        let (mut now_ms, mut attempts) = (NOW, 0);
        loop {
            attempts += 1;
            let progress = Progress { attempts, first_attempt_at_ms: NOW };
            let decision = decide(&policy, progress, Answer::NoAnswer, now_ms, chance.u8(..));
            assert!(policy.attempts_max.is_none_or(|max| attempts <= max), "seed {seed}");
            assert!(now_ms - NOW <= policy.give_up_after_ms, "seed {seed}");
            let Some(due_at_ms) = decision.due_at_ms else { break };
            now_ms = due_at_ms;
        }
    }
}
