//! Arguments of `verify`.

use std::path::PathBuf;

use clap::Args;

use super::GatewayArgs;

const EXAMPLES: &str = "\
Examples:
  waypost verify body.json --signature sha256=3a06… --secret env:APP_SECRET
  waypost verify - --signature \"$HEADER\" --secret file:secret --secret file:old-secret < body.json
  waypost verify --last-refused                       why this machine's gateway said 401

The usual mistakes are tried one after the other: lost and added escapes, JSON written anew, newlines, byte order marks,
wrong decoding, the form of the header, quotes and white space around the secret. A wrong secret, whatever it is, cannot be
told from another one. Secrets are never printed. It fails (1) when the signature does not fit.";

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The body, byte for byte as it came; `-` for standard input
    #[arg(value_name = "FILE", required_unless_present = "last_refused", conflicts_with = "last_refused")]
    pub(crate) file: Option<PathBuf>,
    /// The header X-Hub-Signature-256
    #[arg(long, value_name = "SIGNATURE", required_unless_present = "last_refused", conflicts_with = "last_refused")]
    pub(crate) signature: Option<String>,
    /// The app secret: `env:NAME`, `file:PATH`, `-` for standard input, or the secret itself. Can be repeated [default:
    /// those of this machine's gateway]
    #[arg(long, value_name = "SECRET")]
    pub(crate) secret: Vec<String>,
    /// Verify the last body that the gateway refused; kept in development mode only, in memory, up to 16 KiB each
    #[arg(long)]
    pub(crate) last_refused: bool,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}
