//! An endpoint as it is sent to the API, secrets and all. The gateway's own type cannot be written, so that a secret
//! never is by accident; sending one is this module's purpose.

mod form;

use gateway::endpoint::{AgeInput, BacklogInput, EndpointInput, PolicyInput, RuleInput};
use serde::Serialize;

pub(crate) use self::form::{FormBody, NextSecretBody};

/// The members that the API takes. It has no `Debug`: secrets are in it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(super) struct EndpointBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) url: String,
    pub(super) format: String,
    pub(super) owner: String,
    pub(super) rules: Vec<RuleInput>,
    pub(super) r#override: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ages: Vec<AgeInput>,
    pub(super) ordered: bool,
    pub(super) concurrency_max: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rate_per_second_max: Option<u32>,
    pub(super) backlog: BacklogInput,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lane_hold: Option<String>,
    pub(super) policy: PolicyInput,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hub_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) webhook_secret: Option<String>,
    pub(super) paused: bool,
    #[serde(flatten)]
    pub(super) form: FormBody,
}

impl From<EndpointInput> for EndpointBody {
    fn from(input: EndpointInput) -> Self {
        // Every member by name: a new one that is forgotten here does not compile.
        let EndpointInput {
            id,
            url,
            format,
            owner,
            rules,
            r#override,
            ages,
            ordered,
            concurrency_max,
            rate_per_second_max,
            backlog,
            lane_hold,
            policy,
            hub_secret,
            webhook_secret,
            paused,
            eight_by_eight,
            header_prefix,
            headers,
            auth,
            tls,
            proxy,
            hub_secret_next,
            webhook_secrets_old,
        } = input;
        let form = FormBody {
            eight_by_eight,
            header_prefix,
            headers,
            auth,
            tls,
            proxy,
            hub_secret_next: hub_secret_next.map(Into::into),
            webhook_secrets_old: webhook_secrets_old.map(|old| old.into_iter().map(Into::into).collect()),
        };
        Self {
            id,
            url,
            format: format.as_str().to_owned(),
            owner,
            rules,
            r#override,
            ages,
            ordered,
            concurrency_max,
            rate_per_second_max,
            backlog,
            lane_hold,
            policy,
            hub_secret,
            webhook_secret,
            paused,
            form,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[track_caller]
    fn check(json: &str) {
        let input: EndpointInput = serde_json::from_str(json).unwrap();
        let sent = serde_json::to_string(&EndpointBody::from(input.clone())).unwrap();
        assert!(serde_json::from_str::<EndpointInput>(&sent).unwrap() == input, "{sent}");
    }

    #[test]
    fn the_gateway_reads_what_is_sent_as_what_was_declared() {
        check(r#"{"url":"https://example.com"}"#);
        check(
            r#"{"name":"crm","url":"https://example.com","format":"waypost","owner":"acme","ordered":false,
            "rules":[{"apps":["main"],"fields":["messages"],"types":["!calls.*"],"waba_ids":["1"],
            "phone_number_ids":["7"],"labels":["gold"],"test":false},{}],"override":true,"concurrency_max":3,
            "lane_hold":"forever","rate_per_second_max":9,"backlog":{"age_max":"3d","share_percent_max":5},
            "policy":{"preset":"meta","backoff":{"first":"5s","factor":1.5,"max":"1h"},"final":["404"]},
            "hub_secret":"hunter2","webhook_secret":"whsec_x","paused":true}"#,
        );
        check(
            r#"{"url":"https://example.com","format":"8x8","eight_by_eight":{"account_id":"a","documented_only":true},
            "header_prefix":"X-P-","headers":{"X-Key":"hunter2"},"auth":{"basic":{"user":"u","password":"hunter2"}},
            "tls":{"client_certificate":"c","client_key":"k","ca":"a"},"proxy":"none",
            "hub_secret_next":{"secret":"hunter2","at":"2026-12-01T00:00:00Z"},
            "webhook_secrets_old":[{"secret":"whsec_y","until":"2026-12-01T00:00:00Z"}]}"#,
        );
    }
}
