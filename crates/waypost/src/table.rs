//! Tables: aligned and headed on a terminal; tab-separated without a heading where a program reads.

use std::io::IsTerminal as _;

use crate::exit::Failure;
use crate::terminal;

/// Letters of a cell on a terminal at most. A program gets all of them.
const CELL_LETTERS_MAX: usize = 72;

/// Rows under headings.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| harmless(&cell)).collect());
    }

    /// Prints it. Of an empty one, people are told what is not there.
    pub(crate) fn print(&self, nothing: &str) -> Result<(), Failure> {
        let terminal = std::io::stdout().is_terminal();
        match (self.rows.is_empty(), terminal) {
            (true, true) => terminal::print(nothing),
            (true, false) => Ok(()),
            (false, true) => terminal::print(&self.aligned()),
            (false, false) => terminal::print(&self.tab_separated()),
        }
    }

    /// With headings, each column as wide as its widest cell.
    pub(crate) fn aligned(&self) -> String {
        let headings = self.headings.iter().map(|heading| (*heading).to_owned()).collect();
        let mut lines: Vec<Vec<String>> = vec![headings];
        lines.extend(self.rows.iter().map(|row| row.iter().map(|cell| shortened(cell)).collect()));
        let mut widths = vec![0; self.headings.len()];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let padded = |line: &Vec<String>| {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        lines.iter().map(padded).collect::<Vec<_>>().join("\n")
    }

    fn tab_separated(&self) -> String {
        self.rows.iter().map(|row| row.join("\t")).collect::<Vec<_>>().join("\n")
    }
}

/// Names with their values, a line each; the values begin in one column.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| format!("{name:<width$}  {}", harmless(value));
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A cell, `-` where there is nothing.
pub(crate) fn or_dash(text: Option<impl Into<String>>) -> String {
    text.map(Into::into).filter(|text: &String| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
}

/// Some of what is shown was written by strangers: no control character of theirs reaches the terminal, and no tab or
/// newline breaks a line.
pub(crate) fn harmless(text: &str) -> String {
    let replace = |letter: char| if is_harmful(letter) { '\u{fffd}' } else { letter };
    text.chars().map(replace).collect()
}

/// Control characters, and those that turn the direction of the text around them.
fn is_harmful(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

fn shortened(cell: &str) -> String {
    if cell.chars().count() <= CELL_LETTERS_MAX {
        return cell.to_owned();
    }
    let mut short: String = cell.chars().take(CELL_LETTERS_MAX - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["ID", "STATE"]);
        table.row(["crm".to_owned(), "active".to_owned()]);
        table.row(["bookkeeping".to_owned(), or_dash(None::<String>)]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let wanted = "ID           STATE\ncrm          active\nbookkeeping  -";
        assert_eq!(table().aligned(), wanted);
    }

    #[test]
    fn a_program_gets_tabs_and_no_heading() {
        assert_eq!(table().tab_separated(), "crm\tactive\nbookkeeping\t-");
    }

    #[test]
    fn what_strangers_wrote_cannot_command_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\tc\u{202e}"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
    }

    #[test]
    fn a_long_cell_is_cut_on_a_terminal_only() {
        let long = "x".repeat(200);
        let mut table = Table::new(&["ID"]);
        table.row([long.clone()]);
        assert!(table.aligned().ends_with('…') && table.aligned().chars().count() < 100);
        assert_eq!(table.tab_separated(), long);
    }
}
