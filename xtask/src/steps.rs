//! The steps of a check, each a program that is run and told about.

use std::process::Command;
use std::time::Instant;

use crate::{consumers, layers, licences, metadata, msrv, tidy};

/// Format, lints, layers, licences, the oldest compiler, documentation.
pub(crate) fn check() -> Result<(), String> {
    run("format", &["cargo", "fmt", "--all", "--check"])?;
    let metadata = metadata::load()?;
    step("layers", || layers::check(&metadata))?;
    step("licences and sources", || licences::check(&metadata))?;
    step("tidy", tidy::check)?;
    step("oldest compiler", || msrv::check(&metadata))?;
    if works(&["cargo", "deny", "--version"]) {
        run("cargo deny", &["cargo", "deny", "--offline", "check", "licenses", "bans", "sources"])?;
    }
    run("lints", &["cargo", "clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    let doc = ["cargo", "doc", "--locked", "--workspace", "--no-deps", "--document-private-items"];
    run_with("documentation", &doc, &[("RUSTDOCFLAGS", "-D warnings")])
}

/// All tests, on real third-party consumers where they can be had.
pub(crate) fn test() -> Result<(), String> {
    let consumers::Installed { python, node, postgres } = consumers::install()?;
    let env = [
        ("WAYPOST_TEST_PYTHON", python.as_str()),
        ("WAYPOST_TEST_NODE", node.as_str()),
        ("WAYPOST_TEST_POSTGRES", postgres.as_str()),
    ];
    if works(&["cargo", "nextest", "--version"]) {
        run_with("tests", &["cargo", "nextest", "run", "--locked", "--workspace", "--no-fail-fast"], &env)?;
        run_with("examples in the documentation", &["cargo", "test", "--locked", "--workspace", "--doc"], &env)?;
    } else {
        run_with("tests", &["cargo", "test", "--locked", "--workspace", "--no-fail-fast"], &env)?;
    }
    run("proofs, the short series", &["cargo", "run", "--locked", "--package", "proof", "--", "short"])
}

fn step(name: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    say(&format!("── {name}"));
    work()
}

pub(crate) fn run(name: &str, command: &[&str]) -> Result<(), String> {
    run_with(name, command, &[])
}

fn run_with(name: &str, command: &[&str], env: &[(&str, &str)]) -> Result<(), String> {
    say(&format!("── {name}: {}", command.join(" ")));
    let started = Instant::now();
    let (program, arguments) = command.split_first().ok_or("no program")?;
    let status = Command::new(program)
        .args(arguments)
        .envs(env.iter().copied())
        .status()
        .map_err(|cause| format!("failed to start {program}: {cause}"))?;
    if !status.success() {
        return Err(format!("{name} failed; repeat it with: {}", command.join(" ")));
    }
    say(&format!("   done in {} s", started.elapsed().as_secs()));
    Ok(())
}

/// What a program prints.
pub(crate) fn output(command: &[&str]) -> Result<String, String> {
    let (program, arguments) = command.split_first().ok_or("no program")?;
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|cause| format!("failed to start {program}: {cause}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program is there and answers.
pub(crate) fn works(command: &[&str]) -> bool {
    let Some((program, arguments)) = command.split_first() else {
        return false;
    };
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

#[expect(clippy::print_stderr, reason = "a chore tells a person what it does")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
