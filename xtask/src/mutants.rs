//! Deliberate breakages, each of which a test must catch: a test that has never failed proves little.
//!
//! `cargo xtask mutants` takes a copy of the last commit, breaks one thing at a time, and runs the tests that should
//! notice. What they are stands in `mutants/list.rs`; `cargo xtask mutants WORDS` runs those whose names hold the words.

mod list;

use std::fs;
use std::path::Path;
use std::process::Command;

use self::list::{MUTANTS, Mutant};
use crate::steps::say;

/// Where the copy stands, and where it is built.
const TREE: &str = "target/mutants/tree";
const BUILD: &str = "target/mutants/build";
/// Seeds within which the simulation must notice.
const SEEDS: &str = "1000";
/// Moments at which power is lost, within which the store's own tests must.
const CUTS: &str = "150";

/// Breaks one thing after the other. An error names those that nobody noticed.
pub(crate) fn run(only: &str) -> Result<(), String> {
    let mut unnoticed = Vec::new();
    for mutant in MUTANTS.iter().filter(|mutant| mutant.name.contains(only)) {
        fresh_copy()?;
        match mutant.apply().and_then(|()| mutant.noticed()) {
            Ok(Some(by)) => say(&format!("caught    {}: {by}", mutant.name)),
            Ok(None) => {
                say(&format!("UNNOTICED {}", mutant.name));
                unnoticed.push(mutant.name);
            }
            Err(why) => {
                say(&format!("NOT MADE  {}: {why}", mutant.name));
                unnoticed.push(mutant.name);
            }
        }
    }
    if unnoticed.is_empty() { Ok(()) } else { Err(format!("nobody noticed: {}", unnoticed.join("; "))) }
}

fn fresh_copy() -> Result<(), String> {
    if !Path::new(TREE).exists() {
        git(&["worktree", "add", "--force", "--detach", TREE, "HEAD"])?;
    }
    let head = Command::new("git").args(["rev-parse", "HEAD"]).output().map_err(|cause| cause.to_string())?;
    let head = String::from_utf8_lossy(&head.stdout).trim().to_owned();
    git(&["-C", TREE, "checkout", "--quiet", "--force", "--detach", &head])
}

fn git(arguments: &[&str]) -> Result<(), String> {
    let done = Command::new("git").args(arguments).status().map_err(|cause| format!("failed to start git: {cause}"))?;
    if done.success() { Ok(()) } else { Err(format!("failed: git {}", arguments.join(" "))) }
}

impl Mutant {
    fn apply(&self) -> Result<(), String> {
        let path = Path::new(TREE).join(self.file);
        let mut text = fs::read_to_string(&path).map_err(|cause| format!("{}: {cause}", self.file))?;
        for (from, to) in self.edits {
            if text.matches(from).count() != 1 {
                return Err(format!("{}: what it breaks is no longer there, or there twice: {from}", self.file));
            }
            text = text.replace(from, to);
        }
        fs::write(&path, text).map_err(|cause| format!("{}: {cause}", self.file))
    }

    /// What noticed it, as the test says; None: the test passed.
    fn noticed(&self) -> Result<Option<String>, String> {
        let here = std::env::current_dir().map_err(|cause| cause.to_string())?;
        let ran = Command::new("cargo")
            .args(["test", "--locked", "--package", self.package])
            .args(self.target)
            .args([self.test, "--", "--nocapture"])
            .current_dir(TREE)
            .env("CARGO_TARGET_DIR", here.join(BUILD))
            .env("WAYPOST_SIMULATION_SEEDS", SEEDS)
            .env("WAYPOST_POWER_CUTS", CUTS)
            .output()
            .map_err(|cause| format!("failed to start cargo: {cause}"))?;
        if ran.status.success() {
            return Ok(None);
        }
        let told = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        if told.contains("could not compile") {
            return Err(format!("`{}` does not compile", self.name));
        }
        let lines: Vec<&str> = told.lines().collect();
        let name = lines.iter().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
        // With the output shown, a test's name and its verdict stand in lines of their own.
        let name = name.or_else(|| {
            lines.iter().skip_while(|line| **line != "failures:").find_map(|line| line.strip_prefix("    "))
        });
        let seed = lines.iter().find(|line| line.starts_with("seed ")).copied();
        let why = lines.iter().position(|line| line.contains("panicked at")).and_then(|at| lines.get(at + 1)).copied();
        Ok(Some([name, seed, why].into_iter().flatten().collect::<Vec<_>>().join("; ")))
    }
}
