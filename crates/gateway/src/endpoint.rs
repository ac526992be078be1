//! Endpoints as people write them, and as the store keeps them.
//!
//! One shape, [`EndpointInput`], serves the configuration file and the API. [`Definition`] is what of it is kept: the
//! same, with its secrets sealed.

mod backlog;
pub mod form;
pub mod format;
pub mod headers;
pub mod link;
mod policy;
pub mod secrets;

use std::collections::BTreeMap;
use std::time::Duration;

use rules::age::{AgeRule, WhenOld};
use rules::retry::Policy;
use rules::route::{Pattern, Rule, is_label};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

pub use self::backlog::{Backlog, BacklogInput};
pub use self::form::{Form, KeptForm};
pub use self::format::{EightByEight, Format};
pub use self::headers::{AuthInput, BasicInput};
pub use self::link::{ProxyChoice, TlsInput};
pub use self::policy::{BackoffInput, Factor, PolicyInput, Preset};
pub use self::secrets::{NextSecretInput, OldSecretInput};

use self::form::CheckedForm;
use crate::secret::Secret;

/// What a label may be.
pub(crate) const BAD_LABEL: &str = "expected 1 to 64 letters, digits, `-`, `_`, `.` or `:`";

/// An endpoint as a person writes it.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointInput {
    /// Its id: letters, digits, `-`, `_` and `.`, at most 64. Made up when missing (API only).
    #[serde(default, alias = "name")]
    pub id: Option<String>,
    /// Where deliveries go: `https://…`, or `http://…` where the allowlist permits it.
    pub url: String,
    /// `meta` (default), `waypost`, `cloudevents`, `8x8` or `raw`.
    #[serde(default)]
    pub format: Format,
    /// What the format `8x8` needs to know.
    #[serde(default)]
    pub eight_by_eight: Option<EightByEight>,
    /// Whose it is. Empty: nobody's in particular.
    #[serde(default)]
    pub owner: String,
    /// What it wants; any rule may match. Missing or empty: everything.
    #[serde(default)]
    pub rules: Vec<RuleInput>,
    /// Competes with the others that override for what its rules match, as Meta's override does: the one that names the
    /// number gets it before the one that names the WABA, and that before the one that names the app at most.
    #[serde(default)]
    pub r#override: bool,
    /// Deliveries keep the order of their lanes. Those of the format `raw` have none, whatever stands here.
    #[serde(default = "yes")]
    pub ordered: bool,
    /// Requests in flight to it at most.
    #[serde(default = "sixteen")]
    pub concurrency_max: u32,
    /// Requests begun in a second at most, from 1 to 10000. Missing: as many as it takes.
    #[serde(default)]
    pub rate_per_second_max: Option<u32>,
    /// How much it may be owed before the oldest ends.
    #[serde(default)]
    pub backlog: BacklogInput,
    /// How long a refused delivery holds its lane: a duration (`5m`) or `forever`.
    #[serde(default)]
    pub lane_hold: Option<String>,
    /// How its deliveries are tried: a preset, and what differs from it.
    #[serde(default)]
    pub policy: PolicyInput,
    /// When events are too old for it; the first that names a type decides. A `calls.connect` older than a minute is
    /// skipped anyway, unless one here names it.
    #[serde(default)]
    pub ages: Vec<AgeInput>,
    /// Signs `X-Hub-Signature-256`, for handlers that know Meta's signature. Any text; often the app secret.
    #[serde(default)]
    pub hub_secret: Option<String>,
    /// Signs `webhook-signature` (Standard Webhooks): `whsec_` and base64 of 24 to 64 bytes. Made up when missing.
    #[serde(default)]
    pub webhook_secret: Option<String>,
    /// The hub secret that takes over at a moment.
    #[serde(default)]
    pub hub_secret_next: Option<NextSecretInput>,
    /// Standard Webhooks secrets that sign besides the one in force, until they end.
    #[serde(default)]
    pub webhook_secrets_old: Option<Vec<OldSecretInput>>,
    /// The beginning of the names of Waypost's headers, instead of `X-Waypost-`.
    #[serde(default)]
    pub header_prefix: Option<String>,
    /// Custom headers.
    #[serde(default)]
    pub headers: Option<BTreeMap<String, String>>,
    /// `Authorization`.
    #[serde(default)]
    pub auth: Option<AuthInput>,
    /// TLS: a client certificate, private authorities.
    #[serde(default)]
    pub tls: Option<TlsInput>,
    /// A proxy that takes CONNECT (`http://host:port`), or `none` where one is set for all endpoints.
    #[serde(default)]
    pub proxy: Option<String>,
    /// Made paused: it is owed what matches, and gets it when it is resumed.
    #[serde(default)]
    pub paused: bool,
}

/// What an endpoint wants. A member that is missing or empty stands for anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleInput {
    /// Apps by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<String>,
    /// Fields; `*` at the end for the rest, `!` in front to exclude.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Types; `*` at the end for the rest, `!` in front to exclude.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// WABA ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waba_ids: Vec<String>,
    /// Business numbers by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phone_number_ids: Vec<String>,
    /// Labels: it stands for the WABAs and numbers that bear it (see `/api/v1/labels`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// False leaves dashboard tests out.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub test: bool,
}

