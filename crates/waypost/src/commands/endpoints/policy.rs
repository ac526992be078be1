//! From the options on a policy to the policy, and from a policy to words.

use std::time::Duration;

use gateway::endpoint::{BackoffInput, Factor, PolicyInput, Preset};

use crate::cli::PolicyOptions;
use crate::exit::Failure;

/// The policy that an endpoint has, with what was typed. A preset that was typed begins anew.
pub(super) fn changed(before: PolicyInput, options: &PolicyOptions) -> Result<PolicyInput, Failure> {
    let before = match &options.policy {
        Some(word) => PolicyInput { preset: preset(word)?, ..PolicyInput::default() },
        None => before,
    };
    let backoff = options.backoff.as_deref().map(backoff).transpose()?;
    // One kind of gaps replaces the other.
    let (gaps, backoff) = match (&options.gaps, backoff) {
        (Some(gaps), _) => (Some(gaps.clone()), None),
        (None, Some(backoff)) => (None, Some(backoff)),
        (None, None) => (before.gaps, before.backoff),
    };
    Ok(PolicyInput {
        preset: before.preset,
        gaps,
        backoff,
        attempts_max: options.attempts_max.or(before.attempts_max),
        give_up_after: options.give_up_after.clone().or(before.give_up_after),
        jitter_percent: options.jitter_percent.or(before.jitter_percent),
        connect_timeout: options.connect_timeout.clone().or(before.connect_timeout),
        timeout: options.timeout.clone().or(before.timeout),
        success: options.success.clone().or(before.success),
        last: options.last.clone().or(before.last),
        retry: options.retry.clone().or(before.retry),
        retry_after: options.retry_after.or(before.retry_after),
        gone_disables: options.gone_disables.or(before.gone_disables),
        snippet_bytes: options.snippet_bytes.or(before.snippet_bytes),
    })
}

/// A policy in a few words: what it comes to, not what was written.
pub(super) fn words(policy: &PolicyInput) -> String {
    let name = policy.preset.as_str();
    let own =
        if *policy == (PolicyInput { preset: policy.preset, ..PolicyInput::default() }) { "" } else { ", changed" };
    let Ok(made) = policy.compile() else { return format!("{name}{own}") };
    let time = |ms: i64| humantime::format_duration(Duration::from_millis(u64::try_from(ms).unwrap_or(0))).to_string();
    let gaps: Vec<String> = (1..=4).map(|attempts| time(made.gaps.after(attempts))).collect();
    let attempts = made.attempts_max.map_or_else(String::new, |max| format!("{max} attempts, "));
    format!(
        "{name}{own}: {} accepted, {} for an attempt, again after {} …, {attempts}given up after {}",
        made.answers.success,
        time(i64::from(made.timeout_ms)),
        gaps.join(", "),
        time(made.give_up_after_ms)
    )
}

fn preset(word: &str) -> Result<Preset, Failure> {
    [Preset::Standard, Preset::Meta, Preset::EightByEight]
        .into_iter()
        .find(|preset| preset.as_str() == word)
        .ok_or_else(|| {
            Failure::Arguments(format!("--policy: no preset is named {word:?}: expected standard, meta or 8x8"))
        })
}

fn backoff(text: &str) -> Result<BackoffInput, Failure> {
    let wrong =
        || Failure::Arguments("--backoff: expected the first gap, the factor and the longest gap: 5s,2,1h".to_owned());
    let mut parts = text.split(',').map(str::trim);
    let (Some(first), Some(factor), Some(max), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(wrong());
    };
    let factor: f64 = factor.parse().map_err(|_| wrong())?;
    Ok(BackoffInput { first: first.to_owned(), factor: Factor::from(factor), max: max.to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    fn policy(json: &str) -> PolicyInput {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_not_typed_stays_and_a_preset_begins_anew() {
        let before = policy(r#"{"preset":"8x8","timeout":"7s","gaps":["1s"]}"#);
        assert_eq!(changed(before.clone(), &PolicyOptions::default()).unwrap(), before);
        let slower = PolicyOptions { timeout: Some("9s".to_owned()), ..PolicyOptions::default() };
        assert_eq!(
            changed(before.clone(), &slower).unwrap(),
            policy(r#"{"preset":"8x8","timeout":"9s","gaps":["1s"]}"#)
        );
        let growing = PolicyOptions { backoff: Some("5s, 1.5, 1h".to_owned()), ..PolicyOptions::default() };
        let expected = r#"{"preset":"8x8","timeout":"7s","backoff":{"first":"5s","factor":1.5,"max":"1h"}}"#;
        assert_eq!(changed(before.clone(), &growing).unwrap(), policy(expected));
        let anew = PolicyOptions { policy: Some("meta".to_owned()), attempts_max: Some(3), ..PolicyOptions::default() };
        assert_eq!(changed(before, &anew).unwrap(), policy(r#"{"preset":"meta","attempts_max":3}"#));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for options in [
            PolicyOptions { policy: Some("9x9".to_owned()), ..PolicyOptions::default() },
            PolicyOptions { backoff: Some("5s,2".to_owned()), ..PolicyOptions::default() },
            PolicyOptions { backoff: Some("5s,two,1h".to_owned()), ..PolicyOptions::default() },
        ] {
            assert!(matches!(changed(PolicyInput::default(), &options), Err(Failure::Arguments(_))), "{options:?}");
        }
    }

    #[test]
    fn the_words_say_what_the_policy_comes_to() {
        assert_eq!(
            words(&policy("{}")),
            "standard: 200-299 accepted, 15s for an attempt, again after 5s, 30s, 2m, 5m …, given up after 7days"
        );
        assert_eq!(
            words(&policy(r#"{"preset":"8x8","timeout":"3s"}"#)),
            "8x8, changed: 200-299 accepted, 3s for an attempt, again after 1s, 10s, 30s, 1m 30s …, 5 attempts, given up \
             after 7days"
        );
    }
}
