//! The statements of a copy, made once from the list of tables.

use std::collections::HashMap;
use std::sync::LazyLock;

use tokio_postgres::types::Type;

use super::columns::{of_array, of_one};
use crate::copy::{TABLES, Table};
use crate::postgres::fault::{Fault, Kind};
use crate::postgres::session::Sql;

/// The statements of one table.
struct Texts {
    first: Text,
    further: Text,
    insert: Text,
    count: Text,
}

/// A statement, and the types of its parameters.
struct Text {
    sql: String,
    types: Vec<Type>,
}

static TEXTS: LazyLock<HashMap<&'static str, Texts>> =
    LazyLock::new(|| TABLES.iter().map(|table| (table.name, texts(table))).collect());

fn texts(table: &Table) -> Texts {
    let place = table.database.place.iter().map(|(_, kind)| of_one(*kind));
    let further = place.chain([Type::INT8]).collect();
    let columns = table.columns.iter().map(|column| of_array(column.kind)).collect();
    Texts {
        first: Text { sql: table.database_page(false), types: vec![Type::INT8] },
        further: Text { sql: table.database_page(true), types: further },
        insert: Text { sql: table.database_insert(), types: columns },
        count: Text { sql: Table::count(&table.database), types: Vec::new() },
    }
}

/// Reads a page: the first, or one behind a place.
pub(super) fn page(table: &Table, after: bool) -> Result<Sql, Fault> {
    let texts = of(table)?;
    Ok(sql(if after { &texts.further } else { &texts.first }))
}

/// Writes a slice.
pub(super) fn insert(table: &Table) -> Result<Sql, Fault> {
    Ok(sql(&of(table)?.insert))
}

/// Counts.
pub(super) fn count(table: &Table) -> Result<Sql, Fault> {
    Ok(sql(&of(table)?.count))
}

fn sql(text: &'static Text) -> Sql {
    Sql::new(&text.sql, &text.types)
}

fn of(table: &Table) -> Result<&'static Texts, Fault> {
    TEXTS.get(table.name).ok_or_else(|| Fault::new(Kind::Other, "there is no such table"))
}
