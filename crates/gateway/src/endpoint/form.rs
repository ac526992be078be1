//! What of an endpoint decides about the form of its deliveries, beside format and URL: as it was checked, as the store
//! keeps it (secrets sealed), and how one becomes the other.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::headers::{AuthInput, PREFIX};
use super::link::{ProxyChoice, TlsInput};
use super::secrets::TimedSecret;
use super::{BadEndpoint, EightByEight, EndpointInput, headers, secrets};
use crate::secret::{SealError, Sealer, Secret};

/// The form as it is meant. `Debug` of what is in it shows no secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// What the format `8x8` needs to know.
    pub eight_by_eight: Option<EightByEight>,
    /// The beginning of the names of Waypost's headers, where it is not the usual one.
    pub header_prefix: Option<String>,
    /// Custom headers. Their values may be secret.
    pub headers: BTreeMap<String, String>,
    /// `Authorization`.
    pub auth: AuthInput,
    /// TLS.
    pub tls: TlsInput,
    /// The proxy as a person wrote it.
    pub proxy: Option<String>,
    /// The hub secret that follows, and from when on.
    pub hub_secret_next: Option<TimedSecret>,
    /// Standard Webhooks secrets beside the one in force, and until when.
    pub webhook_secrets_old: Vec<TimedSecret>,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Form").field("auth", &self.auth).field("tls", &self.tls).finish_non_exhaustive()
    }
}

/// A text of an endpoint that a configuration may take from elsewhere.
pub struct Referable<'t> {
    /// The member, for instance `headers.X-Api-Key`.
    pub member: String,
    /// The text.
    pub text: &'t mut String,
    /// Whether nobody else may know it: certificates are for everybody.
    pub is_secret: bool,
}

impl std::fmt::Debug for Referable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Referable").field(&self.member).finish()
    }
}

/// The form that an input gives; None where it says nothing about a thing that is secret.
#[derive(Debug, Clone, Default)]
pub struct CheckedForm {
    said: Form,
    headers: bool,
    auth: bool,
    tls: bool,
    hub_secret: bool,
    hub_secret_next: bool,
    webhook_secrets_old: bool,
}

impl EndpointInput {
    /// The texts of its form that may be secret or long, so that a configuration may refer to them.
    pub fn referable(&mut self) -> Vec<Referable<'_>> {
        let one = |member: &str, text, is_secret| Referable { member: member.to_owned(), text, is_secret };
        let mut all = Vec::new();
        for (name, value) in self.headers.iter_mut().flatten() {
            all.push(one(&format!("headers.{name}"), value, true));
        }
        if let Some(auth) = &mut self.auth {
            all.extend(auth.bearer.as_mut().map(|token| one("auth.bearer", token, true)));
            all.extend(auth.basic.as_mut().map(|basic| one("auth.basic.password", &mut basic.password, true)));
        }
        if let Some(tls) = &mut self.tls {
            all.extend(tls.client_certificate.as_mut().map(|pem| one("tls.client_certificate", pem, false)));
            all.extend(tls.client_key.as_mut().map(|pem| one("tls.client_key", pem, true)));
            all.extend(tls.ca.as_mut().map(|pem| one("tls.ca", pem, false)));
        }
        all.extend(self.hub_secret_next.as_mut().map(|next| one("hub_secret_next.secret", &mut next.secret, true)));
        for (n, old) in self.webhook_secrets_old.iter_mut().flatten().enumerate() {
            all.push(one(&format!("webhook_secrets_old[{n}].secret"), &mut old.secret, true));
        }
        all
    }

    pub(super) fn check_form(&self) -> Result<CheckedForm, BadEndpoint> {
        let prefix = self.header_prefix.as_deref().unwrap_or(PREFIX);
        headers::check_prefix(prefix)?;
        if let Some(given) = &self.headers {
            headers::check(given, prefix)?;
        }
        if let Some(auth) = &self.auth {
            auth.check(self.headers.as_ref())?;
        }
        if let Some(tls) = &self.tls {
            tls.config()?;
        }
        ProxyChoice::parse(self.proxy.as_deref())?;
        let old = self.webhook_secrets_old.as_deref().map(secrets::old).transpose()?;
        let next = self.hub_secret_next.as_ref().map(secrets::next).transpose()?;
        Ok(CheckedForm {
            headers: self.headers.is_some(),
            auth: self.auth.is_some(),
            tls: self.tls.is_some(),
            hub_secret: self.hub_secret.is_some(),
            hub_secret_next: next.is_some(),
            webhook_secrets_old: old.is_some(),
            said: Form {
                eight_by_eight: self.eight_by_eight.clone(),
                header_prefix: self.header_prefix.clone(),
                headers: self.headers.clone().unwrap_or_default(),
                auth: self.auth.clone().unwrap_or_default(),
                tls: self.tls.clone().unwrap_or_default(),
                proxy: self.proxy.clone(),
                hub_secret_next: next,
                webhook_secrets_old: old.unwrap_or_default(),
            },
        })
    }
}

