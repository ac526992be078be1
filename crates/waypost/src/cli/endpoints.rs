//! Arguments of `endpoints` and `apply`.

mod form;

use clap::{Args, Subcommand};

pub(crate) use self::form::{FormOptions, RotateSecretArgs};
use super::{GatewayArgs, PolicyOptions};

const ENDPOINTS_EXAMPLES: &str = "\
Examples:
  waypost endpoints add --id crm --to https://crm.example.com/webhook --hub-secret env:APP_SECRET
  waypost endpoints add --id bot --to https://bot.example.com/in --format waypost --type 'messages.*' --no-tests
  waypost endpoints list
  waypost endpoints update crm --to https://new.example.com/webhook
  waypost endpoints update crm --policy meta --timeout 10s
  waypost endpoints rotate-secret crm --overlap 7d
  waypost endpoints pause crm
  waypost endpoints remove crm";

const APPLY_EXAMPLES: &str = "\
Examples:
  waypost apply --plan -c waypost.toml
  waypost apply -c waypost.toml
  waypost apply --prune

An endpoint that is declared no longer is paused; with --prune it is removed, and what it is owed ends as dead. \
Endpoints that were made by the API or by `waypost endpoints add` are left alone.

With --plan the exit code is 0 when nothing would change, and 7 when something would.";

/// Arguments of `endpoints`.
#[derive(Debug, Args)]
#[command(after_help = ENDPOINTS_EXAMPLES)]
pub(crate) struct EndpointsArgs {
    #[command(subcommand)]
    pub(crate) command: EndpointsCommand,
}

/// What `endpoints` does.
#[derive(Debug, Subcommand)]
pub(crate) enum EndpointsCommand {
    /// List the endpoints
    #[command(after_help = "Example:\n  waypost endpoints list --json | jq 'select(.owed > 0)'")]
    List(EndpointsListArgs),
    /// Show one endpoint
    #[command(after_help = "Example:\n  waypost endpoints show crm")]
    Show(EndpointArgs),
    /// Make an endpoint
    Add(Box<EndpointsAddArgs>),
    /// Change an endpoint; what is not given stays as it is
    Update(Box<EndpointsUpdateArgs>),
    /// Remove an endpoint; what it is owed ends as dead
    #[command(after_help = "Example:\n  waypost endpoints remove crm --yes")]
    Remove(EndpointsRemoveArgs),
    /// Give an endpoint a new webhook secret; the one before signs as well for a while
    RotateSecret(RotateSecretArgs),
    /// Pause an endpoint: what it is owed waits
    #[command(after_help = "Example:\n  waypost endpoints pause crm")]
    Pause(EndpointArgs),
    /// Resume an endpoint that is paused, suspended or disabled
    #[command(after_help = "Example:\n  waypost endpoints resume crm")]
    Resume(EndpointArgs),
    /// Send a test event to one endpoint alone, and tell its outcome
    #[command(after_help = "Example:\n  waypost endpoints test crm")]
    Test(EndpointArgs),
    /// Say for each endpoint why it gets an event or not
    #[command(after_help = "Example:\n  waypost endpoints explain evt_0123456789abcdef0123456789abcdef")]
    Explain(EndpointsExplainArgs),
}