/// When events of some types are too old for an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgeInput {
    /// Types; `*` at the end for the rest.
    pub types: Vec<String>,
    /// A duration since the event's own time: `10m`.
    pub older_than: String,
    /// `skip`, or `mark` with the header `X-Waypost-Stale`.
    pub then: ThenInput,
}

/// What becomes of an event that is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThenInput {
    /// It is not delivered.
    Skip,
    /// It is delivered, and marked.
    Mark,
}

/// What the store keeps of an endpoint, besides the members that have columns of their own. Secrets are sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Where deliveries go.
    pub url: String,
    /// The body that it gets.
    pub format: Format,
    /// What it wants.
    pub rules: Vec<RuleInput>,
    /// Whether it competes with the others that override.
    #[serde(default)]
    pub r#override: bool,
    /// When events are too old for it.
    #[serde(default)]
    pub ages: Vec<AgeInput>,
    /// Milliseconds for which a refused delivery holds its lane; None for ever.
    pub lane_hold_ms: Option<i64>,
    /// How much it may be owed.
    #[serde(default)]
    pub backlog: BacklogInput,
    /// How its deliveries are tried.
    #[serde(default)]
    pub policy: PolicyInput,
    /// Sealed.
    pub hub_secret: Option<String>,
    /// Sealed.
    pub webhook_secret: String,
    /// The form of its deliveries, beside format and URL.
    #[serde(default)]
    pub form: KeptForm,
}

/// What is wrong with an endpoint: the member, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{member}: {expected}")]
pub struct BadEndpoint {
    /// The member, for instance `rules[0].types[1]`.
    pub member: String,
    /// What is the matter and what was expected.
    pub expected: String,
}

impl BadEndpoint {
    pub(crate) fn new(member: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { member: member.into(), expected: expected.into() }
    }
}

/// An endpoint that was checked.
#[derive(Debug, Clone)]
pub struct CheckedEndpoint {
    /// As typed.
    pub input: EndpointInput,
    /// The rules as routing takes them.
    pub rules: Vec<Rule>,
    /// Milliseconds for which a refused delivery holds its lane; None for ever.
    pub lane_hold_ms: Option<i64>,
    /// The hub secret.
    pub hub_secret: Option<Secret>,
    /// The Standard Webhooks secret, where one was given.
    pub webhook_secret: Option<Secret>,
    /// The form of its deliveries.
    pub form: CheckedForm,
}

impl EndpointInput {
    /// Checks it, member by member; the first thing that is wrong is told.
    pub fn check(self) -> Result<CheckedEndpoint, BadEndpoint> {
        if let Some(id) = &self.id {
            check_id(id)?;
        }
        check_url(&self.url)?;
        if self.owner.len() > 64 {
            return Err(BadEndpoint::new("owner", "at most 64 bytes"));
        }
        if !(1..=1_000).contains(&self.concurrency_max) {
            return Err(BadEndpoint::new("concurrency_max", "expected a number from 1 to 1000"));
        }
        if !self.rate_per_second_max.is_none_or(|rate| (1..=10_000).contains(&rate)) {
            return Err(BadEndpoint::new("rate_per_second_max", "expected a number from 1 to 10000"));
        }
        self.backlog.compile(&Policy::standard())?;
        let rules = self.rules.iter().enumerate().map(|(n, rule)| rule.compile(n)).collect::<Result<Vec<_>, _>>()?;
        let rules = if rules.is_empty() { vec![Rule::default()] } else { rules };
        for (n, age) in self.ages.iter().enumerate() {
            age.compile(n)?;
        }
        let lane_hold_ms = lane_hold(self.lane_hold.as_deref())?;
        self.policy.compile()?;
        let webhook_secret = self.webhook_secret.as_deref();
        let webhook_secret = webhook_secret.map(|text| secrets::webhook(text, "webhook_secret")).transpose()?;
        self.check_format()?;
        let form = self.check_form()?;
        let hub_secret = self.hub_secret.clone().map(Secret::new);
        if hub_secret.as_ref().is_some_and(|secret| secret.expose().is_empty()) {
            return Err(BadEndpoint::new("hub_secret", "must not be empty: leave it out for no hub signature"));
        }
        Ok(CheckedEndpoint { input: self, rules, lane_hold_ms, hub_secret, webhook_secret, form })
    }
}

impl RuleInput {
    /// The rule as routing takes it; `n` is its position, for what is told when it is wrong.
    pub fn compile(&self, n: usize) -> Result<Rule, BadEndpoint> {
        if let Some((at, _)) = self.labels.iter().enumerate().find(|(_, label)| !is_label(label)) {
            return Err(BadEndpoint::new(format!("rules[{n}].labels[{at}]"), BAD_LABEL));
        }
        Ok(Rule {
            apps: self.apps.clone(),
            fields: patterns(&self.fields, n, "fields")?,
            types: patterns(&self.types, n, "types")?,
            waba_ids: self.waba_ids.clone(),
            phone_number_ids: self.phone_number_ids.clone(),
            labels: self.labels.clone(),
            without_tests: !self.test,
        })
    }
}

