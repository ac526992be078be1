//! Rows as the driver takes and gives them: an array for each column, a cell for each value.

use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::common::names::hashes_of_names;
use crate::copy::{Cell, Kind as Of, Table};
use crate::postgres::fault::{Fault, Kind};
use crate::postgres::session::{Value, cell};
use crate::postgres::value::Uid;

/// One column of a slice, as a parameter.
pub(super) enum Column {
    Big(Vec<Option<i64>>),
    Int(Vec<Option<i32>>),
    Small(Vec<Option<i16>>),
    Flag(Vec<Option<bool>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Uuid(Vec<Option<Uid>>),
}

impl Column {
    fn of(kind: Of) -> Self {
        match kind {
            Of::Big => Self::Big(Vec::new()),
            Of::Int => Self::Int(Vec::new()),
            Of::Small => Self::Small(Vec::new()),
            Of::Flag => Self::Flag(Vec::new()),
            Of::Text => Self::Text(Vec::new()),
            Of::Bytes => Self::Bytes(Vec::new()),
            Of::Uuid => Self::Uuid(Vec::new()),
        }
    }

    /// Refuses what does not fit the column.
    fn push(&mut self, cell: Cell) -> Result<(), Fault> {
        match (self, cell) {
            (Self::Big(all), cell) => all.push(number(&cell)?),
            (Self::Int(all), cell) => all.push(number(&cell)?),
            (Self::Small(all), cell) => all.push(number(&cell)?),
            (Self::Flag(all), cell) => all.push(number::<i64>(&cell)?.map(|number| number != 0)),
            (Self::Text(all), Cell::Null) => all.push(None),
            (Self::Text(all), Cell::Text(text)) => all.push(Some(text)),
            (Self::Bytes(all), Cell::Null) => all.push(None),
            (Self::Bytes(all), Cell::Bytes(bytes)) => all.push(Some(bytes)),
            (Self::Uuid(all), Cell::Null) => all.push(None),
            (Self::Uuid(all), Cell::Bytes(bytes)) => all.push(Some(uid(&bytes)?)),
            (Self::Text(_) | Self::Bytes(_) | Self::Uuid(_), _) => return Err(unfit()),
        }
        Ok(())
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Big(all) => all,
            Self::Int(all) => all,
            Self::Small(all) => all,
            Self::Flag(all) => all,
            Self::Text(all) => all,
            Self::Bytes(all) => all,
            Self::Uuid(all) => all,
        }
    }
}

/// The type of an array of these.
pub(super) fn of_array(kind: Of) -> Type {
    match kind {
        Of::Big => Type::INT8_ARRAY,
        Of::Int => Type::INT4_ARRAY,
        Of::Small => Type::INT2_ARRAY,
        Of::Flag => Type::BOOL_ARRAY,
        Of::Text => Type::TEXT_ARRAY,
        Of::Bytes => Type::BYTEA_ARRAY,
        Of::Uuid => Type::UUID_ARRAY,
    }
}

/// The type of one of these.
pub(super) fn of_one(kind: Of) -> Type {
    match kind {
        Of::Big => Type::INT8,
        Of::Int => Type::INT4,
        Of::Small => Type::INT2,
        Of::Flag => Type::BOOL,
        Of::Text => Type::TEXT,
        Of::Bytes => Type::BYTEA,
        Of::Uuid => Type::UUID,
    }
}

/// Rows as columns.
pub(super) fn columns(table: &Table, rows: Vec<Vec<Cell>>) -> Result<Vec<Column>, Fault> {
    let mut columns: Vec<Column> = table.columns.iter().map(|column| Column::of(column.kind)).collect();
    for mut row in rows {
        if let Some(at) = table.at("hashes") {
            let hashes = hashes(table, &row);
            if let Some(cell) = row.get_mut(at) {
                *cell = hashes;
            }
        }
        for (column, cell) in columns.iter_mut().zip(row) {
            column.push(cell)?;
        }
    }
    Ok(columns)
}

/// A place as parameters.
pub(super) fn one_by_one(
    place: &[(&'static str, Of)],
    cells: &[Cell],
) -> Result<Vec<Box<dyn ToSql + Sync + Send>>, Fault> {
    let mut values: Vec<Box<dyn ToSql + Sync + Send>> = Vec::with_capacity(cells.len());
    for ((_, kind), cell) in place.iter().zip(cells) {
        values.push(match kind {
            Of::Big | Of::Flag => Box::new(number::<i64>(cell)?),
            Of::Int => Box::new(number::<i32>(cell)?),
            Of::Small => Box::new(number::<i16>(cell)?),
            Of::Text => Box::new(cell.as_text().map(str::to_owned)),
            Of::Bytes => Box::new(cell.bytes().map(<[u8]>::to_vec)),
            Of::Uuid => Box::new(cell.bytes().map(uid).transpose()?),
        });
    }
    Ok(values)
}

/// A value of a row.
pub(super) fn cell_of(row: &Row, at: usize, kind: Of) -> Result<Cell, Fault> {
    let number = |number: Option<i64>| number.map_or(Cell::Null, Cell::Number);
    Ok(match kind {
        Of::Big => number(cell(row, at)?),
        Of::Int => number(cell::<Option<i32>>(row, at)?.map(i64::from)),
        Of::Small => number(cell::<Option<i16>>(row, at)?.map(i64::from)),
        Of::Flag => number(cell::<Option<bool>>(row, at)?.map(i64::from)),
        Of::Text => cell::<Option<String>>(row, at)?.map_or(Cell::Null, Cell::Text),
        Of::Bytes => cell::<Option<Vec<u8>>>(row, at)?.map_or(Cell::Null, Cell::Bytes),
        Of::Uuid => cell::<Option<Uid>>(row, at)?.map_or(Cell::Null, |Uid(bytes)| Cell::Bytes(bytes.to_vec())),
    })
}

/// By what an event is found, as the text of an array.
fn hashes(table: &Table, row: &[Cell]) -> Cell {
    let of = |name: &str| table.at(name).and_then(|at| row.get(at));
    let text = |name: &str| of(name).and_then(Cell::as_text);
    let Some(id) = of("event_id").and_then(Cell::bytes).and_then(|id| id.try_into().ok()) else { return Cell::Null };
    let contacts = [text("wa_id"), text("user_id"), text("parent_user_id")];
    let numbers = [text("phone_number_id"), text("display_phone_number")];
    let hashes = hashes_of_names(id, text("message_id"), contacts, numbers);
    let shown: Vec<String> = hashes.iter().map(i64::to_string).collect();
    Cell::Text(format!("{{{}}}", shown.join(",")))
}

fn number<T: TryFrom<i64>>(cell: &Cell) -> Result<Option<T>, Fault> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Number(number) => T::try_from(*number).map(Some).map_err(|_| unfit()),
        Cell::Text(_) | Cell::Bytes(_) => Err(unfit()),
    }
}

fn uid(bytes: &[u8]) -> Result<Uid, Fault> {
    bytes.try_into().map(Uid).map_err(|_| unfit())
}

fn unfit() -> Fault {
    Fault::new(Kind::Other, "a value does not fit its column")
}
