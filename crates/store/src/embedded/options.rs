//! How an embedded store is opened.

use std::path::PathBuf;
use std::time::Duration;

/// Options of [`super::Embedded::open`].
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The store's folder; made where there is none.
    pub folder: PathBuf,
    /// Batches that may wait for the writer.
    pub queue_jobs_max: usize,
    /// Bytes of bodies that may wait for the writer.
    pub queue_bytes_max: usize,
    /// Owed deliveries held in memory for each endpoint; the rest stays on disk.
    pub window: usize,
    /// Of them of one lane.
    pub lane_window: usize,
    /// Owed deliveries held in memory in all.
    pub board_max: usize,
    /// Events whose keys and names are sealed as one segment. About twice as many are held in memory, at 140 bytes each.
    pub segment_events: usize,
    /// Bytes of newly committed payloads held in memory for their senders.
    pub fresh_bytes_max: usize,
    /// Bytes of disk held for the time when there are no others, see `reserve`; None: a 16th of the volume, 64 MiB at most.
    pub reserve_bytes: Option<u64>,
    /// The least time between two steps (of a day at most) of retention's own clock.
    pub retention_step_min: Duration,
}

impl EmbeddedOptions {
    /// The defaults, for this folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            queue_jobs_max: 4_096,
            queue_bytes_max: 64 * 1024 * 1024,
            window: 10_000,
            lane_window: 32,
            board_max: 200_000,
            segment_events: 131_072,
            fresh_bytes_max: 32 * 1024 * 1024,
            // The tests of this crate open thousands of stores in memory.
            reserve_bytes: if cfg!(test) { Some(0) } else { None },
            retention_step_min: Duration::from_secs(3_600),
        }
    }
}
