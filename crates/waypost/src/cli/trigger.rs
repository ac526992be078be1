//! Arguments of `trigger`.

use std::path::PathBuf;

use clap::Args;

use super::ConfigArgs;

const EXAMPLES: &str = "\
Examples:
  waypost trigger messages.text                       to the gateway of this machine
  waypost trigger messages.text --set messages[0].text.body=hi --from 16505551234
  waypost trigger messages.status.read --count 100 --rate 20 --to http://localhost:3000/webhook --secret env:APP_SECRET
  waypost trigger messages.text --count 1000 --batch 100 --duplicate
  waypost trigger --file body.json                    byte for byte
  waypost trigger --list

The body is a documented one with fresh ids and the present time, spelled and signed as Meta does. Of some management
events nothing but a time in whole seconds makes the identity: within a run each gets a second of its own, backwards from
now; two runs within the same seconds can send the same event.

It fails (1) when an answer is not 200.";

/// Arguments of `trigger`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TriggerArgs {
    /// The event type, for instance `messages.text`; or a documented body, for instance `messages/text-group`
    #[arg(value_name = "TYPE", required_unless_present_any = ["file", "list"], conflicts_with_all = ["file", "list"])]
    pub(crate) event_type: Option<String>,
    /// Where to [default: the first callback of this machine's gateway]
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// The app secret: `env:NAME`, `file:PATH`, `-` for standard input, or the secret itself [default: that of this
    /// machine's gateway]
    #[arg(long, value_name = "SECRET")]
    pub(crate) secret: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) body: TriggerBodyArgs,
    /// How many events
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: u64,
    /// How many of them in one body
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) batch: u64,
    /// Requests a second at most; they are sent one after the other
    #[arg(long, value_name = "N", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Send each body once more
    #[arg(long)]
    pub(crate) duplicate: bool,
    /// Send nothing: print the body on standard output and the head of the request on standard error
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// List what can be sent
    #[arg(long)]
    pub(crate) list: bool,
    /// Print JSON: one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is in the body.
#[derive(Debug, Args)]
pub(crate) struct TriggerBodyArgs {
    /// A body of your own, byte for byte unless another option asks for a change; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Give the body of your own fresh ids and the present time
    #[arg(long, requires = "file")]
    pub(crate) fresh: bool,
    /// Set a value: the path starts at the change's `value`; what is JSON is taken as JSON (`'"7"'` is a text), all else
    /// as text. Can be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// The business account [default: that of a number that this machine's gateway knows]
    #[arg(long, value_name = "ID")]
    pub(crate) waba_id: Option<String>,
    /// The business number [default: one that this machine's gateway knows]
    #[arg(long, value_name = "ID")]
    pub(crate) phone_number_id: Option<String>,
    /// The person on the other side: who writes, or whom a status is about
    #[arg(long, value_name = "WA_ID")]
    pub(crate) from: Option<String>,
    /// Spell the body in plain UTF-8 instead of Meta's escapes
    #[arg(long)]
    pub(crate) raw_utf8: bool,
    /// Escape `<`, `%` and `@` as well
    #[arg(long, conflicts_with = "raw_utf8")]
    pub(crate) full_escapes: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().map_err(|_| "expected a number")?;
    if (0.001..=100_000.0).contains(&rate) { Ok(rate) } else { Err("expected 0.001 to 100000".to_owned()) }
}
