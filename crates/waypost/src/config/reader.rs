//! Reads a configuration key by key: from the environment, else from the file, else from the default file.
//!
//! Derived deserialisation stops at the first mistake and quotes values; this goes on, so that all mistakes are told at
//! once, and names types instead of values, so that no secret is told. Which keys exist is what was asked for: the names
//! of variables, the hints for unknown keys and the reference page all come from it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{Lines, entry, join, kind_of};
use super::environment::{Environment, variable_of};
use super::known::{Known, Unknown};
use super::problem::{At, Origin, Problems};
use super::reference::Reference;

/// What all tables share while they are read.
pub(crate) struct Reading<'a> {
    lines: Lines<'a>,
    environment: &'a Environment,
    /// What was wrong so far.
    pub(crate) problems: &'a mut Problems,
    /// Keys that were asked for.
    pub(crate) known: Vec<Known>,
    unknown: Vec<Unknown>,
}

/// One table, in both files.
pub(crate) struct Reader<'r, 'a> {
    reading: &'r mut Reading<'a>,
    file: Option<&'a DeTable<'a>>,
    default: Option<&'a DeTable<'a>>,
    here: At<()>,
    /// The key without positions in lists, for what is known.
    table: String,
    asked: Vec<&'static str>,
}

type Found<'a> = At<Given<'a>>;

enum Given<'a> {
    Text(&'a str),
    Toml(&'a DeValue<'a>),
}

impl<'a> Reading<'a> {
    /// Reads the outermost table; `text` is the file's, for lines and columns.
    pub(crate) fn new(text: &'a str, environment: &'a Environment, problems: &'a mut Problems) -> Self {
        Self { lines: Lines::new(text), environment, problems, known: Vec::new(), unknown: Vec::new() }
    }

    /// Reads the outermost table, and then says which keys nothing asked for.
    pub(crate) fn read<T>(
        &mut self,
        file: &'a DeTable<'a>,
        default: &'a DeTable<'a>,
        read: impl FnOnce(&mut Reader<'_, 'a>) -> T,
    ) -> T {
        let mut reader = Reader {
            reading: self,
            file: Some(file),
            default: Some(default),
            here: At::default(),
            table: String::new(),
            asked: Vec::new(),
        };
        let value = read(&mut reader);
        reader.finish();
        self.tell_unknown();
        value
    }

    fn tell_unknown(&mut self) {
        for unknown in std::mem::take(&mut self.unknown) {
            let hint = unknown.hint(&self.known);
            self.problems.error(&unknown.at, "unknown key").maybe_hint(hint);
        }
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        Origin::File(self.lines.position(span.start))
    }
}

