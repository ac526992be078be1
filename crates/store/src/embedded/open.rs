//! Opening: the lock on the folder, the connections and what they promise.
//!
//! A connection is trusted only after every setting that durability rests on was read back, and the write connection
//! only after `wal_checkpoint(TRUNCATE)` succeeded. The reason is what a failed fsync does: the kernel may report it
//! once and mark the pages clean, so that a later fsync of the same file succeeds without having written them. The
//! checkpoint copies what the log holds into the main file (pages that are dirty anew) and syncs that, after which
//! nothing rests on a page whose write may have been lost. A process that died after a failed sync leaves the same
//! hazard to the next one, so every opening does it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::{Fault, Kind};
use super::schema::{self, Found};
use crate::error::StoreError;

/// The oldest SQLite without the WAL-reset bug, which two connections of one process can meet.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// Bytes of a page.
pub(super) const PAGE_BYTES: i64 = 8_192;
const STATEMENTS_CACHED_MAX: usize = 128;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the files are.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    pub(super) folder: PathBuf,
    pub(super) database: PathBuf,
    pub(super) wal: PathBuf,
    lock: PathBuf,
}

impl Paths {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            database: folder.join("waypost.db"),
            wal: folder.join("waypost.db-wal"),
            lock: folder.join("lock"),
        }
    }
}

/// Makes the folder where needed and takes its lock, before the database is touched.
pub(super) fn lock(paths: &Paths) -> Result<File, StoreError> {
    make_folder(&paths.folder).map_err(|source| unwritable(paths, source))?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&paths.lock)
        .map_err(|source| unwritable(paths, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: paths.folder.display().to_string() }),
        Err(TryLockError::Error(source)) => Err(unwritable(paths, source)),
    }
}

/// Takes the lock of a store that nobody has open, if it has one. None: somebody has it open.
pub(super) fn lock_to_look(paths: &Paths) -> Option<Option<File>> {
    match File::options().write(true).open(&paths.lock) {
        Ok(file) => file.try_lock().is_ok().then_some(Some(file)),
        // Files that were copied have no lock, and nobody has them open; the same where nobody may write.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ReadOnlyFilesystem) => Some(None),
        Err(_) => None,
    }
}

/// Opens the write connection: identified, migrated, verified, its log emptied into the main file.
pub(super) fn writer(paths: &Paths) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(StoreError::Internal { doing: "open the store", source: "SQLite is older than 3.51.3".into() });
    }
    let tell = |fault: Fault| fault.doing("open the store").to_store_error(&paths.folder);
    let conn =
        connect(&paths.database, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE).map_err(tell)?;
    let found = schema::identify(&conn).map_err(tell)?;
    must_be_known(&found)?;
    prepare(&conn, paths, &found).map_err(tell)?;
    Ok(conn)
}

fn must_be_known(found: &Found) -> Result<(), StoreError> {
    match found {
        Found::Store(version) if *version > schema::newest() => {
            Err(StoreError::TooNew { found: *version, known: schema::newest() })
        }
        Found::Store(_) | Found::Nothing => Ok(()),
    }
}

fn prepare(conn: &Connection, paths: &Paths, found: &Found) -> Result<(), Fault> {
    if *found == Found::Nothing {
        conn.pragma_update(None, "page_size", PAGE_BYTES)?;
        conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    make_durable(conn)?;
    conn.pragma_update(None, "cache_size", -32_768)?;
    empty_the_log(conn)?;
    schema::migrate(conn, found)?;
    sync_folder(&paths.folder).map_err(|error| Fault::new(Kind::Io, "sync the folder", error))
}

/// Opens a connection that writes only to copy the log into the main file.
pub(super) fn checkpointer(paths: &Paths) -> Result<Connection, Fault> {
    let conn = connect(&paths.database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    make_durable(&conn)?;
    // It holds the writer up while it waits for readers, so it does not wait long.
    conn.busy_timeout(Duration::from_millis(50))?;
    Ok(conn)
}

/// Opens a connection that only reads.
pub(super) fn reader(paths: &Paths) -> Result<Connection, Fault> {
    read_only(&paths.database)
}

/// Opens a store that is not ours, to read it: another process may have it open.
pub(super) fn reader_of_any(paths: &Paths) -> Result<Connection, StoreError> {
    if !paths.database.try_exists().unwrap_or(true) {
        return Err(StoreError::NotFound { what: "store" });
    }
    let tell = |fault: Fault| fault.doing("read the store").to_store_error(&paths.folder);
    let conn = reader(paths).map_err(tell)?;
    let found = schema::identify(&conn).map_err(tell)?;
    must_be_known(&found)?;
    match found {
        Found::Store(_) => Ok(conn),
        Found::Nothing => Err(tell(Fault::new(Kind::Damaged, "read the store", "the file is empty"))),
    }
}

/// Opens any database to read it.
pub(super) fn read_only(path: &Path) -> Result<Connection, Fault> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -8_192)?;
    Ok(conn)
}

/// Moves all of the log into the main file, synced, or fails.
pub(super) fn empty_the_log(conn: &Connection) -> Result<(), Fault> {
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy != 0 {
        return Err(Fault::new(Kind::Io, "empty the log", "another connection holds it"));
    }
    Ok(())
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Fault> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    // Without it SQLite may plan a cached statement anew for each value that is bound to it; that was a quarter of what
    // delivering a backlog cost.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(conn)
}

/// Sets what durability rests on, and reads it back: a pragma that SQLite does not take is silently ignored.
fn make_durable(conn: &Connection) -> Result<(), Fault> {
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // On macOS, fsync alone leaves the drive's cache unflushed.
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)?;
    conn.query_row("PRAGMA wal_autocheckpoint = 0", [], |_| Ok(()))?;
    let synchronous: i64 = conn.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    let autocheckpoint: i64 = conn.pragma_query_value(None, "wal_autocheckpoint", |row| row.get(0))?;
    if mode != "wal" || synchronous != 2 || autocheckpoint != 0 {
        return Err(Fault::new(
            Kind::Internal,
            "open the store",
            format!(
                "SQLite runs with journal_mode={mode}, synchronous={synchronous}, wal_autocheckpoint={autocheckpoint}"
            ),
        ));
    }
    Ok(())
}

/// Makes the folder, for this user alone, and its entry durable.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    match folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}

/// Makes the entries of a folder durable. Only Unix opens a folder like a file.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same shape as on Unix, where it can fail")]
pub(super) const fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes the entries of a folder durable.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn unwritable(paths: &Paths, source: io::Error) -> StoreError {
    StoreError::ReadOnly { folder: paths.folder.display().to_string(), source: source.into() }
}
