//! Which events go where.
//!
//! An endpoint has one or more rules; any of them may match. A rule names what it wants; what it does not name is
//! anything. Rules are compiled once, so that an event is compared only with the rules that name its number or its WABA,
//! and with those that name neither.

use std::collections::HashMap;

/// What routing looks at in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The app whose callback received it.
    pub app: &'a str,
    /// The change's field.
    pub field: &'a str,
    /// Its type, `<field>.<discriminator>`.
    pub event_type: &'a str,
    /// The WABA, where Meta gives one.
    pub waba_id: Option<&'a str>,
    /// The business number's id, from the body or the directory.
    pub phone_number_id: Option<&'a str>,
    /// A dashboard test.
    pub test: bool,
}

/// One rule of an endpoint. An empty list stands for anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Apps by name.
    pub apps: Vec<String>,
    /// Fields.
    pub fields: Vec<Pattern>,
    /// Types.
    pub types: Vec<Pattern>,
    /// WABA ids.
    pub waba_ids: Vec<String>,
    /// Business numbers by id.
    pub phone_number_ids: Vec<String>,
    /// Leaves out dashboard tests.
    pub without_tests: bool,
}

/// A word, with `*` for the rest of it, and `!` in front to exclude what it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    exclude: bool,
    prefix: bool,
    word: String,
}

/// Why a text is no [`Pattern`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPattern {
    /// Nothing but `!` or nothing at all.
    Empty,
    /// A `*` that is not at the end.
    StarInside,
    /// A character that no field or type has.
    BadCharacter(char),
}

impl std::fmt::Display for BadPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("the pattern is empty"),
            Self::StarInside => f.write_str("`*` may stand only at the end, for the rest of the name"),
            Self::BadCharacter(c) => {
                write!(f, "{c:?} cannot occur: names have lower-case letters, digits, `_` and `.`")
            }
        }
    }
}

impl std::error::Error for BadPattern {}

impl Pattern {
    /// Reads a pattern: `messages.text`, `messages.status.*`, `*`, `!messages.status.sent`.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let (exclude, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let (prefix, word) = rest.strip_suffix('*').map_or((false, rest), |word| (true, word));
        if word.is_empty() && !prefix {
            return Err(BadPattern::Empty);
        }
        if word.contains('*') {
            return Err(BadPattern::StarInside);
        }
        let allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.');
        if let Some(bad) = word.chars().find(|c| !allowed(c)) {
            return Err(BadPattern::BadCharacter(bad));
        }
        Ok(Self { exclude, prefix, word: word.to_owned() })
    }

    fn hits(&self, name: &str) -> bool {
        if self.prefix { name.starts_with(&self.word) } else { name == self.word }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mark, star) = (if self.exclude { "!" } else { "" }, if self.prefix { "*" } else { "" });
        write!(f, "{mark}{}{star}", self.word)
    }
}

impl Rule {
    /// Whether the rule wants an event with these facts.
    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        one_of(&self.apps, Some(facts.app))
            && one_of(&self.waba_ids, facts.waba_id)
            && one_of(&self.phone_number_ids, facts.phone_number_id)
            && wanted(&self.fields, facts.field)
            && wanted(&self.types, facts.event_type)
            && !(self.without_tests && facts.test)
    }
}

/// An empty list stands for anything; a named one needs a value that is in it.
fn one_of(list: &[String], value: Option<&str>) -> bool {
    list.is_empty() || value.is_some_and(|value| list.iter().any(|item| item == value))
}

/// Whether a list of patterns wants a name: none excludes it, and one includes it or none includes anything.
#[must_use]
pub fn wanted(patterns: &[Pattern], name: &str) -> bool {
    let excluded = patterns.iter().any(|p| p.exclude && p.hits(name));
    let mut including = patterns.iter().filter(|p| !p.exclude).peekable();
    !excluded && (including.peek().is_none() || including.any(|p| p.hits(name)))
}

/// The rules of all endpoints, compiled.
#[derive(Debug)]
pub struct Routes<T> {
    rules: Vec<(T, Rule)>,
    by_number: HashMap<String, Vec<usize>>,
    by_waba: HashMap<String, Vec<usize>>,
    anywhere: Vec<usize>,
}

impl<T: Copy + Eq> Routes<T> {
    /// Compiles the rules of each target. A target without rules gets nothing.
    pub fn compile(targets: impl IntoIterator<Item = (T, Vec<Rule>)>) -> Self {
        let mut routes =
            Self { rules: Vec::new(), by_number: HashMap::new(), by_waba: HashMap::new(), anywhere: Vec::new() };
        for (target, rules) in targets {
            for rule in rules {
                routes.add(target, rule);
            }
        }
        routes
    }

