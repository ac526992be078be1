//! The arguments: what can be typed, and the help for it.

mod emulate;
mod endpoints;
mod fields;
mod gateway;
mod inspect;
mod labels;
mod lookups;
mod policy;
mod registers;
mod replay;
mod schema;
mod store;
mod trigger;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::exit::Exit;

pub(crate) use emulate::EmulateArgs;
pub(crate) use endpoints::{
    ApplyArgs, EndpointArgs, EndpointOptions, EndpointsAddArgs, EndpointsArgs, EndpointsCommand, EndpointsExplainArgs,
    EndpointsListArgs, EndpointsRemoveArgs, EndpointsUpdateArgs, FormOptions, RotateSecretArgs,
};
pub(crate) use fields::FieldsArgs;
pub(crate) use gateway::GatewayArgs;
pub(crate) use inspect::InspectArgs;
pub(crate) use labels::{LabelsArgs, LabelsClearArgs, LabelsCommand, LabelsListArgs, LabelsOn, LabelsSetArgs};
pub(crate) use lookups::{
    AppsArgs, DeliveriesArgs, DeliveriesCommand, DeliveriesHandArgs, DeliveriesListArgs, DeliveriesShowArgs,
    EventsArgs, EventsCommand, EventsFindArgs, EventsListArgs, EventsShowArgs, StatusArgs,
};
pub(crate) use policy::PolicyOptions;
pub(crate) use registers::{
    KeysArgs, KeysCommand, KeysCreateArgs, KeysListArgs, KeysRevokeArgs, NumbersArgs, NumbersCommand, NumbersListArgs,
    NumbersSetArgs,
};
pub(crate) use replay::{ReplayArgs, ReplayCommand, ReplayListArgs, ReplayMakeArgs, ReplayOneArgs};
pub(crate) use schema::SchemaArgs;
pub(crate) use store::{
    MigrateArgs, StoreArgs, StoreBackupArgs, StoreCheckArgs, StoreCommand, StoreCopyArgs, StoreRestoreArgs,
};
pub(crate) use trigger::{TriggerArgs, TriggerBodyArgs};
pub(crate) use verify::VerifyArgs;

/// A self-hosted gateway for WhatsApp Business Platform webhooks.
#[derive(Debug, Parser)]
#[command(name = "waypost", version, about, after_help = Exit::help(), disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch the whole thing run: gateway, sender and receiver on loopback, for some seconds
    Demo(DemoArgs),
    /// Run the gateway
    Serve(ServeArgs),
    /// Write a commented configuration
    Init(InitArgs),
    /// Say what a configuration means, or what is wrong with it
    Check(CheckArgs),
    /// Write a completion script for a shell
    Completions(CompletionsArgs),
    /// Be Meta: send webhooks by a scenario, retry them, answer Graph API calls; or make a load
    Emulate(Box<EmulateArgs>),
    /// Send webhooks of a type, signed as Meta signs them
    Trigger(TriggerArgs),
    /// Print the events in webhook bodies
    Inspect(InspectArgs),
    /// List the webhook fields and event types that are known
    Fields(FieldsArgs),
    /// Print the JSON Schemas of events
    Schema(SchemaArgs),
    /// Say whether a signature fits a body, and if not, which mistake explains it
    Verify(VerifyArgs),
    /// Show how the gateway is, on one screen
    Status(StatusArgs),
    /// List, show and find events
    Events(EventsArgs),
    /// List and show deliveries, try them again at once, give them up
    Deliveries(DeliveriesArgs),
    /// Send again what did not arrive, or what a new endpoint should have had
    Replay(Box<ReplayArgs>),
    /// List the Meta apps
    Apps(AppsArgs),
    /// Make, list and revoke API keys
    Keys(KeysArgs),
    /// List and set the directory of numbers
    Numbers(NumbersArgs),
    /// Hang labels on WABAs and numbers, for rules to name
    Labels(LabelsArgs),
    /// List, make, change, pause and remove endpoints
    Endpoints(EndpointsArgs),
    /// Put the endpoints that the configuration declares into the running gateway
    Apply(ApplyArgs),
    /// Check, back up and restore the store
    Store(StoreArgs),
    /// Take the store to the version of this program, without running a node on it
    Migrate(MigrateArgs),
}

/// Where the configuration is.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file [default: $WAYPOST_CONFIG, else waypost.toml where there is one]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The folder to write into
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Overwrite a configuration that is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Needs nothing and leaves nothing: no configuration is read, the system chooses the ports, the
store lies in a temporary folder. The documented webhooks and Meta's bad habits go through a
real gateway over real sockets; what arrives is verified, and the books are compared. When they
do not agree, it fails (1).")]
pub(crate) struct DemoArgs {
    /// Print only the summary
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Print only the summary, as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep the store in this folder, which must be empty or missing
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
    /// Lose one delivery on the receiver's side, to see that the books notice
    #[arg(long, hide = true)]
    pub(crate) lose_one: bool,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without a configuration the gateway runs in development mode on loopback, with a store in ./waypost-data and
generated secrets that survive a restart; everything that one needs to try it is printed.

Examples:
  waypost serve
  waypost serve --to http://localhost:3000/webhook    the whole set-up for one handler
  waypost serve --print | jq .type                    each event as one JSON line
  waypost serve -c waypost.toml")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Deliver everything to this URL, in Meta's own format, signed with the app secret
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// Print each event on standard output, one JSON a line
    #[arg(long)]
    pub(crate) print: bool,
}
