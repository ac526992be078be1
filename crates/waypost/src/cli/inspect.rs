//! Arguments of `inspect`.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  waypost inspect body.json
  curl -s https://example.com/body.json | waypost inspect -
  waypost inspect --json bodies/*.json | jq -r .type
  waypost inspect --summary bodies/*.json

On a terminal it is a table, otherwise one JSON event a line. A body that cannot be read is one event, \
`notification.unreadable`, and no failure; a file that cannot be read is one (exit code 1).";

/// Arguments of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArgs {
    /// Files with one body each; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The app whose callback would have received them: event ids depend on it
    #[arg(long, value_name = "NAME", default_value = crate::development::APP)]
    pub(crate) app: String,
    /// The app's group, where it has one: then event ids depend on this
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Option<String>,
    /// Print one JSON event a line, also on a terminal
    #[arg(long)]
    pub(crate) json: bool,
    /// Print only how many events of each type there are
    #[arg(long, visible_alias = "quiet")]
    pub(crate) summary: bool,
}
