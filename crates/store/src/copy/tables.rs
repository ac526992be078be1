//! What is copied: each table's columns as both engines understand them, how each engine reads them, and how it writes
//! them. Small tables come first, and those that others refer to before those.
//!
//! Left out is what each engine makes anew: look-ups by names, nodes, news, folded totals.
//!
//! The main table of a statement is called `t` in the folder and `b` in the database. Statements that write take their
//! values by name: `:name` in the folder, and in the database the columns of `v`, which holds all rows of a slice.

mod list;

use super::cell::{Cell, Kind};

pub(crate) use self::list::TABLES;

/// One column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What it is in the folder, and in the database; None where it has the same name there.
    folder: Option<&'static str>,
    database: Option<&'static str>,
    /// It goes along and is no part of the row: the engines keep it in different ways.
    pub(crate) aside: bool,
}

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    /// As people are told.
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) folder: Side,
    pub(crate) database: Side,
}

/// A table in one engine.
#[derive(Debug)]
pub(crate) struct Side {
    /// Where its rows come from; a condition that they meet; what is joined to a row.
    pub(crate) from: &'static str,
    pub(crate) filter: &'static str,
    pub(crate) joined: &'static str,
    /// What tells a row's place among the others. It is read in this order, which an index has.
    pub(crate) place: &'static [(&'static str, Kind)],
    /// The statements that write. In the database it is one, behind `WITH v AS (…)`.
    pub(crate) into: &'static [&'static str],
}

impl Column {
    const fn same(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, folder: None, database: None, aside: false }
    }

    const fn folder(self, expression: &'static str) -> Self {
        Self { folder: Some(expression), ..self }
    }

    const fn database(self, expression: &'static str) -> Self {
        Self { database: Some(expression), ..self }
    }

    const fn aside(self) -> Self {
        Self { aside: true, ..self }
    }
}

impl Table {
    /// Reads a page in the folder: the columns, then the place. With `after`, from behind the place that it is given.
    pub(crate) fn folder_page(&self, after: bool) -> String {
        let side = &self.folder;
        let columns = self.columns.iter().map(|column| shown(column.folder, 't', column.name));
        let place: Vec<String> = side.place.iter().map(|(name, _)| shown(None, 't', name)).collect();
        let columns: Vec<String> = columns.chain(place.iter().cloned()).collect();
        let numbers: Vec<String> = (1..=place.len()).map(|n| format!("?{n}")).collect();
        let beyond =
            if after { format!(" AND ({}) > ({})", place.join(", "), numbers.join(", ")) } else { String::new() };
        format!(
            "SELECT {} FROM {} t {} WHERE {}{beyond} ORDER BY {}",
            columns.join(", "),
            side.from,
            side.joined,
            side.filter,
            place.join(", ")
        )
    }

    /// The same in the database, at most as many rows as its last parameter says. The page is cut before anything is
    /// joined to it, so that no plan reads a whole table for a page.
    pub(crate) fn database_page(&self, after: bool) -> String {
        let side = &self.database;
        let columns = self.columns.iter().map(|column| shown(column.database, 'b', column.name));
        let place: Vec<String> = side.place.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let of_page: Vec<String> = side.place.iter().map(|(name, _)| shown(None, 'b', name)).collect();
        let columns: Vec<String> = columns.chain(of_page.iter().cloned()).collect();
        let numbers: Vec<String> = (1..=place.len()).map(|n| format!("${n}")).collect();
        let beyond =
            if after { format!(" AND ({}) > ({})", place.join(", "), numbers.join(", ")) } else { String::new() };
        let limit = if after { place.len() + 1 } else { 1 };
        format!(
            "SELECT {} FROM (SELECT * FROM {} WHERE {}{beyond} ORDER BY {} LIMIT ${limit}) b {} ORDER BY {}",
            columns.join(", "),
            side.from,
            side.filter,
            place.join(", "),
            side.joined,
            of_page.join(", ")
        )
    }

    /// Writes a slice in the database: an array for each column.
    pub(crate) fn database_insert(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let numbers: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
        let (names, numbers) = (names.join(", "), numbers.join(", "));
        let into = self.database.into.concat();
        format!("WITH v AS MATERIALIZED (SELECT * FROM unnest({numbers}) AS u ({names})) {into}")
    }

    /// Counts it.
    pub(crate) fn count(side: &Side) -> String {
        format!("SELECT count(*) FROM {} WHERE {}", side.from, side.filter)
    }

    /// What of a row is the same on both sides.
    pub(crate) fn compared<'r>(&self, row: &'r [Cell]) -> impl Iterator<Item = &'r Cell> {
        self.columns.iter().zip(row).filter(|(column, _)| !column.aside).map(|(_, cell)| cell)
    }

    /// Where a column stands in a row.
    pub(crate) fn at(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

fn shown(expression: Option<&str>, table: char, name: &str) -> String {
    expression.map_or_else(|| format!("{table}.\"{name}\""), str::to_owned)
}