impl CheckedForm {
    /// The form that results where this one was before. What holds secrets and was left out stays, except that a
    /// configuration file is the whole truth; secrets that end by themselves stay in any case.
    #[must_use]
    pub fn over(&self, before: Form, is_whole: bool) -> Form {
        let keeps = |said: bool| !said && !is_whole;
        let mut form = self.said.clone();
        if keeps(self.headers) {
            form.headers = before.headers;
        }
        if keeps(self.auth) {
            form.auth = before.auth;
        }
        if keeps(self.tls) {
            form.tls = before.tls;
        }
        // A new hub secret is for now: the one that was to follow would undo it.
        if keeps(self.hub_secret_next || self.hub_secret) {
            form.hub_secret_next = before.hub_secret_next;
        }
        if !self.webhook_secrets_old {
            form.webhook_secrets_old = before.webhook_secrets_old;
        }
        form
    }
}

/// The form as the store keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptForm {
    /// What the format `8x8` needs to know.
    pub eight_by_eight: Option<EightByEight>,
    /// The beginning of the names of Waypost's headers.
    pub header_prefix: Option<String>,
    /// The names of the custom headers.
    pub header_names: Vec<String>,
    /// Which kind of `Authorization` there is.
    pub auth_kind: Option<String>,
    /// Whether there is a client certificate.
    pub client_certificate: bool,
    /// Whether there are private authorities.
    pub ca: bool,
    /// The proxy.
    pub proxy: Option<String>,
    /// The hub secret that follows.
    pub hub_secret_next: Option<KeptSecret>,
    /// Standard Webhooks secrets beside the one in force.
    pub webhook_secrets_old: Vec<KeptSecret>,
    /// Custom headers, sealed.
    headers: Option<String>,
    /// `Authorization`, sealed.
    auth: Option<String>,
    /// Certificate, key and authorities, sealed.
    tls: Option<String>,
}

/// A secret and a moment, as the store keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSecret {
    /// Sealed.
    pub secret: String,
    /// In Unix milliseconds.
    pub at_ms: i64,
}

/// Seals and opens what belongs to one endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Seals<'a> {
    /// With the key.
    pub sealer: &'a Sealer,
    /// The endpoint's id.
    pub id: &'a str,
}

impl Seals<'_> {
    /// Seals a secret of this kind.
    pub fn seal(self, kind: &str, secret: &Secret) -> Result<String, SealError> {
        self.sealer.seal(&crate::routing::secret_owner(self.id, kind), secret)
    }

    /// Opens a secret of this kind.
    pub fn open(self, kind: &str, sealed: &str) -> Result<Secret, SealError> {
        self.sealer.open(&crate::routing::secret_owner(self.id, kind), sealed)
    }

    fn seal_json<T: Serialize + Default + PartialEq>(self, kind: &str, value: &T) -> Result<Option<String>, SealError> {
        if *value == T::default() {
            return Ok(None);
        }
        let text = serde_json::to_string(value).map_err(|_| SealError::Damaged)?;
        self.seal(kind, &Secret::new(text)).map(Some)
    }

    fn open_json<T: DeserializeOwned + Default>(self, kind: &str, sealed: Option<&str>) -> Result<T, SealError> {
        let Some(sealed) = sealed else {
            return Ok(T::default());
        };
        serde_json::from_str(self.open(kind, sealed)?.expose()).map_err(|_| SealError::Damaged)
    }

    fn seal_timed(self, kind: &str, timed: &TimedSecret) -> Result<KeptSecret, SealError> {
        Ok(KeptSecret { secret: self.seal(kind, &timed.secret)?, at_ms: timed.at_ms })
    }

    fn open_timed(self, kind: &str, kept: &KeptSecret) -> Result<TimedSecret, SealError> {
        Ok(TimedSecret { secret: self.open(kind, &kept.secret)?, at_ms: kept.at_ms })
    }
}

const HEADERS: &str = "headers";
const AUTH: &str = "auth";
const TLS: &str = "tls";
const HUB_NEXT: &str = "hub_next";
const WEBHOOK_OLD: &str = "webhook_old";

