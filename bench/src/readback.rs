//! Reading back every acknowledged event, through the view that is made for people with an SQLite tool. Of each 256th the
//! data is read as well: the view cuts it out of the body, which for one of thousands of events is read whole each time.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::Outcome;
use crate::bodies::origin;
use crate::load::Ledger;

/// Acknowledged events that are not there, or whose data, where it is looked at, is not theirs.
pub(crate) fn missing(store: &Path, ledger: &Ledger) -> Outcome<u64> {
    let conn = Connection::open_with_flags(store.join("waypost.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut left: HashMap<u64, Vec<bool>> = HashMap::new();
    for (sender, acknowledged) in &ledger.0 {
        left.insert(*sender, vec![true; usize::try_from(*acknowledged)?]);
    }
    mark(&conn, "SELECT message_id FROM v_events", &mut left, false)?;
    let of_others = "SELECT message_id FROM v_events
                     WHERE substr(message_id, -2) = '00' AND coalesce(instr(data, message_id), 0) = 0";
    mark(&conn, of_others, &mut left, true)?;
    let missing = left.values().flatten().filter(|missing| **missing).count();
    Ok(u64::try_from(missing)?)
}

/// Marks what a query finds as missing or not.
fn mark(conn: &Connection, query: &str, left: &mut HashMap<u64, Vec<bool>>, is_missing: bool) -> Outcome<()> {
    let mut query = conn.prepare(query)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if let Some((sender, n)) = origin(row.get_ref(0)?.as_str_or_null()?.unwrap_or_default())
            && let Some(place) = left.get_mut(&sender).and_then(|left| left.get_mut(usize::try_from(n).ok()?))
        {
            *place = is_missing;
        }
    }
    Ok(())
}
