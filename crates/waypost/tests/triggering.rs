//! `waypost trigger` and `waypost verify` as they are typed, beside a gateway that runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::gateway::{Home, SECRET};
use support::meta;

/// What a command printed and how it ended.
struct Ended {
    code: Option<i32>,
    out: String,
    told: String,
}

#[track_caller]
fn run(home: &Home, arguments: &[&str]) -> Ended {
    let output = home.command(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), told: text(output.stderr) }
}

#[track_caller]
fn good(home: &Home, arguments: &[&str]) -> String {
    let Ended { code, out, told } = run(home, arguments);
    assert_eq!(code, Some(0), "{out}{told}");
    out
}

#[test]
fn in_development_mode_a_type_is_all_that_has_to_be_typed() {
    let home = Home::bare();
    let gateway = home.start();
    assert!(good(&home, &["trigger", "messages.text"]).starts_with("200 in "));
    good(&home, &["trigger", "messages.reaction", "--from", "4915112345", "--set", "messages[0].reaction.emoji=👍"]);
    let events = gateway.api.events();
    let types: BTreeSet<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, BTreeSet::from(["messages.reaction", "messages.text"]));
    let reaction = events.iter().find(|event| event["type"] == "messages.reaction").unwrap();
    let shown = gateway.api.get(&format!("/api/v1/events/{}", reaction["id"].as_str().unwrap()));
    let reaction = &shown["event"];
    assert_eq!(reaction["contact"]["wa_id"], "4915112345");
    assert_eq!(reaction["data"]["reaction"]["emoji"], "👍");
    // The second went to the number that the gateway knew from the first.
    let numbers: BTreeSet<_> = events.iter().map(|event| event["phone_number_id"].as_str().unwrap()).collect();
    assert_eq!(numbers.len(), 1, "{numbers:?}");
    assert!(gateway.stop().success());
}

#[test]
fn a_configured_gateway_is_found_with_the_secret_of_its_app() {
    let home = Home::production("");
    let gateway = home.start();
    good(&home, &["trigger", "account_review_update.approved", "--waba-id", "77"]);
    assert_eq!(gateway.api.events()[0]["waba_id"], "77");
    assert!(gateway.stop().success());
}

#[test]
fn a_hundred_at_once_are_a_hundred_events_and_a_repeat_is_none() {
    let home = Home::bare();
    let gateway = home.start();
    let out = good(&home, &["trigger", "security.pin_reset_request", "--count", "100", "--batch", "10", "--duplicate"]);
    assert!(out.contains("20 requests with 100 × security.pin_reset_request"), "{out}");
    assert_eq!(gateway.api.events().len(), 100);
    assert!(gateway.stop().success());
}

