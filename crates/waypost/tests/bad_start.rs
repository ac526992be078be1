//! Starts that cannot go well, from outside: each ends with its documented code and a sentence that says what to do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use support::gateway::{Home, SECRET, run_to_the_end};
use support::meta::Text;

/// Exit codes as `docs/reference/exit-codes.md` has them.
const STORE: i32 = 5;
const LISTEN: i32 = 6;
/// Where in the database file SQLite keeps `user_version` and `application_id`.
const USER_VERSION_AT: usize = 60;
const APPLICATION_ID_AT: usize = 68;

/// `waypost serve` must end by itself with this code and all of these words in one failure.
#[track_caller]
fn refuses(home: &Home, code: i32, words: &[&str]) {
    refuses_as(home.command(&["serve"]), code, words);
}

#[track_caller]
fn refuses_as(command: Command, code: i32, words: &[&str]) {
    let (ended, told) = run_to_the_end(command);
    assert!(ended == Some(code), "{ended:?}: {told}");
    for word in words {
        assert!(told.contains(word), "{word:?} is not in: {told}");
    }
    assert_eq!(told.matches("waypost: failed to").count(), 1, "one failure: {told}");
    assert!(!told.contains("panicked") && !told.contains("is ready"), "{told}");
    assert!(!told.contains(SECRET), "{told}");
}

/// A folder with a store in which one event is kept.
fn home_with_a_store() -> Home {
    let home = Home::production("");
    let gateway = home.start();
    gateway.take(&Text::new("wamid.kept").body());
    assert!(gateway.stop().success());
    home
}

/// The gateway starts on this folder, and the event is still there.
#[track_caller]
fn is_unharmed(home: &Home) {
    let gateway = home.start();
    let events = gateway.api.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["message_id"], "wamid.kept");
}

fn change_database(home: &Home, change: impl FnOnce(&mut Vec<u8>)) {
    let path = home.store().join("waypost.db");
    let mut bytes = std::fs::read(&path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// A free port, for a moment.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_port_in_use_is_told_with_its_setting_and_nothing_listens() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    for (setting, other) in [("receive", "admin"), ("admin", "receive")] {
        let home = Home::production("");
        let free = free_port();
        let config = std::fs::read_to_string(home.path().join("waypost.toml")).unwrap();
        let config = config
            .replace(&format!("{setting}.listen = '127.0.0.1:0'"), &format!("{setting}.listen = '{at}'"))
            .replace(&format!("{other}.listen = '127.0.0.1:0'"), &format!("{other}.listen = '{free}'"));
        home.write("waypost.toml", &config);
        let words = [&at.to_string(), &format!("{setting}.listen"), "another program listens there"];
        refuses(&home, LISTEN, &words.map(str::to_owned).each_ref().map(String::as_str));
        assert!(TcpStream::connect(free).is_err(), "{other}");
        assert!(!home.store().join("local.json").exists(), "no way in to what does not run");
    }
}

#[test]
fn a_store_in_use_is_told_and_its_gateway_goes_on() {
    let home = Home::production("");
    let gateway = home.start();
    refuses(&home, STORE, &["in use by another process", "stop that one, or give this one a folder of its own"]);
    gateway.take(&Text::new("wamid.kept").body());
    assert_eq!(gateway.api.events().len(), 1);
    let local = std::fs::read_to_string(home.store().join("local.json")).unwrap();
    assert!(local.contains(&gateway.api.at.to_string()), "the way in still leads to the one that runs");
    gateway.kill();
    is_unharmed(&home);
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let home = home_with_a_store();
    change_database(&home, |bytes| bytes[USER_VERSION_AT..USER_VERSION_AT + 4].copy_from_slice(&99_u32.to_be_bytes()));
    let before = std::fs::read(home.store().join("waypost.db")).unwrap();
    refuses(&home, STORE, &["version 99", "run the newer program, or restore a backup"]);
    assert!(std::fs::read(home.store().join("waypost.db")).unwrap() == before);
    change_database(&home, |bytes| bytes[USER_VERSION_AT..USER_VERSION_AT + 4].copy_from_slice(&1_u32.to_be_bytes()));
    is_unharmed(&home);
}

#[test]
fn a_corrupt_file_and_another_programs_database_are_told_and_left_alone() {
    let remedy = ["damaged or not a Waypost store", "waypost store check", "restore a backup"];
    let corrupt: [fn(&mut Vec<u8>); 3] = [
        |bytes| bytes[..100].fill(b'x'),
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes[APPLICATION_ID_AT..APPLICATION_ID_AT + 4].fill(7),
    ];
    for (n, corrupt) in corrupt.into_iter().enumerate() {
        let home = home_with_a_store();
        change_database(&home, corrupt);
        let before = std::fs::read(home.store().join("waypost.db")).unwrap();
        refuses(&home, STORE, &remedy);
        assert!(std::fs::read(home.store().join("waypost.db")).unwrap() == before, "case {n}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let home = home_with_a_store();
    let mode = |path: &Path, mode: u32| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let files: Vec<_> = std::fs::read_dir(home.store()).unwrap().map(|file| file.unwrap().path()).collect();
    files.iter().for_each(|file| mode(file, 0o444));
    mode(&home.store(), 0o555);
    mode(home.path(), 0o755);
    if let Some(command) = unprivileged(&home) {
        refuses_as(command, STORE, &["cannot be written", "make the folder writable for this user"]);
    }
    mode(&home.store(), 0o755);
    files.iter().for_each(|file| mode(file, 0o644));
    is_unharmed(&home);
}

/// `waypost serve` as a user whom file modes bind. None, with a note, when there is no way to become one.
#[expect(clippy::print_stderr, reason = "a test that cannot test says so")]
fn unprivileged(home: &Home) -> Option<Command> {
    let program = Command::new("id").arg("-u").output().unwrap().stdout;
    if program != b"0\n" {
        return Some(home.command(&["serve"]));
    }
    // The program may lie where nobody may go.
    let copy = home.path().join("waypost");
    std::fs::copy(env!("CARGO_BIN_EXE_waypost"), &copy).unwrap();
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let works = Command::new("setpriv").args(nobody).arg("true").status();
    if !works.is_ok_and(|status| status.success()) {
        eprintln!("not tested: root writes everywhere, and setpriv is not here to become somebody else");
        return None;
    }
    let clean = home.command(&[]);
    let mut as_nobody = Command::new("setpriv");
    as_nobody.args(nobody).arg(copy).arg("serve").current_dir(home.path()).stdin(std::process::Stdio::null());
    for (name, value) in clean.get_envs() {
        match value {
            Some(value) => as_nobody.env(name, value),
            None => as_nobody.env_remove(name),
        };
    }
    Some(as_nobody)
}

#[test]
fn a_file_where_the_folder_should_be_is_told_and_left_alone() {
    let home = Home::production("");
    home.write("waypost-data", "somebody's notes");
    refuses(&home, STORE, &["waypost-data"]);
    assert_eq!(std::fs::read_to_string(home.store()).unwrap(), "somebody's notes");
}

#[test]
fn another_secrets_key_is_refused_and_the_right_one_opens_the_store_again() {
    let home = home_with_a_store();
    let config = std::fs::read_to_string(home.path().join("waypost.toml")).unwrap();
    home.write("waypost.toml", &config.replace("MDEyMzQ1", "MDEyMzQ2"));
    refuses(&home, STORE, &["the key does not fit this store", "give the key that this store was made with"]);
    home.write("waypost.toml", &config);
    is_unharmed(&home);
}
