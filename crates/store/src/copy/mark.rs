//! How far a copy is, as the target keeps it: written with each slice, in the same transaction.

use serde_json::{Value, json};

use super::cell::Cell;

/// The setting in which a target keeps its mark. No gateway opens a store that has it.
pub(crate) const MARK: &str = "copy.unfinished";

/// A mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The source as it was when the copy began.
    pub(crate) of: String,
    /// The table that is being copied. Beyond the last: what follows from them was made as well.
    pub(crate) table: usize,
    /// Of its last row that is there; None for none.
    pub(crate) place: Option<Vec<Cell>>,
    /// Rows that are there, of all tables.
    pub(crate) rows: u64,
}

impl Mark {
    /// Where a copy of this source begins.
    pub(crate) const fn first(of: String) -> Self {
        Self { of, table: 0, place: None, rows: 0 }
    }

    pub(crate) fn to_text(&self) -> String {
        let place = self.place.as_ref().map(|cells| cells.iter().map(Cell::to_json).collect::<Vec<_>>());
        json!({ "of": self.of, "table": self.table, "place": place, "rows": self.rows }).to_string()
    }

    /// What [`Mark::to_text`] wrote; None for anything else.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let place = match value.get("place")? {
            Value::Null => None,
            Value::Array(cells) => Some(cells.iter().map(Cell::from_json).collect::<Option<_>>()?),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => return None,
        };
        Some(Self {
            of: value.get("of")?.as_str()?.to_owned(),
            table: usize::try_from(value.get("table")?.as_u64()?).ok()?,
            place,
            rows: value.get("rows")?.as_u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_as_written() {
        let mark = Mark::first("a".to_owned());
        assert_eq!(Mark::from_text(&mark.to_text()), Some(mark.clone()));
        let further = Mark { table: 7, place: Some(vec![Cell::Number(3), Cell::Bytes(vec![1])]), rows: 9, ..mark };
        assert_eq!(Mark::from_text(&further.to_text()), Some(further));
        assert_eq!(Mark::from_text("another"), None);
    }
}
