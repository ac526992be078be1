//! Reading back every acknowledged event, through the view that is made for people with an SQLite tool.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::Outcome;
use crate::bodies::origin;
use crate::load::Ledger;

/// Acknowledged events that are not there, or whose data is not theirs.
pub(crate) fn missing(store: &Path, ledger: &Ledger) -> Outcome<u64> {
    let conn = Connection::open_with_flags(store.join("waypost.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut left: HashMap<u64, Vec<bool>> = HashMap::new();
    for (sender, acknowledged) in &ledger.0 {
        left.insert(*sender, vec![true; usize::try_from(*acknowledged)?]);
    }
    let mut query = conn.prepare("SELECT message_id, instr(data, message_id) > 0 FROM v_events")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let is_whole: Option<bool> = row.get(1)?;
        let found = origin(row.get_ref(0)?.as_str_or_null()?.unwrap_or_default()).filter(|_| is_whole == Some(true));
        if let Some((sender, n)) = found
            && let Some(place) = left.get_mut(&sender).and_then(|left| left.get_mut(usize::try_from(n).ok()?))
        {
            *place = false;
        }
    }
    let missing = left.values().flatten().filter(|missing| **missing).count();
    Ok(u64::try_from(missing)?)
}
