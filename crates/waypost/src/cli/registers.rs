//! Arguments of `keys` and `numbers`.

use clap::{Args, Subcommand};

use super::GatewayArgs;

const KEYS_EXAMPLES: &str = "\
Examples:
  waypost keys create --name dashboards --scope read
  KEY=$(waypost keys create --name ci --scope admin)
  waypost keys list
  waypost keys revoke key_0123456789ab";

const NUMBERS_EXAMPLES: &str = "\
Examples:
  waypost numbers list
  waypost numbers set '+1 555 078 3881' 106540352242922 --waba 102290129340398

Security, quality and name events carry only the digits that are shown to people. The gateway learns which number they \
belong to from messages; for a number that never sent one, say it here.";

/// Arguments of `keys`.
#[derive(Debug, Args)]
#[command(after_help = KEYS_EXAMPLES)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

/// What `keys` does.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the API keys, without the keys themselves
    List(KeysListArgs),
    /// Make an API key and print it, this once
    Create(KeysCreateArgs),
    /// Revoke an API key, at once and for good
    Revoke(KeysRevokeArgs),
}

/// Arguments of `keys list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost keys list")]
pub(crate) struct KeysListArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `keys create`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost keys create --name dashboards --scope read")]
pub(crate) struct KeysCreateArgs {
    /// What you call it
    #[arg(long)]
    pub(crate) name: String,
    /// What it may do: look; also pause and resume; everything
    #[arg(long, value_parser = ["read", "operate", "admin"])]
    pub(crate) scope: String,
    /// Whose it is: then it reaches only the endpoints of that owner
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) owner: String,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `keys revoke`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost keys revoke key_0123456789ab")]
pub(crate) struct KeysRevokeArgs {
    /// The key's id, key_…
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `numbers`.
#[derive(Debug, Args)]
#[command(after_help = NUMBERS_EXAMPLES)]
pub(crate) struct NumbersArgs {
    #[command(subcommand)]
    pub(crate) command: NumbersCommand,
}

/// What `numbers` does.
#[derive(Debug, Subcommand)]
pub(crate) enum NumbersCommand {
    /// List the numbers that are known
    List(NumbersListArgs),
    /// Say which number the digits for display belong to
    Set(NumbersSetArgs),
}

/// Arguments of `numbers list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost numbers list")]
pub(crate) struct NumbersListArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `numbers set`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost numbers set '+1 555 078 3881' 106540352242922")]
pub(crate) struct NumbersSetArgs {
    /// The number as it is shown to people, however it is written
    #[arg(value_name = "NUMBER")]
    pub(crate) display_phone_number: String,
    /// Its id at Meta
    #[arg(value_name = "ID")]
    pub(crate) phone_number_id: String,
    /// Its WABA
    #[arg(long, value_name = "ID")]
    pub(crate) waba: Option<String>,
    /// The app whose number it is
    #[arg(long, value_name = "NAME", default_value = crate::development::APP)]
    pub(crate) app: String,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}
