//! The layer itself. Every function hands on to the system's own, which SQLite had before.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock};

use rusqlite::ffi;

use crate::disk::Disk;
use crate::orders::{Call, Then, Which};
use crate::record::Op;

const NAME: &CStr = c"testdisk";

static ONCE: Once = Once::new();
static REAL: OnceLock<Real> = OnceLock::new();

/// The system's layer.
struct Real(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite's own layers are registered once, never change, and may be used from every thread.
unsafe impl Send for Real {}
// SAFETY: as above.
unsafe impl Sync for Real {}

/// A file as SQLite holds it: its memory is SQLite's, the system's own file lies right behind.
#[repr(C, align(8))]
struct File {
    base: ffi::sqlite3_file,
    about: *mut About,
}

struct About {
    disk: Arc<Disk>,
    name: Arc<str>,
    which: Which,
    /// Frames of a log were written and not synced since.
    frames: AtomicBool,
}

/// Makes this the layer of every SQLite file that this process opens from now on. More than once does no harm.
pub fn install() {
    ONCE.call_once(|| {
        // SAFETY: initialising SQLite and asking for its default layer need nothing; the layer lives for ever.
        let real = unsafe {
            ffi::sqlite3_initialize();
            ffi::sqlite3_vfs_find(std::ptr::null())
        };
        // SAFETY: what SQLite gave is a layer or null.
        let Some(mut ours) = (unsafe { real.as_ref() }).copied() else { return };
        let head = c_int::try_from(size_of::<File>()).unwrap_or(c_int::MAX);
        ours.szOsFile += head;
        ours.pNext = std::ptr::null_mut();
        ours.zName = NAME.as_ptr();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        drop(REAL.set(Real(real)));
        // SAFETY: a layer must live as long as the process, and a leaked box does.
        unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 1) };
    });
}

fn real_vfs() -> *mut ffi::sqlite3_vfs {
    REAL.get().map_or(std::ptr::null_mut(), |real| real.0)
}

/// The system's file behind ours.
fn behind(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // It is only an address: `szOsFile` made room for both.
    file.wrapping_byte_add(size_of::<File>())
}

/// # Safety
///
/// The file was opened by [`open`] and is not closed.
unsafe fn about<'f>(file: *mut ffi::sqlite3_file) -> &'f About {
    // SAFETY: by what the caller promises, `open` has put it there.
    unsafe { &*(*file.cast::<File>()).about }
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let real = real_vfs();
    // SAFETY: SQLite gives memory of `szOsFile` bytes, and the rest as the system's function wants it.
    unsafe {
        (*file).pMethods = std::ptr::null();
        let Some(call) = (*real).xOpen else { return ffi::SQLITE_CANTOPEN };
        let opened = call(real, name, behind(file), flags, out_flags);
        if opened != ffi::SQLITE_OK {
            return opened;
        }
        let path = if name.is_null() { None } else { CStr::from_ptr(name).to_str().ok() };
        let path = Path::new(path.unwrap_or_default());
        let which = match flags {
            flags if flags & ffi::SQLITE_OPEN_WAL != 0 => Which::Log,
            flags if flags & ffi::SQLITE_OPEN_MAIN_DB != 0 => Which::Main,
            _ => Which::Any,
        };
        let about = Disk::of_file(path).map_or(std::ptr::null_mut(), |disk| {
            Box::into_raw(Box::new(About { disk, name: file_name(path), which, frames: AtomicBool::new(false) }))
        });
        (*file.cast::<File>()).about = about;
        (*file).pMethods = if about.is_null() { &raw const PLAIN } else { &raw const WATCHED };
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    let real = real_vfs();
    // SAFETY: SQLite gives a path that ends in a zero.
    let (deleted, path) = unsafe {
        let Some(call) = (*real).xDelete else { return ffi::SQLITE_IOERR };
        (call(real, name, sync_folder), CStr::from_ptr(name).to_str().unwrap_or_default())
    };
    let path = Path::new(path);
    if deleted == ffi::SQLITE_OK
        && let Some(disk) = Disk::of_file(path)
    {
        disk.remember(|_| Op::Removed { file: file_name(path) });
    }
    deleted
}

fn file_name(path: &Path) -> Arc<str> {
    Arc::from(path.file_name().and_then(|name| name.to_str()).unwrap_or_default())
}

/// Hands a call on to the system's file.
macro_rules! hand_on {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $argument: $type)*) -> c_int {
                let file = behind(file);
                // SAFETY: SQLite calls this for files that `open` opened, with what the system's function wants.
                unsafe { (*(*file).pMethods).$method.map_or(ffi::SQLITE_IOERR, |call| call(file $(, $argument)*)) }
            }
        )*
    };
}

