//! Licences and sources of everything that is built in. `deny.toml` says the same to `cargo deny`, which also checks
//! advisories where there is a network.

use serde_json::Value;

use crate::metadata::{packages, text};

/// Licences that go with MIT OR Apache-2.0.
const ALLOWED: [&str; 12] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "Unlicense",
];

/// Checks every package.
pub(crate) fn check(metadata: &Value) -> Result<(), String> {
    let wrong: Vec<String> = packages(metadata).filter_map(fault).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn fault(package: &Value) -> Option<String> {
    let (name, licence) = (text(package, "name"), text(package, "license"));
    let source = text(package, "source");
    if !source.is_empty() && !source.starts_with("registry+") && !source.starts_with("sparse+") {
        return Some(format!("{name} comes from {source}: only the registry is allowed"));
    }
    (!is_allowed(licence)).then(|| format!("{name} has the licence {licence:?}, which deny.toml does not allow"))
}

/// An expression is allowed when one side of each `OR` and every side of each `AND` is.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    expression
        .split(" AND ")
        .all(|part| part.split(" OR ").any(|licence| ALLOWED.contains(&licence.trim().trim_matches(['(', ')']))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_side_of_or_and_every_side_of_and_must_be_allowed() {
        assert!(is_allowed("MIT OR GPL-3.0"));
        assert!(is_allowed("MIT/Apache-2.0"));
        assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!is_allowed("MIT AND GPL-3.0"));
        assert!(!is_allowed("AGPL-3.0"));
        assert!(!is_allowed(""));
    }
}
