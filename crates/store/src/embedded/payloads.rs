//! Payloads for their senders: from memory where they are fresh or were read ahead, from the store where not.

use std::sync::Arc;

use rules::identity::EventId;

use super::read::payloads;
use super::readers::read;
use super::shared::{Shared, lock};
use crate::error::StoreError;
use crate::record::Payload;

/// The payloads of these events, in their order; what is not there is left out.
pub(super) async fn of(shared: &Arc<Shared>, events: &[EventId]) -> Result<Vec<Payload>, StoreError> {
    shared.condition.check_open().map_err(|fault| fault.to_store_error(shared.folder()))?;
    let fresh: Vec<Option<Payload>> = {
        let (cache, mut ahead) = (lock(&shared.fresh), lock(&shared.ahead));
        events.iter().map(|event| cache.get(*event).or_else(|| ahead.get(*event))).collect()
    };
    let of_missing = |(event, fresh): (&EventId, &Option<Payload>)| fresh.is_none().then_some(*event);
    let missing: Vec<EventId> = events.iter().zip(&fresh).filter_map(of_missing).collect();
    if missing.is_empty() {
        return Ok(fresh.into_iter().flatten().collect());
    }
    let owner = Arc::clone(shared);
    let stored = read(shared, "read bodies", move |conn| payloads(conn, &owner.index, &missing)).await?;
    let mut stored = stored.into_iter().peekable();
    let in_order = |(event, fresh): (&EventId, Option<Payload>)| {
        fresh.or_else(|| stored.next_if(|payload| payload.event.id == *event))
    };
    Ok(events.iter().zip(fresh).filter_map(in_order).collect())
}
