//! Where PostgreSQL's programs are. Debian keeps each version in a folder of its own, out of everybody's path.

use std::path::{Path, PathBuf};

use super::{Failed, REQUIRED};

/// The oldest version that is looked for.
const VERSION_MIN: u32 = 15;
const MISSING: &str = "this test starts a PostgreSQL (15 or newer) of its own and found no initdb and postgres: install \
                       Debian's package postgresql, or name the folder of its programs in WAYPOST_TEST_POSTGRES";

/// The folder of the programs.
#[derive(Debug, Clone)]
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// Looks where distributions put them; the newest version first.
    pub(crate) fn find() -> Result<Self, Failed> {
        if let Some(folder) = required() {
            let folder = PathBuf::from(folder);
            return if has_all(&folder) {
                Ok(Self(folder))
            } else {
                Err(Failed(format!("{REQUIRED} names a folder without PostgreSQL's programs. {MISSING}")))
            };
        }
        let fixed = ["/usr/local/bin", "/usr/local/pgsql/bin", "/opt/homebrew/bin", "/usr/bin"].map(PathBuf::from);
        let found = versions().into_iter().chain(fixed).find(|folder| has_all(folder));
        found.map(Self).ok_or_else(|| Failed(MISSING.to_owned()))
    }

    /// One of them.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The folder, as text that tells one set of programs from another.
    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }
}

/// What the environment says, where it says something.
#[expect(clippy::disallowed_methods, reason = "a fixture is told by the environment what must not be skipped")]
pub(crate) fn required() -> Option<String> {
    std::env::var(REQUIRED).ok().filter(|folder| !folder.is_empty())
}

fn has_all(folder: &Path) -> bool {
    ["initdb", "postgres", "psql", "pg_ctl", "pg_basebackup"].iter().all(|name| folder.join(name).is_file())
}

fn versions() -> Vec<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let numbered = folders.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    let mut known: Vec<(u32, PathBuf)> = numbered.filter(|(version, _)| *version >= VERSION_MIN).collect();
    known.sort_unstable_by_key(|(version, _)| std::cmp::Reverse(*version));
    known.into_iter().map(|(_, folder)| folder.join("bin")).collect()
}
