//! An object of the body together with its path, and the notebook for what did not fit.

use std::borrow::Cow;
use std::cell::RefCell;

use crate::event::Problem;
use crate::json::{Json, Object};

/// Collects problems. Shared, so that reading a member and noting that it was odd is one step.
#[derive(Debug, Default)]
pub(crate) struct Notes(RefCell<Vec<Problem>>);

impl Notes {
    pub(crate) fn add(&self, path: String, what: &'static str) {
        // A member that is read twice is odd once.
        const LOOK_BACK: usize = 8;
        debug_assert!(Problem::KINDS.contains(&what), "{what} is a kind that others cannot count");
        let mut notes = self.0.borrow_mut();
        let problem = Problem { path, what };
        if !notes.iter().rev().take(LOOK_BACK).any(|earlier| *earlier == problem) {
            notes.push(problem);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

/// An object, where it sits, and where to say what is odd about it.
#[derive(Debug)]
pub(crate) struct Part<'a, 'n> {
    pub(crate) object: Object<'a>,
    path: String,
    notes: &'n Notes,
}

impl<'a, 'n> Part<'a, 'n> {
    pub(crate) fn new(object: Object<'a>, path: String, notes: &'n Notes) -> Self {
        if object.repeats() {
            notes.add(path.clone(), "a member twice");
        }
        Self::quiet(object, path, notes)
    }

    /// As [`Part::new`], without looking for members that occur twice.
    pub(crate) fn quiet(object: Object<'a>, path: String, notes: &'n Notes) -> Self {
        Self { object, path, notes }
    }

    /// Notes something about a member.
    pub(crate) fn note(&self, name: &str, what: &'static str) {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.notes.add(format!("{}{dot}{name}", self.path), what);
    }

    /// Notes something that sits outside this object.
    pub(crate) fn note_at(&self, path: String, what: &'static str) {
        self.notes.add(path, what);
    }

    /// A word: a string, or a number in its plain spelling. Empty, null and missing are all absent.
    pub(crate) fn word(&self, name: &str) -> Option<Cow<'a, str>> {
        let value = self.object.some(name)?;
        let word = value.word();
        if word.is_none() {
            self.note(name, "not text");
        }
        word.filter(|word| !word.is_empty())
    }

    /// The first of several spellings of one member.
    pub(crate) fn first_word(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        names.iter().find_map(|name| self.word(name))
    }

    /// A word that the reference says is always there.
    pub(crate) fn need(&self, name: &str) -> Option<Cow<'a, str>> {
        let word = self.word(name);
        if word.is_none() && self.object.some(name).is_none_or(|value| value.word().is_some()) {
            self.note(name, "missing");
        }
        word
    }

    /// A member that is an object.
    pub(crate) fn part(&self, name: &str) -> Option<Part<'a, 'n>> {
        let value = self.object.some(name)?;
        let object = value.object();
        if object.is_none() {
            self.note(name, "not an object");
        }
        Some(Part::new(object?, format!("{}.{name}", self.path), self.notes))
    }

    /// The first element of a member that is an array, when that element is an object.
    pub(crate) fn first_of(&self, name: &str) -> Option<Part<'a, 'n>> {
        let object = self.object.some(name)?.elements().next()?.object()?;
        Some(Part::new(object, format!("{}.{name}[0]", self.path), self.notes))
    }

    /// True when the member is there and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.some(name).is_some()
    }

    /// Unix seconds in a member that the reference says is always there.
    pub(crate) fn need_time(&self, name: &str) -> Option<i64> {
        self.need(name).and_then(|word| self.seconds(name, &word))
    }

    fn seconds(&self, name: &str, word: &str) -> Option<i64> {
        let seconds = crate::time::seconds(word);
        if let Err(what) = seconds {
            self.note(name, what);
        }
        seconds.ok()
    }
}

/// Notes when a value that should be an object is none.
pub(crate) fn object_or_note<'a>(value: Json<'a>, path: &str, notes: &Notes) -> Option<Object<'a>> {
    let object = value.object();
    if object.is_none() {
        notes.add(path.to_owned(), "not an object");
    }
    object
}
