//! Arguments that all commands share which talk to a gateway.

use clap::Args;

use super::ConfigArgs;

/// Which gateway, and how its answer is printed.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GatewayArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The admin listener of a gateway elsewhere [default: $WAYPOST_URL, else the gateway of this machine's store]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The API key for it: `env:NAME`, `file:PATH`, `-` for standard input, or the key itself [default: $WAYPOST_API_KEY]
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: Option<String>,
    /// Print JSON: one object a line
    #[arg(long)]
    pub(crate) json: bool,
}
