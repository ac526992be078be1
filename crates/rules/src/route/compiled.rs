//! The rules of all endpoints, made ready once, so that an event costs a few look-ups however many endpoints there are.
//!
//! A rule is filed under what it names most narrowly: first by where events come from (number, WABA, label, app), then by
//! what they are (types, else fields). Rules that are the same for many endpoints are held and compared once. What the
//! look-ups leave is compared in full, so that the filing can only save work and never changes who gets an event.

use std::collections::HashMap;

use super::{Facts, Labels, Pattern, Rank, Rule, owner_fits};

/// What one endpoint wants.
#[derive(Debug, Clone)]
pub struct Wants<T> {
    /// The endpoint.
    pub target: T,
    /// Its rules; without any it gets nothing.
    pub rules: Vec<Rule>,
    /// It competes with the others that override: the most narrowly named one alone gets the event.
    pub overrides: bool,
    /// Whose it is; empty for nobody's in particular.
    pub owner: String,
}

/// The rules of all endpoints, compiled.
#[derive(Debug)]
pub struct Routes<T> {
    takers: Vec<Taker<T>>,
    rules: Vec<Filed>,
    labels: Labels,
    numbers: HashMap<String, Shelf>,
    wabas: HashMap<String, Shelf>,
    labelled: HashMap<String, Shelf>,
    apps: HashMap<String, Shelf>,
    anywhere: Shelf,
}

#[derive(Debug)]
struct Taker<T> {
    target: T,
    overrides: bool,
    owner: String,
}

/// A rule, and the endpoints that have it, by their place.
#[derive(Debug)]
struct Filed {
    rule: Rule,
    rank: Rank,
    takers: Vec<usize>,
}

/// Rules that come from one place, by what they want.
#[derive(Debug, Default)]
struct Shelf {
    types: Names,
    fields: Names,
    anything: Vec<usize>,
}

/// Rules by the names that they include.
#[derive(Debug, Default)]
struct Names {
    exact: HashMap<String, Vec<usize>>,
    beginnings: HashMap<String, Vec<usize>>,
    /// The lengths that beginnings have, each once: so many look-ups find all beginnings of a name.
    lengths: Vec<usize>,
}

impl<T: Copy + Eq> Routes<T> {
    /// Compiles what the endpoints want. Those that are disabled are not among them.
    pub fn compile(wants: impl IntoIterator<Item = Wants<T>>, labels: Labels) -> Self {
        let mut routes = Self {
            takers: Vec::new(),
            rules: Vec::new(),
            labels,
            numbers: HashMap::new(),
            wabas: HashMap::new(),
            labelled: HashMap::new(),
            apps: HashMap::new(),
            anywhere: Shelf::default(),
        };
        let mut known: HashMap<Rule, usize> = HashMap::new();
        for Wants { target, rules, overrides, owner } in wants {
            let taker = routes.takers.len();
            routes.takers.push(Taker { target, overrides, owner });
            for rule in rules {
                let at = match known.get(&rule) {
                    Some(at) => *at,
                    None => {
                        let at = routes.file(rule.clone());
                        known.insert(rule, at);
                        at
                    }
                };
                if let Some(filed) = routes.rules.get_mut(at) {
                    filed.takers.push(taker);
                }
            }
        }
        routes
    }

    fn file(&mut self, rule: Rule) -> usize {
        let at = self.rules.len();
        let (places, named) = if !rule.phone_number_ids.is_empty() {
            (&mut self.numbers, &rule.phone_number_ids)
        } else if !rule.waba_ids.is_empty() {
            (&mut self.wabas, &rule.waba_ids)
        } else if !rule.labels.is_empty() {
            (&mut self.labelled, &rule.labels)
        } else {
            (&mut self.apps, &rule.apps)
        };
        for name in named {
            places.entry(name.clone()).or_default().file(&rule, at);
        }
        if named.is_empty() {
            self.anywhere.file(&rule, at);
        }
        self.rules.push(Filed { rank: rule.rank(), rule, takers: Vec::new() });
        at
    }

    /// The targets that get an event with these facts, each once, in the order in which they were given: of those that
    /// override the most narrowly named one, and all others that match.
    #[must_use]
    pub fn matching(&self, facts: &Facts<'_>) -> Vec<T> {
        let mut found: Vec<usize> = Vec::new();
        let mut winner: Option<(Rank, usize)> = None;
        for filed in self.candidates(facts).into_iter().filter_map(|at| self.rules.get(at)) {
            if !filed.rule.matches(facts, &self.labels) {
                continue;
            }
            for (at, taker) in filed.takers.iter().filter_map(|at| Some((*at, self.takers.get(*at)?))) {
                if !owner_fits(&taker.owner, facts) {
                    continue;
                }
                if !taker.overrides {
                    found.push(at);
                // Of equals, which are refused before they come here, the first wins: whatever happens, one gets it.
                } else if winner.is_none_or(|(rank, best)| filed.rank > rank || (filed.rank == rank && at < best)) {
                    winner = Some((filed.rank, at));
                }
            }
        }
        found.extend(winner.map(|(_, at)| at));
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|at| self.takers.get(at)).map(|taker| taker.target).collect()
    }

    /// The rules that may match, each once.
    fn candidates(&self, facts: &Facts<'_>) -> Vec<usize> {
        let mut found = Vec::new();
        let shelves = [
            facts.phone_number_id.and_then(|number| self.numbers.get(number)),
            facts.waba_id.and_then(|waba| self.wabas.get(waba)),
            self.apps.get(facts.app),
            Some(&self.anywhere),
        ];
        for shelf in shelves.into_iter().flatten() {
            shelf.find(facts, &mut found);
        }
        if !self.labelled.is_empty() {
            for shelf in self.labels.of(facts).iter().filter_map(|label| self.labelled.get(label)) {
                shelf.find(facts, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Shelf {
    fn file(&mut self, rule: &Rule, at: usize) {
        if rule.types.iter().any(|pattern| !pattern.exclude) {
            self.types.file(&rule.types, at);
        } else if rule.fields.iter().any(|pattern| !pattern.exclude) {
            self.fields.file(&rule.fields, at);
        } else {
            self.anything.push(at);
        }
    }

    fn find(&self, facts: &Facts<'_>, found: &mut Vec<usize>) {
        self.types.find(facts.event_type, found);
        self.fields.find(facts.field, found);
        found.extend(&self.anything);
    }
}

impl Names {
    fn file(&mut self, patterns: &[Pattern], at: usize) {
        for pattern in patterns.iter().filter(|pattern| !pattern.exclude) {
            let names = if pattern.prefix { &mut self.beginnings } else { &mut self.exact };
            names.entry(pattern.word.clone()).or_default().push(at);
            if pattern.prefix && !self.lengths.contains(&pattern.word.len()) {
                self.lengths.push(pattern.word.len());
            }
        }
    }

    fn find(&self, name: &str, found: &mut Vec<usize>) {
        found.extend(self.exact.get(name).into_iter().flatten());
        for beginning in self.lengths.iter().filter_map(|length| name.get(..*length)) {
            found.extend(self.beginnings.get(beginning).into_iter().flatten());
        }
    }
}

#[cfg(test)]
mod tests;