    /// A rule is filed under what it names most narrowly, so that few rules are looked at per event.
    fn add(&mut self, target: T, rule: Rule) {
        let at = self.rules.len();
        if !rule.phone_number_ids.is_empty() {
            for number in &rule.phone_number_ids {
                self.by_number.entry(number.clone()).or_default().push(at);
            }
        } else if !rule.waba_ids.is_empty() {
            for waba in &rule.waba_ids {
                self.by_waba.entry(waba.clone()).or_default().push(at);
            }
        } else {
            self.anywhere.push(at);
        }
        self.rules.push((target, rule));
    }

    /// The targets that want an event with these facts, each once, in the order in which they were given.
    #[must_use]
    pub fn matching(&self, facts: &Facts<'_>) -> Vec<T> {
        let by_number = facts.phone_number_id.and_then(|number| self.by_number.get(number));
        let by_waba = facts.waba_id.and_then(|waba| self.by_waba.get(waba));
        let mut hits: Vec<usize> = by_number
            .into_iter()
            .chain(by_waba)
            .chain([&self.anywhere])
            .flatten()
            .copied()
            .filter(|at| self.rules.get(*at).is_some_and(|(_, rule)| rule.matches(facts)))
            .collect();
        hits.sort_unstable();
        let mut targets: Vec<T> = Vec::with_capacity(hits.len());
        for (target, _) in hits.into_iter().filter_map(|at| self.rules.get(at)) {
            // The rules of one target stand together, so that looking at the last one is enough.
            if targets.last() != Some(target) {
                targets.push(*target);
            }
        }
        targets
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    const TEXT: Facts<'static> = Facts {
        app: "main",
        field: "messages",
        event_type: "messages.text",
        waba_id: Some("10"),
        phone_number_id: Some("7"),
        test: false,
    };

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
    }

    #[track_caller]
    fn check(types: &[&str], event_type: &str, wanted: bool) {
        let rule = Rule { types: patterns(types), ..Rule::default() };
        assert_eq!(rule.matches(&Facts { event_type, ..TEXT }), wanted, "{types:?} on {event_type}");
    }

    #[test]
    fn a_star_stands_for_the_rest_and_a_bang_excludes() {
        check(&[], "messages.text", true);
        check(&["messages.text"], "messages.text", true);
        check(&["messages.text"], "messages.text2", false);
        check(&["messages.status.*"], "messages.status.read", true);
        check(&["messages.status.*"], "messages.text", false);
        check(&["!messages.status.*"], "messages.text", true);
        check(&["!messages.status.*"], "messages.status.sent", false);
        check(&["messages.*", "!messages.status.sent"], "messages.status.sent", false);
        check(&["messages.*", "!messages.status.sent"], "messages.status.read", true);
        check(&["*"], "anything", true);
    }

    #[test]
    fn what_a_rule_names_an_event_without_it_does_not_match() {
        let rule = Rule { waba_ids: vec!["10".into()], ..Rule::default() };
        assert!(rule.matches(&TEXT));
        assert!(!rule.matches(&Facts { waba_id: None, ..TEXT }));
        assert!(!rule.matches(&Facts { waba_id: Some("11"), ..TEXT }));
        let without_tests = Rule { without_tests: true, ..Rule::default() };
        assert!(!without_tests.matches(&Facts { test: true, ..TEXT }));
    }

    #[test]
    fn compiled_rules_give_each_target_once_and_agree_with_the_plain_ones() {
        let number = Rule { phone_number_ids: vec!["7".into()], ..Rule::default() };
        let waba = Rule { waba_ids: vec!["10".into(), "11".into()], ..Rule::default() };
        let narrow = Rule { waba_ids: vec!["99".into()], phone_number_ids: vec!["7".into()], ..Rule::default() };
        let all = vec![
            (1, vec![number.clone(), Rule::default()]),
            (2, vec![waba.clone()]),
            (3, vec![]),
            (4, vec![narrow]),
            (5, vec![waba, number]),
        ];
        let routes = Routes::compile(all.clone());
        for (waba_id, phone_number_id) in
            [(Some("10"), Some("7")), (None, Some("7")), (Some("11"), None), (None, None), (Some("99"), Some("7"))]
        {
            let facts = Facts { waba_id, phone_number_id, ..TEXT };
            let plain: Vec<i32> =
                all.iter().filter(|(_, rules)| rules.iter().any(|r| r.matches(&facts))).map(|(t, _)| *t).collect();
            assert_eq!(routes.matching(&facts), plain, "{facts:?}");
        }
    }

    #[test]
    fn a_bad_pattern_is_refused_with_its_reason() {
        assert_eq!(Pattern::parse(""), Err(BadPattern::Empty));
        assert_eq!(Pattern::parse("!"), Err(BadPattern::Empty));
        assert_eq!(Pattern::parse("messages.*.read"), Err(BadPattern::StarInside));
        assert_eq!(Pattern::parse("Messages"), Err(BadPattern::BadCharacter('M')));
        assert_eq!(Pattern::parse("!messages.status.*").unwrap().to_string(), "!messages.status.*");
    }
}
