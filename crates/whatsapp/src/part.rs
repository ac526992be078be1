//! An object of the body, and the notebook for what did not fit.

use std::borrow::Cow;
use std::cell::RefCell;

use crate::event::Problem;
use crate::json::Object;

/// Collects problems. Shared, so that reading a member and noting that it was odd is one step.
#[derive(Debug, Default)]
pub(crate) struct Notes(RefCell<Vec<Problem>>);

impl Notes {
    pub(crate) fn add(&self, path: String, what: &'static str) {
        // A body full of oddities says no more.
        const NOTES_MAX: usize = 64;
        debug_assert!(Problem::KINDS.contains(&what), "{what} is a kind that others cannot count");
        let mut notes = self.0.borrow_mut();
        if notes.len() < NOTES_MAX {
            notes.push(Problem { path, what });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

/// An object of the body, and what its readers ask of it. What is odd about it is told by [`crate::drift`], which looks at
/// everything once; readers only take what they can use.
#[derive(Debug)]
pub(crate) struct Part<'t, 'a> {
    pub(crate) object: Object<'t, 'a>,
}

impl<'t, 'a> Part<'t, 'a> {
    pub(crate) fn new(object: Object<'t, 'a>) -> Self {
        Self { object }
    }

    /// A word: a string, or a number in its plain spelling. Empty, null and missing are all absent.
    pub(crate) fn word(&self, name: &str) -> Option<Cow<'a, str>> {
        self.object.some(name)?.word().filter(|word| !word.is_empty())
    }

    /// The first of several spellings of one member.
    pub(crate) fn first_word(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        names.iter().find_map(|name| self.word(name))
    }

    /// A member that is an object.
    pub(crate) fn part(&self, name: &str) -> Option<Part<'t, 'a>> {
        self.object.some(name)?.object().map(Part::new)
    }

    /// The first element of a member that is an array, when that element is an object.
    pub(crate) fn first_of(&self, name: &str) -> Option<Part<'t, 'a>> {
        self.object.some(name)?.elements().next()?.object().map(Part::new)
    }

    /// True when the member is there and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.some(name).is_some()
    }

    /// A word as it is, and what it says in Unix seconds.
    pub(crate) fn word_and_time(&self, name: &str) -> (Option<Cow<'a, str>>, Option<i64>) {
        let word = self.word(name);
        let seconds = word.as_deref().and_then(|word| crate::time::seconds(word).ok());
        (word, seconds)
    }

    /// Unix seconds.
    pub(crate) fn time(&self, name: &str) -> Option<i64> {
        self.word(name).and_then(|word| crate::time::seconds(&word).ok())
    }
}
