//! Arguments of `fields`.

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  waypost fields
  waypost fields messages
  waypost fields | cut -f1
  waypost fields --json | jq -r 'select(.override == \"yes\").field'

On a terminal it is a table, otherwise tab-separated without headings: field, number of types, permission, override, \
how well it is known, where the time stands, meaning; of one field: type, what it is cut from, where the time stands. \
A field or type that is not listed is kept and delivered all the same.";

/// Arguments of `fields`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FieldsArgs {
    /// Show this field with its types; a type stands for its field
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print one JSON field a line
    #[arg(long)]
    pub(crate) json: bool,
}
