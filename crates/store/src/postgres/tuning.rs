//! How much a node keeps in memory, and how long its leases last.

use std::time::Duration;

/// What one node of a PostgreSQL store may be told.
#[derive(Debug, Clone)]
pub struct PostgresTuning {
    /// The node's name. At most one process runs under a name: a new one takes the place of the one before it at once,
    /// instead of waiting for its lease to end. None: a node without a name.
    pub node: Option<String>,
    /// For how long a node holds its endpoints after it was last heard of. Requests that are under way when it ends are aborted.
    pub lease: Duration,
    /// Between two looks at what other nodes wrote.
    pub poll: Duration,
    /// Batches that may wait for their commit.
    pub queue_jobs_max: usize,
    /// Bytes of bodies that may wait for their commit.
    pub queue_bytes_max: usize,
    /// Transactions of one node that commit at once.
    pub committers: usize,
    /// Owed deliveries held in memory for each endpoint; the rest stays in the database.
    pub window: usize,
    /// Of them of one lane.
    pub lane_window: usize,
    /// Owed deliveries held in memory in all.
    pub board_max: usize,
    /// Bytes of payloads held in memory for their senders.
    pub payload_bytes_max: usize,
    /// The least time between two steps (of a day at most) of retention's own clock.
    pub retention_step_min: Duration,
}

impl Default for PostgresTuning {
    fn default() -> Self {
        Self {
            node: None,
            lease: Duration::from_secs(10),
            poll: Duration::from_millis(50),
            queue_jobs_max: 4_096,
            queue_bytes_max: 64 * 1024 * 1024,
            committers: 2,
            window: 10_000,
            lane_window: 32,
            board_max: 200_000,
            payload_bytes_max: 48 * 1024 * 1024,
            retention_step_min: Duration::from_secs(3_600),
        }
    }
}
