//! Backups while commits go on, and restoring them.
//!
//! A backup takes no lock: it reads beside whichever process has the store open, through a connection of its own. It
//! reads in one transaction, so that the copy is the store as of one moment: everything committed before it began, and
//! nothing half. (Without the transaction, SQLite's backup would begin anew with every commit, and never end under
//! load.) Commits go on beside it; until it ends the log grows, and a process that has to empty the log (at opening,
//! where it holds anything, and after a refusal of the disk) waits for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::check::{CheckReport, report};
use super::fault::{Fault, Kind};
use super::open::{self, Paths, sync_folder};
use crate::error::StoreError;

/// Pages copied between two calls of the progress callback.
const STEP_PAGES: i32 = if cfg!(test) { 4 } else { 1_024 };
/// How long a step waits when another connection is in the way.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// How far a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupProgress {
    /// Pages copied.
    pub pages_done: u64,
    /// Pages in all.
    pub pages: u64,
}

/// Writes a consistent copy of the store in a folder to a file that must not exist yet, and checks the copy. A gateway
/// may be running on the store, in this process or another. Blocks; calls `progress` after each piece.
///
/// # Errors
///
/// [`StoreError::NotFound`] when there is no store, [`StoreError::TooNew`] or [`StoreError::Damaged`] when it cannot be
/// read; and when the file exists or cannot be written, or its disk is full. Nothing is left behind then.
pub fn backup(folder: &Path, to: &Path, mut progress: impl FnMut(BackupProgress)) -> Result<(), StoreError> {
    let source = open::reader_of_any(&Paths::new(folder))?;
    let tell = |fault: Fault| {
        // Only what is read can be damaged; anything else that fails is the file's affair.
        let about = if fault.kind() == Kind::Damaged { folder } else { to.parent().unwrap_or(to) };
        fault.doing("write the backup").to_store_error(about)
    };
    refuse_existing(to).map_err(tell)?;
    let partial = partial_name(to);
    let done =
        copy(&source, &partial, &mut progress).and_then(|()| verify(&partial)).and_then(|_| publish(&partial, to));
    if done.is_err() {
        // Best effort: the error that matters is the one below.
        drop(fs::remove_file(&partial));
    }
    done.map_err(tell)
}

fn copy(source: &Connection, partial: &Path, progress: &mut impl FnMut(BackupProgress)) -> Result<(), Fault> {
    let snapshot = source.unchecked_transaction()?;
    // A transaction begins with its first read.
    snapshot.query_row("SELECT count(*) FROM ledger", [], |_| Ok(()))?;
    remove_leftover(partial)?;
    let mut target = Connection::open(partial)?;
    target.pragma_update(None, "synchronous", "FULL")?;
    let backup = Backup::new(&snapshot, &mut target)?;
    loop {
        let step = backup.step(STEP_PAGES)?;
        let now = backup.progress();
        progress(BackupProgress {
            pages_done: u64::try_from(now.pagecount - now.remaining).unwrap_or_default(),
            pages: u64::try_from(now.pagecount).unwrap_or_default(),
        });
        match step {
            StepResult::Done => break,
            StepResult::Busy | StepResult::Locked => std::thread::sleep(BUSY_PAUSE),
            StepResult::More | _ => {}
        }
    }
    drop(backup);
    drop(snapshot);
    // One file, without a log beside it, that any tool can open.
    target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    target.close().map_err(|(_, error)| Fault::from(error))
}

/// Makes a store in a folder from a backup, after checking the backup. Never overwrites a store.
///
/// # Errors
///
/// When the folder has a store, when the backup does not pass its check ([`StoreError::Damaged`]), or when the disk
/// refuses.
pub fn restore(from: &Path, folder: &Path) -> Result<CheckReport, StoreError> {
    let paths = Paths::new(folder);
    let folder_lock = open::lock(&paths)?;
    let restored = copy_checked(from, &paths);
    drop(folder_lock);
    restored.map_err(|fault| fault.doing("restore the backup").to_store_error(folder))
}

fn copy_checked(from: &Path, paths: &Paths) -> Result<CheckReport, Fault> {
    refuse_existing(&paths.database)?;
    refuse_existing(&paths.wal)?;
    let partial = partial_name(&paths.database);
    let copied = copy_file(from, &partial).and_then(|()| verify(&partial));
    match copied {
        Ok(report) => publish(&partial, &paths.database).map(|()| report),
        Err(fault) => {
            drop(fs::remove_file(&partial));
            Err(fault)
        }
    }
}

/// Copies through SQLite, so that a backup with a log beside it is taken whole.
fn copy_file(from: &Path, partial: &Path) -> Result<(), Fault> {
    remove_leftover(partial)?;
    let source = open::read_only(from)?;
    let mut target = Connection::open(partial)?;
    target.pragma_update(None, "synchronous", "FULL")?;
    let backup = Backup::new(&source, &mut target)?;
    backup.run_to_completion(STEP_PAGES, Duration::ZERO, None)?;
    drop(backup);
    target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    target.close().map_err(|(_, error)| Fault::from(error))
}

fn verify(partial: &Path) -> Result<CheckReport, Fault> {
    let report = report(&open::read_only(partial)?)?;
    if report.damaged_count > 0 {
        // They are lost with or without a copy; a copy that is refused would lose the rest as well.
        tracing::warn!(damaged = report.damaged_count, "the copy holds records that are damaged, as they are");
    }
    match report.problems.first() {
        None => Ok(report),
        Some(problem) => Err(Fault::new(
            Kind::Damaged,
            "check the backup",
            format!("the backup has {} problems, the first: {problem}", report.problems.len()),
        )),
    }
}

/// Gives a finished file its name, durably.
fn publish(partial: &Path, to: &Path) -> Result<(), Fault> {
    let folder = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::File::open(partial)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(partial, to))
        .and_then(|()| sync_folder(folder))
        .map_err(|error| Fault::new(Kind::Io, "publish the file", error))
}

fn refuse_existing(path: &Path) -> Result<(), Fault> {
    match path.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(Fault::new(
            Kind::Internal,
            "write the file",
            format!("{} exists, and is not overwritten", path.display()),
        )),
        Err(error) => Err(Fault::new(Kind::ReadOnly, "write the file", error)),
    }
}

fn remove_leftover(partial: &Path) -> Result<(), Fault> {
    match fs::remove_file(partial) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Fault::new(Kind::ReadOnly, "remove an unfinished file", error))
        }
        _ => Ok(()),
    }
}

fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}
