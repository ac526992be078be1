//! Room on the disk for the time when there is none: a file that holds it, and is given back.
//!
//! On a full disk nothing can be taken, but what was taken must go on: deliveries end, and that is written; retention
//! drops bodies; the log is copied. All of that needs a little room before it gives some back. So a file of a few
//! megabytes holds it while there is enough, is removed when the disk is full, and is made again when there is room for
//! it twice, so that taking does not begin anew only to end at once.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const NAME: &str = "waypost.reserve";
/// The share of the volume that is held.
const VOLUME_SHARE: u64 = 16;
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The reserve of one store.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    /// None: a share of the volume.
    bytes: Option<u64>,
}

impl Reserve {
    pub(super) fn new(folder: &Path, bytes: Option<u64>) -> Self {
        Self { path: folder.join(NAME), bytes }
    }

    /// How much it holds on a volume of this size.
    pub(super) fn bytes(&self, volume_bytes: u64) -> u64 {
        self.bytes.unwrap_or_else(|| (volume_bytes / VOLUME_SHARE).min(BYTES_MAX))
    }

    /// Takes the room. An error when there is none.
    pub(super) fn hold(&self, volume_bytes: u64) -> io::Result<()> {
        let bytes = self.bytes(volume_bytes);
        if bytes == 0 {
            return Ok(());
        }
        let file = File::options().create(true).truncate(false).write(true).open(&self.path)?;
        let held = fill(&file, bytes);
        if held.is_err() {
            self.give_back();
        }
        held
    }

    /// Gives the room to who needs it now.
    pub(super) fn give_back(&self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the room that was held for a full disk could not be given back");
            }
            _ => {}
        }
    }
}

/// Makes the file this large, and all of it the file's own.
#[cfg(target_os = "linux")]
fn fill(file: &File, bytes: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => fill_with_nothing(file, bytes),
        done => Ok(done?),
    }
}

#[cfg(not(target_os = "linux"))]
fn fill(file: &File, bytes: u64) -> io::Result<()> {
    fill_with_nothing(file, bytes)
}

fn fill_with_nothing(mut file: &File, bytes: u64) -> io::Result<()> {
    let held = file.metadata()?.len();
    io::Seek::seek(&mut file, io::SeekFrom::Start(held))?;
    io::copy(&mut io::Read::take(io::repeat(0), bytes.saturating_sub(held)), &mut file).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn it_holds_what_it_says_in_either_way_and_gives_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::new(folder.path(), Some(100_000));
        let length = || fs::metadata(folder.path().join(NAME)).map(|file| file.len()).ok();
        reserve.hold(0).unwrap();
        reserve.hold(0).unwrap();
        assert_eq!(length(), Some(100_000));
        reserve.give_back();
        reserve.give_back();
        assert_eq!(length(), None);
        let file = File::create(folder.path().join(NAME)).unwrap();
        fill_with_nothing(&file, 70_000).unwrap();
        fill_with_nothing(&file, 90_000).unwrap();
        assert_eq!(length(), Some(90_000));
        assert_eq!(Reserve::new(folder.path(), None).bytes(64 << 20), 4 << 20);
        assert_eq!(Reserve::new(folder.path(), None).bytes(1 << 40), BYTES_MAX);
    }
}
