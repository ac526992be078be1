//! `waypost fields`, as a program reads it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::process::{Command, Stdio};

use serde_json::Value;

/// The exit code, what was printed and what was told.
fn fields(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    let output = command.arg("fields").args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn printed(arguments: &[&str]) -> Vec<String> {
    let (code, printed, told) = fields(arguments);
    assert_eq!((code, told.as_str()), (0, ""));
    printed.lines().map(str::to_owned).collect()
}

#[test]
fn a_program_gets_one_tab_separated_line_a_field_and_nothing_else() {
    let lines = printed(&[]);
    let known: Vec<&str> = whatsapp::catalogue::fields().iter().map(|field| field.name).collect();
    let named: Vec<&str> = lines.iter().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(named, known);
    assert!(lines.iter().all(|line| line.split('\t').count() == 7));
    let security = lines.iter().find(|line| line.starts_with("security\t")).unwrap();
    assert!(security.starts_with("security\t3\twhatsapp_business_management\tno\tdocumented\tentry.time\t"));
}

#[test]
fn the_types_of_one_field_come_one_a_line() {
    let lines = printed(&["user_preferences"]);
    let time = "value.user_preferences[].timestamp";
    let line = |value| format!("user_preferences.{value}\tvalue.user_preferences[]\t{time}");
    assert_eq!(lines, ["resume", "signup", "stop"].map(line));
}

#[test]
fn a_type_and_another_spelling_stand_for_their_field() {
    let wanted = printed(&["business_username_updates"]);
    assert_eq!(printed(&["business_username_update"]), wanted);
    assert_eq!(printed(&["business_username_updates.reserved"]), wanted);
}

#[test]
fn json_has_all_that_the_catalogue_knows() {
    let read = |line: &String| serde_json::from_str::<Value>(line).unwrap();
    let all: Vec<Value> = printed(&["--json"]).iter().map(read).collect();
    assert_eq!(all.len(), whatsapp::catalogue::fields().len());
    let types = all.iter().flat_map(|field| field["types"].as_array().unwrap()).count();
    assert_eq!(types, whatsapp::known_types().len() - whatsapp::catalogue::own_types().len());
    let one: Vec<Value> = printed(&["account_settings_update", "--json"]).iter().map(read).collect();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0]["override"], "yes");
    assert_eq!(one[0]["elements"][0]["time"], "value.timestamp");
}

#[test]
fn a_name_that_nobody_knows_is_a_wrong_argument_with_a_hint() {
    let (code, printed, told) = fields(&["mesages"]);
    assert_eq!((code, printed.as_str()), (2, ""));
    assert!(told.contains("did you mean messages?"), "{told}");
}
