//! Arguments of the commands that look: `status`, `apps`, `events`, `deliveries`.

use clap::{Args, Subcommand};

use super::GatewayArgs;

const STATUS_EXAMPLES: &str = "\
Examples:
  waypost status
  waypost status --json | jq .endpoints
  waypost status --url https://waypost.example.com --api-key env:KEY";

const EVENTS_EXAMPLES: &str = "\
Examples:
  waypost events --type 'messages.*' --since 1h
  waypost events --unrouted --json | jq -r .id
  waypost events show evt_0123456789abcdef0123456789abcdef
  waypost events find +15551234567

Newest first. On a terminal it is a table; elsewhere tabs part the columns and there is no heading; \
--json prints one event a line, with its data.";

const DELIVERIES_EXAMPLES: &str = "\
Examples:
  waypost deliveries --endpoint crm --state dead
  waypost deliveries --event evt_0123456789abcdef0123456789abcdef
  waypost deliveries show 4711

Newest first.";

/// Rows at most in one listing.
const ROWS_MAX: u64 = 100_000;

fn rows() -> clap::builder::RangedU64ValueParser<usize> {
    clap::builder::RangedU64ValueParser::new().range(1..=ROWS_MAX)
}

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_help = STATUS_EXAMPLES)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `apps`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost apps")]
pub(crate) struct AppsArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `events`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EVENTS_EXAMPLES)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<EventsCommand>,
    #[command(flatten)]
    pub(crate) list: EventsListArgs,
}

/// What else `events` does than list.
#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Show one event with its data, its deliveries and the copies that differ from it
    Show(EventsShowArgs),
    /// Find everything about an event, a message, a call, a person or a number
    Find(EventsFindArgs),
}

/// Which events to list.
#[derive(Debug, Args)]
pub(crate) struct EventsListArgs {
    /// Only those of this app
    #[arg(long, value_name = "NAME")]
    pub(crate) app: Option<String>,
    /// Only those of this field
    #[arg(long)]
    pub(crate) field: Option<String>,
    /// Only those of this type; `*` at the end for the rest
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) event_type: Option<String>,
    /// Only those of this WABA
    #[arg(long, value_name = "ID")]
    pub(crate) waba: Option<String>,
    /// Only those of this business number
    #[arg(long, value_name = "ID")]
    pub(crate) phone_number_id: Option<String>,
    /// Only those that matched no endpoint
    #[arg(long)]
    pub(crate) unrouted: bool,
    /// Only those that arrived at or after: 2026-03-01T10:00:00Z, or how long ago: 90m, 2days
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only those that arrived before
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Rows at most
    #[arg(long, value_name = "N", default_value = "50", value_parser = rows())]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `events show`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost events show evt_0123456789abcdef0123456789abcdef")]
pub(crate) struct EventsShowArgs {
    /// The event's id, evt_…
    #[arg(value_name = "EVENT")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `events find`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  waypost events find wamid.HBgLMTY1…\n  waypost events find '+1 555 123 4567'")]
pub(crate) struct EventsFindArgs {
    /// An event id, a message or call id, a phone number, a user id, or a number's id
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `deliveries`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = DELIVERIES_EXAMPLES)]
pub(crate) struct DeliveriesArgs {
    #[command(subcommand)]
    pub(crate) command: Option<DeliveriesCommand>,
    #[command(flatten)]
    pub(crate) list: DeliveriesListArgs,
}

/// What else `deliveries` does than list.
#[derive(Debug, Subcommand)]
pub(crate) enum DeliveriesCommand {
    /// Show one delivery with its attempts
    Show(DeliveriesShowArgs),
    /// Try owed deliveries again at once
    #[command(
        after_help = "Examples:\n  waypost deliveries retry 4711 4712\n  waypost deliveries retry --endpoint crm"
    )]
    Retry(DeliveriesHandArgs),
    /// End owed deliveries as dead (given_up); they can be replayed
    #[command(
        after_help = "Examples:\n  waypost deliveries give-up 4711\n  waypost deliveries give-up --endpoint crm --yes"
    )]
    GiveUp(DeliveriesHandArgs),
}

/// Which deliveries to list.
#[derive(Debug, Args)]
pub(crate) struct DeliveriesListArgs {
    /// Only those to this endpoint
    #[arg(long, value_name = "ID")]
    pub(crate) endpoint: Option<String>,
    /// Only those of this event
    #[arg(long, value_name = "EVENT")]
    pub(crate) event: Option<String>,
    /// Only those in this state
    #[arg(long, value_parser = ["owed", "accepted", "dead", "skipped"])]
    pub(crate) state: Option<String>,
    /// Rows at most
    #[arg(long, value_name = "N", default_value = "50", value_parser = rows())]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `deliveries retry` and `deliveries give-up`.
#[derive(Debug, Args)]
pub(crate) struct DeliveriesHandArgs {
    /// The deliveries' numbers
    #[arg(value_name = "NUMBER", required_unless_present = "endpoint", conflicts_with = "endpoint")]
    pub(crate) numbers: Vec<i64>,
    /// All that this endpoint is owed
    #[arg(long, value_name = "ID")]
    pub(crate) endpoint: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `deliveries show`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost deliveries show 4711")]
pub(crate) struct DeliveriesShowArgs {
    /// The delivery's number
    pub(crate) number: i64,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}
