//! A node's name among those that share a database, and the proof that no other process here has it.
//!
//! A process that is started under the name of one that was killed takes its place at once, which is right only while no
//! two live processes have a name. So the name that the others are told has a part that is drawn once and kept in the
//! node's folder, in a file that is locked for as long as the process lives: whoever holds it knows that the process
//! before it is gone, and two nodes that were given the same name on different machines are two nodes.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::development::random_text;
use crate::exit::Failure;

/// The file in the node's folder.
const FILE: &str = "node";
/// Letters of what was drawn.
const DRAWN: usize = 32;

/// A name that is this process's.
#[derive(Debug)]
pub(crate) struct Node {
    name: String,
    /// Locked.
    _file: File,
}

impl Node {
    /// Takes the name, for as long as the value lives.
    pub(crate) fn claim(folder: &Path, name: &str) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        let doing = || format!("use {}", path.display());
        std::fs::create_dir_all(folder)
            .map_err(|source| Failure::Folder { folder: folder.display().to_string(), source })?;
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(Failure::file(doing()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Store(store::StoreError::InUse { folder: folder.display().to_string() }));
            }
            Err(TryLockError::Error(error)) => return Err(Failure::file(doing())(error)),
        }
        let drawn = drawn(&mut file, &path)?;
        Ok(Self { name: format!("{name} {drawn}"), _file: file })
    }

    /// As the others are told.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// What was drawn for the folder, or is now.
fn drawn(file: &mut File, path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let failed = || Failure::file(format!("read {}", path.display()));
    let _bytes = file.read_to_string(&mut text).map_err(failed())?;
    if text.trim().len() == DRAWN {
        return Ok(text.trim().to_owned());
    }
    let drawn = random_text()?;
    let written = file
        .rewind()
        .and_then(|()| file.set_len(0))
        .and_then(|()| writeln!(file, "{drawn}"))
        .and_then(|()| file.sync_all());
    written.map_err(Failure::file(format!("write {}", path.display())))?;
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn a_name_is_the_same_after_a_restart_and_nobody_elses_before() {
        let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = Node::claim(here.path(), "one").unwrap();
        assert!(first.name().starts_with("one ") && first.name().len() == 4 + DRAWN, "{}", first.name());
        let told = Node::claim(here.path(), "one").unwrap_err();
        assert!(matches!(told, Failure::Store(store::StoreError::InUse { .. })), "{told:?}");
        let other = Node::claim(elsewhere.path(), "one").unwrap();
        assert_ne!(first.name(), other.name(), "two machines that were given one name are two nodes");
        let name = first.name().to_owned();
        drop(first);
        assert_eq!(Node::claim(here.path(), "one").unwrap().name(), name);
    }
}
