//! Options on how an endpoint's deliveries are tried.

use clap::Args;

/// A policy. What is not given is as the preset has it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Policy")]
pub(crate) struct PolicyOptions {
    /// How deliveries are tried: `standard`, `meta`, `8x8` [default: standard]; forgets the policy that was there
    #[arg(long, value_name = "PRESET")]
    pub(crate) policy: Option<String>,
    /// Gaps after failures, the last one repeated: `5s,1m,1h`
    #[arg(long, value_name = "DURATIONS", value_delimiter = ',')]
    pub(crate) gaps: Option<Vec<String>>,
    /// Growing gaps instead: the first, the factor, the longest: `5s,2,1h`
    #[arg(long, value_name = "FIRST,FACTOR,MAX", conflicts_with = "gaps")]
    pub(crate) backoff: Option<String>,
    /// Attempts at most
    #[arg(long, value_name = "N")]
    pub(crate) attempts_max: Option<u32>,
    /// No attempt is made later than this after the first one
    #[arg(long, value_name = "DURATION")]
    pub(crate) give_up_after: Option<String>,
    /// By how much chance may lengthen a gap
    #[arg(long, value_name = "PERCENT")]
    pub(crate) jitter_percent: Option<u8>,
    /// Time for a connection: name, TCP and TLS
    #[arg(long, value_name = "DURATION")]
    pub(crate) connect_timeout: Option<String>,
    /// Time for the whole attempt: 100ms to 60s
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
    /// Statuses that accept a delivery: `200,202-204` or `2xx`
    #[arg(long, value_name = "STATUSES", value_delimiter = ',')]
    pub(crate) success: Option<Vec<String>>,
    /// Statuses after which no further attempt is made
    #[arg(long = "final", value_name = "STATUSES", value_delimiter = ',')]
    pub(crate) last: Option<Vec<String>>,
    /// Statuses after which a delivery is tried again; all others are final
    #[arg(long, value_name = "STATUSES", value_delimiter = ',')]
    pub(crate) retry: Option<Vec<String>>,
    /// Whether Retry-After on 429 and 503 is obeyed
    #[arg(long, value_name = "BOOL")]
    pub(crate) retry_after: Option<bool>,
    /// Whether 410 disables the endpoint
    #[arg(long, value_name = "BOOL")]
    pub(crate) gone_disables: Option<bool>,
    /// Bytes of a failed answer that are kept with the attempt
    #[arg(long, value_name = "BYTES")]
    pub(crate) snippet_bytes: Option<usize>,
}
