//! All that the program prints. Results go to standard output, everything else to standard error.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::exit::Failure;

/// Prints a text and a newline on standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::Output)
}

/// Prints bytes as they are on standard output, with a newline after them only where one is wanted.
pub(crate) fn print_bytes(bytes: &[u8], newline: bool) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let end: &[u8] = if newline { b"\n" } else { b"" };
    out.write_all(bytes).and_then(|()| out.write_all(end)).and_then(|()| out.flush()).map_err(Failure::Output)
}

/// Prints a value as JSON on standard output.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Output(error.into()))?;
    print(&text)
}

/// Prints that something was done, for commands that have nothing else to say: `paused crm`, or `{"paused":"crm"}`.
pub(crate) fn done(what: &str, id: &str, json: bool) -> Result<(), Failure> {
    if json {
        return print(&serde_json::json!({ what: id }).to_string());
    }
    print(&format!("{what} {id}"))
}

/// Asks a person; anything but yes is no. None where there is nobody to ask.
pub(crate) fn ask(question: &str) -> Option<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let mut out = io::stderr().lock();
    write!(out, "{question} [y/N] ").and_then(|()| out.flush()).ok()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).ok()?;
    Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Tells something on standard error. When nobody can hear it, there is nobody to tell that.
pub(crate) fn tell(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// How far long work is: one line that is written over, on a terminal only.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    /// The per cent that stand there; None where nobody looks, and before the first.
    shown: Option<u64>,
    terminal: bool,
}

impl Progress {
    /// Of this work.
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, shown: None, terminal: io::stderr().is_terminal() }
    }

    /// Shows how much of all is done.
    pub(crate) fn show(&mut self, done: u64, all: u64) {
        let percent = done.saturating_mul(100) / all.max(1);
        if self.terminal && self.shown != Some(percent) {
            self.shown = Some(percent);
            let mut out = io::stderr().lock();
            drop(write!(out, "\r{} {percent} %", self.what).and_then(|()| out.flush()));
        }
    }

    /// Leaves the line.
    pub(crate) fn end(self) {
        if self.shown.is_some() {
            tell("");
        }
    }
}

/// How far long work of several parts is: a bar that is written over on a terminal, a line for each tenth and each part
/// elsewhere.
#[derive(Debug)]
pub(crate) struct Bar {
    terminal: bool,
    /// What stands there.
    shown: Option<(String, u64)>,
}

/// Signs of a bar.
const BAR_SIGNS: u64 = 30;

impl Bar {
    /// Of nothing yet.
    pub(crate) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), shown: None }
    }

    /// Shows what is being done, and how much of all is.
    pub(crate) fn show(&mut self, doing: &str, done: u64, all: u64) {
        let percent = done.saturating_mul(100) / all.max(1);
        let step = if self.terminal { percent } else { percent / 10 };
        if self.shown.as_ref().is_some_and(|(before, at)| before == doing && *at == step) {
            return;
        }
        self.shown = Some((doing.to_owned(), step));
        if self.terminal {
            let mut out = io::stderr().lock();
            drop(write!(out, "\r{}\u{1b}[K", bar(doing, percent)).and_then(|()| out.flush()));
        } else {
            tell(&format!("{doing}: {done} of {all} rows"));
        }
    }

    /// Leaves the line.
    pub(crate) fn end(self) {
        if self.terminal && self.shown.is_some() {
            tell("");
        }
    }
}

fn bar(doing: &str, percent: u64) -> String {
    let full = usize::try_from(percent.min(100) * BAR_SIGNS / 100).unwrap_or_default();
    let empty = usize::try_from(BAR_SIGNS).unwrap_or_default() - full;
    format!("[{}{}] {percent:3} %  {doing}", "#".repeat(full), " ".repeat(empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_it_was_at_any_point() {
        assert_eq!(bar("copying", 0), format!("[{}]   0 %  copying", " ".repeat(30)));
        assert_eq!(bar("copying", 50), format!("[{}{}]  50 %  copying", "#".repeat(15), " ".repeat(15)));
        assert_eq!(bar("copying", 100), format!("[{}] 100 %  copying", "#".repeat(30)));
    }
}
