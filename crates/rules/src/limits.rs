//! Every limit that is not a setting, with its unit in its name.

/// Bytes of a notification's body that Waypost takes by default. Meta's own limit is 3 MB.
pub const BODY_BYTES_DEFAULT: usize = 4 * 1024 * 1024;
/// Seconds in which the headers of a request must have arrived.
pub const HEADER_TIMEOUT_SECONDS: u64 = 10;
/// Seconds in which the body of a request must have arrived.
pub const BODY_TIMEOUT_SECONDS: u64 = 20;
/// Milliseconds that a notification may wait for its commit to begin before it is refused with 503.
pub const COMMIT_QUEUE_MS: u64 = 1_000;
/// Events that one transaction commits at most (a single notification may exceed it alone).
pub const COMMIT_EVENTS_MAX: usize = 1_000;
/// Bytes of bodies that one transaction commits at most (a single notification may exceed it alone).
pub const COMMIT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Days that a key is kept after the last event of its partition arrived. Meta retries for 7.
pub const KEY_DAYS_DEFAULT: u32 = 8;
/// Rows on one page of the API.
pub const PAGE_ROWS_MAX: usize = 500;
/// Bytes of an endpoint's failed answer that are read and kept, unless its policy says otherwise.
pub const RESPONSE_SNIPPET_BYTES_DEFAULT: usize = 1_024;
/// Bytes of an endpoint's failed answer that a policy may keep at most.
pub const RESPONSE_SNIPPET_BYTES_MAX: usize = 4_096;
/// Ids that one replay names at most.
pub const REPLAY_IDS_MAX: usize = 1_000;
/// Deliveries or events that one replay repeats at most.
pub const REPLAY_ITEMS_MAX: u64 = 10_000_000;
/// Replays that are not over, at most.
pub const REPLAYS_OPEN_MAX: usize = 100;
/// Replays that are kept, the ones that are over included.
pub const REPLAYS_KEPT_MAX: usize = 10_000;
/// Deliveries that a replay is ahead of an endpoint at most, so that live traffic never waits behind more.
pub const REPLAY_OWED_MAX: usize = 500;
/// Labels on WABAs and numbers, all together.
pub const LABELS_MAX: usize = 200_000;
/// Endpoints that one store holds at most.
pub const ENDPOINTS_MAX: usize = 50_000;
