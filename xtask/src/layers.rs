//! Who may depend on whom. An arrow that ARCHITECTURE.md does not draw is forbidden.

use serde_json::Value;

use crate::metadata::{packages, text};

/// Each crate of ours, and those of ours that it may use.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("whatsapp", &[]),
    ("rules", &["whatsapp"]),
    ("store", &["rules", "whatsapp"]),
    ("gateway", &["store", "rules", "whatsapp"]),
    ("emulator", &["whatsapp"]),
    ("waypost", &["whatsapp", "rules", "store", "gateway", "emulator"]),
    ("private-postgres", &[]),
    ("bench", &["emulator", "rules", "private-postgres"]),
    ("proof", &["emulator", "private-postgres"]),
    ("testdisk", &[]),
    ("xtask", &[]),
];

/// A crate of tests that whatever is shipped may name as optional alone, so that no shipped build has it.
const OF_TESTS: &str = "testdisk";

/// What a pure crate must not depend on: it would bring I/O, a clock or chance.
const PURE: [&str; 2] = ["whatsapp", "rules"];
const IMPURE: [&str; 10] =
    ["tokio", "rand", "getrandom", "fastrand", "time", "chrono", "jiff", "hyper", "rusqlite", "tokio-postgres"];
/// Dependencies that `whatsapp` may have at most: it is published on its own.
const WHATSAPP_DEPENDENCIES_MAX: usize = 6;

/// Checks every crate of the workspace.
pub(crate) fn check(metadata: &Value) -> Result<(), String> {
    let mut wrong = Vec::new();
    for package in packages(metadata).filter(|package| package.get("source").is_some_and(Value::is_null)) {
        wrong.extend(faults(text(package, "name"), &dependencies(package)));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// The names of a package's ordinary dependencies.
fn dependencies(package: &Value) -> Vec<String> {
    let all = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let is_left_out = |dependency: &Value| {
        text(dependency, "name") == OF_TESTS && dependency.get("optional").is_some_and(|optional| *optional == true)
    };
    all.filter(|dependency| dependency.get("kind").is_some_and(Value::is_null))
        .filter(|dependency| !is_left_out(dependency))
        .map(|dependency| text(dependency, "name").to_owned())
        .collect()
}

fn faults(name: &str, dependencies: &[String]) -> Vec<String> {
    let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
        return vec![format!("{name}: a crate that xtask/src/layers.rs does not know; a new one needs a reason")];
    };
    let ours = |dependency: &&String| ALLOWED.iter().any(|(known, _)| known == dependency);
    let mut wrong: Vec<String> = dependencies
        .iter()
        .filter(ours)
        .filter(|dependency| !allowed.contains(&dependency.as_str()))
        .map(|dependency| format!("{name} must not depend on {dependency}"))
        .collect();
    if PURE.contains(&name) {
        let impure = dependencies.iter().filter(|dependency| IMPURE.contains(&dependency.as_str()));
        wrong.extend(impure.map(|dependency| format!("{name} is pure and must not depend on {dependency}")));
    }
    if name == "whatsapp" && dependencies.len() > WHATSAPP_DEPENDENCIES_MAX {
        wrong.push(format!("whatsapp has {} dependencies, at most {WHATSAPP_DEPENDENCIES_MAX}", dependencies.len()));
    }
    wrong
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_workspace_has_only_the_arrows_that_are_drawn() {
        check(&crate::metadata::load().unwrap()).unwrap();
    }

    #[test]
    fn a_forbidden_arrow_is_told() {
        assert_eq!(faults("rules", &names(&["store"])), ["rules must not depend on store"]);
        assert_eq!(faults("emulator", &names(&["gateway", "tokio"])), ["emulator must not depend on gateway"]);
        assert_eq!(faults("rules", &names(&["tokio"])), ["rules is pure and must not depend on tokio"]);
        assert_eq!(faults("gateway", &names(&["store", "tokio"])), [""; 0]);
        assert_eq!(faults("waypost", &names(&["testdisk"])), ["waypost must not depend on testdisk"]);
        assert_eq!(faults("utils", &[]).len(), 1);
    }
}
