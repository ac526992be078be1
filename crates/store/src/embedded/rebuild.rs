//! Making what is kept in memory from the tables: at opening, and after the file was opened anew.

use std::collections::HashMap;

use rusqlite::Connection;

use super::fault::Fault;
use super::ledger::Ledger;
use super::shared::{Shared, lock};
use super::{endpoints, lookup, removal, replay};

/// Reads the ledger and who is owed how much; the deliveries themselves are read as they are needed.
pub(super) fn load(conn: &Connection, shared: &Shared) -> Result<Ledger, Fault> {
    let ledger = Ledger::load(conn)?;
    let backlog = backlog(conn)?;
    let records = endpoints::all(conn)?;
    lookup::load(conn, shared)?;
    lock(&shared.fresh).clear();
    lock(&shared.ahead).clear();
    let mut board = lock(&shared.board);
    board.begin_anew();
    board.keep_only(&records.iter().map(|record| record.number).collect());
    for record in &records {
        let owed = backlog.get(&record.number.0).copied().unwrap_or_default();
        board.put_endpoint(record, Some(owed));
    }
    drop(board);
    for number in backlog.keys() {
        if !records.iter().any(|record| record.number.0 == *number) {
            removal::go_on(shared, *number);
        }
    }
    replay::clear_away_all(conn, shared)?;
    shared.set_ledger(&ledger);
    Ok(ledger)
}

/// How many each endpoint is owed, and the newest of them.
fn backlog(conn: &Connection) -> Result<HashMap<i64, (u64, i64)>, Fault> {
    let mut query =
        conn.prepare("SELECT endpoint, count(*), max(id) FROM deliveries WHERE state = 0 GROUP BY endpoint")?;
    let rows = query.query_map([], |row| {
        let owed: i64 = row.get(1)?;
        Ok((row.get(0)?, (u64::try_from(owed).unwrap_or_default(), row.get(2)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
