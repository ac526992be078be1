//! Arguments of `store`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigArgs;

const EXAMPLES: &str = "\
Examples:
  waypost store check
  waypost store backup --to /backups/waypost-2026-03-01.db
  waypost store restore --from /backups/waypost-2026-03-01.db -c waypost.toml
  waypost store copy --from sqlite:waypost-data --to env:DATABASE_URL

A backup holds everything but the key that seals the secrets in it: keep that one elsewhere.";

const COPY: &str = "\
Everything goes along: bodies, events and their keys, what is owed and in which order, what has ended, endpoints with their
secrets as they are sealed, replays, labels, API keys. The source is left as it was. What was cut off goes on where it was
when the same is run again; in the end both sides are read, counted and compared.

Examples:
  waypost store copy --from sqlite:waypost-data --to env:DATABASE_URL
  waypost store copy --from postgres://waypost@db1/waypost --password file:pg.password --to sqlite:waypost-data";

/// Arguments of `store`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

/// What `store` does.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Read the whole store and say what is wrong with it; a gateway may be running on it
    #[command(after_help = "Example:\n  waypost store check --json")]
    Check(StoreCheckArgs),
    /// Write a consistent copy of the store to a file; the gateway may be running on it
    #[command(after_help = "Example:\n  waypost store backup --to /backups/waypost-2026-03-01.db")]
    Backup(StoreBackupArgs),
    /// Make a store from a backup, where there is none, after checking the backup
    #[command(after_help = "Example:\n  waypost store restore --from /backups/waypost-2026-03-01.db")]
    Restore(StoreRestoreArgs),
    /// Move the store from a folder into a PostgreSQL database, or back; nothing may run on either
    #[command(after_help = COPY)]
    Copy(StoreCopyArgs),
}

/// Arguments of `migrate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every node does this when it starts; of several, one does it and the others wait. By hand it is for those who want it done
before the first node of a new release starts. The nodes of the release before go on working meanwhile.

Example:
  waypost migrate -c waypost.toml")]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `store check`.
#[derive(Debug, Args)]
pub(crate) struct StoreCheckArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `store backup`.
#[derive(Debug, Args)]
pub(crate) struct StoreBackupArgs {
    /// The file to write; one that is there is not overwritten
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `store restore`.
#[derive(Debug, Args)]
pub(crate) struct StoreRestoreArgs {
    /// The backup
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `store copy`.
#[derive(Debug, Args)]
pub(crate) struct StoreCopyArgs {
    /// The store to copy: sqlite:FOLDER or postgres://…, or env:NAME or file:PATH with one of these in it
    #[arg(long, value_name = "STORE")]
    pub(crate) from: String,
    /// Where to: the same, the other kind of store; it must be empty
    #[arg(long, value_name = "STORE")]
    pub(crate) to: String,
    /// The password of the database, where its address has none: env:NAME or file:PATH
    #[arg(long, value_name = "SECRET")]
    pub(crate) password: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
