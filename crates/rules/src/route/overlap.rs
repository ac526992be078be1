//! Which two overriding endpoints could both be meant by one event.
//!
//! Two equal ones would leave chance to decide, so they are refused when they are made. The question is whether an event
//! *could* exist that both match: decided exactly where lists and patterns tell, and in favour of refusal where they do
//! not (which WABA a number belongs to, for instance, is not known here).

use std::collections::HashMap;

use super::{Labels, OPERATOR, Pattern, Rank, Rule};

/// An endpoint as it stands beside the others.
#[derive(Debug, Clone, Copy)]
pub struct Contender<'a> {
    /// Its id.
    pub name: &'a str,
    /// Whose it is; empty for nobody's in particular.
    pub owner: &'a str,
    /// Its rules.
    pub rules: &'a [Rule],
    /// It overrides.
    pub overrides: bool,
    /// It is disabled: it gets nothing, and does not compete.
    pub disabled: bool,
}

/// Where rules of equal rank must share something for one event to match them.
#[derive(PartialEq, Eq, Hash)]
enum Ground<'a> {
    App(&'a str),
    Waba(&'a str),
    Number(&'a str),
    Label(&'a str),
    LabelledNumber(&'a str),
}

/// A rule with its endpoint's place.
#[derive(Clone, Copy)]
struct Side<'a> {
    place: usize,
    owner: &'a str,
    rule: &'a Rule,
}

/// The first two overriding endpoints that one event could mean equally, by name.
#[must_use]
pub fn first_clash<'a>(contenders: &[Contender<'a>], labels: &Labels) -> Option<(&'a str, &'a str)> {
    let mut field = Battlefield::default();
    for (place, contender) in contenders.iter().enumerate().filter(|(_, one)| one.overrides && !one.disabled) {
        for rule in contender.rules {
            let side = Side { place, owner: contender.owner, rule };
            if let Some(other) = field.enter(side, labels) {
                return contenders.get(other).map(|other| (other.name, contender.name));
            }
        }
    }
    None
}

/// The rules so far, by where they can be met.
#[derive(Default)]
struct Battlefield<'a> {
    by_ground: HashMap<(Rank, Ground<'a>), Vec<Side<'a>>>,
    /// Those that can be met anywhere.
    everywhere: HashMap<Rank, Vec<Side<'a>>>,
    all: HashMap<Rank, Vec<Side<'a>>>,
}

impl<'a> Battlefield<'a> {
    /// Adds a rule; gives the place of the endpoint that it clashes with.
    fn enter(&mut self, side: Side<'a>, labels: &'a Labels) -> Option<usize> {
        let rank = side.rule.rank();
        let (grounds, is_everywhere) = grounds(side.rule, labels);
        let at_large = if is_everywhere { self.all.get(&rank) } else { self.everywhere.get(&rank) };
        let keys: Vec<_> = grounds.into_iter().map(|ground| (rank, ground)).collect();
        let near = keys.iter().filter_map(|key| self.by_ground.get(key)).flatten();
        let mut others = at_large.into_iter().flatten().chain(near);
        if let Some(other) = others.find(|other| other.place != side.place && could_meet(&side, other, labels)) {
            return Some(other.place);
        }
        self.all.entry(rank).or_default().push(side);
        if is_everywhere {
            self.everywhere.entry(rank).or_default().push(side);
        }
        for key in keys {
            self.by_ground.entry(key).or_default().push(side);
        }
        None
    }
}

/// On what a rule can meet others of its rank, and whether it can meet them anywhere.
fn grounds<'a>(rule: &'a Rule, labels: &'a Labels) -> (Vec<Ground<'a>>, bool) {
    match rule.rank() {
        Rank::Number => (rule.phone_number_ids.iter().map(|id| Ground::Number(id)).collect(), false),
        Rank::App => (rule.apps.iter().map(|name| Ground::App(name)).collect(), rule.apps.is_empty()),
        Rank::Waba => {
            let mut grounds: Vec<_> = rule.labels.iter().map(|label| Ground::Label(label)).collect();
            let numbers = grounds.len();
            grounds.extend(labels.numbers_with(&rule.labels).map(Ground::LabelledNumber));
            let by_number = grounds.len() > numbers;
            if rule.waba_ids.is_empty() {
                grounds.extend(labels.wabas_with(&rule.labels).map(Ground::Waba));
            } else {
                grounds.extend(rule.waba_ids.iter().map(|id| Ground::Waba(id)));
            }
            // A labelled number may belong to any WABA.
            (grounds, rule.waba_ids.is_empty() && by_number)
        }
    }
}

