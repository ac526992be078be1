//! An endpoint's policy as people write it: a preset, and what differs from it.

use std::time::Duration;

use rules::outcome::{Answers, StatusSet};
use rules::retry::{BadPolicy, GAP_MS_MAX, Gaps, Policy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::BadEndpoint;

/// How deliveries are tried. What is missing is as the preset has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyInput {
    /// `standard` (default), `meta` or `8x8`.
    #[serde(default)]
    pub preset: Preset,
    /// Durations from a failure to the next attempt: the first after the first failure, the last one repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaps: Option<Vec<String>>,
    /// Growing gaps, instead of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<BackoffInput>,
    /// Attempts at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts_max: Option<u32>,
    /// A duration from the first attempt, after which no further one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub give_up_after: Option<String>,
    /// By how much chance may lengthen a gap, in per cent of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_percent: Option<u8>,
    /// A duration in which the connection must stand: name, TCP and TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<String>,
    /// A duration for the whole attempt: 100 ms to 60 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// Statuses that accept a delivery: `200`, `200-204`, `2xx`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Vec<String>>,
    /// Statuses after which no further attempt is made: the delivery is dead, `refused_for_good`.
    #[serde(rename = "final", default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Vec<String>>,
    /// Statuses after which the delivery is tried again, unless `final` names them. What is in none of the three lists is
    /// final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Vec<String>>,
    /// Whether Retry-After on 429 and 503 is obeyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<bool>,
    /// Whether 410 disables the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_disables: Option<bool>,
    /// Bytes of a failed answer that are kept with the attempt; 0 keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snippet_bytes: Option<usize>,
}

/// A policy that is made already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Any 2xx, 15 s, retries for 7 days, 410 disables.
    #[default]
    Standard,
    /// What Meta does: 200 alone, 20 s, retries for 7 days.
    Meta,
    /// What 8x8 does: any 2xx, 5 s, four retries within some two minutes.
    #[serde(rename = "8x8")]
    EightByEight,
}

/// Growing gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackoffInput {
    /// The first gap: a duration of at least `1s`.
    pub first: String,
    /// By how much each gap is longer than the one before: 1 to 10.
    #[schema(value_type = f64)]
    pub factor: Factor,
    /// The longest gap.
    pub max: String,
}

/// A factor in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Factor(pub u32);

