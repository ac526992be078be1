//! Names of contacts that were met lately, in memory: a conversation shows the same few again and again.
//!
//! Two generations stand for a list in order of use: what is met moves into the young one, and when that is full the old
//! one goes. What a transaction meets counts for itself at once, and for others after its COMMIT.

use std::collections::HashMap;

use rules::lane::Known;

/// Names of one generation.
const NAMES_MAX: usize = 32_768;

/// A name within its scope and business number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn new(scope: &str, number: &str, name: &str) -> Self {
        // No name of ours holds a zero; one that does only misses, or is met by itself.
        Self(format!("{}\0{scope}\0{number}\0{name}", scope.len()))
    }
}

/// What one transaction met, and what was not there.
pub(super) type Met = HashMap<Name, Option<Known>>;

/// The names that are durable.
#[derive(Debug, Default)]
pub(super) struct Names {
    young: HashMap<Name, Known>,
    old: HashMap<Name, Known>,
}

impl Names {
    pub(super) fn get(&self, name: &Name) -> Option<&Known> {
        self.young.get(name).or_else(|| self.old.get(name))
    }

    /// Learns what a transaction met, after its COMMIT.
    pub(super) fn learn(&mut self, met: Met) {
        for (name, known) in met {
            let Some(known) = known else { continue };
            if self.young.len() >= NAMES_MAX {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(name, known);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    fn met(name: usize, lane: &str) -> Met {
        let known = Known { lane: lane.to_owned(), user_id: None };
        Met::from([(Name::new("s", "1", &name.to_string()), Some(known))])
    }

    #[test]
    fn what_is_met_again_outlives_what_is_not_and_the_number_is_bounded() {
        let mut names = Names::default();
        for name in 1..=3 * NAMES_MAX {
            names.learn(met(0, &name.to_string()));
            names.learn(met(name, "l"));
        }
        let get = |name: usize| names.get(&Name::new("s", "1", &name.to_string()));
        assert_eq!(get(0).unwrap().lane, (3 * NAMES_MAX).to_string());
        assert!(get(1).is_none() && get(3 * NAMES_MAX).is_some());
        assert!(names.young.len() + names.old.len() <= 2 * NAMES_MAX);
    }

    #[test]
    fn parts_of_a_name_do_not_run_into_each_other() {
        assert_ne!(Name::new("a", "bc", "d"), Name::new("ab", "c", "d"));
        assert_ne!(Name::new("a\0b", "c", "d"), Name::new("a", "b\0c", "d"));
    }
}
