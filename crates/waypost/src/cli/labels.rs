//! Arguments of `labels`.

use clap::{Args, Subcommand, ValueEnum};

use super::GatewayArgs;

const EXAMPLES: &str = "\
Examples:
  waypost labels set waba acme 102290129340398 102290129340399
  waypost labels set number beta 106540352242922
  waypost endpoints add --to https://acme.example.com/in --label acme
  waypost labels list
  waypost labels clear waba 102290129340398

A rule that names a label stands for the WABAs and numbers that bear it. A number that bears labels itself is taken by \
those alone; the others have their WABA's. Labels count for events that arrive from then on.";

/// Arguments of `labels`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LabelsArgs {
    #[command(subcommand)]
    pub(crate) command: LabelsCommand,
}

/// What `labels` does.
#[derive(Debug, Subcommand)]
pub(crate) enum LabelsCommand {
    /// List the WABAs and numbers that bear labels
    List(LabelsListArgs),
    /// Hang labels on WABAs or numbers, in place of those that they bear
    Set(LabelsSetArgs),
    /// Take all labels off WABAs or numbers
    Clear(LabelsClearArgs),
}

/// Arguments of `labels list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost labels list")]
pub(crate) struct LabelsListArgs {
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// What can bear labels.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LabelsOn {
    /// WABAs
    Waba,
    /// Business numbers
    Number,
}

/// Arguments of `labels set`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost labels set waba acme,gold 102290129340398")]
pub(crate) struct LabelsSetArgs {
    /// What the ids are
    pub(crate) on: LabelsOn,
    /// The label, or several with commas
    #[arg(value_name = "LABELS")]
    pub(crate) labels: String,
    /// Ids at Meta
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

/// Arguments of `labels clear`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  waypost labels clear waba 102290129340398")]
pub(crate) struct LabelsClearArgs {
    /// What the ids are
    pub(crate) on: LabelsOn,
    /// Ids at Meta
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

impl LabelsOn {
    /// The word for it in the API.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Waba => "waba",
            Self::Number => "number",
        }
    }
}
