//! The judge sees what is wrong: each kind of violation, put into small ledgers by hand, makes its claim fail.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

use serde_json::json;

use super::*;

/// Three events of one conversation, `a` `b` `c`, all answered 200, for the endpoint `e00`.
const SENT: &str = "event a 0 7 0\nevent b 0 7 1\nevent c 0 7 2\nsend 10 a\ndone 20 200 10 a\nsend 30 b,c\n\
                    done 40 200 10 b,c\n";

fn line(at_us: u64, key: &str, status: u16) -> String {
    format!("{at_us} {} e00 evt_{key} 1 0 {status} {key}\n", at_us + 5)
}

/// The claims that do not hold.
fn broken(arrived: &[String], kills_us: &[u64]) -> Vec<String> {
    let books = Books::read(SENT, &arrived.concat()).unwrap();
    let endpoints = [Endpoint { name: "e00".to_owned(), wabas: vec![0], more: json!({}) }];
    let interruptions = Interruptions { kills_us: kills_us.to_vec(), cuts_us: Vec::new() };
    let mut report = Report::default();
    basics(&mut report, &books, &endpoints);
    repeats(&mut report, &books, &interruptions, endpoints.len());
    order(&mut report, &books, &interruptions);
    report.claims.into_iter().filter(|claim| !claim.held).map(|claim| claim.name).collect()
}

fn well() -> Vec<String> {
    vec![line(100, "a", 200), line(200, "b", 500), line(300, "b", 200), line(400, "c", 200)]
}

const LOST: &str = "nothing that was answered 200 is lost";
const ORDER: &str = "lanes keep their order";
const REPEATS: &str = "what was accepted comes again only after a crash, and no more than was in flight";

#[test]
fn a_run_without_fault_holds() {
    assert_eq!(broken(&well(), &[]), [""; 0]);
}

#[test]
fn what_never_arrived_or_was_never_accepted_is_lost() {
    assert_eq!(broken(well().split_last().unwrap().1, &[]), [LOST]);
    let refused = [line(100, "a", 200), line(200, "b", 200), line(300, "c", 500)];
    assert_eq!(broken(&refused, &[]), [LOST]);
}

#[test]
fn other_bytes_and_other_endpoints_are_seen() {
    let altered = [well(), vec![line(500, "x", 200)]].concat();
    assert_eq!(broken(&altered, &[]), ["what arrives is byte for byte what was sent"]);
    let foreign = [well(), vec![line(500, "c", 500).replace("e00", "e01")]].concat();
    assert_eq!(broken(&foreign, &[]).first().unwrap(), "no endpoint gets what it did not ask for");
}

#[test]
fn another_id_for_the_same_event_is_seen() {
    let again = line(250, "b", 500).replace("evt_b", "evt_other");
    let told =
        broken(&[line(100, "a", 200), line(200, "b", 500), again, line(300, "b", 200), line(400, "c", 200)], &[]);
    assert_eq!(told, ["one event has one id, always"]);
}

#[test]
fn a_repeat_is_a_fault_unless_a_crash_lies_between() {
    let twice =
        [line(1_000_000, "a", 200), line(1_500_000, "a", 200), line(2_000_000, "b", 200), line(2_500_000, "c", 200)];
    assert_eq!(broken(&twice, &[]), [REPEATS]);
    assert_eq!(broken(&twice, &[1_200_000]), [""; 0]);
    assert_eq!(broken(&twice, &[500_000]), [REPEATS], "a crash long before both explains nothing");
}

#[test]
fn what_overtakes_or_runs_beside_an_earlier_one_breaks_the_order() {
    let overtaking = [line(100, "a", 200), line(200, "b", 500), line(250, "c", 200), line(300, "b", 200)];
    assert_eq!(broken(&overtaking, &[]), [ORDER]);
    let beside = [line(100, "a", 200), line(200, "b", 200), line(203, "c", 200)];
    assert_eq!(broken(&beside, &[]), [ORDER]);
}

#[test]
fn what_was_set_aside_may_be_overtaken() {
    let late = line(500, "b", 200).replace(" 1 0 200", " 1 1 200");
    let aside = [line(100, "a", 200), line(200, "b", 500), line(300, "c", 200), late];
    assert_eq!(broken(&aside, &[]), [""; 0]);
}

#[test]
fn after_a_crash_a_lane_may_go_back_and_otherwise_not() {
    let back = [well(), vec![line(500, "b", 200)]].concat();
    assert_eq!(broken(&back, &[]), [REPEATS, ORDER]);
    assert_eq!(broken(&back, &[450]), [""; 0]);
}

#[test]
fn what_was_on_the_wire_at_a_crash_may_be_read_a_moment_later_and_no_longer() {
    let lines = [
        line(1_000_000, "a", 200),
        line(1_500_000, "b", 200),
        line(1_900_000, "a", 200),
        line(2_000_000, "b", 200),
        line(2_100_000, "c", 200),
    ];
    assert_eq!(broken(&lines, &[1_450_000]), [""; 0]);
    assert_eq!(broken(&lines, &[1_200_000]), [REPEATS, ORDER]);
}
