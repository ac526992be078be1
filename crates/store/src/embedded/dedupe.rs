//! Which events are known already.
//!
//! Of each key it is known which event is the first copy, and a digest of that one's bytes (see `lookup`). Equal bytes are a
//! duplicate. Other bytes are compared as JSON, where member order, white space and escapes say nothing; what still
//! differs is conflicting. Only the writer asks, so nothing changes meanwhile.

use rusqlite::{OptionalExtension, params};

use super::fault::Fault;
use super::job::Tx;
use crate::common::digest::{element, same_json};
use crate::record::{NewEvent, NewNotification};

/// What an event turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Unknown so far; it has this number now.
    New(i64),
    /// A copy of the event with this number.
    Duplicate(i64),
    /// Another content under the key of the event with this number.
    Conflicting {
        /// Of its bytes.
        digest: i64,
    },
}

/// Judges an event by its digest, given the fates of those before it in its notification. A new one must be gathered in
/// the same transaction.
pub(super) fn judge(
    tx: &mut Tx<'_>,
    notification: &NewNotification,
    (event, digest): (&NewEvent, i64),
    fates: &[Fate],
) -> Result<Fate, Fault> {
    let key = (event.key_partition, *event.id.as_bytes());
    let known = tx.gathered.known(tx.conn, tx.index, &key, notification.received_at_ms)?;
    let Some((first, first_digest)) = known else {
        let number = tx.ledger.next_event;
        tx.ledger.next_event += 1;
        tx.gathered.is_new(key, (number, digest));
        return Ok(Fate::New(number));
    };
    let bytes = element(notification, event);
    if first_digest == digest || same_as_first(tx, notification, fates, first, bytes)? || listed(tx, event, digest)? {
        return Ok(Fate::Duplicate(first));
    }
    Ok(Fate::Conflicting { digest })
}

fn same_as_first(
    tx: &Tx<'_>,
    notification: &NewNotification,
    fates: &[Fate],
    first: i64,
    bytes: &[u8],
) -> Result<bool, Fault> {
    // The first copy may lie in the same notification, whose body is not in the table yet.
    if let Some(index) = fates.iter().position(|fate| *fate == Fate::New(first)) {
        let earlier = notification.events.get(index).map(|event| element(notification, event));
        return Ok(earlier.is_some_and(|earlier| same_json(earlier, bytes)));
    }
    let kept: Option<Vec<u8>> = tx
        .conn
        .prepare_cached(
            "SELECT CAST(substr(b.body, e.data_start + 1, e.data_end - e.data_start) AS BLOB)
             FROM events e JOIN bodies b ON b.notification = e.notification WHERE e.id = ?1",
        )?
        .query_row([first], |row| row.get(0))
        .optional()?;
    Ok(kept.is_some_and(|kept| same_json(&kept, bytes)))
}

/// True when this very copy is listed as conflicting already: Meta repeats those as well.
fn listed(tx: &Tx<'_>, event: &NewEvent, digest: i64) -> Result<bool, Fault> {
    let found = tx
        .conn
        .prepare_cached("SELECT 1 FROM conflicts WHERE event_id = ?1 AND digest = ?2")?
        .exists(params![event.id.as_bytes(), digest])?;
    Ok(found)
}
