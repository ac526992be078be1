//! What is wrong with a configuration: where it was given, under which key, and what was expected.
//!
//! Problems are collected, so that a person sees all of them at once. None of them holds a value that may be a secret.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Where a value was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nowhere: it is the default.
    #[default]
    Default,
    /// In the configuration file.
    File(Position),
    /// In an environment variable of this name.
    Variable(String),
}

/// A place in the configuration file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The line.
    pub(crate) line: usize,
    /// The column, in characters.
    pub(crate) column: usize,
}

/// A value with its key and the place where it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct At<T> {
    /// The value.
    pub(crate) value: T,
    /// The whole key, for instance `receive.listen`.
    pub(crate) key: String,
    /// Where it was given.
    pub(crate) origin: Origin,
}

impl<T> At<T> {
    /// Another value at the same place.
    pub(crate) fn with<U>(&self, value: U) -> At<U> {
        At { value, key: self.key.clone(), origin: self.origin.clone() }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Waypost does not start with it.
    Error,
    /// Waypost starts, and says it.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// Where it was given.
    pub(crate) origin: Origin,
    /// The whole key; empty where the file as a whole is meant.
    pub(crate) key: String,
    /// What is the matter and what was expected.
    pub(crate) message: String,
    /// What to do about it: the nearest right key, a remedy.
    pub(crate) hint: Option<String>,
}

/// All that is wrong, in the order in which a person would mend it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems {
    file: Option<PathBuf>,
    list: Vec<Problem>,
}

impl Problems {
    /// None yet; `file` is what positions refer to.
    pub(crate) fn new(file: Option<&Path>) -> Self {
        Self { file: file.map(Path::to_owned), list: Vec::new() }
    }

    /// Notes an error at a value.
    pub(crate) fn error<T>(&mut self, at: &At<T>, message: impl Into<String>) -> &mut Problem {
        self.push(Severity::Error, at.origin.clone(), &at.key, message.into())
    }

    /// Notes a warning at a value.
    pub(crate) fn warning<T>(&mut self, at: &At<T>, message: impl Into<String>) -> &mut Problem {
        self.push(Severity::Warning, at.origin.clone(), &at.key, message.into())
    }

    /// True when Waypost must not start.
    pub(crate) fn refuse(&self) -> bool {
        self.list.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// True when nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The file that positions refer to.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// All of them: errors first, in the order of the file.
    pub(crate) fn sorted(&self) -> Vec<&Problem> {
        let mut sorted: Vec<&Problem> = self.list.iter().collect();
        sorted.sort_by_key(|problem| {
            let place = match &problem.origin {
                Origin::File(Position { line, column }) => (*line, *column),
                Origin::Default | Origin::Variable(_) => (usize::MAX, 0),
            };
            (problem.severity == Severity::Warning, place)
        });
        sorted
    }

    /// One line for a person, with a second one for the hint.
    pub(crate) fn line(&self, problem: &Problem) -> String {
        let mut line = match (&problem.origin, &self.file) {
            (Origin::File(Position { line, column }), Some(file)) => format!("{}:{line}:{column}: ", file.display()),
            (Origin::File(Position { line, column }), None) => format!("{line}:{column}: "),
            (Origin::Variable(name), _) => format!("variable {name}: "),
            (Origin::Default, Some(file)) => format!("{}: ", file.display()),
            (Origin::Default, None) => String::new(),
        };
        if problem.severity == Severity::Warning {
            line.push_str("warning: ");
        }
        // A variable names its key well enough.
        if !problem.key.is_empty() && !matches!(problem.origin, Origin::Variable(_)) {
            line.push_str(&format!("{}: ", problem.key));
        }
        line.push_str(&problem.message);
        if let Some(hint) = &problem.hint {
            line.push_str(&format!("\n    {hint}"));
        }
        line
    }

    /// The same for a program.
    pub(crate) fn reports(&self) -> Vec<Report<'_>> {
        self.sorted().into_iter().map(|problem| self.report(problem)).collect()
    }

    fn report<'a>(&'a self, problem: &'a Problem) -> Report<'a> {
        let position = match &problem.origin {
            Origin::File(position) => Some(*position),
            Origin::Default | Origin::Variable(_) => None,
        };
        let variable = match &problem.origin {
            Origin::Variable(name) => Some(name.as_str()),
            Origin::Default | Origin::File(_) => None,
        };
        Report {
            severity: problem.severity,
            file: self.file.as_deref().filter(|_| variable.is_none()),
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            variable,
            key: &problem.key,
            message: &problem.message,
            hint: problem.hint.as_deref(),
        }
    }

    fn push(&mut self, severity: Severity, origin: Origin, key: &str, message: String) -> &mut Problem {
        let problem = Problem { severity, origin, key: key.to_owned(), message, hint: None };
        self.list.push_mut(problem)
    }
}

impl Problem {
    /// Adds what to do about it.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }

    /// Adds what to do about it, where something is known.
    pub(crate) fn maybe_hint(&mut self, hint: Option<String>) {
        self.hint = hint;
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.sorted().into_iter().map(|problem| self.line(problem)).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// A problem as `check --json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    severity: Severity,
    file: Option<&'a Path>,
    line: Option<usize>,
    column: Option<usize>,
    variable: Option<&'a str>,
    key: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
}

/// The nearest of the right words, for a hint. None when nothing is near.
pub(crate) fn nearest<'a>(word: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = word.chars().count().div_ceil(3);
    right
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near_or_none() {
        assert_eq!(nearest("lisen", ["listen", "body_bytes_max"]), Some("listen"));
        assert_eq!(nearest("colour", ["listen", "body_bytes_max"]), None);
    }
}