impl AgeInput {
    /// The rule as it is judged by; `n` is its position, for what is told when it is wrong.
    pub fn compile(&self, n: usize) -> Result<AgeRule, BadEndpoint> {
        let member = format!("ages[{n}]");
        if self.types.is_empty() {
            return Err(BadEndpoint::new(format!("{member}.types"), "expected at least one type, or `*`"));
        }
        let older_than = humantime::parse_duration(&self.older_than).ok();
        let older_than = older_than.and_then(|age| i64::try_from(age.as_secs()).ok());
        Ok(AgeRule {
            types: parse_patterns(&self.types, &format!("{member}.types"))?,
            older_than_seconds: older_than
                .ok_or_else(|| BadEndpoint::new(format!("{member}.older_than"), "expected a duration like `10m`"))?,
            then: match self.then {
                ThenInput::Skip => WhenOld::Skip,
                ThenInput::Mark => WhenOld::Mark,
            },
        })
    }
}

impl Definition {
    /// The policy by which its deliveries are tried. It was checked when it was kept.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let policy = self.policy.compile().unwrap_or_else(|_| Policy::standard());
        Policy { lane_hold_ms: self.lane_hold_ms, ..policy }
    }

    /// The limit of its backlog. It was checked when it was kept.
    #[must_use]
    pub fn compiled_backlog(&self) -> Backlog {
        let policy = self.policy();
        self.backlog
            .compile(&policy)
            .or_else(|_| BacklogInput::default().compile(&policy))
            .unwrap_or(Backlog { age_ms_max: i64::MAX, share_percent_max: 100 })
    }

    /// The rules of age. They were checked when they were kept.
    #[must_use]
    pub fn compiled_ages(&self) -> Vec<AgeRule> {
        self.ages.iter().enumerate().filter_map(|(n, age)| age.compile(n).ok()).collect()
    }

    /// The rules as routing takes them; no rules stand for everything. They were checked when they were kept.
    #[must_use]
    pub fn compiled_rules(&self) -> Vec<Rule> {
        if self.rules.is_empty() {
            return vec![Rule::default()];
        }
        self.rules.iter().enumerate().filter_map(|(n, rule)| rule.compile(n).ok()).collect()
    }
}

/// An id for an endpoint that was given none: `ep_` and these bytes in hexadecimal.
#[must_use]
pub(crate) fn made_up_id<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> String {
    bytes.into_iter().fold("ep_".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

/// Checks an endpoint's id.
pub fn check_id(id: &str) -> Result<(), BadEndpoint> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.is_empty() || id.len() > 64 || !id.chars().all(fine) {
        return Err(BadEndpoint::new("id", "expected 1 to 64 letters, digits, `-`, `_` or `.`"));
    }
    Ok(())
}

fn check_url(url: &str) -> Result<(), BadEndpoint> {
    let bad = |expected: &str| Err(BadEndpoint::new("url", expected));
    let Ok(uri) = url.parse::<hyper::Uri>() else {
        return bad("not a URL: expected https://host/path");
    };
    if !matches!(uri.scheme_str(), Some("https" | "http")) {
        return bad("expected a URL that begins with https:// (or http:// where the allowlist permits it)");
    }
    let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else {
        return bad("the URL has no host");
    };
    if authority.as_str().contains('@') {
        return bad("a user name or password in the URL would end up in logs: leave it out");
    }
    Ok(())
}

fn patterns(texts: &[String], n: usize, member: &str) -> Result<Vec<Pattern>, BadEndpoint> {
    parse_patterns(texts, &format!("rules[{n}].{member}"))
}

fn parse_patterns(texts: &[String], member: &str) -> Result<Vec<Pattern>, BadEndpoint> {
    let parse = |(at, text): (usize, &String)| {
        Pattern::parse(text).map_err(|bad| BadEndpoint::new(format!("{member}[{at}]"), format!("{text:?}: {bad}")))
    };
    texts.iter().enumerate().map(parse).collect()
}

fn lane_hold(text: Option<&str>) -> Result<Option<i64>, BadEndpoint> {
    match text {
        None => Ok(Policy::standard().lane_hold_ms),
        Some("forever") => Ok(None),
        Some(text) => humantime::parse_duration(text)
            .ok()
            .filter(|hold| *hold <= Duration::from_secs(30 * 24 * 3600))
            .and_then(|hold| i64::try_from(hold.as_millis()).ok())
            .map(Some)
            .ok_or_else(|| BadEndpoint::new("lane_hold", "expected a duration like `5m`, up to 30 days, or `forever`")),
    }
}

/// Secrets do not show in `Debug`, whether given or not.
impl std::fmt::Debug for EndpointInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndpointInput").field("id", &self.id).field("format", &self.format).finish_non_exhaustive()
    }
}

const fn yes() -> bool {
    true
}

const fn sixteen() -> u32 {
    16
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_true(value: &bool) -> bool {
    *value
}
