//! How long the disk takes to promise something.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

const SYNCS: usize = 500;

/// Times of a sync in microseconds.
pub(crate) struct Sync {
    pub(crate) p50: u128,
    pub(crate) p99: u128,
}

/// Appends 4 KiB and syncs, again and again.
pub(crate) fn fdatasync_us(folder: &Path) -> std::io::Result<Sync> {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("sync"))?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&[7; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed().as_micros());
    }
    times.sort_unstable();
    let at = |share: usize| times.get(SYNCS * share / 100).copied().unwrap_or_default();
    Ok(Sync { p50: at(50), p99: at(99) })
}
