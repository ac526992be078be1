//! The form of an endpoint's deliveries as it is sent to the API, secrets and all.

use std::collections::BTreeMap;

use gateway::endpoint::{AuthInput, EightByEight, NextSecretInput, OldSecretInput, TlsInput};
use serde::Serialize;

/// The members that the API takes. What is left out and secret stays as it is. It has no `Debug`: secrets are in it.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct FormBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) eight_by_eight: Option<EightByEight>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) header_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<AuthInput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<TlsInput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proxy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hub_secret_next: Option<NextSecretBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) webhook_secrets_old: Option<Vec<OldSecretBody>>,
}

/// The hub secret that follows.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NextSecretBody {
    pub(crate) secret: String,
    pub(crate) at: String,
}

/// A Standard Webhooks secret that ends.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct OldSecretBody {
    secret: String,
    until: String,
}

impl From<NextSecretInput> for NextSecretBody {
    fn from(NextSecretInput { secret, at }: NextSecretInput) -> Self {
        Self { secret, at }
    }
}

impl From<OldSecretInput> for OldSecretBody {
    fn from(OldSecretInput { secret, until }: OldSecretInput) -> Self {
        Self { secret, until }
    }
}
