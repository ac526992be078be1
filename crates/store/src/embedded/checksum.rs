//! Checksums of rows: what a disk turned is told from what was written.
//!
//! SQLite has checksums in its log and none in its database. So each row from which something is delivered or shown bears
//! one of its own (XXH3, 64 bits), over the values and the order of all its other columns, its number among them. It is
//! no defence against whoever can write the file.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Row, Statement, ToSql};
use twox_hash::XxHash3_64;

/// In place of a checksum, in a row that something else than a commit wrote. What is computed is this for one row in 2^64,
/// which is then never found damaged.
const NONE: i64 = 0;
/// Bytes that most rows fit in.
const ROW_BYTES: usize = 1_024;

/// Of bytes.
pub(super) fn of_bytes(bytes: &[u8]) -> i64 {
    XxHash3_64::oneshot(bytes).cast_signed()
}

/// Of a row that holds a large value, whose own checksum was made where there was time for it.
pub(super) fn of_large(numbers: [i64; 2], of_value: i64) -> i64 {
    let [first, second] = numbers.map(i64::to_le_bytes);
    of_bytes([first, second, of_value.to_le_bytes()].as_flattened())
}

/// Inserts a row whose last parameter is its checksum.
pub(super) fn insert(statement: &mut Statement<'_>, row: &[&dyn ToSql]) -> rusqlite::Result<()> {
    let mut sum = Sum::default();
    for (place, value) in (1..).zip(row) {
        match value.to_sql()? {
            ToSqlOutput::Borrowed(value) => sum.add(value),
            ToSqlOutput::Owned(value) => sum.add(ValueRef::from(&value)),
            other => return Err(rusqlite::Error::ToSqlConversionFailure(format!("{other:?}").into())),
        }
        statement.raw_bind_parameter(place, value)?;
    }
    statement.raw_bind_parameter(row.len() + 1, sum.end())?;
    statement.raw_execute()?;
    Ok(())
}

/// True when the columns at these places, in the order in which they were inserted, are what the checksum at `sum` says.
pub(super) fn fits(row: &Row<'_>, columns: &[usize], sum: usize) -> rusqlite::Result<bool> {
    let computed = of_row(row, columns)?;
    Ok(matches!(row.get_ref(sum)?, ValueRef::Integer(sum) if is(sum, computed)))
}

/// Of the columns at these places, in the order in which they are inserted.
pub(super) fn of_row(row: &Row<'_>, columns: &[usize]) -> rusqlite::Result<i64> {
    let mut sum = Sum::default();
    for column in columns {
        sum.add(row.get_ref(*column)?);
    }
    Ok(sum.end())
}

/// True when what stands in a row is the checksum that was computed, or when the row was written without one.
pub(super) const fn is(stands: i64, computed: i64) -> bool {
    stands == computed || stands == NONE
}

/// A checksum in the making: kinds, lengths and bytes, so that no two rows read alike.
struct Sum(Vec<u8>);

impl Default for Sum {
    fn default() -> Self {
        Self(Vec::with_capacity(ROW_BYTES))
    }
}

impl Sum {
    fn add(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.0.push(0),
            ValueRef::Integer(number) => self.fixed(1, number.to_le_bytes()),
            ValueRef::Real(number) => self.fixed(2, number.to_le_bytes()),
            ValueRef::Text(bytes) => self.sized(3, bytes),
            ValueRef::Blob(bytes) => self.sized(4, bytes),
        }
    }

    fn fixed(&mut self, kind: u8, bytes: [u8; 8]) {
        self.0.push(kind);
        self.0.extend_from_slice(&bytes);
    }

    fn sized(&mut self, kind: u8, bytes: &[u8]) {
        self.fixed(kind, (bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn end(&self) -> i64 {
        of_bytes(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[ValueRef<'_>]) -> i64 {
        let mut sum = Sum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum.end()
    }

    #[test]
    fn what_one_version_wrote_the_next_one_reads() {
        let row = [ValueRef::Integer(7), ValueRef::Null, ValueRef::Text(b"a"), ValueRef::Blob(b"\0")];
        assert_eq!(
            (sum(&row), of_large([7, -1], of_bytes(b"{}"))),
            (-8_503_320_047_165_937_882, 8_010_970_887_639_133_972)
        );
    }

    #[test]
    fn values_that_lie_one_after_the_other_are_told_apart() {
        let (a, b) = (ValueRef::Text(b"a"), ValueRef::Text(b"b"));
        let all = [
            sum(&[a, b]),
            sum(&[b, a]),
            sum(&[ValueRef::Text(b"ab")]),
            sum(&[ValueRef::Blob(b"a"), b]),
            sum(&[a, b, ValueRef::Null]),
            sum(&[ValueRef::Integer(0), b]),
            sum(&[ValueRef::Real(0.0), b]),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(all.iter().skip(place + 1).all(|other| other != one), "{place}");
        }
    }
}
