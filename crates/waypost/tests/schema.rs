//! `waypost schema`: what it prints is kept in the documentation, and somebody else's validator agrees with it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests may fail loudly"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use whatsapp::generate::Seeded;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/consumers/json_schema.py");

/// Members that Meta sends in two types, or of which it publishes nothing: the member, and the type that passes as well.
const BOTH: &[(&str, &str)] = &[
    ("calling", "null"),
    ("disable_date", "text"),
    ("entity_id", "text"),
    ("expiration", "text"),
    ("max_daily_conversations_per_business", "text"),
    ("reason", "null"),
    ("reason", "text"),
    ("rejection_reason", "null"),
    ("rejection_reason", "text"),
];

/// Types of which no payload is published.
const UNPUBLISHED: &[&str] = &["business_status_update", "consumer_profile"];

fn waypost(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn printed(arguments: &[&str]) -> String {
    let (code, printed, told) = waypost(arguments);
    assert_eq!((code, told.as_str()), (0, ""));
    printed
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/schemas")
}

fn fixtures() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/payloads")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

/// The events in these files, one a line.
fn inspected(files: &[String]) -> String {
    let arguments: Vec<&str> = ["inspect", "--json"].into_iter().chain(files.iter().map(String::as_str)).collect();
    printed(&arguments)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the test")]
fn the_folder_of_schemas_is_current() {
    let wanted: Vec<(String, String)> =
        whatsapp::known_types().iter().map(|name| (format!("{name}.json"), printed(&["schema", name]))).collect();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        drop(std::fs::remove_dir_all(folder()));
        std::fs::create_dir_all(folder()).unwrap();
        wanted.iter().for_each(|(name, text)| std::fs::write(folder().join(name), text).unwrap());
    }
    let old = "docs/reference/schemas is old: UPDATE_DOCS=1 cargo test -p waypost --test schema";
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .expect(old)
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(there == wanted.iter().map(|(name, _)| name.clone()).collect(), "{old}");
    for (name, text) in wanted {
        assert!(std::fs::read_to_string(folder().join(&name)).unwrap() == text, "{name}: {old}");
    }
}

#[test]
fn the_list_names_every_known_type() {
    let lines = printed(&["schema"]);
    let named: Vec<&str> = lines.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(named, whatsapp::known_types());
    let lines = printed(&["schema", "--json"]);
    let json: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json.len(), whatsapp::known_types().len());
    let profile = json.iter().find(|line| line["type"] == "consumer_profile").unwrap();
    assert_eq!((&profile["field"], &profile["published"]), (&"consumer_profile".into(), &false.into()));
}

#[test]
fn a_type_that_nobody_knows_is_a_wrong_argument_with_a_hint() {
    let (code, printed, told) = waypost(&["schema", "messages.txt"]);
    assert_eq!((code, printed.as_str()), (2, ""));
    assert!(told.contains("did you mean messages.text?"), "{told}");
}

#[test]
fn a_schema_describes_the_members_that_an_event_has_and_no_others() {
    let all = printed(&["schema", "--all"]);
    let schemas: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in inspected(&fixtures()).lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let name = event["type"].as_str().unwrap();
        let schema = schemas.iter().find(|schema| schema["title"] == *name).unwrap();
        let described = schema["properties"].as_object().unwrap();
        assert!(event.as_object().unwrap().keys().all(|member| described.contains_key(member)), "{name}");
        let required = schema["required"].as_array().unwrap();
        assert!(required.iter().all(|member| event.get(member.as_str().unwrap()).is_some()), "{name}");
    }
}

/// Bodies of every type as the generators make them, in files.
fn made_bodies(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for name in whatsapp::known_types() {
        for seed in 0..4 {
            let body = whatsapp::generate::notification(name, 1_790_000_000, &mut Seeded::new(seed));
            let Some(body) = body else { continue };
            let file = folder.join(format!("{name}.{seed}.json"));
            std::fs::write(&file, body).unwrap();
            files.push(file.to_string_lossy().into_owned());
        }
    }
    files
}

/// Runs the validator; on the build server its absence is a failure.
#[expect(clippy::disallowed_methods, reason = "where the consumers are is for the environment to say")]
fn judged(files: [&Path; 3]) -> Option<String> {
    let Some(python) = std::env::var_os("WAYPOST_TEST_PYTHON") else {
        let need = "WAYPOST_TEST_PYTHON must name a Python with the packages of tests/consumers/requirements.txt; \
                    `cargo xtask consumers` makes one at target/consumers/bin/python";
        assert!(std::env::var_os("CI").is_none(), "{need}");
        eprintln!("not tested: {need}");
        return None;
    };
    let output = Command::new(python).arg(SCRIPT).args(files).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("schemas") && !told.contains(" 0 retyped"), "{told}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_jsonschema_package_accepts_every_documented_event_and_refuses_every_retyped_member() {
    let home = tempfile::tempdir().unwrap();
    let (schemas, events) = (home.path().join("schemas"), home.path().join("events"));
    std::fs::write(&schemas, printed(&["schema", "--all"])).unwrap();
    std::fs::write(&events, inspected(&fixtures())).unwrap();
    let made = home.path().join("made");
    std::fs::write(&made, inspected(&made_bodies(home.path()))).unwrap();
    let Some(judgement) = judged([&schemas, &events, &made]) else { return };
    let mut passed = BTreeSet::new();
    for line in judgement.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        assert_ne!(words[0], "refused", "{line}");
        if !UNPUBLISHED.contains(&words[0]) {
            passed.insert((words[1].to_owned(), words[2].to_owned()));
        }
    }
    let passed: Vec<(&str, &str)> = passed.iter().map(|(member, kind)| (member.as_str(), kind.as_str())).collect();
    assert_eq!(passed, BOTH);
}