hand_on! {
    read = xRead(to: *mut c_void, count: c_int, at: ffi::sqlite3_int64);
    real_write = xWrite(from: *const c_void, count: c_int, at: ffi::sqlite3_int64);
    real_truncate = xTruncate(length: ffi::sqlite3_int64);
    real_sync = xSync(flags: c_int);
    real_close = xClose();
    file_size = xFileSize(size: *mut ffi::sqlite3_int64);
    lock = xLock(level: c_int);
    unlock = xUnlock(level: c_int);
    check_reserved_lock = xCheckReservedLock(out: *mut c_int);
    file_control = xFileControl(what: c_int, argument: *mut c_void);
    sector_size = xSectorSize();
    device_characteristics = xDeviceCharacteristics();
    shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void);
    shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int);
    shm_unmap = xShmUnmap(delete: c_int);
    fetch = xFetch(at: ffi::sqlite3_int64, count: c_int, out: *mut *mut c_void);
    unfetch = xUnfetch(at: ffi::sqlite3_int64, from: *mut c_void);
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    let file = behind(file);
    // SAFETY: as for all that is handed on.
    unsafe {
        if let Some(call) = (*(*file).pMethods).xShmBarrier {
            call(file);
        }
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once, and uses it no more; a null is a file that nobody watches.
    unsafe {
        let about = (*file.cast::<File>()).about;
        if !about.is_null() {
            drop(Box::from_raw(about));
        }
        real_close(file)
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open; the bytes are `count` long, as SQLite says.
    unsafe {
        let About { disk, name, which, frames } = about(file);
        // A log begins with a header, which is synced by itself.
        frames.store(*which == Which::Log && at > 0, Ordering::Relaxed);
        let length = usize::try_from(count).unwrap_or(0);
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), length);
        let begun = || if *which == Which::Log && at == 0 { disk.decide(&Call::LogBegun, *which) } else { None };
        let refused = match disk.decide(&Call::Write, *which).or_else(begun) {
            None | Some(Then::Skip | Then::Kill) => None,
            Some(Then::Refuse) => return ffi::SQLITE_IOERR_WRITE,
            Some(Then::Full) => return ffi::SQLITE_FULL,
            Some(Then::Half) => Some(ffi::SQLITE_IOERR_WRITE),
        };
        let bytes = if refused.is_some() { bytes.get(..length / 2).unwrap_or_default() } else { bytes };
        let count = c_int::try_from(bytes.len()).unwrap_or(0);
        let written = real_write(file, from, count, at);
        // Afterwards: a sync that began meanwhile may have missed it.
        let at = u64::try_from(at).unwrap_or(0);
        disk.remember(|_| Op::Write { file: Arc::clone(name), at, bytes: bytes.to_vec() });
        refused.unwrap_or(written)
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    unsafe {
        let About { disk, name, which, .. } = about(file);
        match disk.decide(&Call::Truncate, *which) {
            None | Some(Then::Skip | Then::Kill) => {}
            Some(Then::Full) => return ffi::SQLITE_FULL,
            Some(Then::Refuse | Then::Half) => return ffi::SQLITE_IOERR_TRUNCATE,
        }
        let cut = real_truncate(file, length);
        disk.remember(|_| Op::Truncate { file: Arc::clone(name), length: u64::try_from(length).unwrap_or(0) });
        cut
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the file is open.
    unsafe {
        let About { disk, name, which, frames } = about(file);
        let of_commit = frames.swap(false, Ordering::Relaxed);
        let of_commit = || if of_commit { disk.decide(&Call::SyncOfCommit, *which) } else { None };
        match disk.decide(&Call::Sync, *which).or_else(of_commit) {
            None | Some(Then::Kill) => {}
            Some(Then::Skip) => return ffi::SQLITE_OK,
            Some(Then::Refuse | Then::Half | Then::Full) => {
                disk.remember(|_| Op::SyncRefused { file: Arc::clone(name) });
                return ffi::SQLITE_IOERR_FSYNC;
            }
        }
        let began = disk.remember(|sync| Op::SyncBegan { file: Arc::clone(name), sync });
        let synced = real_sync(file, flags);
        if synced == ffi::SQLITE_OK {
            disk.remember(|_| Op::SyncEnded { file: Arc::clone(name), sync: began });
        }
        disk.decide(&Call::Synced, *which);
        synced
    }
}

const fn methods(watched: bool) -> ffi::sqlite3_io_methods {
    ffi::sqlite3_io_methods {
        iVersion: 3,
        xClose: Some(close),
        xRead: Some(read),
        xWrite: Some(if watched { write } else { real_write }),
        xTruncate: Some(if watched { truncate } else { real_truncate }),
        xSync: Some(if watched { sync } else { real_sync }),
        xFileSize: Some(file_size),
        xLock: Some(lock),
        xUnlock: Some(unlock),
        xCheckReservedLock: Some(check_reserved_lock),
        xFileControl: Some(file_control),
        xSectorSize: Some(sector_size),
        xDeviceCharacteristics: Some(device_characteristics),
        xShmMap: Some(shm_map),
        xShmLock: Some(shm_lock),
        xShmBarrier: Some(shm_barrier),
        xShmUnmap: Some(shm_unmap),
        xFetch: Some(fetch),
        xUnfetch: Some(unfetch),
    }
}

static WATCHED: ffi::sqlite3_io_methods = methods(true);
static PLAIN: ffi::sqlite3_io_methods = methods(false);
