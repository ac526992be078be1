//! Which events go where.
//!
//! An endpoint has one or more rules; any of them may match. A rule names what it wants; what it does not name is
//! anything.
//!
//! | file | holds |
//! | --- | --- |
//! | this one | a rule, and the first thing of an event that does not fit it |
//! | `pattern` | how fields and types are named |
//! | `labels` | words on WABAs and numbers |
//! | `compiled` | the rules of all endpoints, made ready for many events |
//! | `overlap` | which two overriding endpoints could both be meant by one event |
//! | `explain` | why an endpoint gets an event or not |

mod compiled;
mod explain;
mod labels;
mod overlap;
mod pattern;

pub use self::compiled::{Routes, Wants};
pub use self::explain::{Because, Verdict, explain};
pub use self::labels::{LABEL_BYTES_MAX, LABELS_OF_ONE_MAX, Labelled, Labels, is_label};
pub use self::overlap::{Contender, first_clash};
use self::pattern::unwanted;
pub use self::pattern::{BadPattern, Pattern, Unwanted, wanted};

/// How the fields and types of Waypost's own events begin.
pub const OPERATOR: &str = "waypost";

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
    /// Whose it is: of Waypost's own events alone. None for Meta's.
    pub owner: Option<&'a str>,
    /// A dashboard test.
    pub test: bool,
}

impl Facts<'_> {
    /// One of Waypost's own events, which only rules that name them get.
    #[must_use]
    pub fn is_operators(&self) -> bool {
        self.field.starts_with(OPERATOR)
    }
}

/// One rule of an endpoint. An empty list stands for anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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
    /// Labels of WABAs and numbers.
    pub labels: Vec<String>,
    /// Leaves out dashboard tests.
    pub without_tests: bool,
}

/// How narrowly a rule says where an event must come from. The narrower overrides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// It names an app at most.
    App,
    /// It names WABAs, or labels, which stand for WABAs and numbers.
    Waba,
    /// It names numbers.
    Number,
}

/// The first thing about an event that does not fit a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss<'r> {
    /// It is Waypost's own, and the rule does not name it.
    Operators,
    /// Another app.
    App(&'r [String]),
    /// Another WABA.
    Waba(&'r [String]),
    /// Another number.
    Number(&'r [String]),
    /// Other labels.
    Label(&'r [String]),
    /// Another field.
    Field(Unwanted<'r>),
    /// Another type.
    Type(Unwanted<'r>),
    /// A dashboard test, which the rule leaves out.
    Test,
}

impl Rule {
    /// Whether the rule wants an event with these facts.
    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>, labels: &Labels) -> bool {
        self.miss(facts, labels).is_none()
    }

    /// The first thing that does not fit; None when the rule matches.
    #[must_use]
    pub fn miss<'r>(&'r self, facts: &Facts<'_>, labels: &Labels) -> Option<Miss<'r>> {
        if facts.is_operators() && !self.names_operators() {
            return Some(Miss::Operators);
        }
        if !one_of(&self.apps, Some(facts.app)) {
            return Some(Miss::App(&self.apps));
        }
        if !one_of(&self.waba_ids, facts.waba_id) {
            return Some(Miss::Waba(&self.waba_ids));
        }
        if !one_of(&self.phone_number_ids, facts.phone_number_id) {
            return Some(Miss::Number(&self.phone_number_ids));
        }
        if !self.labels.is_empty() && !labels.of(facts).iter().any(|label| self.labels.contains(label)) {
            return Some(Miss::Label(&self.labels));
        }
        let field = || unwanted(&self.fields, facts.field).map(Miss::Field);
        let event_type = || unwanted(&self.types, facts.event_type).map(Miss::Type);
        let test = || (self.without_tests && facts.test).then_some(Miss::Test);
        field().or_else(event_type).or_else(test)
    }

    /// How narrowly it says where an event must come from.
    #[must_use]
    pub fn rank(&self) -> Rank {
        if !self.phone_number_ids.is_empty() {
            Rank::Number
        } else if !self.waba_ids.is_empty() || !self.labels.is_empty() {
            Rank::Waba
        } else {
            Rank::App
        }
    }

    /// Whether a field or a type of Waypost's own events is named, rather than only not excluded.
    fn names_operators(&self) -> bool {
        self.fields.iter().chain(&self.types).any(|pattern| !pattern.exclude && pattern.word.starts_with(OPERATOR))
    }
}

impl Rank {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Waba => "WABA",
            Self::Number => "number",
        }
    }
}

/// An owner's endpoint gets that owner's operator events only. Meta's events have no owner.
fn owner_fits(endpoint: &str, facts: &Facts<'_>) -> bool {
    !facts.is_operators() || endpoint.is_empty() || facts.owner == Some(endpoint)
}

/// An empty list stands for anything; a named one needs a value that is in it.
fn one_of(list: &[String], value: Option<&str>) -> bool {
    list.is_empty() || value.is_some_and(|value| list.iter().any(|item| item == value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    pub(super) const TEXT: Facts<'static> = Facts {
        app: "main",
        field: "messages",
        event_type: "messages.text",
        waba_id: Some("10"),
        phone_number_id: Some("7"),
        owner: None,
        test: false,
    };

    pub(super) fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
    }

    pub(super) fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_a_rule_names_an_event_without_it_does_not_match() {
        let labels = Labels::default();
        let rule = Rule { waba_ids: words(&["10"]), ..Rule::default() };
        assert!(rule.matches(&TEXT, &labels));
        assert!(!rule.matches(&Facts { waba_id: None, ..TEXT }, &labels));
        assert!(!rule.matches(&Facts { waba_id: Some("11"), ..TEXT }, &labels));
        let without_tests = Rule { without_tests: true, ..Rule::default() };
        assert!(!without_tests.matches(&Facts { test: true, ..TEXT }, &labels));
    }

    #[test]
    fn a_label_stands_for_what_bears_it() {
        let mut labels = Labels::default();
        let rule = Rule { labels: words(&["acme", "beta"]), ..Rule::default() };
        assert!(!rule.matches(&TEXT, &labels));
        labels.add(Labelled::Waba, "10", "beta");
        assert!(rule.matches(&TEXT, &labels));
        labels.add(Labelled::Number, "7", "gamma");
        assert!(!rule.matches(&TEXT, &labels));
    }

    #[test]
    fn operator_events_go_only_to_those_who_name_them() {
        let labels = Labels::default();
        let suspended = Facts {
            app: "",
            field: "waypost",
            event_type: "waypost.endpoint.suspended",
            owner: Some("acme"),
            waba_id: None,
            phone_number_id: None,
            test: false,
        };
        for (rule, expected) in [
            (Rule::default(), false),
            (Rule { types: patterns(&["*"]), ..Rule::default() }, false),
            (Rule { types: patterns(&["!waypost.delivery.*"]), ..Rule::default() }, false),
            (Rule { types: patterns(&["waypost.*"]), ..Rule::default() }, true),
            (Rule { types: patterns(&["messages.*", "waypost.endpoint.suspended"]), ..Rule::default() }, true),
            (Rule { fields: patterns(&["waypost"]), ..Rule::default() }, true),
            (
                Rule { fields: patterns(&["waypost"]), types: patterns(&["!waypost.endpoint.*"]), ..Rule::default() },
                false,
            ),
        ] {
            assert_eq!(rule.matches(&suspended, &labels), expected, "{rule:?}");
        }
        assert!(owner_fits("", &suspended) && owner_fits("acme", &suspended) && !owner_fits("beta", &suspended));
        assert!(owner_fits("beta", &TEXT), "Meta's events are nobody's in particular");
    }
}