#[test]
fn an_answer_that_is_not_200_fails_and_is_shown() {
    let home = Home::bare();
    let gateway = home.start();
    let ended = run(&home, &["trigger", "messages.text", "--secret", "hunter2"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.starts_with("401 in ") && ended.told.contains("signature_wrong"), "{}{}", ended.out, ended.told);
    let ended = run(&home, &["trigger", "messages.text", "--secret", "hunter2", "--json"]);
    let line: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((ended.code, &line["status"]), (Some(1), &json!(401)));
    assert!(gateway.stop().success());
    let ended = run(&home, &["trigger", "messages.text"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.starts_with("no connection"), "{}", ended.out);
}

#[test]
fn a_body_of_ones_own_goes_out_byte_for_byte() {
    let home = Home::bare();
    let body = "{ \"field\" :\"é\" }\n";
    home.write("body.json", body);
    let to = ["--to", "http://127.0.0.1:9/x", "--secret", "s", "--dry-run"];
    let printed = run(&home, &[&["trigger", "--file", "body.json"][..], &to].concat());
    assert_eq!((printed.code, printed.out.as_str()), (Some(0), body));
    assert!(printed.told.starts_with("POST http://127.0.0.1:9/x\n"), "{}", printed.told);
    let signature = format!("X-Hub-Signature-256: {}\n", meta::signature("s", body.as_bytes()));
    assert!(printed.told.contains(&signature), "{}", printed.told);
}

#[test]
fn what_cannot_be_sent_is_told_with_what_could_be() {
    let home = Home::bare();
    let to = ["--to", "http://127.0.0.1:9/x", "--secret", "s"];
    let told = |arguments: &[&str]| {
        let ended = run(&home, &[&["trigger"], arguments, &to].concat());
        assert_eq!(ended.code, Some(2), "{}", ended.told);
        ended.told
    };
    assert!(told(&["messages.txet"]).contains("near it: messages.text"));
    assert!(told(&["account_review_update.approved", "--from", "1"]).contains("--from: the body has no such id"));
    assert!(told(&["messages.text", "--set", "messages[5].a=1", "--dry-run"]).contains("leaves a gap"));
    let ended = run(&home, &["trigger", "messages.text"]);
    assert_eq!(ended.code, Some(4), "{}", ended.told);
    let list = good(&home, &["trigger", "--list"]);
    assert!(list.contains("messages.text\tmessages/text\tplain text\n"), "{list}");
}

#[test]
fn the_last_refused_body_is_explained_without_showing_a_secret() {
    let home = Home::bare();
    let gateway = home.start();
    let nothing = run(&home, &["verify", "--last-refused"]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.told.contains("No body was refused"), "{}", nothing.told);

    run(&home, &["trigger", "messages.text", "--secret", "hunter2"]);
    let wrong = run(&home, &["verify", "--last-refused"]);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.out.contains("cannot be told apart"), "{}", wrong.out);

    let made = std::fs::read_to_string(home.store().join("development.toml")).unwrap();
    let secret = made.lines().find_map(|line| line.strip_prefix("app_secret = ")).unwrap().trim_matches('"');
    let signature = meta::signature(secret, br#"{"a":"\u00eb\/"}"#);
    let headers = [("X-Hub-Signature-256", signature.as_str())];
    let rewritten = support::wire::request("POST", "/webhooks/main", &headers, "{\"a\": \"ë/\"}".as_bytes());
    assert_eq!(support::wire::exchange(gateway.receive, &rewritten).unwrap().status, 401);
    let found = run(&home, &["verify", "--last-refused", "--json"]);
    let verdict: Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!(verdict["mistakes"], json!(["escapes_lost", "space_added"]), "{verdict}");
    assert_eq!(verdict["secret"], "the secret of the app main");
    for printed in [nothing, wrong, found] {
        assert!(!format!("{}{}", printed.out, printed.told).contains(secret));
    }
    assert!(gateway.stop().success());
}

#[test]
fn refused_bodies_are_for_admins_and_for_development_mode() {
    let home = Home::bare();
    let gateway = home.start();
    let input = json!({ "name": "a key", "scope": "operate" });
    let key = gateway.api.post("/api/v1/keys", Some(&input));
    let operator = gateway.api.with_key(key["key"].as_str());
    assert_eq!(operator.answer("GET", "/api/v1/refused/last", None).0, 403);
    assert!(gateway.stop().success());

    let home = Home::production("");
    let gateway = home.start();
    meta::send(gateway.receive, "/webhooks/main", "hunter2", b"{}");
    let (status, problem) = gateway.api.answer("GET", "/api/v1/refused/last", None);
    assert_eq!(status, 404);
    assert!(problem["detail"].as_str().unwrap().contains("development mode only"), "{problem}");
    assert!(gateway.stop().success());
}

#[test]
fn a_file_is_verified_against_every_secret_that_was_given() {
    let home = Home::bare();
    home.write("body", "hello world");
    home.write("right", &format!("{SECRET}\n"));
    let signature = meta::signature(SECRET, b"hello world");
    let fits =
        good(&home, &["verify", "body", "--signature", &signature, "--secret", "hunter2", "--secret", "file:right"]);
    assert!(fits.contains("secret 2 of 2"), "{fits}");
    let line = format!("X-Hub-Signature-256: {}", signature.replace("sha256=", ""));
    let ended = run(&home, &["verify", "body", "--signature", &line, "--secret", "file:right"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("the prefix `sha256=` is missing"), "{}", ended.out);
    assert!(!ended.out.contains(SECRET));
}
