//! Why an endpoint gets an event or not, rule by rule. Looks at every endpoint: for people, not for traffic.

use super::{Contender, Facts, Labels, Miss, Rank, owner_fits};

/// Items of a list that are told.
const TOLD_MAX: usize = 3;

/// What is decided about one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// Why it gets the event, or not.
    pub because: Because<'a>,
    /// For each of its rules the first thing that does not fit; None where the rule matches.
    pub misses: Vec<Option<Miss<'a>>>,
}

/// Why an endpoint gets an event, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because<'a> {
    /// This rule of its matches.
    Matches(usize),
    /// This rule of its matches and names it most narrowly of those that override.
    Overrides(usize, Rank),
    /// Another one that overrides is named as narrowly or more so.
    LostTo {
        /// The one that gets it.
        winner: &'a str,
        /// How narrowly that is named.
        rank: Rank,
        /// How narrowly this one is.
        own: Rank,
    },
    /// None of its rules matches.
    NoRule,
    /// It is disabled.
    Disabled,
    /// The event is another owner's.
    AnotherOwner,
}

/// Decides about each endpoint, in their order, as [`super::Routes::matching`] does for all at once.
#[must_use]
pub fn explain<'a>(contenders: &[Contender<'a>], facts: &Facts<'_>, labels: &Labels) -> Vec<Verdict<'a>> {
    let misses: Vec<Vec<Option<Miss<'a>>>> = contenders
        .iter()
        .map(|contender| contender.rules.iter().map(|rule| rule.miss(facts, labels)).collect())
        .collect();
    let best = |contender: &Contender<'a>, misses: &[Option<Miss<'a>>]| {
        let matching = contender.rules.iter().zip(misses).enumerate().filter(|(_, (_, miss))| miss.is_none());
        // The first of the narrowest.
        matching.map(|(at, (rule, _))| (rule.rank(), at)).max_by_key(|(rank, at)| (*rank, std::cmp::Reverse(*at)))
    };
    let competes =
        |contender: &Contender<'a>| contender.overrides && !contender.disabled && owner_fits(contender.owner, facts);
    let mut winner: Option<(Rank, &'a str)> = None;
    for (contender, misses) in contenders.iter().zip(&misses).filter(|(contender, _)| competes(contender)) {
        if let Some((rank, _)) = best(contender, misses)
            && winner.is_none_or(|(strongest, _)| rank > strongest)
        {
            winner = Some((rank, contender.name));
        }
    }
    let judge = |(contender, misses): (&Contender<'a>, Vec<Option<Miss<'a>>>)| {
        let because = match (best(contender, &misses), winner) {
            (None, _) => Because::NoRule,
            (Some(_), _) if contender.disabled => Because::Disabled,
            (Some(_), _) if !owner_fits(contender.owner, facts) => Because::AnotherOwner,
            (Some((_, at)), _) if !contender.overrides => Because::Matches(at),
            (Some((own, _)), Some((rank, winner))) if winner != contender.name => Because::LostTo { winner, rank, own },
            (Some((rank, at)), _) => Because::Overrides(at, rank),
        };
        Verdict { because, misses }
    };
    contenders.iter().zip(misses).map(judge).collect()
}

impl Because<'_> {
    /// Whether the endpoint gets the event.
    #[must_use]
    pub const fn gets_it(&self) -> bool {
        matches!(self, Self::Matches(_) | Self::Overrides(..))
    }

    /// The same in a few words. Rules are counted from 1.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Matches(rule) => format!("rule {} matches", rule + 1),
            Self::Overrides(rule, rank) => format!("rule {} matches, and overrides by its {}", rule + 1, rank.as_str()),
            Self::LostTo { winner, rank, own } if rank == own => {
                format!("{winner} overrides as narrowly and is older")
            }
            Self::LostTo { winner, rank, own } => {
                format!("{winner} overrides by its {}, this one by its {}", rank.as_str(), own.as_str())
            }
            Self::NoRule => "no rule matches".to_owned(),
            Self::Disabled => "a rule matches, but the endpoint is disabled".to_owned(),
            Self::AnotherOwner => "a rule matches, but the event is another owner's".to_owned(),
        }
    }
}