impl From<f64> for Factor {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` ends at the bounds, and what is out of bounds is refused by the policy"
    )]
    fn from(factor: f64) -> Self {
        Self((factor * 100.0).round() as u32)
    }
}

impl From<Factor> for f64 {
    fn from(factor: Factor) -> Self {
        Self::from(factor.0) / 100.0
    }
}

impl Preset {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Meta => "meta",
            Self::EightByEight => "8x8",
        }
    }

    fn policy(self) -> Policy {
        match self {
            Self::Standard => Policy::standard(),
            Self::Meta => Policy::meta(),
            Self::EightByEight => Policy::eight_by_eight(),
        }
    }
}

impl PolicyInput {
    /// The policy as deliveries are judged by it.
    pub fn compile(&self) -> Result<Policy, BadEndpoint> {
        let preset = self.preset.policy();
        let timeout_ms = duration_u32(self.timeout.as_deref(), "timeout", preset.timeout_ms)?;
        // A shorter attempt has a shorter connection, where nothing is said about that.
        let connect = preset.connect_timeout_ms.min(timeout_ms.max(1));
        let policy = Policy {
            connect_timeout_ms: duration_u32(self.connect_timeout.as_deref(), "connect_timeout", connect)?,
            timeout_ms,
            gaps: self.gaps(&preset)?,
            attempts_max: self.attempts_max.or(preset.attempts_max),
            give_up_after_ms: duration(self.give_up_after.as_deref(), "give_up_after", preset.give_up_after_ms)?,
            jitter_percent: self.jitter_percent.unwrap_or(preset.jitter_percent),
            answers: Answers {
                success: statuses(self.success.as_deref(), "success", preset.answers.success)?,
                last: statuses(self.last.as_deref(), "final", preset.answers.last)?,
                retry: statuses(self.retry.as_deref(), "retry", preset.answers.retry)?,
                retry_after: self.retry_after.unwrap_or(preset.answers.retry_after),
                gone_disables: self.gone_disables.unwrap_or(preset.answers.gone_disables),
            },
            snippet_bytes: self.snippet_bytes.unwrap_or(preset.snippet_bytes),
            lane_hold_ms: preset.lane_hold_ms,
        };
        policy.checked().map_err(broken)
    }

    fn gaps(&self, preset: &Policy) -> Result<Gaps, BadEndpoint> {
        match (&self.gaps, &self.backoff) {
            (Some(_), Some(_)) => Err(bad("backoff", "expected either `gaps` or `backoff`, not both")),
            (Some(gaps), None) => {
                let gap = |(at, text): (usize, &String)| duration(Some(text), &format!("gaps[{at}]"), 0);
                let gaps = gaps.iter().enumerate().map(gap).collect::<Result<_, _>>()?;
                Gaps::list(gaps).map_err(broken)
            }
            (None, Some(BackoffInput { first, factor, max })) => {
                let first_ms = duration(Some(first), "backoff.first", 0)?;
                let max_ms = duration(Some(max), "backoff.max", 0)?;
                Gaps::backoff(first_ms, factor.0, max_ms).map_err(broken)
            }
            (None, None) => Ok(preset.gaps.clone()),
        }
    }
}

fn bad(member: &str, expected: impl Into<String>) -> BadEndpoint {
    BadEndpoint::new(format!("policy.{member}"), expected)
}

fn broken(rule: BadPolicy) -> BadEndpoint {
    bad(&rule.member(), rule.to_string())
}

/// The milliseconds of a duration, or those of the preset.
fn duration(text: Option<&str>, member: &str, preset: i64) -> Result<i64, BadEndpoint> {
    let Some(text) = text else { return Ok(preset) };
    // What is longer than anything that is allowed need not be told apart from it.
    let ms = |length: Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX).min(GAP_MS_MAX + 1);
    humantime::parse_duration(text).map(ms).map_err(|_| bad(member, "expected a duration like `30s`, `5m` or `12h`"))
}

fn duration_u32(text: Option<&str>, member: &str, preset: u32) -> Result<u32, BadEndpoint> {
    duration(text, member, i64::from(preset)).map(|ms| u32::try_from(ms).unwrap_or(u32::MAX))
}

fn statuses(texts: Option<&[String]>, member: &str, preset: StatusSet) -> Result<StatusSet, BadEndpoint> {
    let Some(texts) = texts else { return Ok(preset) };
    StatusSet::parse(texts.iter().map(String::as_str))
        .map_err(|(at, wrong)| bad(&format!("{member}[{at}]"), wrong.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    fn compile(json: &str) -> Result<Policy, BadEndpoint> {
        serde_json::from_str::<PolicyInput>(json).unwrap().compile()
    }

    #[test]
    fn nothing_written_is_the_preset_as_it_is() {
        assert_eq!(compile("{}"), Ok(Policy::standard()));
        assert_eq!(compile(r#"{"preset":"standard"}"#), Ok(Policy::standard()));
        assert_eq!(compile(r#"{"preset":"meta"}"#), Ok(Policy::meta()));
        assert_eq!(compile(r#"{"preset":"8x8"}"#), Ok(Policy::eight_by_eight()));
    }

    #[test]
    fn what_is_written_replaces_the_preset_s_member_and_nothing_else() {
        let written = r#"{"preset":"meta","gaps":["1s","1m 30s"],"attempts_max":9,"give_up_after":"1d",
            "jitter_percent":0,"connect_timeout":"700ms","timeout":"3s","success":["2xx","304"],"final":["401","404"],
            "retry":["4xx","500-599"],"retry_after":false,"gone_disables":true,"snippet_bytes":0}"#;
        let policy = compile(written).unwrap();
        let expected = Policy {
            connect_timeout_ms: 700,
            timeout_ms: 3_000,
            gaps: Gaps::list(vec![1_000, 90_000]).unwrap(),
            attempts_max: Some(9),
            give_up_after_ms: 86_400_000,
            jitter_percent: 0,
            answers: Answers {
                success: StatusSet::parse(["2xx", "304"]).unwrap(),
                last: StatusSet::parse(["401", "404"]).unwrap(),
                retry: StatusSet::parse(["4xx", "5xx"]).unwrap(),
                retry_after: false,
                gone_disables: true,
            },
            snippet_bytes: 0,
            lane_hold_ms: Policy::meta().lane_hold_ms,
        };
        assert_eq!(policy, expected);
        let input: PolicyInput = serde_json::from_str(written).unwrap();
        let kept: PolicyInput = serde_json::from_str(&serde_json::to_string(&input).unwrap()).unwrap();
        assert_eq!(kept, input, "what is kept is what was written");
    }

    #[test]
    fn a_backoff_may_have_a_whole_or_a_broken_factor() {
        for (factor, percent) in [("2", 200), ("1.5", 150), ("10.0", 1_000)] {
            let policy = compile(&format!(r#"{{"backoff":{{"first":"5s","factor":{factor},"max":"1h"}}}}"#)).unwrap();
            assert_eq!(policy.gaps, Gaps::backoff(5_000, percent, 3_600_000).unwrap());
        }
    }

    #[test]
    fn a_short_time_out_shortens_the_connection_that_nobody_spoke_of() {
        assert_eq!(compile(r#"{"timeout":"2s"}"#).unwrap().connect_timeout_ms, 2_000);
        assert_eq!(compile(r#"{"timeout":"60s"}"#).unwrap().connect_timeout_ms, 10_000);
    }

    #[test]
    fn nonsense_is_refused_with_its_member() {
        let cases = [
            (r#"{"gaps":["1s","soon"]}"#, "policy.gaps[1]"),
            (r#"{"gaps":[]}"#, "policy.gaps"),
            (r#"{"gaps":["1s","0s"]}"#, "policy.gaps"),
            (r#"{"gaps":["365d"]}"#, "policy.gaps[0]"),
            (r#"{"gaps":["1s"],"backoff":{"first":"1s","factor":2,"max":"1h"}}"#, "policy.backoff"),
            (r#"{"backoff":{"first":"1s","factor":-2,"max":"1h"}}"#, "policy.backoff.factor"),
            (r#"{"backoff":{"first":"1s","factor":1e300,"max":"1h"}}"#, "policy.backoff.factor"),
            (r#"{"backoff":{"first":"2h","factor":2,"max":"1h"}}"#, "policy.backoff.max"),
            (r#"{"attempts_max":0}"#, "policy.attempts_max"),
            (r#"{"give_up_after":"500ms"}"#, "policy.give_up_after"),
            (r#"{"give_up_after":"1s"}"#, "policy.give_up_after"),
            (r#"{"jitter_percent":200}"#, "policy.jitter_percent"),
            (r#"{"timeout":"61s"}"#, "policy.timeout"),
            (r#"{"timeout":"0s"}"#, "policy.timeout"),
            (r#"{"timeout":"1s","connect_timeout":"2s"}"#, "policy.connect_timeout"),
            (r#"{"success":[]}"#, "policy.success"),
            (r#"{"success":["2xx","ok"]}"#, "policy.success[1]"),
            (r#"{"final":["204"]}"#, "policy.final"),
            (r#"{"final":["404","600"]}"#, "policy.final[1]"),
            (r#"{"retry":["5xxx"]}"#, "policy.retry[0]"),
            (r#"{"snippet_bytes":1000000}"#, "policy.snippet_bytes"),
        ];
        for (json, member) in cases {
            let bad = compile(json).unwrap_err();
            assert_eq!(bad.member, member, "{json}: {bad}");
        }
        serde_json::from_str::<PolicyInput>(r#"{"preset":"9x9"}"#).unwrap_err();
        serde_json::from_str::<PolicyInput>(r#"{"timeouts":"1s"}"#).unwrap_err();
    }
}
