//! The form of an endpoint's deliveries, ready for use.

use std::sync::Arc;

use hyper::header::{HeaderMap, HeaderName};

use super::WebhookKey;
use super::own::{Own, OwnNames};
use crate::deliver::Link;
use crate::endpoint::headers::{self, PREFIX};
use crate::endpoint::secrets::TimedSecret;
use crate::endpoint::{EightByEight, Form, ProxyChoice};
use crate::sign::webhook_key;

/// The form of an endpoint's deliveries. `Debug` shows no secret.
#[derive(Debug)]
pub struct ReadyForm {
    /// What the format `8x8` needs to know.
    pub eight_by_eight: EightByEight,
    /// Custom headers and `Authorization`.
    pub headers: HeaderMap,
    /// How it is reached; None like most.
    pub link: Option<Arc<Link>>,
    /// The hub secret that follows.
    hub_secret_next: Option<TimedSecret>,
    /// Keys that sign besides the one in force, and until when.
    old_keys: Vec<(WebhookKey, i64)>,
    own: Arc<OwnNames>,
}

impl ReadyForm {
    /// Makes it ready. What it holds was checked when it was kept.
    pub(super) fn new(form: Form) -> Result<Self, String> {
        let old_keys = form.webhook_secrets_old.iter().filter_map(|old| {
            let key = webhook_key(&old.secret)?;
            Some((WebhookKey(key), old.at_ms))
        });
        let proxy = ProxyChoice::parse(form.proxy.as_deref()).map_err(|bad| bad.to_string())?;
        let link = Link::new(&form.tls, proxy).map_err(|bad| bad.to_string())?;
        Ok(Self {
            old_keys: old_keys.collect(),
            headers: headers::ready(&form.headers, Some(&form.auth)),
            link: link.map(Arc::new),
            eight_by_eight: form.eight_by_eight.unwrap_or_default(),
            hub_secret_next: form.hub_secret_next,
            own: OwnNames::with_prefix(form.header_prefix.as_deref().unwrap_or(PREFIX)),
        })
    }

    /// The name of one of Waypost's headers: `event-id` with the endpoint's prefix.
    #[must_use]
    pub fn own_name(&self, own: Own) -> Option<HeaderName> {
        self.own.of(own)
    }

    /// The hub secret that has taken over, if its moment has come.
    pub(super) fn hub_secret_next(&self, now_ms: i64) -> Option<&crate::secret::Secret> {
        self.hub_secret_next.as_ref().filter(|next| next.at_ms <= now_ms).map(|next| &next.secret)
    }

    /// The keys that sign besides the one in force.
    pub(super) fn old_keys(&self, now_ms: i64) -> impl Iterator<Item = &WebhookKey> {
        self.old_keys.iter().filter(move |(_, until_ms)| now_ms < *until_ms).map(|(key, _)| key)
    }
}
