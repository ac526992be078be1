//! Options on the form of an endpoint's deliveries, and the arguments of `endpoints rotate-secret`.

use clap::Args;

use crate::cli::GatewayArgs;

/// What `add` and `update` share about the form.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Form of the deliveries")]
pub(crate) struct FormOptions {
    /// For the format `8x8`: the account's name there
    #[arg(long, value_name = "NAME")]
    pub(crate) account_id: Option<String>,
    /// For the format `8x8`: leave out what 8x8 does not document (`false` for its extension)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) documented_only: Option<bool>,
    /// The beginning of the names of Waypost's headers [default: X-Waypost-]
    #[arg(long, value_name = "PREFIX")]
    pub(crate) header_prefix: Option<String>,
    /// A header of your own, `NAME=VALUE`; the value may be `env:NAME` or `file:PATH`; may be repeated. All are replaced
    #[arg(long, value_name = "NAME=VALUE", value_parser = named)]
    pub(crate) header: Vec<(String, String)>,
    /// No headers of your own
    #[arg(long, conflicts_with = "header")]
    pub(crate) no_headers: bool,
    /// A token for `Authorization: Bearer …`: `env:NAME`, `file:PATH`, `-`, or the token itself
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["basic", "no_auth"])]
    pub(crate) bearer: Option<String>,
    /// A name and a password for `Authorization: Basic …`, `USER=PASSWORD`; the password like a token
    #[arg(long, value_name = "USER=PASSWORD", value_parser = named, conflicts_with = "no_auth")]
    pub(crate) basic: Option<(String, String)>,
    /// No Authorization
    #[arg(long)]
    pub(crate) no_auth: bool,
    /// The certificate to show, PEM: `file:PATH`
    #[arg(long, value_name = "PEM", requires = "client_key", conflicts_with = "no_tls")]
    pub(crate) client_certificate: Option<String>,
    /// Its key, PEM: `file:PATH`
    #[arg(long, value_name = "PEM", requires = "client_certificate")]
    pub(crate) client_key: Option<String>,
    /// The authorities to trust instead of the public ones, PEM: `file:PATH`. The TLS options are replaced together
    #[arg(long, value_name = "PEM", conflicts_with = "no_tls")]
    pub(crate) ca: Option<String>,
    /// No client certificate, and the public authorities
    #[arg(long)]
    pub(crate) no_tls: bool,
    /// A proxy that takes CONNECT, http://HOST:PORT; `none` for none, `default` for that of the configuration
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// The hub secret that takes over at a moment: like --hub-secret
    #[arg(long, value_name = "SECRET", requires = "hub_secret_next_at")]
    pub(crate) hub_secret_next: Option<String>,
    /// That moment: 2026-12-01T00:00:00Z
    #[arg(long, value_name = "TIME", requires = "hub_secret_next")]
    pub(crate) hub_secret_next_at: Option<String>,
}

/// Arguments of `endpoints rotate-secret`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  waypost endpoints rotate-secret crm\n  waypost endpoints rotate-secret crm \
                        --overlap 7d --secret env:NEW_SECRET\n\nThe new secret is shown this once.")]
pub(crate) struct RotateSecretArgs {
    /// The endpoint's id
    #[arg(value_name = "ENDPOINT")]
    pub(crate) id: String,
    /// How long the secret before signs as well [default: 24h]
    #[arg(long, value_name = "DURATION")]
    pub(crate) overlap: Option<String>,
    /// The new secret, whsec_…: `env:NAME`, `file:PATH`, `-`, or the secret itself [default: made up]
    #[arg(long, value_name = "SECRET")]
    pub(crate) secret: Option<String>,
    #[command(flatten)]
    pub(crate) gateway: GatewayArgs,
}

fn named(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').ok_or("expected a name, `=`, and a value")?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}
