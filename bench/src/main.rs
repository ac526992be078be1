//! How fast Waypost keeps webhooks and delivers them, beside bare programs and receivers by hand in the same run.
//!
//! `cargo run --release -p bench` is the short form (about twelve minutes), `… -- long` the long one (ten million events),
//! `… -- only PART` one part of it (`closed`, `open`, `syncs`, `beside`, `through`, `grown`, `backlog`, `watched`). It starts
//! the release binary of Waypost and its yardsticks itself, each pinned to core 0 where `taskset` is there, sends from
//! core 1, interleaves the rounds, prints ratios, and writes everything as JSON. Every request has fresh ids and a fresh
//! signature, and every event that was acknowledged is read back after a kill -9. Only ratios within one run mean anything.
//!
//! `… -- delivery` measures delivering (see `delivery`), `… -- postgres` nodes on a PostgreSQL (see `postgres`).

mod bodies;
mod cases;
mod delivery;
mod disk;
mod load;
mod machine;
mod postgres;
mod readback;
mod report;
mod servers;
mod stored;
mod through;
mod yardstick;
mod yardsticks;

use std::path::{Path, PathBuf};

use cases::Field;
use report::Report;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The parts, in the order in which they run.
const PARTS: [&str; 8] = ["closed", "open", "syncs", "beside", "through", "grown", "backlog", "watched"];

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--yardstick", port, threads] => yardstick::serve(port.parse()?, *threads == "0"),
        ["postgres"] => postgres::run(),
        ["delivery"] => delivery::run(""),
        ["delivery", part] => delivery::run(part),
        [mode @ ("--bare-loop" | "--bare-paced" | "--synced-paced"), port, count] => {
            delivery::process(mode, port.parse()?, count.parse()?)
        }
        [] | ["short"] => whole(&PARTS, &[1]),
        ["long"] => whole(&PARTS, &[1, 10]),
        ["only", part] if PARTS.contains(part) => whole(&[*part], &[1]),
        _ => Err(format!("expected nothing, `long`, `only` and one of {}, `delivery` or `postgres`", PARTS.join(", "))
            .into()),
    }
}

fn whole(parts: &[&str], millions: &[u64]) -> Outcome<()> {
    servers::move_to_core("1");
    let kept = target().join("bench");
    std::fs::create_dir_all(&kept)?;
    let disk = machine::disk_of(&kept)?;
    servers::build()?;
    let folder = tempfile::tempdir_in(&kept)?;
    let mut report = Report::default();
    report.table("The machine", &["what", "value"]);
    report.text("machine", &machine::line());
    report.text("commit", &machine::commit());
    report.text("file system", &disk);
    let sync = disk::fdatasync_us(folder.path())?;
    report.text("fdatasync of 4 KiB appended", &format!("p50 {} µs, p99 {} µs", sync.p50, sync.p99));
    let has = |part: &str| parts.contains(&part);
    if ["closed", "open", "syncs", "beside"].into_iter().any(has) {
        receiving(&folder.path().join("receiving"), &kept, &mut report, &has)?;
    }
    let own = |name: &str| -> Outcome<PathBuf> {
        let own = folder.path().join(name);
        std::fs::create_dir_all(&own)?;
        Ok(own)
    };
    if has("through") {
        servers::move_to_core("0-1023");
        through::through(&own("through")?, &mut report)?;
        servers::move_to_core("1");
    }
    if has("grown") {
        stored::grown(&own("grown")?, &mut report, millions)?;
    }
    if has("backlog") {
        stored::backlog(&own("backlog")?, &mut report, 1_000_000)?;
    }
    if has("watched") {
        stored::watched(&own("watched")?, &mut report)?;
    }
    report.write(&kept.join("report.json"))
}

fn receiving(folder: &Path, kept: &Path, report: &mut Report, has: &impl Fn(&str) -> bool) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    let (express, fastapi) = match has("closed") || has("open") {
        true => yardsticks::install(&kept.join("yardsticks"))?,
        false => (None, None),
    };
    let mut field = Field::start(folder, (express.as_ref(), fastapi.as_ref()))?;
    if has("closed") {
        cases::closed(&mut field, report, 2)?;
    }
    if has("open") {
        cases::open(&mut field, report, 5)?;
    }
    if has("syncs") {
        cases::syncs(&mut field, report, folder)?;
    }
    if has("beside") {
        cases::beside(&mut field, report)?;
    }
    // Dropping a server kills it.
    field.servers.clear();
    let server = servers::Server::waypost(folder, "info")?;
    report.table("Read back", &["what", "value"]);
    stored::read_back(folder, &field.ledger, report)?;
    drop(server);
    Ok(())
}

/// Where cargo builds to: this program lies in its folder `release`.
fn target() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    exe.parent().and_then(Path::parent).map_or_else(|| PathBuf::from("target"), Path::to_owned)
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its table")]
fn say(text: &str) {
    println!("{text}");
}
