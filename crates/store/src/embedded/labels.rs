//! The labels of WABAs and numbers.

use rules::limits::LABELS_MAX;
use rules::route::Labelled;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::job::{Refusal, Tx};
use crate::error::StoreError;
use crate::labels::LabelsOf;

pub(super) fn all(conn: &Connection) -> Result<Vec<LabelsOf>, Fault> {
    let mut query = conn.prepare_cached("SELECT kind, id, label FROM labels ORDER BY kind, id, label")?;
    let mut rows = query.query([])?;
    let mut all: Vec<LabelsOf> = Vec::new();
    while let Some(row) = rows.next()? {
        let (on, id, label): (_, String, String) = (kind_of(row.get(0)?), row.get(1)?, row.get(2)?);
        match all.last_mut().filter(|last| last.on == on && last.id == id) {
            Some(last) => last.labels.push(label),
            None => all.push(LabelsOf { on, id, labels: vec![label] }),
        }
    }
    Ok(all)
}

/// Replaces the labels of each, and gives the version of the endpoints that follows.
pub(super) fn put(tx: &mut Tx<'_>, all: &[LabelsOf]) -> Result<u64, Refusal> {
    for LabelsOf { on, id, labels } in all {
        tx.conn.prepare_cached("DELETE FROM labels WHERE kind = ?1 AND id = ?2")?.execute(params![kind(*on), id])?;
        let mut insert =
            tx.conn.prepare_cached("INSERT OR IGNORE INTO labels (kind, id, label) VALUES (?1, ?2, ?3)")?;
        for label in labels {
            insert.execute(params![kind(*on), id, label])?;
        }
    }
    let count: i64 = tx.conn.query_row("SELECT count(*) FROM labels", [], |row| row.get(0))?;
    if usize::try_from(count).unwrap_or(usize::MAX) > LABELS_MAX {
        return Err(Refusal::Refused(StoreError::LimitReached { what: "labels", limit: LABELS_MAX }));
    }
    tx.ledger.endpoints_version += 1;
    Ok(u64::try_from(tx.ledger.endpoints_version).unwrap_or_default())
}

const fn kind(on: Labelled) -> i64 {
    match on {
        Labelled::Waba => 0,
        Labelled::Number => 1,
    }
}

const fn kind_of(kind: i64) -> Labelled {
    if kind == 0 { Labelled::Waba } else { Labelled::Number }
}
