//! Rows from the API: a table for people, the gateway's own JSON a line for programs.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::api::{Answer, unexpected};
use crate::exit::Failure;
use crate::json_text::one_line;
use crate::table::Table;
use crate::terminal;

/// A listing that is being filled.
#[derive(Debug)]
pub(super) struct Listing {
    /// None where JSON is wanted.
    table: Option<Table>,
}

impl Listing {
    /// A listing with these headings, or of JSON lines.
    pub(super) fn new(json: bool, headings: &[&'static str]) -> Self {
        Self { table: (!json).then(|| Table::new(headings)) }
    }

    /// Takes a row. JSON is printed at once; of `T` only the cells need to be there.
    pub(super) fn row<T: DeserializeOwned, const N: usize>(
        &mut self,
        row: &RawValue,
        cells: impl FnOnce(T) -> [String; N],
    ) -> Result<(), Failure> {
        match &mut self.table {
            None => terminal::print(&one_line(row.get())),
            Some(table) => {
                table.row(cells(serde_json::from_str(row.get()).map_err(unexpected)?));
                Ok(())
            }
        }
    }

    /// Takes all rows of an answer that is a list.
    pub(super) fn rows<T: DeserializeOwned, const N: usize>(
        &mut self,
        answer: &Answer,
        cells: impl Fn(T) -> [String; N],
    ) -> Result<(), Failure> {
        let rows: Vec<Box<RawValue>> = answer.read()?;
        rows.iter().try_for_each(|row| self.row(row, &cells))
    }

    /// Prints the table. Of an empty one, people are told `nothing`.
    pub(super) fn end(self, nothing: &str) -> Result<(), Failure> {
        self.table.map_or(Ok(()), |table| table.print(nothing))
    }
}
