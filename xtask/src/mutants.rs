//! Deliberate breakages, each of which a test must catch: a test that has never failed proves little.
//!
//! `cargo xtask mutants` takes a copy of the last commit, breaks one thing at a time, and runs the test that should notice.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::steps::say;

/// Where the copy stands, and where it is built.
const TREE: &str = "target/mutants/tree";
const BUILD: &str = "target/mutants/build";
/// Seeds within which the simulation must notice.
const SEEDS: &str = "1000";

struct Mutant {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    package: &'static str,
    test: &'static str,
}

const fn simulated(name: &'static str, file: &'static str, from: &'static str, to: &'static str) -> Mutant {
    Mutant { name, file, from, to, package: "gateway", test: "simulation" }
}

const QUEUE: &str = "crates/store/src/embedded/board/queue.rs";
const BOARD: &str = "crates/store/src/embedded/board/mod.rs";

const MUTANTS: [Mutant; 7] = [
    simulated(
        "a lane is forgotten",
        QUEUE,
        "let place = if self.ordered && !item.is_late() { Place::Lane(lane_hash) } else { Place::Alone(item.id) };",
        "let place = Place::Alone(item.id);",
    ),
    simulated("a claim is released late", BOARD, "            queue.ready_again(claim.delivery.0, held.place);\n", ""),
    simulated(
        "what was accepted is in flight no more before it is written",
        BOARD,
        "        let window = queue.window;\n",
        "        let window = queue.window;\n        queue.in_flight = queue.in_flight.saturating_sub(1);\n",
    ),
    simulated(
        "the clock runs on while an endpoint stands still",
        "crates/rules/src/breaker.rs",
        "(false, None) => Self { since_ms: Some(now_ms), ..*self },",
        "(false, None) => Self { since_ms: None, ..*self },",
    ),
    simulated(
        "a head in flight lets its lane go on",
        QUEUE,
        "        if lane.head != Head::InFlight {\n            self.leave(",
        "        {\n            self.leave(",
    ),
    simulated(
        "a suspended endpoint is never probed",
        "crates/gateway/src/deliver/breakers.rs",
        "probe.at_ms <= now_ms)",
        "probe.at_ms < 0)",
    ),
    simulated(
        "what failed is marked as accepted",
        "crates/gateway/src/deliver/verdict.rs",
        "        state: decision.state,\n",
        "        state: if decision.failure.is_some() { rules::delivery::DeliveryState::Accepted } else { decision.state },\n",
    ),
];

/// Breaks one thing after the other. An error names those that nobody noticed.
pub(crate) fn run() -> Result<(), String> {
    let mut unnoticed = Vec::new();
    for mutant in &MUTANTS {
        fresh_copy()?;
        mutant.apply()?;
        match mutant.noticed()? {
            Some(by) => say(&format!("caught    {}: {by}", mutant.name)),
            None => {
                say(&format!("UNNOTICED {}", mutant.name));
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
        let text = fs::read_to_string(&path).map_err(|cause| format!("{}: {cause}", self.file))?;
        if text.matches(self.from).count() != 1 {
            return Err(format!("{}: what `{}` breaks is no longer there", self.file, self.name));
        }
        fs::write(&path, text.replace(self.from, self.to)).map_err(|cause| format!("{}: {cause}", self.file))
    }

    /// What noticed it, as the test says; None: the test passed.
    fn noticed(&self) -> Result<Option<String>, String> {
        let here = std::env::current_dir().map_err(|cause| cause.to_string())?;
        let ran = Command::new("cargo")
            .args(["test", "--locked", "--package", self.package, "--lib", self.test, "--", "--nocapture"])
            .current_dir(TREE)
            .env("CARGO_TARGET_DIR", here.join(BUILD))
            .env("WAYPOST_SIMULATION_SEEDS", SEEDS)
            .output()
            .map_err(|cause| format!("failed to start cargo: {cause}"))?;
        if ran.status.success() {
            return Ok(None);
        }
        let told = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        if told.contains("could not compile") {
            return Err(format!("`{}` does not compile", self.name));
        }
        let seed = told.lines().find(|line| line.starts_with("seed "));
        let lines: Vec<&str> = told.lines().collect();
        let why = lines.iter().position(|line| line.contains("panicked at")).and_then(|at| lines.get(at + 1));
        Ok(Some([seed, why.copied()].into_iter().flatten().collect::<Vec<_>>().join("; ")))
    }
}
