//! What rots unless something looks: left-over marks in the sources, documents that name files which are not there.

use std::fs;
use std::path::{Path, PathBuf};

/// Checks the tree below the working folder.
pub(crate) fn check() -> Result<(), String> {
    let mut wrong = Vec::new();
    for file in files(Path::new("."))? {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => wrong.extend(source_faults(&file, &text)),
            Some("md") => wrong.extend(link_faults(&file, &text)),
            _ => {}
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Every file that is ours.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|cause| format!("failed to read {}: {cause}", folder.display()))?;
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !matches!(name, "target" | ".git" | "payloads" | "waypost-data") {
            found.extend(files(&path)?);
        } else if path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

fn source_faults(file: &Path, text: &str) -> Vec<String> {
    // Put together here, so that this file does not find itself.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ign", "ore")];
    let mut wrong = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let found = marks.iter().filter(|mark| content.contains(**mark));
        wrong.extend(found.map(|mark| format!("{}:{line}: {mark} must not reach the main branch", file.display())));
    }
    if !text.starts_with("//!") && !text.starts_with("#!") {
        wrong.push(format!("{}: says nothing about what it is for (`//!`)", file.display()));
    }
    wrong
}

/// Relative links to files that are not there.
fn link_faults(file: &Path, text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let relative = targets.filter(|target| !target.is_empty() && !target.contains("://") && !target.contains(' '));
    let missing = relative.filter(|target| !file.parent().unwrap_or(Path::new(".")).join(target).exists());
    missing.map(|target| format!("{}: links to {target}, which is not there", file.display())).collect()
}
