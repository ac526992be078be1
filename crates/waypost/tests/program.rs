//! The program as people run it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program in a folder, with nothing of ours in its environment.
fn waypost(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WAYPOST_") {
            command.env_remove(name);
        }
    }
    command
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn what_init_writes_check_finds_good_once_the_app_secret_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let init = waypost(folder.path(), &["init"]).output().unwrap();
    assert_eq!(code(&init), 0, "{}", text(&init.stderr));

    let without = waypost(folder.path(), &["check"]).output().unwrap();
    assert_eq!(code(&without), 3);
    let told = text(&without.stderr);
    assert!(told.contains("\"WAYPOST_APP_SECRET\" is not set"), "{told}");
    assert!(told.contains("set it to the app secret from Meta's dashboard"), "{told}");

    let check = waypost(folder.path(), &["check"]).env("WAYPOST_APP_SECRET", "hunter2").output().unwrap();
    assert_eq!((code(&check), text(&check.stderr).as_str()), (0, ""));
    let meaning = text(&check.stdout);
    assert!(meaning.starts_with("waypost.toml: good\n"), "{meaning}");
    assert!(meaning.contains("app       main: /webhooks/main (1 secret)\n"), "{meaning}");
    assert!(!meaning.contains("hunter2"), "{meaning}");
}

#[test]
fn init_does_not_overwrite_unless_forced_and_never_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let run = |arguments: &[&str]| waypost(folder.path(), arguments).output().unwrap();
    assert_eq!(code(&run(&["init"])), 0);
    let (file, key) = (read("waypost.toml"), read("waypost.key"));

    let again = run(&["init"]);
    assert_eq!(code(&again), 1);
    assert!(text(&again.stderr).contains("--force overwrites it"), "{}", text(&again.stderr));
    assert_eq!(read("waypost.toml"), file);

    assert_eq!(code(&run(&["init", "--force"])), 0);
    assert_ne!(read("waypost.toml"), file, "the verify token is a new one");
    assert_eq!(read("waypost.key"), key);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_what_init_writes() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    waypost(folder.path(), &["init", "--dir", "new/place"]).output().unwrap();
    for name in ["waypost.toml", "waypost.key"] {
        let file = std::fs::metadata(folder.path().join("new/place").join(name)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn check_without_a_configuration_means_development_mode_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let check = waypost(folder.path(), &["check"]).output().unwrap();
    assert_eq!(code(&check), 0);
    assert!(text(&check.stdout).contains("mode      development"), "{}", text(&check.stdout));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn check_shows_endpoints_without_what_may_be_secret_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = "development = true\n[[endpoints]]\nname = 'crm'\nurl = 'https://crm.example.com/in?key=hunter2'\n\
                hub_secret = 'hunter2'\npaused = true\n";
    std::fs::write(folder.path().join("waypost.toml"), file).unwrap();
    for arguments in [["check"].as_slice(), &["check", "--json"]] {
        let check = waypost(folder.path(), arguments).output().unwrap();
        let shown = text(&check.stdout) + &text(&check.stderr);
        assert!(shown.contains("https://crm.example.com/in?…"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_bad_configuration_is_told_in_json_with_line_and_hint() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.toml"), "[receive]\nlisen = 'hunter2'\n").unwrap();
    let check = waypost(folder.path(), &["check", "-c", "bad.toml", "--json"]).output().unwrap();
    assert_eq!(code(&check), 3);
    let answer: serde_json::Value = serde_json::from_slice(&check.stdout).unwrap();
    let problem = &answer["problems"][0];
    assert_eq!(answer["ok"], false);
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"], &problem["key"], &problem["hint"]),
        (&"bad.toml".into(), &2.into(), &1.into(), &"receive.lisen".into(), &"did you mean `listen`?".into())
    );
    assert!(!text(&check.stdout).contains("hunter2"));
}

#[test]
fn a_file_that_is_not_there_and_a_wrong_argument_have_their_own_codes() {
    let folder = tempfile::tempdir().unwrap();
    let missing = waypost(folder.path(), &["check", "-c", "nothing.toml"]).output().unwrap();
    assert_eq!(code(&missing), 3);
    assert!(text(&missing.stderr).contains("`waypost init` writes one"), "{}", text(&missing.stderr));
    let usage = waypost(folder.path(), &["chekc"]).output().unwrap();
    assert_eq!(code(&usage), 2);
    assert!(text(&usage.stderr).contains("check"), "{}", text(&usage.stderr));
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let gone = waypost(folder.path(), &["completions", "bash"]).stdout(writer).output().unwrap();
    assert_eq!((code(&gone), text(&gone.stderr).as_str()), (0, ""));
}

#[test]
fn every_shell_gets_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = waypost(folder.path(), &["completions", shell]).output().unwrap();
        assert!(code(&script) == 0 && text(&script.stdout).contains("completions"), "{shell}");
    }
}
