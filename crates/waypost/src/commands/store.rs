//! `waypost store`: care of the store, on the machine that has it.

mod copy;
mod database;

use std::path::{Path, PathBuf};

use serde::Serialize;
use store::{BackupProgress, CheckReport, StoreError};

use crate::cli::{ConfigArgs, StoreBackupArgs, StoreCheckArgs, StoreCommand, StoreRestoreArgs};
use crate::config::{Environment, StorePlace, store_place};
use crate::exit::{Exit, Failure};
use crate::table::facts;
use crate::terminal::{self, Progress};

/// The store's database in its folder.
const DATABASE: &str = "waypost.db";

/// What a check found, for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    store: String,
    ok: bool,
    version: u32,
    notifications: u64,
    events: u64,
    deliveries: u64,
    owed: u64,
    problems: &'a [String],
    damaged: &'a [String],
    damaged_count: u64,
}

/// Does what was typed.
pub(crate) fn run(command: &StoreCommand) -> Result<Exit, Failure> {
    match command {
        StoreCommand::Check(args) => check(args),
        StoreCommand::Backup(args) => backup(args),
        StoreCommand::Restore(args) => restore(args),
        StoreCommand::Copy(args) => copy::run(args),
    }
}

fn check(args: &StoreCheckArgs) -> Result<Exit, Failure> {
    let folder = match place(&args.config)? {
        (StorePlace::Postgres(options), _) => return database::check(*options, args.json),
        (StorePlace::Folder, folder) => folder,
    };
    must_be_there(&folder)?;
    let report = store::check(&folder).map_err(Failure::Store)?;
    tell(&folder, &report, args.json)?;
    Ok(if report.is_clean() { Exit::Ok } else { Exit::Failed })
}

fn backup(args: &StoreBackupArgs) -> Result<Exit, Failure> {
    let folder = folder(&args.config)?;
    must_be_there(&folder.join(DATABASE))?;
    let mut progress = Progress::new("backup");
    let show = |at: BackupProgress| progress.show(at.pages_done, at.pages);
    let written = store::backup(&folder, &args.to, show);
    progress.end();
    written.map_err(|error| {
        if matches!(error, StoreError::TooNew { .. } | StoreError::Damaged { .. }) {
            return Failure::Store(error);
        }
        failed_to("write", &args.to)(error)
    })?;
    terminal::done("wrote", &args.to.display().to_string(), args.json)?;
    Ok(Exit::Ok)
}

fn restore(args: &StoreRestoreArgs) -> Result<Exit, Failure> {
    let folder = folder(&args.config)?;
    must_be_there(&args.from)?;
    let report = store::restore(&args.from, &folder).map_err(failed_to("restore", &args.from))?;
    tell(&folder, &report, args.json)?;
    Ok(Exit::Ok)
}

fn place(config: &ConfigArgs) -> Result<(StorePlace, PathBuf), Failure> {
    store_place(config.config.as_deref(), &Environment::of_this_process()).map_err(Failure::Configuration)
}

/// The store's folder, for what only a folder's store has.
fn folder(config: &ConfigArgs) -> Result<PathBuf, Failure> {
    match place(config)? {
        (StorePlace::Folder, folder) => Ok(folder),
        (StorePlace::Postgres(_), _) => Err(Failure::Arguments(
            "the store is a PostgreSQL database: back it up and restore it with pg_dump, a base backup, or your \
             provider's snapshots; the key that seals the secrets in it is not part of that"
                .to_owned(),
        )),
    }
}

/// A failure that is about a backup's file rather than the store.
fn failed_to(verb: &str, backup: &Path) -> impl FnOnce(StoreError) -> Failure {
    let told = Failure::file(format!("{verb} {}", backup.display()));
    move |error| told(std::io::Error::other(error))
}

fn must_be_there(path: &Path) -> Result<(), Failure> {
    let found = std::fs::metadata(path);
    found.map_err(Failure::file(format!("find {}", path.display()))).map(drop)
}

fn tell(folder: &Path, report: &CheckReport, json: bool) -> Result<(), Failure> {
    let CheckReport { version, notifications, events, deliveries, owed, problems, damaged, damaged_count } = report;
    let store = folder.display().to_string();
    if json {
        return terminal::print_json(&Report {
            store,
            ok: report.is_clean(),
            version: *version,
            notifications: *notifications,
            events: *events,
            deliveries: *deliveries,
            owed: *owed,
            problems,
            damaged,
            damaged_count: *damaged_count,
        });
    }
    let mut lines = vec![
        ("store", store),
        ("version", version.to_string()),
        ("notifications", notifications.to_string()),
        ("events", events.to_string()),
        ("deliveries", format!("{deliveries}, {owed} of them owed")),
    ];
    lines.extend(problems.iter().map(|problem| ("problem", problem.clone())));
    lines.extend(damaged.iter().map(|damaged| ("damaged", damaged.clone())));
    if *damaged_count > 0 {
        lines.push(("damaged in all", damaged_count.to_string()));
    }
    if report.is_clean() {
        lines.push(("problems", "none".to_owned()));
    }
    terminal::print(&facts(&lines))
}