impl Miss<'_> {
    /// What does not fit, in a few words: `types: messages.text is excluded by !messages.*`.
    #[must_use]
    pub fn words(&self, facts: &Facts<'_>, labels: &Labels) -> String {
        let none_of = |member: &str, value: Option<&str>, list: &[String]| match value {
            Some(value) => format!("{member}: {value} is none of {}", told(list)),
            None => format!("{member}: the event has none"),
        };
        match self {
            Self::Operators => {
                format!("types: {} is Waypost's own, and goes only to rules that name it", facts.event_type)
            }
            Self::App(list) => none_of("apps", Some(facts.app), list),
            Self::Waba(list) => none_of("waba_ids", facts.waba_id, list),
            Self::Number(list) => none_of("phone_number_ids", facts.phone_number_id, list),
            Self::Label(list) => match labels.of(facts) {
                [] => "labels: neither its number nor its WABA bears one".to_owned(),
                borne => format!("labels: {} is none of {}", told(borne), told(list)),
            },
            Self::Field(unwanted) => format!("fields: {} {unwanted}", facts.field),
            Self::Type(unwanted) => format!("types: {} {unwanted}", facts.event_type),
            Self::Test => "test: dashboard tests are left out".to_owned(),
        }
    }
}

fn told(list: &[String]) -> String {
    let first: Vec<&str> = list.iter().take(TOLD_MAX).map(String::as_str).collect();
    match list.len().saturating_sub(TOLD_MAX) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests may fail loudly")]

    use super::super::tests::{TEXT, patterns, words};
    use super::*;
    use crate::route::Rule;

    fn plain<'a>(name: &'a str, rules: &'a [Rule]) -> Contender<'a> {
        Contender { name, owner: "", rules, overrides: false, disabled: false }
    }

    #[track_caller]
    fn check(rule: Rule, facts: Facts<'_>, expected: &str) {
        let rules = [rule];
        let labels = Labels::default();
        let verdict = explain(&[plain("crm", &rules)], &facts, &labels).remove(0);
        assert_eq!(verdict.because, Because::NoRule);
        assert_eq!(verdict.misses[0].map(|miss| miss.words(&facts, &labels)).as_deref(), Some(expected));
    }

    #[test]
    fn the_first_thing_that_does_not_fit_is_told() {
        let types = |texts: &[&str]| Rule { types: patterns(texts), ..Rule::default() };
        check(types(&["!messages.*"]), TEXT, "types: messages.text is excluded by !messages.*");
        check(
            types(&["calls.*", "history", "!messages.status.*"]),
            TEXT,
            "types: messages.text is none of calls.*, history",
        );
        check(Rule { fields: patterns(&["calls"]), ..Rule::default() }, TEXT, "fields: messages is none of calls");
        check(Rule { apps: words(&["other"]), ..types(&["calls.*"]) }, TEXT, "apps: main is none of other");
        let numbers = Rule { phone_number_ids: words(&["1", "2", "3", "4", "5"]), ..Rule::default() };
        check(numbers.clone(), TEXT, "phone_number_ids: 7 is none of 1, 2, 3 and 2 more");
        check(numbers, Facts { phone_number_id: None, ..TEXT }, "phone_number_ids: the event has none");
        let labels = Rule { labels: words(&["acme"]), ..Rule::default() };
        check(labels, TEXT, "labels: neither its number nor its WABA bears one");
        let tests = Rule { without_tests: true, ..Rule::default() };
        check(tests, Facts { test: true, ..TEXT }, "test: dashboard tests are left out");
    }

    #[test]
    fn who_lost_hears_to_whom() {
        let (waba, number) = (
            [Rule::default(), Rule { waba_ids: words(&["10"]), ..Rule::default() }],
            [Rule { phone_number_ids: words(&["7"]), ..Rule::default() }],
        );
        let overriding = |contender| Contender { overrides: true, ..contender };
        let all = [
            overriding(plain("waba", &waba)),
            overriding(plain("number", &number)),
            plain("all", &waba),
            Contender { disabled: true, ..overriding(plain("off", &number)) },
        ];
        let because: Vec<String> =
            explain(&all, &TEXT, &Labels::default()).iter().map(|verdict| verdict.because.words()).collect();
        assert_eq!(
            because,
            [
                "number overrides by its number, this one by its WABA",
                "rule 1 matches, and overrides by its number",
                "rule 2 matches",
                "a rule matches, but the endpoint is disabled",
            ]
        );
    }
}