impl Form {
    /// As the store keeps it.
    pub fn seal(&self, seals: Seals<'_>) -> Result<KeptForm, SealError> {
        let next = self.hub_secret_next.as_ref();
        Ok(KeptForm {
            eight_by_eight: self.eight_by_eight.clone(),
            header_prefix: self.header_prefix.clone(),
            header_names: self.headers.keys().cloned().collect(),
            auth_kind: self.auth.kind().map(str::to_owned),
            client_certificate: self.tls.client_certificate.is_some(),
            ca: self.tls.ca.is_some(),
            proxy: self.proxy.clone(),
            hub_secret_next: next.map(|next| seals.seal_timed(HUB_NEXT, next)).transpose()?,
            webhook_secrets_old: self
                .webhook_secrets_old
                .iter()
                .map(|old| seals.seal_timed(WEBHOOK_OLD, old))
                .collect::<Result<_, _>>()?,
            headers: seals.seal_json(HEADERS, &self.headers)?,
            auth: seals.seal_json(AUTH, &self.auth)?,
            tls: seals.seal_json(TLS, &self.tls)?,
        })
    }

    /// The members in which it differs from another.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<(&'static str, bool)> {
        vec![
            ("eight_by_eight", self.eight_by_eight != other.eight_by_eight),
            ("header_prefix", self.header_prefix != other.header_prefix),
            ("headers", self.headers != other.headers),
            ("auth", self.auth != other.auth),
            ("tls", self.tls != other.tls),
            ("proxy", self.proxy != other.proxy),
            ("hub_secret_next", self.hub_secret_next != other.hub_secret_next),
            ("webhook_secrets_old", self.webhook_secrets_old != other.webhook_secrets_old),
        ]
    }
}

impl KeptForm {
    /// As it is meant.
    pub fn open(&self, seals: Seals<'_>) -> Result<Form, SealError> {
        let next = self.hub_secret_next.as_ref();
        Ok(Form {
            eight_by_eight: self.eight_by_eight.clone(),
            header_prefix: self.header_prefix.clone(),
            headers: seals.open_json(HEADERS, self.headers.as_deref())?,
            auth: seals.open_json(AUTH, self.auth.as_deref())?,
            tls: seals.open_json(TLS, self.tls.as_deref())?,
            proxy: self.proxy.clone(),
            hub_secret_next: next.map(|next| seals.open_timed(HUB_NEXT, next)).transpose()?,
            webhook_secrets_old: self
                .webhook_secrets_old
                .iter()
                .map(|old| seals.open_timed(WEBHOOK_OLD, old))
                .collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    fn timed(secret: &str, at_ms: i64) -> TimedSecret {
        TimedSecret { secret: Secret::new(secret), at_ms }
    }

    fn full() -> Form {
        Form {
            eight_by_eight: Some(EightByEight { account_id: "acme".to_owned(), documented_only: true }),
            header_prefix: Some("X-P-".to_owned()),
            headers: [("X-Key".to_owned(), "hunter2".to_owned())].into(),
            auth: AuthInput { bearer: Some("hunter2".to_owned()), basic: None },
            tls: TlsInput { client_key: Some("hunter2".to_owned()), ..TlsInput::default() },
            proxy: Some("none".to_owned()),
            hub_secret_next: Some(timed("hunter2", 5)),
            webhook_secrets_old: vec![timed("hunter2", 6)],
        }
    }

    #[test]
    fn a_form_is_kept_without_a_secret_in_sight_and_opens_as_it_was() {
        let sealer = Sealer::new(&[7; 32]);
        let seals = Seals { sealer: &sealer, id: "crm" };
        let kept = full().seal(seals).unwrap();
        let text = serde_json::to_string(&kept).unwrap();
        assert!(!text.contains("hunter2") && !format!("{kept:?}{:?}", full()).contains("hunter2"));
        let read: KeptForm = serde_json::from_str(&text).unwrap();
        assert_eq!(read.open(seals).unwrap(), full());
        assert!(read.open(Seals { sealer: &sealer, id: "other" }).is_err());
        assert_eq!(Form::default().seal(seals).unwrap(), KeptForm::default());
    }

    #[test]
    fn what_is_secret_and_not_given_stays_unless_the_file_is_the_whole_truth() {
        let nothing = CheckedForm::default();
        let kept = nothing.over(full(), false);
        assert_eq!(kept, Form { eight_by_eight: None, header_prefix: None, proxy: None, ..full() });
        let declared = nothing.over(full(), true);
        assert_eq!(declared, Form { webhook_secrets_old: full().webhook_secrets_old, ..Form::default() });
    }

    #[test]
    fn a_new_hub_secret_ends_the_wait_for_the_next_one() {
        let fresh = CheckedForm { hub_secret: true, ..CheckedForm::default() };
        assert_eq!(fresh.over(full(), false).hub_secret_next, None);
    }
}
