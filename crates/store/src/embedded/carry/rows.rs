//! Rows in and out of the folder.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, Statement};

use super::checksums;
use crate::common::digest::short_hash;
use crate::copy::{Cell, Kind as Of, PAGE_BYTES, PAGE_ROWS, Page, Table};
use crate::embedded::fault::{Fault, Kind};
use crate::embedded::lookup::Carrier;

/// Whether these are the keys, which lie in no table.
pub(super) fn are_keys(table: &Table) -> bool {
    table.folder.from == "carried_keys"
}

/// The rows behind a place.
pub(super) fn page(conn: &Connection, table: &Table, after: Option<&[Cell]>) -> Result<Page, Fault> {
    let mut query = conn.prepare_cached(&table.folder_page(after.is_some()))?;
    for (n, cell) in after.unwrap_or_default().iter().enumerate() {
        bind(&mut query, n + 1, cell)?;
    }
    let mut rows = query.raw_query();
    let (mut page, mut bytes) = (Page::default(), 0);
    while page.rows.len() < PAGE_ROWS && bytes < PAGE_BYTES {
        let Some(row) = rows.next()? else { break };
        let cells = (0..).zip(table.columns).map(|(at, column)| cell(row, at, column.kind));
        let cells = cells.map(|cell| cell.map(known_to_both)).collect::<Result<Vec<_>, _>>()?;
        let place = (table.columns.len()..).zip(table.folder.place).map(|(at, (_, kind))| cell(row, at, *kind));
        page.end = Some(place.collect::<Result<_, _>>()?);
        bytes += cells.iter().map(Cell::weight).sum::<usize>();
        page.rows.push(cells);
    }
    Ok(page)
}

/// The keys behind a place.
pub(super) fn page_of_keys(carrier: &mut Carrier, conn: &Connection, after: Option<&[Cell]>) -> Result<Page, Fault> {
    let event = after.and_then(<[Cell]>::first).and_then(Cell::number).unwrap_or(i64::MIN);
    let mut day =
        conn.prepare_cached("SELECT max(0, min(1000000, received_at / 86400000)) FROM events WHERE id = ?1")?;
    let mut page = Page::default();
    for carried in carrier.after(conn, event, PAGE_ROWS)? {
        let day: Option<i64> = day.query_row([carried.event], |row| row.get(0)).optional()?;
        page.end = Some(vec![Cell::Number(carried.event)]);
        page.rows.push(vec![
            Cell::Number(carried.key.0),
            Cell::Bytes(carried.key.1.to_vec()),
            Cell::Number(day.unwrap_or_default()),
            Cell::Number(carried.event),
            Cell::Number(carried.digest),
            Cell::Number(carried.last_arrival_ms),
        ]);
    }
    Ok(page)
}

/// Writes rows, in a transaction that is open.
pub(super) fn write(conn: &Connection, table: &Table, rows: &[Vec<Cell>]) -> Result<(), Fault> {
    for sql in table.folder.into {
        let mut statement = conn.prepare_cached(sql)?;
        let mut places = Vec::with_capacity(table.columns.len());
        for column in table.columns {
            places.push(statement.parameter_index(&format!(":{}", column.name))?);
        }
        let lane = statement.parameter_index(":lane_of_event")?;
        let checksum = statement.parameter_index(":checksum_of_body")?;
        for row in rows {
            for (place, cell) in places.iter().zip(row) {
                if let Some(place) = place {
                    bind(&mut statement, *place, cell)?;
                }
            }
            if let Some(place) = lane {
                bind(&mut statement, place, &lane_of_event(conn, table, row)?)?;
            }
            if let Some(place) = checksum {
                bind(&mut statement, place, &checksums::of_body(conn, table, row)?)?;
            }
            statement.raw_execute()?;
        }
    }
    Ok(())
}

/// The lane of a delivery, as the folder keeps it: a hash of its event's.
fn lane_of_event(conn: &Connection, table: &Table, row: &[Cell]) -> Result<Cell, Fault> {
    let event = table.at("event").and_then(|at| row.get(at)).and_then(Cell::number);
    let lane: Option<String> = conn
        .prepare_cached("SELECT lane FROM events WHERE id = ?1")?
        .query_row([event], |row| row.get(0))
        .optional()?;
    let lane = lane.ok_or_else(|| Fault::new(Kind::Damaged, "write rows", "a delivery's event is not there"))?;
    Ok(Cell::Number(short_hash(&[lane.as_bytes()])))
}

fn bind(statement: &mut Statement<'_>, place: usize, cell: &Cell) -> Result<(), Fault> {
    match cell {
        Cell::Null => statement.raw_bind_parameter(place, rusqlite::types::Null),
        Cell::Number(number) => statement.raw_bind_parameter(place, number),
        Cell::Text(text) => statement.raw_bind_parameter(place, text),
        Cell::Bytes(bytes) => statement.raw_bind_parameter(place, bytes),
    }?;
    Ok(())
}

fn cell(row: &Row<'_>, at: usize, kind: Of) -> Result<Cell, Fault> {
    Ok(match (row.get_ref(at)?, kind) {
        (ValueRef::Null, _) => Cell::Null,
        (ValueRef::Integer(number), Of::Flag) => Cell::Number(i64::from(number != 0)),
        (ValueRef::Integer(number), Of::Big | Of::Int | Of::Small) => Cell::Number(number),
        (ValueRef::Text(text), Of::Text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        (ValueRef::Text(bytes) | ValueRef::Blob(bytes), Of::Bytes | Of::Uuid) => Cell::Bytes(bytes.to_vec()),
        (ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_), _) => {
            return Err(Fault::new(Kind::Damaged, "read rows", "a column holds what it should not"));
        }
    })
}

/// PostgreSQL knows no NUL in text, which only a hostile body holds; that engine writes `␀` for it.
fn known_to_both(cell: Cell) -> Cell {
    match cell {
        Cell::Text(text) if text.contains('\0') => Cell::Text(text.replace('\0', "\u{2400}")),
        Cell::Null | Cell::Number(_) | Cell::Text(_) | Cell::Bytes(_) => cell,
    }
}
