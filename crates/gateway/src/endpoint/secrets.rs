//! Secrets while one replaces another: several for Standard Webhooks during an overlap, and a hub secret that switches at
//! a moment.

use serde::Deserialize;
use utoipa::ToSchema;

use super::BadEndpoint;
use crate::clock::parse_rfc3339;
use crate::secret::Secret;

/// Standard Webhooks secrets that an endpoint may have beside the one in force.
pub const OLD_SECRETS_MAX: usize = 4;

/// A Standard Webhooks secret that signs besides the one in force, until it ends.
#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OldSecretInput {
    /// `whsec_…`.
    pub secret: String,
    /// When it ends: `2026-12-01T00:00:00Z`.
    pub until: String,
}

/// The hub secret that follows.
#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NextSecretInput {
    /// Any text.
    pub secret: String,
    /// From when on it signs, instead of the one before: `2026-12-01T00:00:00Z`.
    pub at: String,
}

impl std::fmt::Debug for OldSecretInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OldSecretInput").field("until", &self.until).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for NextSecretInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NextSecretInput").field("at", &self.at).finish_non_exhaustive()
    }
}

/// A secret and a moment: until when it signs, or from when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedSecret {
    /// The secret.
    pub secret: Secret,
    /// In Unix milliseconds.
    pub at_ms: i64,
}

pub(super) fn old(given: &[OldSecretInput]) -> Result<Vec<TimedSecret>, BadEndpoint> {
    if given.len() > OLD_SECRETS_MAX {
        return Err(BadEndpoint::new("webhook_secrets_old", format!("at most {OLD_SECRETS_MAX}")));
    }
    let one = |(n, OldSecretInput { secret, until }): (usize, &OldSecretInput)| {
        let member = |name: &str| format!("webhook_secrets_old[{n}].{name}");
        let secret = webhook(secret, &member("secret"))?;
        Ok(TimedSecret { secret, at_ms: moment(until, &member("until"))? })
    };
    given.iter().enumerate().map(one).collect()
}

pub(super) fn next(given: &NextSecretInput) -> Result<TimedSecret, BadEndpoint> {
    if given.secret.is_empty() {
        return Err(BadEndpoint::new("hub_secret_next.secret", "must not be empty"));
    }
    Ok(TimedSecret { secret: Secret::new(given.secret.as_str()), at_ms: moment(&given.at, "hub_secret_next.at")? })
}

/// A Standard Webhooks secret.
pub(super) fn webhook(text: &str, member: &str) -> Result<Secret, BadEndpoint> {
    let secret = Secret::new(text);
    match crate::sign::webhook_key(&secret) {
        Some(_) => Ok(secret),
        None => Err(BadEndpoint::new(member, "expected `whsec_` and base64 of 24 to 64 bytes")),
    }
}

fn moment(text: &str, member: &str) -> Result<i64, BadEndpoint> {
    parse_rfc3339(text).ok_or_else(|| BadEndpoint::new(member, "expected a moment like `2026-12-01T00:00:00Z`"))
}
