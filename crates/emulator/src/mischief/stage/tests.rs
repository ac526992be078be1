//! Each fault, seen in what goes out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::collections::BTreeSet;

use super::*;
use crate::scenario::Scenario;
use crate::sign::Signing;

const NOW: i64 = 1_790_000_000;

fn occurrence(position: usize, field: &str) -> Occurrence {
    let number = Scenario::parse("").unwrap().world.numbers.remove(0);
    let contact = Scenario::parse("").unwrap().world.contacts.remove(0);
    let id = format!("wamid.{position}");
    let body = match field {
        "messages" => bodies::message(&number, &contact, (&id, "hi"), None, NOW),
        other => bodies::envelope(&number.waba, other, Some(NOW), &format!(r#"{{"event":"{position}"}}"#)),
    };
    let place = if field == "messages" { "override" } else { "app" };
    let route = vec![("1".to_owned(), format!("http://{place}.test/"))];
    Occurrence { waba: number.waba, number: Some(number.id), field: field.to_owned(), body, route }
}

/// What goes out for so many messages on such a day.
fn day(faults: &str, count: usize) -> Vec<Outgoing> {
    let mischief = Scenario::parse(&format!("[faults]\n{faults}")).unwrap().mischief;
    let mut stage = Stage::new(mischief, Escapes::Meta);
    let mut rng = Rng::with_seed(1);
    let mut out: Vec<Outgoing> =
        (0..count).flat_map(|position| stage.take(occurrence(position, "messages"), NOW, &mut rng)).collect();
    out.extend(stage.flush(NOW, &mut rng));
    assert!(!stage.holds());
    out
}

fn habits(out: &[Outgoing]) -> Vec<Option<Habit>> {
    out.iter().map(|one| one.habit).collect()
}

fn ids(out: &[Outgoing]) -> Vec<String> {
    out.iter()
        .flat_map(|one| whatsapp::read(&one.body).events)
        .filter_map(|event| event.message_id.map(std::borrow::Cow::into_owned))
        .collect()
}

#[test]
fn without_faults_each_event_goes_once_in_order_and_as_it_is() {
    let out = day("", 3);
    assert_eq!(ids(&out), ["wamid.0", "wamid.1", "wamid.2"]);
    assert!(out.iter().all(|one| one.habit.is_none() && one.must_arrive && one.signing == Signing::Right));
}

#[test]
fn what_is_repeated_or_regrouped_has_to_arrive_and_what_is_forged_has_not() {
    let out = day("duplicates = 100", 1);
    assert_eq!((habits(&out), out[0].body == out[1].body), (vec![None, Some(Habit::Repeated)], true));
    let out = day("regroup = 100", 2);
    assert_eq!(habits(&out), [None, None, Some(Habit::Regrouped)]);
    assert_eq!(ids(&out[2..]), ["wamid.1", "wamid.0"]);
    for (fault, habit, signing) in [
        ("wrong-signature", Habit::WrongSignature, Signing::Wrong),
        ("missing-signature", Habit::MissingSignature, Signing::Missing),
        ("bare-sample", Habit::BareSample, Signing::Right),
        ("dashboard", Habit::Dashboard, Signing::Right),
    ] {
        let out = day(&format!("{fault} = 100"), 1);
        let [usual, strange] = out.as_slice() else { unreachable!("two requests") };
        assert!(usual.must_arrive && usual.habit.is_none(), "{fault}");
        assert_eq!((strange.must_arrive, strange.habit, strange.signing), (false, Some(habit), signing), "{fault}");
    }
    assert!(whatsapp::read(&day("dashboard = 100", 1)[1].body).events[0].test);
    assert!(day("bare-sample = 100", 1)[1].body.starts_with(br#"{"value""#));
}

#[test]
fn a_batch_has_what_goes_to_one_place_and_reordering_loses_nothing() {
    let out = day("batch = 10", 25);
    let sizes: Vec<usize> = out.iter().map(|one| rebatch::changes(&one.body)).collect();
    assert_eq!((sizes, ids(&out).len()), (vec![10, 10, 5], 25));
    let out = day("reorder = 40", 50);
    let found = ids(&out);
    let sorted: BTreeSet<&String> = found.iter().collect();
    assert_eq!((found.len(), sorted.len()), (50, 50));
    assert!(found.windows(2).filter(|pair| pair[0].len() == pair[1].len()).any(|pair| pair[0] > pair[1]));
    let mischief = Scenario::parse("[faults]\nbatch = 10").unwrap().mischief;
    let mut stage = Stage::new(mischief, Escapes::Meta);
    let mut rng = Rng::with_seed(1);
    let fields = ["messages", "account_update", "security", "messages"];
    let mut out: Vec<Outgoing> = Vec::new();
    for (position, field) in fields.into_iter().enumerate() {
        out.extend(stage.take(occurrence(position, field), NOW, &mut rng));
    }
    out.extend(stage.flush(NOW, &mut rng));
    let sizes: Vec<usize> = out.iter().map(|one| rebatch::changes(&one.body)).collect();
    assert_eq!(sizes, [1, 2, 1], "what goes elsewhere is not in one body with it");
}

#[test]
fn other_forms_other_secrets_and_other_paces_are_told_apart() {
    let wrapped = day("array-wrapped = 100", 1);
    assert_eq!((wrapped[0].body[0], habits(&wrapped)), (b'[', vec![Some(Habit::ArrayWrapped)]));
    assert!(day("second-secret = 100", 1)[0].second_secret);
    assert_eq!(day("slow = 100", 1)[0].wire, Wire::Slow);
    assert_eq!(day("cut = 100\nslow = 100", 1)[0].wire, Wire::Cut);
}

#[test]
fn a_large_body_is_close_to_three_megabytes_and_is_history() {
    let out = day("large = 100", 1);
    assert_eq!(out[1].field, "history");
    assert!((2_900_000..3_200_000).contains(&out[1].body.len()), "{}", out[1].body.len());
    let read = whatsapp::read(&out[1].body);
    assert!(read.problems.is_empty() && read.events[0].event_type.as_str() == "history.chunk");
}

#[test]
fn what_may_not_be_kept_is_replaced_by_131035() {
    let out = day("retention = 100", 1);
    let read = whatsapp::read(&out[0].body);
    assert_eq!(read.events[0].event_type.as_str(), "messages.error");
    assert!(String::from_utf8(out[0].body.clone()).unwrap().contains("131035"));
    assert!(read.events[0].problems.is_empty(), "{:?}", read.events[0].problems);
}

#[test]
fn one_seed_repeats_one_day() {
    let faults = "duplicates = 20\nreorder = 20\nbatch = 3\nwrong-signature = 10\ncut = 5";
    assert_eq!(day(faults, 60), day(faults, 60));
}
