//! Values on their way into and out of the database.

use std::borrow::Cow;
use std::error::Error;

use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::fault::Fault;
use super::session::cell;

/// Sixteen bytes, as a `uuid`: shorter than `bytea`, and compared faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Uid(pub(super) [u8; 16]);

impl ToSql for Uid {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Uid {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.try_into()?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }
}

/// Text that PostgreSQL takes: it knows no NUL, which only a hostile body holds. It stands for itself as `␀`.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{2400}")) } else { Cow::Borrowed(text) }
}

/// The same for text that may be missing.
pub(super) fn text_opt(given: Option<&String>) -> Option<Cow<'_, str>> {
    given.map(|given| text(given))
}

/// A count or size that the table holds as a signed number.
pub(super) fn unsigned(row: &Row, column: usize) -> Result<u64, Fault> {
    let number: i64 = cell(row, column)?;
    Ok(u64::try_from(number).unwrap_or_default())
}

/// A small unsigned number that the table holds as a signed one.
pub(super) fn small(row: &Row, column: usize) -> Result<u32, Fault> {
    let number: i32 = cell(row, column)?;
    Ok(u32::try_from(number).unwrap_or_default())
}

/// As the tables hold it; what does not fit is the largest number.
pub(super) fn int4(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// As the tables hold it; what does not fit is the largest number.
pub(super) fn int8(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
