//! `waypost store` as people run it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use store::{Embedded, EmbeddedOptions, Store};

fn waypost(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WAYPOST_") {
            command.env_remove(name);
        }
    }
    command.output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_store_that_was_backed_up_is_restored_and_found_sound() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    drop(Embedded::open(EmbeddedOptions::new(here.join("waypost-data"))).unwrap());
    let backup = waypost(here, &["store", "backup", "--to", "backup.db"]);
    assert_eq!(backup.status.code(), Some(0), "{}", told(&backup));
    assert_eq!(backup.stdout, b"wrote backup.db\n");

    std::fs::write(here.join("waypost.toml"), "store = \"other\"\n").unwrap();
    let restore = waypost(here, &["store", "restore", "--from", "backup.db"]);
    assert_eq!(restore.status.code(), Some(0), "{}", told(&restore));
    let check = waypost(here, &["store", "check", "--json"]);
    let report: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!((report["ok"].as_bool(), report["store"].as_str()), (Some(true), Some("other")));

    let again = waypost(here, &["store", "restore", "--from", "backup.db"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(told(&again).contains("not overwritten"), "{}", told(&again));
}

#[test]
fn a_backup_overwrites_nothing_and_makes_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let without = waypost(here, &["store", "backup", "--to", "backup.db"]);
    assert_eq!(without.status.code(), Some(1), "{}", told(&without));
    assert_eq!(std::fs::read_dir(here).unwrap().count(), 0);
    std::fs::create_dir(here.join("waypost-data")).unwrap();
    let of_nothing = waypost(here, &["store", "backup", "--to", "backup.db"]);
    assert_eq!(of_nothing.status.code(), Some(1), "{}", told(&of_nothing));
    assert_eq!(std::fs::read_dir(here.join("waypost-data")).unwrap().count(), 0);

    drop(Embedded::open(EmbeddedOptions::new(here.join("waypost-data"))).unwrap());
    std::fs::write(here.join("backup.db"), "precious").unwrap();
    let over = waypost(here, &["store", "backup", "--to", "backup.db"]);
    assert_eq!(over.status.code(), Some(1), "{}", told(&over));
    assert_eq!(std::fs::read(here.join("backup.db")).unwrap(), b"precious");
}

#[test]
fn what_is_no_store_does_not_pass_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("waypost-data");
    std::fs::create_dir(&store).unwrap();
    let empty = waypost(folder.path(), &["store", "check"]);
    assert_eq!(empty.status.code(), Some(5), "{}", told(&empty));
}

#[test]
fn a_store_that_another_process_has_open_is_checked_and_backed_up_while_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let open = Arc::new(Embedded::open(EmbeddedOptions::new(here.join("waypost-data"))).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(open.put_setting("before", "kept")).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writing = runtime.spawn({
        let (open, stop) = (Arc::clone(&open), Arc::clone(&stop));
        async move {
            let mut written = 0;
            while !stop.load(Ordering::SeqCst) {
                open.put_setting(&format!("during {written}"), "kept").await.unwrap();
                written += 1;
            }
            written
        }
    });
    let check = waypost(here, &["store", "check"]);
    assert_eq!(check.status.code(), Some(0), "{}", told(&check));
    let backup = waypost(here, &["store", "backup", "--to", "backup.db"]);
    assert_eq!(backup.status.code(), Some(0), "{}", told(&backup));
    stop.store(true, Ordering::SeqCst);
    assert!(runtime.block_on(writing).unwrap() > 0);

    store::restore(&here.join("backup.db"), &here.join("restored")).unwrap();
    let restored = Embedded::open(EmbeddedOptions::new(here.join("restored"))).unwrap();
    let kept = runtime.block_on(restored.setting("before")).unwrap();
    assert_eq!(kept.as_deref(), Some("kept"));
}

#[test]
fn what_is_no_store_is_not_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("waypost-data");
    std::fs::create_dir(&store).unwrap();
    std::fs::write(store.join("waypost.db"), "anything".repeat(1_000)).unwrap();
    let backup = waypost(folder.path(), &["store", "backup", "--to", "backup.db"]);
    assert_eq!(backup.status.code(), Some(5), "{}", told(&backup));
    assert!(!folder.path().join("backup.db").exists());
}