fn could_meet(a: &Side<'_>, b: &Side<'_>, labels: &Labels) -> bool {
    let (Some(_), Some(wabas), Some(numbers)) = (
        common(&a.rule.apps, &b.rule.apps),
        common(&a.rule.waba_ids, &b.rule.waba_ids),
        common(&a.rule.phone_number_ids, &b.rule.phone_number_ids),
    ) else {
        return false;
    };
    labels_meet(a.rule, b.rule, (&wabas, &numbers), labels) && names_meet(a, b)
}

/// What two lists have in common: None for nothing, an empty one for anything.
fn common<'a>(a: &'a [String], b: &'a [String]) -> Option<Vec<&'a str>> {
    let (few, many) = if b.is_empty() { (b, a) } else { (a, b) };
    if few.is_empty() {
        return Some(many.iter().map(String::as_str).collect());
    }
    let common: Vec<&str> = few.iter().filter(|word| many.contains(word)).map(String::as_str).collect();
    (!common.is_empty()).then_some(common)
}

/// Whether something that is labelled, among these WABAs and numbers, fits both.
fn labels_meet(a: &Rule, b: &Rule, (wabas, numbers): (&[&str], &[&str]), labels: &Labels) -> bool {
    if a.labels.is_empty() && b.labels.is_empty() {
        return true;
    }
    if a.labels.iter().any(|label| b.labels.contains(label)) {
        // Also where nothing bears it yet.
        return true;
    }
    let both = |id: &str, with: fn(&Labels, &[String], &str) -> bool| {
        [&a.labels, &b.labels].into_iter().all(|wanted| wanted.is_empty() || with(labels, wanted, id))
    };
    let named = if a.labels.is_empty() { &b.labels } else { &a.labels };
    let allowed = |id: &str, among: &[&str]| among.is_empty() || among.contains(&id);
    let number = |id: &str| allowed(id, numbers) && both(id, Labels::number_has);
    let waba = |id: &str| allowed(id, wabas) && both(id, Labels::waba_has);
    let unlabelled = numbers.is_empty() || numbers.iter().any(|id| !labels.is_labelled_number(id));
    labels.numbers_with(named).any(number) || (unlabelled && labels.wabas_with(named).any(waba))
}

/// A name, or all names that begin with it.
#[derive(Debug, Clone, Copy)]
struct Span<'a> {
    word: &'a str,
    open: bool,
}

/// Whether a field with a type exists that both want.
fn names_meet(a: &Side<'_>, b: &Side<'_>) -> bool {
    let fields = spans(&a.rule.fields, &b.rule.fields);
    let types = spans(&a.rule.types, &b.rule.types);
    let owners = a.owner.is_empty() || b.owner.is_empty() || a.owner == b.owner;
    let operators = owners && a.rule.names_operators() && b.rule.names_operators();
    fields.iter().any(|field| {
        types.iter().any(|event_type| {
            let own = field.word.starts_with(OPERATOR) || event_type.word.starts_with(OPERATOR);
            belongs(event_type, field) && (!own || operators)
        })
    })
}

