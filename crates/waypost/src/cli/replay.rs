//! Arguments of `replay`.

use clap::{Args, Subcommand};

use super::GatewayArgs;

const EXAMPLES: &str = "\
Examples:
  waypost replay --endpoint crm --since 2h --dry-run
  waypost replay start rpl_7
  waypost replay --endpoint crm --since 2026-03-01T10:00:00Z --until 2026-03-01T12:00:00Z --per-second 50 --yes
  waypost replay --unrouted --to bot
  waypost replay --event evt_0123456789abcdef0123456789abcdef --include-accepted --as-new
  waypost replay list

What matches is counted first, and the count holds: what arrives or ends later is none of it. Deliveries that are dead or \
were skipped are repeated; what the receiving endpoint accepted only with --include-accepted, and what it is still owed \
never.";

/// Arguments of `replay`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ReplayCommand>,
    #[command(flatten)]
    pub(crate) make: ReplayMakeArgs,
}

/// What is done with replays that were made.
#[derive(Debug, Subcommand)]
pub(crate) enum ReplayCommand {
    /// List the replays, newest first
    List(ReplayListArgs),
    /// Show a replay: what was asked for, who did what, and what its deliveries are now
    Show(ReplayOneArgs),
    /// Start a replay that was only counted, or resume one that is paused
    Start(ReplayOneArgs),
    /// Pause a replay: it makes no more deliveries until it is started again
    Pause(ReplayOneArgs),
    /// Cancel a replay; what it has made and is still owed is given up
    Cancel(ReplayOneArgs),
}

/// Arguments of `replay list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost replay list --limit 5")]
pub(crate) struct ReplayListArgs {
    /// Rows at most
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// One replay.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost replay show rpl_7")]
pub(crate) struct ReplayOneArgs {
    /// The replay's id, rpl_…
    #[arg(value_name = "REPLAY")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// What to repeat, and how.
#[derive(Debug, Args)]
pub(crate) struct ReplayMakeArgs {
    /// Only deliveries to this endpoint
    #[arg(long, value_name = "ID")]
    pub(crate) endpoint: Option<String>,
    /// Send them to this endpoint, instead of where they went
    #[arg(long, value_name = "ID")]
    pub(crate) to: Option<String>,
    /// Only deliveries in this state; may be repeated [default: dead and skipped]
    #[arg(long, value_parser = ["dead", "skipped"])]
    pub(crate) state: Vec<String>,
    /// Also deliveries that were accepted
    #[arg(long)]
    pub(crate) include_accepted: bool,
    /// Events that matched no endpoint
    #[arg(long, requires = "to", conflicts_with_all = ["endpoint", "state", "delivery", "all_events"])]
    pub(crate) unrouted: bool,
    /// Events whatever they matched
    #[arg(long, requires = "to", conflicts_with_all = ["endpoint", "state", "delivery"])]
    pub(crate) all_events: bool,
    /// Only events of this app
    #[arg(long, value_name = "NAME")]
    pub(crate) app: Option<String>,
    /// Only events of this field
    #[arg(long)]
    pub(crate) field: Option<String>,
    /// Only events of this type; `*` at the end for the rest
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) event_type: Option<String>,
    /// Only events of this WABA
    #[arg(long, value_name = "ID")]
    pub(crate) waba: Option<String>,
    /// Only events of this business number
    #[arg(long, value_name = "ID")]
    pub(crate) phone_number_id: Option<String>,
    /// Only events that arrived at or after: 2026-03-01T10:00:00Z, or how long ago: 90m, 2days
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only events that arrived before
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only this event; may be repeated
    #[arg(long, value_name = "EVENT")]
    pub(crate) event: Vec<String>,
    /// Only this delivery, by its number; may be repeated
    #[arg(long, value_name = "NUMBER")]
    pub(crate) delivery: Vec<i64>,
    /// Give each a fresh webhook-id, for receivers that would drop the repeat
    #[arg(long)]
    pub(crate) as_new: bool,
    /// Deliveries a second at most
    #[arg(long, value_name = "N")]
    pub(crate) per_second: Option<u32>,
    /// Only count; `waypost replay start` repeats exactly what was counted
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(short, long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    /// Wait until all its deliveries are made
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}
