//! A new Standard Webhooks secret, with an overlap in which the one before signs as well.

use std::time::Duration;

use store::{EndpointChange, StoreError};

use super::{Endpoints, EndpointsError, Put};
use crate::endpoint::secrets::{OLD_SECRETS_MAX, TimedSecret};
use crate::endpoint::{BadEndpoint, Definition};
use crate::secret::{SealError, Secret};
use crate::sign::{new_webhook_secret, webhook_key};

/// The longest overlap.
const OVERLAP_MAX: Duration = Duration::from_secs(90 * 24 * 3_600);

impl Endpoints {
    /// Gives an endpoint a new Standard Webhooks secret; without one given, one is made up and told this once. The one
    /// before signs besides it until the overlap has passed.
    pub async fn rotate(&self, id: &str, given: Option<Secret>, overlap: Duration) -> Result<Put, EndpointsError> {
        if overlap > OVERLAP_MAX {
            return Err(BadEndpoint::new("overlap", "at most 90 days").into());
        }
        let now_ms = self.clock.now_ms();
        let until_ms = now_ms.saturating_add(i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX));
        let seals = self.seals(id);
        let mut record = self.find(id).await?.ok_or(StoreError::NotFound { what: "endpoint" })?;
        let mut definition: Definition =
            serde_json::from_str(&record.definition_json).map_err(|_| SealError::Damaged)?;
        let mut form = definition.form.open(seals)?;
        form.webhook_secrets_old.retain(|old| old.at_ms > now_ms);
        if form.webhook_secrets_old.len() >= OLD_SECRETS_MAX {
            let expected = format!("{OLD_SECRETS_MAX} older secrets sign still: wait until one of them has ended");
            return Err(BadEndpoint::new("webhook_secrets_old", expected).into());
        }
        let fresh = match given {
            Some(given) if webhook_key(&given).is_some() => given,
            Some(_) => return Err(BadEndpoint::new("secret", "expected `whsec_` and base64 of 24 to 64 bytes").into()),
            None => new_webhook_secret().ok_or(SealError::NoChance)?,
        };
        let before = seals.open("webhook", &definition.webhook_secret)?;
        if until_ms > now_ms && before != fresh {
            form.webhook_secrets_old.push(TimedSecret { secret: before, at_ms: until_ms });
        }
        definition.webhook_secret = seals.seal("webhook", &fresh)?;
        definition.form = form.seal(seals)?;
        record.definition_json = serde_json::to_string(&definition).unwrap_or_default();
        let if_revision = Some(record.revision);
        self.change(vec![EndpointChange::Put { endpoint: record, if_revision }]).await?;
        let record = self.find(id).await?.ok_or(StoreError::NotFound { what: "endpoint" })?;
        Ok(Put { record, new_webhook_secret: Some(fresh) })
    }
}