/// What two lists of patterns include in common and neither excludes.
fn spans<'a>(a: &'a [Pattern], b: &'a [Pattern]) -> Vec<Span<'a>> {
    let excluded = |span: &Span<'_>| {
        let of_span = |pattern: &Pattern| match span.open {
            true => pattern.prefix && span.word.starts_with(&pattern.word),
            false => pattern.hits(span.word),
        };
        a.iter().chain(b).any(|pattern| pattern.exclude && of_span(pattern))
    };
    let others = included(b);
    let met = included(a).into_iter().flat_map(|span| others.iter().filter_map(move |other| meet(span, *other)));
    met.filter(|span| !excluded(span)).collect()
}

fn included(patterns: &[Pattern]) -> Vec<Span<'_>> {
    let including = patterns.iter().filter(|pattern| !pattern.exclude);
    let spans: Vec<_> = including.map(|pattern| Span { word: &pattern.word, open: pattern.prefix }).collect();
    if spans.is_empty() { vec![Span { word: "", open: true }] } else { spans }
}

/// The names in both.
fn meet<'a>(a: Span<'a>, b: Span<'a>) -> Option<Span<'a>> {
    let (long, short) = if a.word.len() >= b.word.len() { (a, b) } else { (b, a) };
    if long.word == short.word {
        return Some(Span { word: long.word, open: long.open && short.open });
    }
    (short.open && long.word.starts_with(short.word)).then_some(long)
}

