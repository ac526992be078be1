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

/// A text with the beginnings of its lines: ten thousand endpoints have a hundred thousand places to find.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    pub(crate) text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// The line and column of a byte.
    pub(crate) fn position(&self, at: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..at).or_else(|| self.text.get(start..)).unwrap_or_default();
        Position { line, column: before.chars().count() + 1 }
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
            let Position { line, column } = Lines::new("a = 1\nü = 2").position(byte);
            (line, column)
        };
        assert_eq!((at(0), at(4), at(6), at(8)), ((1, 1), (1, 5), (2, 1), (2, 2)));
    }
}