impl<'a> Reader<'_, 'a> {
    /// Reads a table below this one.
    pub(crate) fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Reader<'_, 'a>) -> T) -> T {
        self.asked.push(key);
        let given = self.file.and_then(|table| entry(table, key));
        let here = At {
            value: (),
            key: join(&self.here.key, key),
            origin: given.map_or(Origin::Default, |(word, _)| self.reading.origin(word.span())),
        };
        let file = given.and_then(|(_, value)| value.get_ref().as_table());
        if let (Some((_, value)), None) = (given, file) {
            let message = format!("expected a table, found {}", kind_of(value.get_ref()));
            self.reading.problems.error(&here, message);
        }
        let default = self.default.and_then(|table| entry(table, key));
        self.below(here, file, default.and_then(|(_, value)| value.get_ref().as_table()), key, read)
    }

    /// Reads each of a list of tables (`[[key]]`), with its place. They have no variables.
    pub(crate) fn sections<T>(&mut self, key: &'static str, mut read: impl FnMut(&mut Reader<'_, 'a>) -> T) -> Vec<T> {
        let mut all = Vec::new();
        for (here, value) in self.items(key) {
            let Some(table) = value.get_ref().as_table() else {
                let message = format!("expected a table, found {}", kind_of(value.get_ref()));
                self.reading.problems.error(&here, message);
                continue;
            };
            all.push(self.below(here, Some(table), None, &format!("{key}[]"), &mut read));
        }
        all
    }

    /// The tables of a list (`[[key]]`) as they stand, each with its place.
    pub(crate) fn items(&mut self, key: &'static str) -> Vec<(At<()>, &'a Spanned<DeValue<'a>>)> {
        self.asked.push(key);
        let Some((word, value)) = self.file.and_then(|table| entry(table, key)) else {
            return Vec::new();
        };
        let place = |key: String, span| At { value: (), key, origin: self.reading.origin(span) };
        let whole = join(&self.here.key, key);
        if let Some(items) = value.get_ref().as_array() {
            let each = items.iter().enumerate();
            return each.map(|(n, item)| (place(format!("{whole}[{n}]"), item.span()), item)).collect();
        }
        let at = place(whole, word.span());
        let message = format!("expected a list of tables, each headed `[[{key}]]`");
        self.reading.problems.error(&at, message);
        Vec::new()
    }

    /// Where this table is.
    pub(crate) fn here(&self) -> At<()> {
        self.here.clone()
    }

    /// The place of a byte of the file.
    pub(crate) fn origin(&self, at: usize) -> Origin {
        Origin::File(self.reading.lines.position(at))
    }

    /// What all tables share.
    pub(crate) fn reading(&mut self) -> &mut Reading<'a> {
        self.reading
    }

    /// A text that the default file gives.
    pub(crate) fn text(&mut self, key: &'static str) -> At<String> {
        self.text_if_given(key).unwrap_or_default()
    }

    /// A text, where one is given.
    pub(crate) fn text_if_given(&mut self, key: &'static str) -> Option<At<String>> {
        self.take(key, "a text in quotes", |given| match given {
            Given::Text(text) => Some((*text).to_owned()),
            Given::Toml(value) => value.as_str().map(str::to_owned),
        })
    }

    /// A secret or a reference to one, which the default file gives.
    pub(crate) fn secret(&mut self, key: &'static str) -> At<Reference> {
        let text = self.text(key);
        text.with(Reference::parse(&text.value))
    }

    /// A secret or a reference to one, where one is given.
    pub(crate) fn secret_if_given(&mut self, key: &'static str) -> Option<At<Reference>> {
        self.text_if_given(key).map(|text| text.with(Reference::parse(&text.value)))
    }

    /// Secrets or references to them, none when none is given.
    pub(crate) fn secrets(&mut self, key: &'static str) -> Option<At<Vec<Reference>>> {
        let list = self.list_if_given(key)?;
        Some(list.with(list.value.iter().map(|text| Reference::parse(text)).collect()))
    }

    /// A whole number that the default file gives.
    pub(crate) fn number(&mut self, key: &'static str) -> At<u64> {
        self.number_if_given(key).unwrap_or_default()
    }

    /// A whole number, where one is given.
    pub(crate) fn number_if_given(&mut self, key: &'static str) -> Option<At<u64>> {
        self.take(key, "a whole number", |given| match given {
            Given::Text(text) => text.parse().ok(),
            Given::Toml(value) => {
                let number = value.as_integer()?;
                u64::from_str_radix(number.as_str(), number.radix()).ok()
            }
        })
    }

    /// `true` or `false`, which the default file gives.
    pub(crate) fn flag(&mut self, key: &'static str) -> At<bool> {
        self.take(key, "true or false", |given| match given {
            Given::Text(text) => text.parse().ok(),
            Given::Toml(value) => value.as_bool(),
        })
        .unwrap_or_default()
    }

    /// A list of texts that the default file gives.
    pub(crate) fn list(&mut self, key: &'static str) -> At<Vec<String>> {
        self.list_if_given(key).unwrap_or_default()
    }

    /// A list of texts, where one is given. In a variable, commas part them.
    pub(crate) fn list_if_given(&mut self, key: &'static str) -> Option<At<Vec<String>>> {
        self.take(key, "a list of texts in quotes", |given| match given {
            Given::Text(text) => Some(text.split(',').map(|item| item.trim().to_owned()).collect()),
            Given::Toml(value) => {
                let items = value.as_array()?.iter();
                items.map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
            }
        })
    }

    fn below<T>(
        &mut self,
        here: At<()>,
        file: Option<&'a DeTable<'a>>,
        default: Option<&'a DeTable<'a>>,
        name: &str,
        read: impl FnOnce(&mut Reader<'_, 'a>) -> T,
    ) -> T {
        let mut reader =
            Reader { table: join(&self.table, name), reading: self.reading, file, default, here, asked: Vec::new() };
        let value = read(&mut reader);
        reader.finish();
        value
    }

    /// The first of the three places that gives the key. A wrong value is noted, and the next place is asked instead, so
    /// that the rest can be judged too.
    fn take<T>(
        &mut self,
        key: &'static str,
        kind: &'static str,
        read: impl Fn(&Given<'a>) -> Option<T>,
    ) -> Option<At<T>> {
        self.ask(key, kind);
        for found in [self.in_environment(key), self.in_file(key), self.in_default(key)] {
            let Some(found) = found else { continue };
            if let Some(value) = read(&found.value) {
                return Some(found.with(value));
            }
            let message = match &found.value {
                Given::Text(_) => format!("expected {kind}"),
                Given::Toml(value) => format!("expected {kind}, found {}", kind_of(value)),
            };
            self.reading.problems.error(&found, message);
        }
        None
    }

    fn ask(&mut self, key: &'static str, kind: &'static str) {
        self.asked.push(key);
        let known = Known { key: join(&self.table, key), variable: self.variable(key), kind };
        if !self.reading.known.contains(&known) {
            self.reading.known.push(known);
        }
    }

    fn variable(&self, key: &str) -> Option<String> {
        (!self.table.contains('[')).then(|| variable_of(&join(&self.table, key)))
    }

    fn in_environment(&self, key: &str) -> Option<Found<'a>> {
        let name = self.variable(key)?;
        let environment = self.reading.environment;
        environment.get(&name).map(|text| At {
            value: Given::Text(text),
            key: join(&self.here.key, key),
            origin: Origin::Variable(name),
        })
    }

    fn in_file(&self, key: &str) -> Option<Found<'a>> {
        let (_, value) = entry(self.file?, key)?;
        Some(At {
            value: Given::Toml(value.get_ref()),
            key: join(&self.here.key, key),
            origin: self.reading.origin(value.span()),
        })
    }

    fn in_default(&self, key: &str) -> Option<Found<'a>> {
        let (_, value) = entry(self.default?, key)?;
        Some(At { value: Given::Toml(value.get_ref()), key: join(&self.here.key, key), origin: Origin::Default })
    }

    fn finish(self) {
        for (word, _) in self.file.into_iter().flatten() {
            let text: &str = word.get_ref();
            if self.asked.contains(&text) {
                continue;
            }
            let unknown = Unknown {
                at: At { value: (), key: join(&self.here.key, text), origin: self.reading.origin(word.span()) },
                word: text.to_owned(),
                siblings: self.asked.clone(),
            };
            self.reading.unknown.push(unknown);
        }
    }
}
