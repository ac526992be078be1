//! Checksums of what a copy wrote. Events and notifications get theirs when all of them are there: until then their rows
//! change. Bodies do not, and get theirs with their rows.

use rusqlite::{Connection, OptionalExtension, params};

use crate::copy::{Cell, Table};
use crate::embedded::checksum;
use crate::embedded::fault::{Fault, Kind};

/// Tables whose last column is a checksum of the others, in their order.
pub(super) const TABLES: [&str; 2] = ["notifications", "events"];
/// Rows of one transaction.
const ROWS: usize = if cfg!(test) { 3 } else { 8_192 };

/// Writes those of some rows behind a place; gives the next place while there may be more.
pub(super) fn write(conn: &Connection, table: &str, after: i64) -> Result<Option<i64>, Fault> {
    let sums = sums(conn, table, after)?;
    let mut update = conn.prepare_cached(&format!("UPDATE {table} SET checksum = ?2 WHERE id = ?1"))?;
    for (id, sum) in &sums {
        let _one = update.execute([id, sum])?;
    }
    Ok(sums.last().map(|(id, _)| *id).filter(|_| sums.len() == ROWS))
}

fn sums(conn: &Connection, table: &str, after: i64) -> Result<Vec<(i64, i64)>, Fault> {
    let mut query = conn.prepare_cached(&format!("SELECT * FROM {table} WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
    let columns: Vec<usize> = (0..query.column_count().saturating_sub(1)).collect();
    let rows = query.query_map(params![after, i64::try_from(ROWS).unwrap_or(i64::MAX)], |row| {
        Ok((row.get(0)?, checksum::of_row(row, &columns)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Of a body that is to be written: its notification is there.
pub(super) fn of_body(conn: &Connection, table: &Table, row: &[Cell]) -> Result<Cell, Fault> {
    let at = |name| table.at(name).and_then(|at| row.get(at));
    let (Some(Cell::Bytes(id)), Some(Cell::Number(received_at)), Some(Cell::Bytes(body))) =
        (at("notification"), at("received_at"), at("body"))
    else {
        return Ok(Cell::Null);
    };
    let number: Option<i64> = conn
        .prepare_cached("SELECT id FROM notifications WHERE notification_id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let number =
        number.ok_or_else(|| Fault::new(Kind::Internal, "write rows", "a body's notification is not there"))?;
    Ok(Cell::Number(checksum::of_large([number, *received_at], checksum::of_bytes(body))))
}