/// Whether an event of the field can have the type: a type is its field, or begins with that and a dot.
fn belongs(event_type: &Span<'_>, field: &Span<'_>) -> bool {
    if field.open {
        let open = event_type.open && field.word.starts_with(event_type.word);
        return open || event_type.word.starts_with(field.word);
    }
    let rest = event_type.word.strip_prefix(field.word);
    let within = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    within || (event_type.open && field.word.starts_with(event_type.word))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests may fail loudly")]

    use super::super::tests::{patterns, words};
    use super::*;
    use crate::route::Labelled;

    fn clash(a: &Rule, b: &Rule, labels: &Labels) -> bool {
        let one = |name, rule| Contender {
            name,
            owner: "",
            rules: std::slice::from_ref(rule),
            overrides: true,
            disabled: false,
        };
        let found =
            [first_clash(&[one("a", a), one("b", b)], labels), first_clash(&[one("b", b), one("a", a)], labels)];
        assert_eq!(found[0].is_some(), found[1].is_some(), "the order does not matter: {a:?} {b:?}");
        found[0].is_some()
    }

    fn types(of_a: &[&str], of_b: &[&str]) -> bool {
        let rule = |types| Rule { types: patterns(types), ..Rule::default() };
        clash(&rule(of_a), &rule(of_b), &Labels::default())
    }

    #[test]
    fn types_meet_where_one_name_fits_both() {
        assert!(types(&[], &["messages.text"]));
        assert!(types(&["messages.*"], &["messages.status.*"]));
        assert!(types(&["messages.*", "calls.*"], &["calls.connect"]));
        assert!(types(&["!calls.*"], &["!messages.*"]));
        assert!(!types(&["messages.*"], &["calls.*"]));
        assert!(!types(&["messages.text"], &["messages.text2"]));
        assert!(!types(&["messages.*", "!messages.status.*"], &["messages.status.*"]));
        assert!(!types(&["messages.*"], &["!messages.*"]));
        assert!(!types(&["messages.text"], &["messages.*", "!messages.text"]));
    }

    #[test]
    fn fields_and_types_meet_only_together() {
        let field = |field| Rule { fields: patterns(&[field]), ..Rule::default() };
        let of_type = |name| Rule { types: patterns(&[name]), ..Rule::default() };
        let none = Labels::default();
        assert!(clash(&field("messages"), &of_type("messages.text"), &none));
        assert!(clash(&field("messages"), &of_type("mess*"), &none));
        assert!(clash(&field("history"), &of_type("history"), &none));
        assert!(clash(&field("mess*"), &of_type("messages.status.*"), &none));
        assert!(!clash(&field("messages"), &of_type("calls.*"), &none));
        assert!(!clash(&field("message"), &of_type("messages.text"), &none));
        assert!(!clash(&field("calls"), &field("messages"), &none));
    }

    #[test]
    fn only_equals_clash() {
        let number = |id| Rule { phone_number_ids: words(&[id]), ..Rule::default() };
        let waba = |id| Rule { waba_ids: words(&[id]), ..Rule::default() };
        let app = |name| Rule { apps: words(&[name]), ..Rule::default() };
        let none = Labels::default();
        assert!(clash(&number("7"), &number("7"), &none));
        assert!(!clash(&number("7"), &number("8"), &none));
        assert!(!clash(&number("7"), &waba("10"), &none) && !clash(&waba("10"), &Rule::default(), &none));
        assert!(clash(&app("main"), &Rule::default(), &none));
        assert!(!clash(&app("main"), &app("other"), &none));
        let narrow = Rule { apps: words(&["main"]), ..waba("10") };
        assert!(clash(&narrow, &waba("10"), &none));
        assert!(!clash(&narrow, &Rule { apps: words(&["other"]), ..waba("10") }, &none));
        let tests = Rule { without_tests: true, ..number("7") };
        assert!(clash(&tests, &number("7"), &none), "both match what is no test");
    }

    #[test]
    fn labels_meet_where_something_bears_both() {
        let label = |label| Rule { labels: words(&[label]), ..Rule::default() };
        let waba = |id| Rule { waba_ids: words(&[id]), ..Rule::default() };
        let mut labels = Labels::default();
        assert!(clash(&label("acme"), &label("acme"), &labels), "before anything bears it");
        assert!(!clash(&label("acme"), &label("beta"), &labels) && !clash(&label("acme"), &waba("10"), &labels));
        labels.add(Labelled::Waba, "10", "acme");
        labels.add(Labelled::Waba, "11", "beta");
        assert!(clash(&label("acme"), &waba("10"), &labels));
        assert!(!clash(&label("acme"), &label("beta"), &labels) && !clash(&label("acme"), &waba("11"), &labels));
        labels.add(Labelled::Waba, "11", "acme");
        assert!(clash(&label("acme"), &label("beta"), &labels));
        labels.clear(Labelled::Waba, "11");
        labels.add(Labelled::Number, "7", "beta");
        assert!(clash(&label("beta"), &waba("99"), &labels), "the number's WABA is not known");
        assert!(!clash(&label("beta"), &label("acme"), &labels));
        labels.add(Labelled::Number, "7", "acme");
        assert!(clash(&label("beta"), &label("acme"), &labels));
        let seven = |rule| Rule { phone_number_ids: words(&["7"]), ..rule };
        assert!(clash(&seven(label("acme")), &seven(Rule::default()), &labels));
        assert!(!clash(&seven(label("gamma")), &seven(Rule::default()), &labels));
    }

    #[test]
    fn operator_events_of_two_owners_do_not_meet() {
        let rule = Rule { types: patterns(&["waypost.*"]), ..Rule::default() };
        let all = Rule::default();
        let one = |name, owner, rule| Contender { name, owner, rules: rule, overrides: true, disabled: false };
        let rules = std::slice::from_ref(&rule);
        let clash = |a, b| first_clash(&[a, b], &Labels::default());
        assert_eq!(clash(one("a", "acme", rules), one("b", "beta", rules)), None);
        assert_eq!(clash(one("a", "acme", rules), one("b", "", rules)), Some(("a", "b")));
        assert_eq!(clash(one("a", "acme", rules), one("b", "", std::slice::from_ref(&all))), None);
    }

    #[test]
    fn who_does_not_override_or_is_disabled_clashes_with_nobody() {
        let rule = Rule::default();
        let one = |name, overrides, disabled| Contender {
            name,
            owner: "",
            rules: std::slice::from_ref(&rule),
            overrides,
            disabled,
        };
        let clash = |b| first_clash(&[one("a", true, false), b], &Labels::default());
        assert_eq!(clash(one("b", false, false)), None);
        assert_eq!(clash(one("b", true, true)), None);
        assert_eq!(clash(one("b", true, false)), Some(("a", "b")));
    }
}
