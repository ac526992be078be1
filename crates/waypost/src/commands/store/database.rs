//! `waypost store check` where the store is a database: whether it keeps what it says, and what it would not survive.

use serde::Serialize;
use store::{PostgresOptions, PostgresReport};

use crate::commands::serve::runtime;
use crate::exit::{Exit, Failure};
use crate::table::facts;
use crate::terminal;

/// What a check found, for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    store: String,
    ok: bool,
    postgres: &'a str,
    version: u32,
    bytes: u64,
    survives_failover: bool,
    data_checksums: bool,
    problems: &'a [String],
}

/// Looks at the database without changing it.
pub(super) fn check(options: PostgresOptions, json: bool) -> Result<Exit, Failure> {
    let report = runtime()?.block_on(store::inspect_postgres(options)).map_err(Failure::Store)?;
    tell(&report, json)?;
    Ok(if report.problems.is_empty() { Exit::Ok } else { Exit::Failed })
}

fn tell(report: &PostgresReport, json: bool) -> Result<(), Failure> {
    let PostgresReport { server, postgres, version, newest: _, synchronous_standby, data_checksums, bytes, problems } =
        report;
    let store = format!("postgres://{server}");
    if json {
        return terminal::print_json(&Report {
            store,
            ok: problems.is_empty(),
            postgres,
            version: *version,
            bytes: *bytes,
            survives_failover: *synchronous_standby,
            data_checksums: *data_checksums,
            problems,
        });
    }
    let survives = match synchronous_standby {
        true => "a restart, and the loss of the server: COMMIT waits for a synchronous standby",
        false => "a restart, not failover: no synchronous standby is there",
    };
    let damage = match data_checksums {
        true => "is told: the server's data checksums are on",
        false => "of a page is not told: the server's data checksums are off",
    };
    let mut lines = vec![
        ("store", store),
        ("PostgreSQL", postgres.clone()),
        ("version", version.to_string()),
        ("size", format!("{} MB", bytes / 1_000_000)),
        ("survives", survives.to_owned()),
        ("damage", damage.to_owned()),
    ];
    lines.extend(problems.iter().map(|problem| ("problem", problem.clone())));
    if problems.is_empty() {
        lines.push(("problems", "none".to_owned()));
    }
    terminal::print(&facts(&lines))
}
