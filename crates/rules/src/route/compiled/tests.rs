//! What was compiled decides as the plain rules do.

#![allow(clippy::indexing_slicing, reason = "tests may fail loudly")]

use super::super::tests::{TEXT, patterns, words};
use super::super::{Contender, Labelled, Labels, first_clash};
use super::*;

/// Reproducible chance (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap_or(0)
    }

    /// Some of these words, often none.
    fn some(&mut self, all: &[&str]) -> Vec<String> {
        if self.below(2) == 0 {
            return Vec::new();
        }
        let count = 1 + self.below(2);
        (0..count).map(|_| all[self.below(all.len())].to_owned()).collect()
    }

    fn one<'a>(&mut self, all: &[&'a str]) -> Option<&'a str> {
        (self.below(4) > 0).then(|| all[self.below(all.len())])
    }
}

const APPS: [&str; 2] = ["main", "other"];
const FIELDS: [&str; 7] = ["messages", "mess*", "calls", "!calls", "*", "waypost", "way*"];
const TYPES: [&str; 9] = [
    "messages.text",
    "messages.*",
    "messages.status.*",
    "!messages.status.sent",
    "!messages.*",
    "calls.connect",
    "*",
    "waypost.*",
    "waypost.endpoint.suspended",
];
const NAMES: [(&str, &str); 5] = [
    ("messages", "messages.text"),
    ("messages", "messages.status.sent"),
    ("calls", "calls.connect"),
    ("history", "history"),
    ("waypost", "waypost.endpoint.suspended"),
];
const IDS: [&str; 3] = ["1", "2", "3"];
const LABELS: [&str; 3] = ["acme", "beta", "gamma"];
const OWNERS: [&str; 3] = ["", "acme", "beta"];

