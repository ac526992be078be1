//! Arguments of `schema`.

use clap::Args;

/// Arguments of `schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
A schema (JSON Schema, draft 2020-12) describes the events of one type as `inspect --json`, the API and the `waypost`
format give them. It refuses what has another type than Meta sends; members that are new pass.

Examples:
  waypost schema                          the types that have one
  waypost schema messages.text > text.schema.json
  waypost schema --all                    every schema, one a line")]
pub(crate) struct SchemaArgs {
    /// The event type
    #[arg(value_name = "TYPE")]
    pub(crate) name: Option<String>,
    /// Print every schema, one a line
    #[arg(long, conflicts_with = "name")]
    pub(crate) all: bool,
    /// Print the list as JSON
    #[arg(long, conflicts_with = "all")]
    pub(crate) json: bool,
}