/// Arguments of `endpoints explain`.
#[derive(Debug, Args)]
pub(crate) struct EndpointsExplainArgs {
    /// The event's id, evt_…
    #[arg(value_name = "EVENT")]
    pub(crate) event: String,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `endpoints list`.
#[derive(Debug, Args)]
pub(crate) struct EndpointsListArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// One endpoint.
#[derive(Debug, Args)]
pub(crate) struct EndpointArgs {
    /// The endpoint's id
    #[arg(value_name = "ENDPOINT")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `endpoints add`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost endpoints add --id crm --to https://crm.example.com/webhook --hub-secret \
                        env:APP_SECRET\n\nThe webhook secret that is made up is shown this once.")]
pub(crate) struct EndpointsAddArgs {
    /// Where deliveries go: https://…, or http://… where the gateway's allowlist permits it
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Its id: letters, digits, `-`, `_`, `.` [default: made up]
    #[arg(long)]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) options: EndpointOptions,
    /// Make it paused: it is owed what matches, and gets it when it is resumed
    #[arg(long)]
    pub(crate) paused: bool,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `endpoints update`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  waypost endpoints update crm --to https://new.example.com/webhook\n  waypost \
                        endpoints update crm --everything --ordered")]
pub(crate) struct EndpointsUpdateArgs {
    /// The endpoint's id
    #[arg(value_name = "ENDPOINT")]
    pub(crate) id: String,
    /// Where deliveries go from now on, those that are owed already too
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) options: EndpointOptions,
    /// Wants everything from now on
    #[arg(long, conflicts_with_all = ["field", "event_type", "app", "waba", "phone_number_id", "label", "no_tests"])]
    pub(crate) everything: bool,
    /// Keep the order of lanes
    #[arg(long, conflicts_with = "unordered")]
    pub(crate) ordered: bool,
    /// No longer overrides: gets what it wants beside the others
    #[arg(long, conflicts_with = "override")]
    pub(crate) no_override: bool,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// What `add` and `update` share. The options on what it wants make one rule: an event must fit all of them.
#[derive(Debug, Default, Args)]
pub(crate) struct EndpointOptions {
    /// The body that it gets: `meta` (Meta's own envelope), `waypost`, `cloudevents`, `8x8`, `raw` [default: meta]
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// Wants this field; `*` at the end for the rest, `!` in front to exclude; may be repeated
    #[arg(long)]
    pub(crate) field: Vec<String>,
    /// Wants this type; the same
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) event_type: Vec<String>,
    /// Wants this app; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) app: Vec<String>,
    /// Wants this WABA; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) waba: Vec<String>,
    /// Wants this business number; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) phone_number_id: Vec<String>,
    /// Wants the WABAs and numbers that bear this label (`waypost labels`); may be repeated
    #[arg(long, value_name = "LABEL")]
    pub(crate) label: Vec<String>,
    /// Of all that override, the most narrowly named one alone gets an event: number, then WABA, then app
    #[arg(long)]
    pub(crate) r#override: bool,
    /// Wants no dashboard tests
    #[arg(long)]
    pub(crate) no_tests: bool,
    /// Signs X-Hub-Signature-256, often the app secret: `env:NAME`, `file:PATH`, `-`, or the secret itself
    #[arg(long, value_name = "SECRET")]
    pub(crate) hub_secret: Option<String>,
    /// Signs webhook-signature (Standard Webhooks): the same; whsec_… [default: made up]
    #[arg(long, value_name = "SECRET")]
    pub(crate) webhook_secret: Option<String>,
    /// Whose it is
    #[arg(long)]
    pub(crate) owner: Option<String>,
    /// Do not keep the order of lanes
    #[arg(long)]
    pub(crate) unordered: bool,
    /// Requests in flight to it at most [default: 16]
    #[arg(long, value_name = "N")]
    pub(crate) concurrency_max: Option<u32>,
    /// Requests begun in a second at most [default: as many as it takes]
    #[arg(long, value_name = "N")]
    pub(crate) rate_per_second_max: Option<u32>,
    /// Owed for longer than this, a delivery ends as dead [default: 7 days beyond the policy]
    #[arg(long, value_name = "DURATION")]
    pub(crate) backlog_age_max: Option<String>,
    /// Share of the store that what it is owed may keep alive, in per cent [default: 25]
    #[arg(long, value_name = "PERCENT")]
    pub(crate) backlog_share_max: Option<u8>,
    /// How long a refused delivery holds its lane: a duration like 5m, or `forever` [default: 5m]
    #[arg(long, value_name = "DURATION")]
    pub(crate) lane_hold: Option<String>,
    #[command(flatten)]
    pub(crate) policy: PolicyOptions,
    #[command(flatten)]
    pub(crate) form: FormOptions,
}

/// Arguments of `endpoints remove`.
#[derive(Debug, Args)]
pub(crate) struct EndpointsRemoveArgs {
    /// The endpoint's id
    #[arg(value_name = "ENDPOINT")]
    pub(crate) id: String,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `apply`.
#[derive(Debug, Args)]
#[command(after_help = APPLY_EXAMPLES)]
pub(crate) struct ApplyArgs {
    /// Only tell what would be done
    #[arg(long)]
    pub(crate) plan: bool,
    /// Remove what is declared no longer, instead of pausing it
    #[arg(long)]
    pub(crate) prune: bool,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}
