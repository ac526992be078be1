//! Payloads for their senders: from memory where they are fresh or were read ahead, from the store where not.

use std::collections::HashMap;
use std::sync::Arc;

use rules::identity::EventId;

use super::read::payloads;
use super::readers::{read, read_anew};
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
    let stored = look_again(shared, stored).await?;
    let mut stored = stored.into_iter().peekable();
    let in_order = |(event, fresh): (&EventId, Option<Payload>)| {
        fresh.or_else(|| stored.next_if(|payload| payload.event.id == *event))
    };
    Ok(events.iter().zip(fresh).filter_map(in_order).collect())
}

/// What looks damaged is read a second time, from the file: only a page in memory may be wrong.
async fn look_again(shared: &Arc<Shared>, mut stored: Vec<Payload>) -> Result<Vec<Payload>, StoreError> {
    let doubtful: Vec<EventId> = damaged(&stored).collect();
    if doubtful.is_empty() {
        return Ok(stored);
    }
    let owner = Arc::clone(shared);
    let again = read_anew(shared, "read bodies", move |conn| payloads(conn, &owner.index, &doubtful)).await?;
    damaged(&again).for_each(|id| shared.damage.event(id));
    let mut again: HashMap<EventId, Payload> = again.into_iter().map(|payload| (payload.event.id, payload)).collect();
    // What could not be read now is asked for again.
    stored.retain_mut(|payload| {
        let Some(found) = again.remove(&payload.event.id) else { return !payload.event.damaged };
        *payload = found;
        true
    });
    Ok(stored)
}

fn damaged(payloads: &[Payload]) -> impl Iterator<Item = EventId> {
    payloads.iter().filter(|payload| payload.event.damaged).map(|payload| payload.event.id)
}
