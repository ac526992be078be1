//! The oldest compiler that the crate `whatsapp` states, as far as one machine can check it.
//!
//! Checked is that everything the crate is built of states no younger compiler, and, where the stated compiler is there,
//! that the crate builds with it. That an older one would do as well is not looked for.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::metadata::{packages, text};
use crate::steps;

const CRATE: &str = "whatsapp";

/// Checks what is stated; builds with the stated compiler where it is installed.
pub(crate) fn check(metadata: &Value) -> Result<(), String> {
    let stated = stated(metadata)?;
    let younger = younger(metadata, &stated);
    if !younger.is_empty() {
        return Err(format!("{CRATE} states Rust {stated}, and is built of what needs more: {}", younger.join(", ")));
    }
    let here = steps::output(&["rustc", "--version"])?;
    if here.starts_with(&format!("rustc {stated}.")) {
        steps::say(&format!("   Rust {stated} is the compiler that runs all of this"));
        return Ok(());
    }
    let toolchain = format!("+{stated}");
    if !steps::works(&["rustc", &toolchain, "--version"]) {
        steps::say(&format!("   not checked with Rust {stated}: it is not installed"));
        return Ok(());
    }
    steps::run("stated compiler", &["cargo", &toolchain, "check", "--locked", "-p", CRATE, "--all-features"])
}

fn stated(metadata: &Value) -> Result<String, String> {
    let package = packages(metadata).find(|package| text(package, "name") == CRATE);
    let stated = package.map(|package| text(package, "rust_version")).filter(|stated| !stated.is_empty());
    stated.map(str::to_owned).ok_or_else(|| format!("{CRATE} states no rust-version"))
}

/// What the crate is built of, by its resolved ordinary dependencies, that states a younger compiler than this.
fn younger(metadata: &Value, stated: &str) -> Vec<String> {
    let by_id: HashMap<&str, &Value> = packages(metadata).map(|package| (text(package, "id"), package)).collect();
    let nodes = metadata.pointer("/resolve/nodes").and_then(Value::as_array).into_iter().flatten();
    let edges: HashMap<&str, &Value> = nodes.map(|node| (text(node, "id"), node)).collect();
    let root = by_id.iter().find(|(_, package)| text(package, "name") == CRATE).map(|(id, _)| *id);
    let (mut left, mut seen) = (Vec::from_iter(root), HashSet::new());
    let mut found = Vec::new();
    while let Some(id) = left.pop() {
        if !seen.insert(id) {
            continue;
        }
        let needs = by_id.get(id).map(|package| text(package, "rust_version")).unwrap_or_default();
        if numbers(needs) > numbers(stated) {
            found.push(format!("{id} (Rust {needs})"));
        }
        left.extend(edges.get(id).into_iter().flat_map(|node| ordinary(node)));
    }
    found.sort();
    found
}

/// The ids of a node's ordinary dependencies.
fn ordinary(node: &Value) -> impl Iterator<Item = &str> {
    let is_ordinary = |dependency: &&Value| {
        let kinds = dependency.get("dep_kinds").and_then(Value::as_array).into_iter().flatten();
        kinds.into_iter().any(|kind| kind.get("kind").is_some_and(Value::is_null))
    };
    let dependencies = node.get("deps").and_then(Value::as_array).into_iter().flatten();
    dependencies.filter(is_ordinary).map(|dependency| text(dependency, "pkg"))
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').filter_map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn the_crate_is_built_of_nothing_younger_than_it_states() {
        let metadata = crate::metadata::load().unwrap();
        assert_eq!(younger(&metadata, &stated(&metadata).unwrap()), [""; 0]);
        let all = younger(&metadata, "1.0");
        assert!(all.iter().any(|id| id.contains("sha2")), "{all:?}");
        assert!(!all.iter().any(|id| id.contains("axum")), "tests may need more: {all:?}");
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(numbers("1.100") > numbers("1.95"));
        assert!(numbers("1.95.1") > numbers("1.95"));
        assert!(numbers("") < numbers("1.0"));
    }
}
