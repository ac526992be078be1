//! The documented bodies, embedded in the program.

use include_dir::{Dir, include_dir};

static PAYLOADS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../fixtures/payloads");

/// The lists of what the bodies show.
const INDEXES: [&str; 2] = ["INDEX-messaging.md", "INDEX-management.md"];

/// One documented webhook body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixture {
    /// Folder and file, for instance `messages/text.json`.
    pub name: &'static str,
    /// The folder: the webhook field, or `mixed` for bodies of several fields.
    pub field: &'static str,
    /// The body as it lies in the repository: readable, not in the form of the wire.
    pub body: &'static [u8],
}

/// All documented bodies, sorted by name.
pub fn all() -> impl Iterator<Item = Fixture> {
    let mut fixtures: Vec<Fixture> = PAYLOADS
        .dirs()
        .flat_map(Dir::files)
        .filter_map(|file| {
            let name = file.path().to_str()?;
            let (field, _) = name.split_once('/')?;
            let body = file.contents();
            name.ends_with(".json").then_some(Fixture { name, field, body })
        })
        .collect();
    fixtures.sort_unstable_by_key(|fixture| fixture.name);
    fixtures.into_iter()
}

/// The body with this name; the ending `.json` may be left out.
#[must_use]
pub fn find(name: &str) -> Option<Fixture> {
    all().find(|fixture| {
        fixture.name.strip_prefix(name).is_some_and(|rest| matches!(rest, "" | ".json" | ".synth.json"))
    })
}

/// What a documented body is an example of, and where it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// What it shows, in a few words.
    pub shows: &'static str,
    /// The page or capture that it was taken from.
    pub source: &'static str,
}

impl Fixture {
    /// Where it is from, as the index beside the bodies says.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        INDEXES.iter().filter_map(|name| PAYLOADS.get_file(name)?.contents_utf8()).find_map(|index| {
            let row = |line: &'static str| {
                let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
                Some((*cells.first()?, cells))
            };
            let named = format!("`{}`", self.name);
            // Each table has its own order of columns.
            let mut heading = Vec::new();
            for (first, cells) in index.lines().filter(|line| line.starts_with('|')).filter_map(row) {
                if first == "file" {
                    heading = cells;
                } else if first == named {
                    let cell = |name| Some(*cells.get(heading.iter().position(|heading| *heading == name)?)?);
                    return Some(Origin { shows: cell("what it shows")?, source: cell("source")? });
                }
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use super::*;

    #[test]
    fn every_body_in_the_repository_is_embedded() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/payloads");
        let mut on_disk: Vec<String> = Vec::new();
        for folder in std::fs::read_dir(root).unwrap().map(Result::unwrap) {
            let field = folder.file_name().into_string().unwrap();
            for file in std::fs::read_dir(folder.path()).into_iter().flatten().map(Result::unwrap) {
                on_disk.push(format!("{field}/{}", file.file_name().to_str().unwrap()));
            }
        }
        on_disk.retain(|name| name.ends_with(".json"));
        on_disk.sort_unstable();
        let embedded: Vec<&str> = all().map(|fixture| fixture.name).collect();
        assert!(!embedded.is_empty());
        assert_eq!(embedded, on_disk);
    }

    #[test]
    fn a_body_is_found_by_its_name_with_and_without_the_ending() {
        let whole = find("messages/text.json").unwrap();
        assert_eq!(find("messages/text"), Some(whole));
        assert_eq!(whole.field, "messages");
        assert_eq!(find("messages/tex"), None);
    }

    #[test]
    fn every_body_has_its_origin_noted() {
        for fixture in all() {
            let origin = fixture.origin();
            assert!(
                origin.is_some_and(|origin| !origin.shows.is_empty() && !origin.source.is_empty()),
                "{}",
                fixture.name
            );
        }
    }
}
