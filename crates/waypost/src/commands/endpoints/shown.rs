//! An endpoint as the API shows it.

use gateway::endpoint::{AgeInput, BacklogInput, PolicyInput, RuleInput};
use serde::Deserialize;

use super::form::ShownForm;
use super::policy;
use crate::table::{facts, or_dash};

/// The columns of a list of endpoints.
pub(super) const HEADINGS: [&str; 7] = ["ID", "STATE", "OWED", "FORMAT", "WANTS", "LAST ACCEPTED", "URL"];

/// An endpoint, without its secrets.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) owner: String,
    state: String,
    state_reason: String,
    /// Since when it gets no deliveries.
    standing_since: Option<String>,
    /// None where the gateway could not read its own record.
    pub(super) url: Option<String>,
    pub(super) format: Option<String>,
    pub(super) rules: Option<Vec<RuleInput>>,
    #[serde(default)]
    pub(super) r#override: bool,
    pub(super) ages: Option<Vec<AgeInput>>,
    pub(super) ordered: bool,
    pub(super) concurrency_max: u32,
    pub(super) rate_per_second_max: Option<u32>,
    pub(super) backlog: Option<BacklogInput>,
    /// None for ever.
    pub(super) lane_hold_ms: Option<u64>,
    pub(super) policy: Option<PolicyInput>,
    has_hub_secret: bool,
    pub(super) form: Option<ShownForm>,
    pub(super) declared: bool,
    pub(super) revision: u64,
    owed: u64,
    last_accepted_at: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

impl Shown {
    /// Its cells under [`HEADINGS`].
    pub(super) fn cells(self) -> [String; 7] {
        let wants = self.wants();
        [
            self.id,
            self.state,
            self.owed.to_string(),
            or_dash(self.format),
            wants,
            or_dash(self.last_accepted_at),
            or_dash(self.url),
        ]
    }

    /// All about it.
    pub(super) fn facts(&self) -> String {
        let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let state = match self.state_reason.as_str() {
            "" => self.state.clone(),
            reason => format!("{} ({reason})", self.state),
        };
        let state = match &self.standing_since {
            None => state,
            Some(since) => format!("{state}, since {since}"),
        };
        let rate = self.rate_per_second_max.map(|rate| format!("{rate} requests a second"));
        let mut lines = vec![
            ("endpoint", self.id.clone()),
            ("state", state),
            ("url", or_dash(self.url.as_deref())),
            ("format", or_dash(self.format.as_deref())),
            ("wants", self.wants()),
            ("overrides", yes_no(self.r#override)),
            ("owed", self.owed.to_string()),
            ("last accepted", or_dash(self.last_accepted_at.as_deref())),
            ("owner", or_dash(Some(self.owner.as_str()))),
            ("ordered", yes_no(self.ordered)),
            ("in flight at most", self.concurrency_max.to_string()),
            ("rate at most", or_dash(rate)),
            ("backlog at most", self.backlog_limit()),
            ("lane hold", self.lane_hold()),
            ("policy", or_dash(self.policy.as_ref().map(policy::words))),
            ("hub secret", yes_no(self.has_hub_secret)),
        ];
        lines.extend(self.form.iter().flat_map(ShownForm::lines));
        lines.extend([
            ("declared", yes_no(self.declared)),
            ("made", or_dash(self.created_at.as_deref())),
            ("changed", or_dash(self.updated_at.as_deref())),
        ]);
        facts(&lines)
    }

    /// The limit of what it may be owed.
    fn backlog_limit(&self) -> String {
        let BacklogInput { age_max, share_percent_max } = self.backlog.clone().unwrap_or_default();
        let age = age_max.unwrap_or_else(|| "7 days beyond the policy".to_owned());
        format!("{age}; {} % of the store", share_percent_max.unwrap_or(BacklogInput::SHARE_PERCENT_DEFAULT))
    }

    /// What its removal means.
    pub(super) fn removal(&self) -> String {
        let Self { id, owed, .. } = self;
        if *owed == 0 {
            return format!("{id} is owed nothing");
        }
        let deliveries = if *owed == 1 { "delivery" } else { "deliveries" };
        format!("{id} is owed {owed} {deliveries}, which would end as dead (endpoint_removed)")
    }

    /// Its lane hold as the API takes it.
    pub(super) fn lane_hold(&self) -> String {
        match self.lane_hold_ms {
            None => "forever".to_owned(),
            Some(ms) => humantime::format_duration(std::time::Duration::from_millis(ms)).to_string(),
        }
    }

    fn wants(&self) -> String {
        let rules = self.rules.iter().flatten().map(rule).collect::<Vec<_>>();
        let wants = if rules.is_empty() { "everything".to_owned() } else { rules.join(" or ") };
        if self.r#override { format!("override: {wants}") } else { wants }
    }
}

/// A rule in a few words.
fn rule(rule: &RuleInput) -> String {
    let parts = [
        ("app", &rule.apps),
        ("field", &rule.fields),
        ("type", &rule.types),
        ("waba", &rule.waba_ids),
        ("number", &rule.phone_number_ids),
        ("label", &rule.labels),
    ];
    let named = parts.iter().filter(|(_, wanted)| !wanted.is_empty());
    let mut words: Vec<String> = named.map(|(name, wanted)| format!("{name} {}", wanted.join(","))).collect();
    if words.is_empty() {
        words.push("everything".to_owned());
    }
    if !rule.test {
        words.push("no tests".to_owned());
    }
    words.join("; ")
}
