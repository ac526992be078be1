//! The disks of this process: orders, recordings, and the process-wide one that a file steers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::orders::{Call, Order, Then, Which, parse};
use crate::record::{Op, Recording};

/// How often the file that is followed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

static DISKS: Mutex<BTreeMap<PathBuf, Arc<Disk>>> = Mutex::new(BTreeMap::new());
static EVERYWHERE: Mutex<Option<Arc<Disk>>> = Mutex::new(None);

/// The disk under the files of one folder.
#[derive(Debug, Default)]
pub struct Disk {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    recording: Option<Recording>,
    /// Orders, and how many of their calls came by.
    orders: Vec<(Order, u64)>,
    /// Orders that were carried out.
    hits: u64,
}

impl Disk {
    /// The disk of a folder, for files that are opened from now on.
    ///
    /// # Errors
    ///
    /// The folder is not there.
    pub fn at(folder: &Path) -> std::io::Result<Arc<Self>> {
        // SQLite names its files without links in their paths.
        let folder = folder.canonicalize()?;
        Ok(Arc::clone(lock(&DISKS).entry(folder).or_default()))
    }

    pub(crate) fn of_file(path: &Path) -> Option<Arc<Self>> {
        let known = path.parent().and_then(|folder| lock(&DISKS).get(folder).cloned());
        known.or_else(|| lock(&EVERYWHERE).clone())
    }

    /// Remembers everything from now on.
    pub fn record(&self) {
        lock(&self.inner).recording = Some(Recording::default());
    }

    /// Ends the recording and gives it.
    pub fn recorded(&self) -> Recording {
        lock(&self.inner).recording.take().unwrap_or_default()
    }

    /// Puts a line of the test's own ledger where it belongs in time. Whatever it says must have been so before.
    pub fn note(&self, line: u64) {
        self.remember(|_| Op::Note(line));
    }

    /// Carries out these orders from now on, and no others; their counts begin now.
    pub fn order(&self, orders: Vec<Order>) {
        lock(&self.inner).orders = orders.into_iter().map(|order| (order, 0)).collect();
    }

    /// Orders that were carried out so far.
    pub fn hits(&self) -> u64 {
        lock(&self.inner).hits
    }

    /// Adds to the recording, where there is one, and gives the number of the sync that it may be.
    pub(crate) fn remember(&self, op: impl FnOnce(u64) -> Op) -> u64 {
        let mut inner = lock(&self.inner);
        let Some(recording) = &mut inner.recording else { return 0 };
        recording.syncs += 1;
        let sync = recording.syncs;
        recording.ops.push(op(sync));
        sync
    }

    /// What shall happen at this call. A kill does not return.
    pub(crate) fn decide(&self, call: &Call, which: Which) -> Option<Then> {
        let mut inner = lock(&self.inner);
        let mut decided = None;
        for (order, seen) in &mut inner.orders {
            if order.call != *call || (order.which != Which::Any && order.which != which) {
                continue;
            }
            *seen += 1;
            if *seen >= order.from && *seen - order.from < order.times {
                decided = Some(order.then);
            }
        }
        inner.hits += u64::from(decided.is_some());
        drop(inner);
        if decided == Some(Then::Kill) {
            die();
        }
        decided
    }
}

/// The program passes a named point, where it may be told to end.
pub fn point(name: &str) {
    let disk = lock(&EVERYWHERE).clone();
    if let Some(disk) = disk {
        disk.decide(&Call::Point(name.to_owned()), Which::Any);
    }
}

/// Takes orders for every store of this process from a file, now and whenever it changes. A file beside it, with
/// `.taken` behind its name, holds those that are in force. Orders that cannot be read are left unheard.
pub fn follow(file: PathBuf) {
    let disk = Arc::new(Disk::default());
    *lock(&EVERYWHERE) = Some(Arc::clone(&disk));
    let mut taken = file.clone().into_os_string();
    taken.push(".taken");
    let mut before = take(&disk, &file, Path::new(&taken), None);
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(LOOK_EVERY);
            before = take(&disk, &file, Path::new(&taken), Some(&before));
        }
    });
}

fn take(disk: &Disk, file: &Path, taken: &Path, before: Option<&str>) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    if before.is_none_or(|before| before != text)
        && let Ok(orders) = parse(&text)
    {
        disk.order(orders);
        // Whoever waits for it waits in vain, and says so.
        drop(std::fs::write(taken, &text));
    }
    text
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn die() -> ! {
    #[cfg(unix)]
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap_or_default();
    // The signal takes a moment to arrive.
    std::process::abort()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use rusqlite::{Connection, ErrorCode};
    use tempfile::TempDir;

    use super::*;
    use crate::power::Cut;

    fn database() -> (TempDir, Arc<Disk>, Connection) {
        crate::install();
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::at(folder.path()).unwrap();
        disk.record();
        let conn = Connection::open(folder.path().join("a.db")).unwrap();
        let mode: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        conn.execute_batch("PRAGMA synchronous = FULL; CREATE TABLE t (x)").unwrap();
        (folder, disk, conn)
    }

    fn rows(folder: &Path) -> i64 {
        let conn = Connection::open(folder.join("a.db")).unwrap();
        conn.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_was_committed_is_there_after_a_loss_of_power_at_any_later_moment() {
        let (_folder, disk, conn) = database();
        for n in 0..20_u32 {
            conn.execute("INSERT INTO t VALUES (?1)", [n]).unwrap();
            disk.note(u64::from(n));
        }
        let recording = disk.recorded();
        let mut chance = fastrand::Rng::with_seed(7);
        let mut cut = Cut::of(&recording);
        let mut notes = 0;
        for (at, op) in recording.ops.iter().enumerate() {
            notes += i64::from(matches!(op, Op::Note(_)));
            if notes == 0 {
                continue;
            }
            let elsewhere = tempfile::tempdir().unwrap();
            for (name, bytes) in cut.at(at + 1, &mut chance) {
                std::fs::write(elsewhere.path().join(&*name), bytes).unwrap();
            }
            let rows = rows(elsewhere.path());
            assert!(rows == notes || rows == notes + 1, "{rows} rows, {notes} noted");
        }
        assert_eq!(notes, 20);
    }

    #[test]
    fn a_disk_refuses_what_it_is_told_to_and_nothing_else() {
        let (folder, disk, conn) = database();
        let insert = || conn.execute("INSERT INTO t VALUES (1)", []);
        disk.order(vec![Order::once(Call::Sync, Which::Log, 2, Then::Refuse)]);
        insert().unwrap();
        assert_eq!(insert().unwrap_err().sqlite_error_code(), Some(ErrorCode::SystemIoFailure));
        assert_eq!(disk.hits(), 1);
        insert().unwrap();
        disk.order(vec![Order::forever(Call::Write, Which::Log, 1, Then::Full)]);
        for _ in 0..3 {
            assert_eq!(insert().unwrap_err().sqlite_error_code(), Some(ErrorCode::DiskFull));
        }
        disk.order(Vec::new());
        insert().unwrap();
        assert!(rows(folder.path()) >= 3);
    }

    #[test]
    fn orders_that_are_taken_from_a_file_are_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("orders");
        follow(file.clone());
        std::fs::write(&file, "point nowhere 1 kill").unwrap();
        let taken = folder.path().join("orders.taken");
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while std::fs::read_to_string(&taken).unwrap_or_default() != "point nowhere 1 kill" {
            assert!(std::time::Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(5));
        }
        point("elsewhere");
    }
}
