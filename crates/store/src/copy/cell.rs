//! A row as both sides have it.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A `bigint`.
    Big,
    /// An `integer`.
    Int,
    /// A `smallint`.
    Small,
    /// True or false; 1 or 0.
    Flag,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// Sixteen bytes, a `uuid`.
    Uuid,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing.
    Null,
    /// A number, or a flag.
    Number(i64),
    /// Text.
    Text(String),
    /// Bytes, or a uuid.
    Bytes(Vec<u8>),
}

impl Cell {
    /// The number, where it is one.
    pub(crate) const fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Null | Self::Text(_) | Self::Bytes(_) => None,
        }
    }

    /// The text, where it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Number(_) | Self::Bytes(_) => None,
        }
    }

    /// The bytes, where they are some.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Null | Self::Number(_) | Self::Text(_) => None,
        }
    }

    /// Bytes in memory, roughly.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Null | Self::Number(_) => 16,
            Self::Text(text) => text.len() + 24,
            Self::Bytes(bytes) => bytes.len() + 24,
        }
    }

    /// As a mark keeps it.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Number(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::Bytes(bytes) => json!(bytes.iter().map(|byte| json!(byte)).collect::<Vec<_>>()),
        }
    }

    /// What [`Cell::to_json`] wrote; None for anything else.
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Number(number) => Self::Number(number.as_i64()?),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(bytes) => {
                let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
                Self::Bytes(bytes.iter().map(byte).collect::<Option<_>>()?)
            }
            Value::Bool(_) | Value::Object(_) => return None,
        })
    }
}

/// How many rows there are, and a checksum that does not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    pub(crate) checksum: u64,
}

impl Sum {
    /// Adds a row.
    pub(crate) fn add<'c>(&mut self, row: impl Iterator<Item = &'c Cell>) {
        let mut hash = Sha256::new();
        for cell in row {
            match cell {
                Cell::Null => part(&mut hash, 0, &[]),
                Cell::Number(number) => part(&mut hash, 1, &number.to_be_bytes()),
                Cell::Text(text) => part(&mut hash, 2, text.as_bytes()),
                Cell::Bytes(bytes) => part(&mut hash, 3, bytes),
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        let short = u64::from_be_bytes(*digest.first_chunk::<8>().unwrap_or(&[0; 8]));
        self.rows += 1;
        self.checksum = self.checksum.wrapping_add(short);
    }
}

fn part(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update(u64::try_from(bytes.len()).unwrap_or_default().to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn a_checksum_sees_every_change_but_the_order_of_rows() {
        let sum = |rows: &[&[Cell]]| {
            let mut sum = Sum::default();
            rows.iter().for_each(|row| sum.add(row.iter()));
            sum
        };
        let (a, b) = (text("a"), text("b"));
        let (first, second) = ([a.clone(), b.clone()], [b.clone(), a.clone()]);
        assert_eq!(sum(&[&first, &second]), sum(&[&second, &first]));
        assert_ne!(sum(&[&first]), sum(&[&second]));
        assert_ne!(sum(&[&first]), sum(&[&first, &first]));
        assert_ne!(sum(&[&[Cell::Null, a.clone()]]), sum(&[&[a.clone(), Cell::Null]]));
        assert_ne!(sum(&[&[text("ab")]]), sum(&[&[a.clone(), b]]));
        assert_ne!(sum(&[&[a]]), sum(&[&[Cell::Bytes(b"a".to_vec())]]));
        assert_ne!(sum(&[&[Cell::Number(1)]]), sum(&[&[Cell::Number(2)]]));
    }

    #[test]
    fn a_cell_reads_back_from_a_mark() {
        for cell in [Cell::Null, Cell::Number(i64::MIN), text("x\"y"), Cell::Bytes(vec![0, 255])] {
            assert_eq!(Cell::from_json(&cell.to_json()), Some(cell));
        }
        assert_eq!(Cell::from_json(&json!([256])), None);
    }
}
