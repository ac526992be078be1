//! The program on a PostgreSQL of its own, as people run it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use store::Store as _;

fn waypost(folder: &Path, store: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WAYPOST_") {
            command.env_remove(name);
        }
    }
    command.env("WAYPOST_STORE", store).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_database_is_migrated_and_looked_at_from_the_shell() {
    let Some(server) = private_postgres::server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| waypost(folder.path(), &server.url(), arguments);
    let before = run(&["store", "check", "--json"]);
    let report: Value = serde_json::from_slice(&before.stdout).unwrap();
    assert_eq!((before.status.code(), report["version"].as_u64()), (Some(1), Some(0)), "{}", told(&before));
    assert!(report["problems"][0].as_str().unwrap().contains("waypost migrate"), "{report}");

    let migrated = run(&["migrate", "--json"]);
    assert_eq!(migrated.status.code(), Some(0), "{}", told(&migrated));
    let done: Value = serde_json::from_slice(&migrated.stdout).unwrap();
    assert_eq!(done["from"].as_u64(), Some(0));
    let again: Value = serde_json::from_slice(&run(&["migrate", "--json"]).stdout).unwrap();
    assert_eq!(again["from"], done["to"]);

    let after = run(&["store", "check"]);
    let text = String::from_utf8_lossy(&after.stdout).into_owned();
    assert_eq!(after.status.code(), Some(0), "{text}");
    assert!(text.contains("not failover") && !text.contains(private_postgres::PASSWORD), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left on this machine");
}

#[test]
fn what_only_a_folder_has_is_refused_for_a_database_with_the_way_to_do_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = "postgres://w:hunter2@127.0.0.1:9/w";
    let backup = waypost(folder.path(), store, &["store", "backup", "--to", "b.db"]);
    assert_eq!(backup.status.code(), Some(2));
    assert!(told(&backup).contains("pg_dump"), "{}", told(&backup));
    let check = waypost(folder.path(), store, &["store", "check"]);
    assert_eq!(check.status.code(), Some(5));
    let told = told(&check);
    assert!(told.contains("cannot be reached") && !told.contains("hunter2"), "{told}");
}

#[test]
fn a_database_that_does_not_sync_is_refused_before_anything_is_listened_on() {
    let Some(mut server) = private_postgres::server() else { return };
    server.set(&[("fsync", "off")]).unwrap();
    server.restart().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = waypost(folder.path(), &server.url(), &["serve"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(told(&output).contains("fsync=off"), "{}", told(&output));
}

/// A store in a folder with a little in it.
fn small_store(folder: &Path) {
    let open = store::Embedded::open(store::EmbeddedOptions::new(folder)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        open.put_setting("kept", "for later").await.unwrap();
        let number = store::NumberEntry {
            app: "main".to_owned(),
            display_digits: "1555".to_owned(),
            phone_number_id: "106".to_owned(),
            waba_id: None,
        };
        open.put_numbers(vec![number]).await.unwrap();
    });
}

#[test]
fn a_store_moves_into_a_database_and_back_from_the_shell() {
    let Some(server) = private_postgres::server() else { return };
    let folder = tempfile::tempdir().unwrap();
    small_store(&folder.path().join("there"));
    let run = |arguments: &[&str]| waypost(folder.path(), &server.url(), arguments);
    let there = ["store", "copy", "--from", "sqlite:there", "--to", "env:WAYPOST_STORE"];
    let copied = run(&there);
    assert_eq!(copied.status.code(), Some(0), "{}", told(&copied));
    let table = String::from_utf8_lossy(&copied.stdout).into_owned();
    assert!(table.lines().any(|line| line.starts_with("numbers\t1\t")), "{table}");
    let progress = told(&copied);
    for wanted in ["copying settings: 1 of ", "making indices", "verifying numbers: ", "keep `secrets_key`"] {
        assert!(progress.contains(wanted), "{wanted} in {progress}");
    }
    assert!(!progress.contains('\r') && !format!("{progress}{table}").contains(private_postgres::PASSWORD));

    let again = run(&there);
    assert_eq!(again.status.code(), Some(5), "{}", told(&again));
    assert!(told(&again).contains("holds something already: copy into an empty store"), "{}", told(&again));

    let back = run(&["store", "copy", "--from", "env:WAYPOST_STORE", "--to", "sqlite:back", "--json"]);
    assert_eq!(back.status.code(), Some(0), "{}", told(&back));
    let report: Value = serde_json::from_slice(&back.stdout).unwrap();
    assert_eq!((report["to"].as_str(), report["tables"][0]["rows"].as_u64()), (Some("sqlite:back"), Some(1)));
    assert!(store::check(&folder.path().join("back")).unwrap().is_clean());
}

#[test]
fn what_cannot_be_copied_is_told_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| waypost(folder.path(), "none", &["store", "copy", "--from", from, "--to", to]);
    let none = copy("sqlite:none", "postgres://w:hunter2@127.0.0.1:9/w");
    assert_eq!(none.status.code(), Some(5), "{}", told(&none));
    assert!(told(&none).contains("there is no such store in the folder"), "{}", told(&none));
    let alike = copy("sqlite:a", "sqlite:b");
    assert_eq!(alike.status.code(), Some(2));
    assert!(told(&alike).contains("waypost store backup"), "{}", told(&alike));
    let neither = copy("hunter2", "sqlite:b");
    assert!(told(&neither).contains("expected sqlite:FOLDER") && !told(&neither).contains("hunter2"));
    let _open = {
        small_store(&folder.path().join("used"));
        store::Embedded::open(store::EmbeddedOptions::new(folder.path().join("used"))).unwrap()
    };
    let used = copy("sqlite:used", "postgres://w:hunter2@127.0.0.1:9/w");
    assert!(told(&used).contains("is in use by another process"), "{}", told(&used));
    assert!(!told(&used).contains("hunter2"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else was made");
}
