//! The file as a tree: its entries, their places, and what they are in words.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::problem::Position;

/// The entry of a table under a key, with the key as it stands.
pub(crate) fn entry<'a>(
    table: &'a DeTable<'a>,
    key: &str,
) -> Option<(&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)> {
    table.iter().find(|(word, _)| word.get_ref().as_ref() == key)
}

/// The line and column of a byte of a text.
pub(crate) fn position(text: &str, at: usize) -> Position {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
    }
}

/// What a value is, in words that tell nothing of what it holds.
pub(crate) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(number) if number.as_str().starts_with('-') => "a negative number",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A key within a table, as a whole.
pub(crate) fn join(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_begin_at_one() {
        let at = |byte| {
            let Position { line, column } = position("a = 1\nü = 2", byte);
            (line, column)
        };
        assert_eq!((at(0), at(4), at(6), at(8)), ((1, 1), (1, 5), (2, 1), (2, 2)));
    }
}
