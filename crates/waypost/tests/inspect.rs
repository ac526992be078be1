//! `waypost inspect` over every documented body.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

// The fixtures, and rewriting a body without changing what it says: the same for the reader's tests and for these.
#[path = "../../whatsapp/tests/common/mod.rs"]
mod common;

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{Tree, fixtures, root};
use serde_json::Value;

fn inspect<T: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = T>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.arg("inspect").args(arguments).stdin(Stdio::null());
    command.output().unwrap()
}

/// The events of a run that must go well, one a line.
fn events(files: &[PathBuf]) -> Vec<Value> {
    let output = inspect([&[PathBuf::from("--json")], files].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), told.as_str()), (Some(0), ""));
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn paths(files: &[(String, Vec<u8>)]) -> Vec<PathBuf> {
    files.iter().map(|(name, _)| root().join(name)).collect()
}

fn write(folder: &Path, name: &str, body: &[u8]) -> PathBuf {
    let path = folder.join(name.replace('/', "-"));
    std::fs::write(&path, body).unwrap();
    path
}

/// How many events the indexes promise for each file.
fn promised() -> HashMap<String, usize> {
    let mut promised = HashMap::new();
    let messaging = std::fs::read_to_string(root().join("INDEX-messaging.md")).unwrap();
    for row in messaging.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = row.split(" | ");
        let file = cells.next().unwrap().trim_matches(['|', ' ', '`']);
        let times = |item: &str| item.split_once('×').map_or(1, |(_, times)| times.trim().parse().unwrap());
        promised.insert(file.to_owned(), cells.next().unwrap().split(", ").map(times).sum());
    }
    let management = std::fs::read_to_string(root().join("INDEX-management.md")).unwrap();
    for row in management.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (file, _) = row.split_once('`').unwrap();
        let body = std::fs::read_to_string(root().join(file)).unwrap();
        promised.insert(file.to_owned(), body.matches("\"field\"").count());
    }
    promised
}

#[test]
fn every_documented_body_gives_its_events_with_all_members_one_a_line() {
    let files = fixtures();
    let promised = promised();
    let wanted: Vec<(&str, String)> = files
        .iter()
        .flat_map(|(name, body)| {
            let events = whatsapp::read(body).events;
            assert_eq!(events.len(), promised[name.as_str()], "{name}");
            events.into_iter().map(|event| (name.as_str(), event.event_type.as_str().to_owned()))
        })
        .collect();
    let events = events(&paths(&files));
    assert_eq!(events.len(), wanted.len());
    let members = [
        "id",
        "type",
        "field",
        "app",
        "entry_id",
        "waba_id",
        "business_id",
        "phone_number_id",
        "display_phone_number",
        "contact",
        "key",
        "lane",
        "occurred_at",
        "received_at",
        "test",
        "problems",
        "data",
    ];
    for (event, (name, event_type)) in events.iter().zip(wanted) {
        assert_eq!(event["type"], event_type, "{name}");
        for member in members {
            assert!(event.get(member).is_some(), "{name}: {member} is missing");
        }
        assert!(event["id"].as_str().unwrap().starts_with("evt_"), "{name}");
        assert_ne!(event["lane"], "", "{name}");
        assert!(!event["key"].as_str().unwrap().contains("ntf_"), "{name}: nothing arrived");
        assert!(event["received_at"].is_null() && event["notification_id"].is_null(), "{name}");
        assert!(event["data"].is_object() || event["data"].is_array(), "{name}");
    }
}

#[test]
fn a_body_with_its_members_the_other_way_round_has_the_same_events() {
    let folder = tempfile::tempdir().unwrap();
    let files = fixtures();
    let rewrite = |(name, body): &(String, Vec<u8>)| {
        let reversed = Tree::parse(std::str::from_utf8(body).unwrap()).reversed();
        write(folder.path(), name, reversed.text().as_bytes())
    };
    let rewritten: Vec<PathBuf> = files.iter().map(rewrite).collect();
    let identity = |event: &Value| (event["id"].clone(), event["key"].clone(), event["lane"].clone());
    let before: Vec<_> = events(&paths(&files)).iter().map(identity).collect();
    let after: Vec<_> = events(&rewritten).iter().map(identity).collect();
    assert_eq!(before, after);
}

#[test]
fn an_event_has_the_id_that_a_gateway_with_this_app_would_give_it() {
    let file = root().join("messages/text.json");
    let [event] = events(std::slice::from_ref(&file)).try_into().unwrap();
    let key = event["key"].as_str().unwrap();
    assert_eq!(event["id"], rules::identity::EventId::derive("app:main", key).to_string());
    let other = inspect(["--json", "--app", "other", file.to_str().unwrap()]);
    let other: Value = serde_json::from_slice(&other.stdout).unwrap();
    assert_eq!(other["id"], rules::identity::EventId::derive("app:other", key).to_string());
    assert_eq!(other["app"], "other");
}

#[test]
fn odd_bodies_are_events_and_no_failures() {
    let folder = tempfile::tempdir().unwrap();
    let odd: [&[u8]; 5] = [b"", b"hello", b"\xff\xfe", b"[]", b"{\"object\":\"page\"}"];
    let files: Vec<PathBuf> =
        (0_usize..).zip(odd).map(|(n, body)| write(folder.path(), &n.to_string(), body)).collect();
    let events = events(&files);
    assert_eq!(events.len(), odd.len());
    assert_eq!(events[2]["type"], "notification.unreadable");
    assert!(events[2]["data"].is_null() && events[2]["data_base64"] == "//4=");
    let lanes: BTreeSet<_> = events.iter().map(|event| event["lane"].to_string()).collect();
    assert_eq!(lanes.len(), odd.len(), "each is a lane of its own");
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_the_others_are_printed() {
    let text = root().join("messages/text.json");
    let output = inspect(["no-such-file.json", text.to_str().unwrap()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.starts_with("waypost: failed to read no-such-file.json: "), "{told}");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
}

#[test]
fn a_body_may_come_from_standard_input() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(["inspect", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let body = std::fs::read(root().join("messages/text.json")).unwrap();
    child.stdin.take().unwrap().write_all(&body).unwrap();
    let output = child.wait_with_output().unwrap();
    let event: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(event["type"], "messages.text");
}

#[test]
fn a_summary_counts_the_events_of_each_type() {
    let text = root().join("messages/text.json");
    let text = text.to_str().unwrap();
    let plain = inspect(["--summary", text, text]);
    assert_eq!(String::from_utf8(plain.stdout).unwrap(), "2\tmessages.text\n");
    let json = inspect(["--quiet", "--json", text]);
    let counts: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(counts["types"]["messages.text"], 1);
    assert_eq!(counts["bodies"], 1);
}