fn rule(dice: &mut Dice) -> Rule {
    let texts = |texts: Vec<String>| patterns(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    Rule {
        apps: dice.some(&APPS),
        fields: texts(dice.some(&FIELDS)),
        types: texts(dice.some(&TYPES)),
        waba_ids: dice.some(&IDS),
        phone_number_ids: dice.some(&IDS),
        labels: if dice.below(3) == 0 { dice.some(&LABELS) } else { Vec::new() },
        without_tests: dice.below(5) == 0,
    }
}

fn facts<'a>(dice: &mut Dice) -> Facts<'a> {
    let (field, event_type) = NAMES[dice.below(NAMES.len())];
    let owner = (field == "waypost").then(|| OWNERS[dice.below(OWNERS.len())]);
    Facts {
        app: APPS[dice.below(APPS.len())],
        field,
        event_type,
        waba_id: dice.one(&IDS),
        phone_number_id: dice.one(&IDS),
        owner,
        test: dice.below(4) == 0,
    }
}

/// Who gets an event, said as plainly as the guide says it.
fn naive(wants: &[Wants<usize>], facts: &Facts<'_>, labels: &Labels) -> Vec<usize> {
    let best = |wants: &Wants<usize>| {
        let matching = wants.rules.iter().filter(|rule| rule.matches(facts, labels));
        matching.map(Rule::rank).max().filter(|_| owner_fits(&wants.owner, facts))
    };
    let ranks: Vec<Option<Rank>> = wants.iter().map(best).collect();
    let strongest = wants.iter().zip(&ranks).filter(|(wants, _)| wants.overrides).filter_map(|(_, rank)| *rank).max();
    let mut overridden = false;
    let mut gets = Vec::new();
    for (wants, rank) in wants.iter().zip(ranks) {
        let Some(rank) = rank else { continue };
        if wants.overrides {
            if overridden || Some(rank) != strongest {
                continue;
            }
            overridden = true;
        }
        gets.push(wants.target);
    }
    gets
}

/// How many overriding endpoints an event means equally, and most.
fn equals(wants: &[Wants<usize>], facts: &Facts<'_>, labels: &Labels) -> usize {
    let rank = |wants: &Wants<usize>| {
        let matching = wants.rules.iter().filter(|rule| rule.matches(facts, labels));
        matching.map(Rule::rank).max().filter(|_| wants.overrides && owner_fits(&wants.owner, facts))
    };
    let ranks: Vec<Rank> = wants.iter().filter_map(rank).collect();
    ranks.iter().filter(|rank| Some(*rank) == ranks.iter().max()).count()
}

fn clashes(wants: &[Wants<usize>], labels: &Labels) -> bool {
    let names: Vec<String> = wants.iter().map(|wants| wants.target.to_string()).collect();
    let contender = |(wants, name): (&'_ Wants<usize>, &'_ String)| (wants.clone(), name.clone());
    let all: Vec<_> = wants.iter().zip(&names).map(contender).collect();
    let all: Vec<Contender<'_>> = all
        .iter()
        .map(|(wants, name)| Contender {
            name,
            owner: &wants.owner,
            rules: &wants.rules,
            overrides: wants.overrides,
            disabled: false,
        })
        .collect();
    first_clash(&all, labels).is_some()
}

#[test]
fn compiled_rules_decide_as_the_plain_ones_do_whatever_they_are() {
    let mut unclear = 0;
    for seed in 0..400 {
        let mut dice = Dice(seed);
        let mut labels = Labels::default();
        for _ in 0..dice.below(5) {
            let on = if dice.below(2) == 0 { Labelled::Waba } else { Labelled::Number };
            labels.add(on, IDS[dice.below(IDS.len())], LABELS[dice.below(LABELS.len())]);
        }
        let wants: Vec<Wants<usize>> = (0..1 + dice.below(12))
            .map(|target| Wants {
                target,
                rules: (0..dice.below(4)).map(|_| rule(&mut dice)).collect(),
                overrides: dice.below(3) == 0,
                owner: OWNERS[dice.below(OWNERS.len())].to_owned(),
            })
            .collect();
        let routes = Routes::compile(wants.clone(), labels.clone());
        let clashes = clashes(&wants, &labels);
        unclear += u32::from(clashes);
        for _ in 0..40 {
            let facts = facts(&mut dice);
            if !clashes {
                assert!(equals(&wants, &facts, &labels) <= 1, "seed {seed}: {facts:?} {wants:?}");
            }
            assert_eq!(routes.matching(&facts), naive(&wants, &facts, &labels), "seed {seed}: {facts:?} {wants:?}");
        }
    }
    assert!((50..350).contains(&unclear), "both kinds are met: {unclear}");
}

fn wants(target: u32, overrides: bool, rule: Rule) -> Wants<u32> {
    Wants { target, rules: vec![rule], overrides, owner: String::new() }
}

#[test]
fn the_number_beats_the_waba_beats_the_app_and_the_others_get_it_too() {
    let number = Rule { phone_number_ids: words(&["7"]), ..Rule::default() };
    let waba = Rule { waba_ids: words(&["10"]), ..Rule::default() };
    let routes = Routes::compile(
        [
            wants(1, true, Rule::default()),
            wants(2, true, waba),
            wants(3, false, Rule::default()),
            wants(4, true, number),
        ],
        Labels::default(),
    );
    assert_eq!(routes.matching(&TEXT), [3, 4]);
    assert_eq!(routes.matching(&Facts { phone_number_id: Some("8"), ..TEXT }), [2, 3]);
    assert_eq!(routes.matching(&Facts { phone_number_id: None, waba_id: None, ..TEXT }), [1, 3]);
}

#[test]
fn an_overriding_rule_counts_only_where_all_of_it_matches() {
    let number = Rule { phone_number_ids: words(&["7"]), types: patterns(&["calls.*"]), ..Rule::default() };
    let routes = Routes::compile([wants(1, true, number), wants(2, true, Rule::default())], Labels::default());
    assert_eq!(routes.matching(&TEXT), [2]);
    assert_eq!(routes.matching(&Facts { field: "calls", event_type: "calls.connect", ..TEXT }), [1]);
}

#[test]
fn many_endpoints_with_rules_of_their_own_leave_few_to_compare() {
    let types: Vec<Wants<usize>> = (0..10_000)
        .map(|n| {
            let rule = match n % 4 {
                0 => Rule { apps: vec![format!("app{n}")], ..Rule::default() },
                1 => Rule { types: patterns(&[&format!("messages.t{n}")]), ..Rule::default() },
                2 => Rule { types: patterns(&[&format!("calls.t{n}.*")]), ..Rule::default() },
                _ => Rule { fields: patterns(&["history"]), types: patterns(&["!history.chunk"]), ..Rule::default() },
            };
            Wants { target: n, rules: vec![rule], overrides: false, owner: String::new() }
        })
        .collect();
    let routes = Routes::compile(types, Labels::default());
    for facts in [TEXT, Facts { app: "app4", event_type: "messages.t9", ..TEXT }] {
        assert!(routes.candidates(&facts).len() <= 2, "{:?}", routes.candidates(&facts).len());
    }
    let history = Facts { field: "history", event_type: "history.chunk", ..TEXT };
    assert_eq!((routes.candidates(&history).len(), routes.matching(&history).len()), (1, 0));
}
