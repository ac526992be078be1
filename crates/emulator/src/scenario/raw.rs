//! A scenario as it is typed.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::mischief::Mischief;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[derive(Default)]
pub(super) struct Scenario {
    pub(super) about: String,
    pub(super) apps: Vec<App>,
    pub(super) wabas: Vec<Waba>,
    pub(super) numbers: Vec<Number>,
    pub(super) templates: Vec<Template>,
    pub(super) contacts: Vec<Contact>,
    pub(super) tokens: Vec<Token>,
    pub(super) script: Vec<Step>,
    pub(super) faults: Mischief,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct App {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) second_secret: Option<String>,
    pub(super) callback: Option<String>,
    pub(super) verify_token: Option<String>,
    pub(super) fields: Option<Vec<String>>,
    /// False for an app that is yet to subscribe by the Graph side.
    pub(super) subscribed: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Callback {
    pub(super) callback: String,
    pub(super) verify_token: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Waba {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) apps: Option<Vec<String>>,
    /// Of the first of its apps.
    #[serde(rename = "override")]
    pub(super) own: Option<Callback>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Number {
    pub(super) id: Option<String>,
    pub(super) display: Option<String>,
    pub(super) waba: Option<String>,
    pub(super) storage: Option<Storage>,
    #[serde(rename = "override")]
    pub(super) own: Option<Callback>,
    pub(super) coexistence: bool,
    pub(super) shares_history: Option<bool>,
    pub(super) messages_per_chunk: Option<usize>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Storage {
    Cloud,
    Local,
    None,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Template {
    pub(super) name: String,
    pub(super) id: Option<String>,
    pub(super) language: Option<String>,
    pub(super) category: Option<String>,
    pub(super) waba: Option<String>,
    pub(super) status: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Contact {
    pub(super) name: String,
    pub(super) profile: Option<String>,
    pub(super) wa_id: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) reads: Option<bool>,
    pub(super) fails: Option<u32>,
    pub(super) reply: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Token {
    pub(super) token: String,
    pub(super) app: Option<String>,
    #[serde(default)]
    pub(super) expired: bool,
    pub(super) scopes: Option<Vec<String>>,
}

/// Any step: which keys go with which `do` is judged where it is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Step {
    #[serde(rename = "do")]
    pub(super) act: String,
    pub(super) after: Option<String>,
    pub(super) repeat: Option<u32>,
    pub(super) every: Option<String>,
    pub(super) label: Option<String>,
    pub(super) number: Option<String>,
    pub(super) waba: Option<String>,
    pub(super) contact: Option<String>,
    pub(super) text: Option<String>,
    pub(super) reply_to: Option<String>,
    pub(super) ends: Option<String>,
    pub(super) error: Option<u32>,
    #[serde(rename = "type")]
    pub(super) event_type: Option<String>,
    pub(super) set: Option<BTreeMap<String, toml::Value>>,
    pub(super) template: Option<String>,
    pub(super) status: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) from_business: Option<bool>,
    pub(super) answered: Option<bool>,
    pub(super) seconds: Option<u32>,
    pub(super) chunks: Option<u32>,
    pub(super) events: Option<u32>,
    pub(super) per_second: Option<u32>,
}
