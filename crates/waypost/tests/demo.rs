//! The demo as a newcomer runs it.

#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The demo in a folder that holds a configuration it must not read, with its temporary folders below.
fn demo(folder: &Path, arguments: &[&str]) -> Command {
    std::fs::write(folder.join("waypost.toml"), "this is no configuration").unwrap();
    let passing = folder.join("passing");
    std::fs::create_dir_all(&passing).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.arg("demo").args(arguments).current_dir(folder);
    command.env("TMPDIR", passing).env("WAYPOST_RECEIVE_LISTEN", "nowhere");
    command.env_remove("WAYPOST_LOG").stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn told(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

fn nothing_is_left(folder: &Path) -> bool {
    std::fs::read_dir(folder.join("passing")).unwrap().next().is_none()
}

#[test]
fn the_sums_agree_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &[]).output().unwrap();
    let told = told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(text(&output.stderr).is_empty(), "{told}");
    for expected in [
        "messages.status.delivered",
        "answered 503",
        "attempt 2",
        "notification.unreadable",
        "events sent = kept + duplicates + conflicting copies: ",
        "still in order: ",
        "All sums agree",
        "waypost serve --to ",
    ] {
        assert!(told.contains(expected), "{expected:?} is missing in:\n{told}");
    }
    assert!(!told.contains('\u{1b}'), "colours are for terminals");
    assert!(nothing_is_left(folder.path()));
}

#[test]
fn a_lost_delivery_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &["--lose-one", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary.get("agrees"), Some(&false.into()));
    let sums = summary.get("sums").and_then(serde_json::Value::as_array).unwrap();
    let lost = sums
        .iter()
        .find(|sum| sum.get("what").is_some_and(|what| what == "delivered = received and verified, by both"));
    let number = |name: &str| lost.unwrap().get(name).and_then(serde_json::Value::as_u64).unwrap();
    assert_eq!(number("left"), number("right") + 1);
}

#[test]
fn a_store_is_kept_only_in_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &["--keep", "."]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("the folder is not empty"), "{}", told(&output));
}

#[cfg(unix)]
#[test]
fn an_interrupted_demo_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo(folder.path(), &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("account_update")));
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(signalled.unwrap().success());
    // The rest is read, so that the demo does not end for want of a reader.
    assert!(!lines.any(|line| line.unwrap().contains("All sums agree")));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("was stopped before its end"), "{}", told(&output));
    assert!(nothing_is_left(folder.path()));
}
