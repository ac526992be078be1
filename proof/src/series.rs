//! Several proofs one after the other: the short series that runs with the tests, and all of them at full length, which
//! renew the table in `docs/reliability.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::args::{Args, What};
use crate::report::{Report, say};
use crate::{Outcome, prove};

/// Where the table stands.
const DOCUMENT: &str = "docs/reliability.md";
const BEGIN: &str = "<!-- table: begin -->";
const END: &str = "<!-- table: end -->";

/// One proof at one scale.
struct Part {
    what: What,
    rate: u32,
    seconds: u64,
    rounds: u32,
}

const fn part(what: What, rate: u32, seconds: u64, rounds: u32) -> Part {
    Part { what, rate, seconds, rounds }
}

/// About two minutes.
const SHORT: [Part; 3] = [part(What::R1, 150, 10, 20), part(What::R12, 150, 10, 0), part(What::R14, 50, 10, 0)];

/// About an hour and a half.
const ALL: [Part; 13] = [
    part(What::R1, 4_000, 0, 200),
    part(What::Aimed, 1_000, 0, 200),
    part(What::R3, 1_000, 0, 0),
    part(What::Full, 1_500, 0, 0),
    part(What::R4, 300, 30, 0),
    part(What::R5, 1_500, 60, 0),
    part(What::R10, 1_000, 60, 0),
    part(What::R11, 500, 120, 0),
    part(What::R12, 300, 0, 0),
    part(What::R13, 1_000, 20, 0),
    part(What::R14, 500, 0, 0),
    part(What::Owners, 500, 60, 0),
    part(What::Power, 0, 0, 0),
];

/// Runs the short series.
pub(crate) fn short(args: &Args) -> Outcome<Report> {
    let (mut report, began) = (Report::default(), Instant::now());
    for part in &SHORT {
        take(&mut report, &args_of(args, part))?;
    }
    report.figure("seconds", began.elapsed().as_secs());
    Ok(report)
}

/// Runs all of it, or what `--only` names, and renews the table.
pub(crate) fn all(args: &Args) -> Outcome<Report> {
    let mut report = Report::default();
    let mut table = vec![
        "| run | command | events answered 200 | lost | repeats | claims | took |".to_owned(),
        "| --- | --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    for part in ALL.iter().filter(|part| args.only.is_empty() || args.only.contains(&part.what)) {
        let part = args_of(args, part);
        let began = Instant::now();
        let row = take(&mut report, &part)?;
        let minutes = began.elapsed().as_secs().div_ceil(60);
        table.push(format!("| {} | `{}` | {row} | {minutes} min |", part.name(), part.headline()));
        renew(Path::new(DOCUMENT), &table, args.seed)?;
    }
    Ok(report)
}

fn args_of(args: &Args, part: &Part) -> Args {
    let mut args = args.clone();
    args.out = Some(args.folder().join(part.what.name()));
    args.what = part.what;
    if part.rate > 0 {
        args.rate = part.rate;
    }
    if part.seconds > 0 {
        args.lasts = Duration::from_secs(part.seconds);
    }
    if part.rounds > 0 {
        args.rounds = part.rounds;
    }
    args
}

/// Runs one, publishes it, and gives its cells of the table.
fn take(whole: &mut Report, args: &Args) -> Outcome<String> {
    say(&format!("\n{}", args.headline()));
    let report = prove(args)?;
    let held = report.publish(args)?;
    let broken: Vec<&str> = report.claims.iter().filter(|claim| !claim.held).map(|claim| claim.name.as_str()).collect();
    let told = if held { format!("{} claims", report.claims.len()) } else { broken.join("; ") };
    whole.claim(args.name(), held, told);
    let of =
        |name: &str| report.claims.iter().find(|claim| claim.name.starts_with(name)).map_or("-", |claim| &claim.told);
    let acked = report.figure_of("events answered 200");
    let all = report.claims.len();
    let verdict = if held {
        format!("all {all} held")
    } else {
        format!("{} of {all} did not hold: {}", broken.len(), broken.join("; "))
    };
    Ok(format!(
        "{acked} | {} | {} | {verdict}",
        of("nothing that was answered 200 is lost"),
        of("what was accepted comes again only after a crash")
    ))
}

/// Puts the table in its place.
fn renew(document: &Path, table: &[String], seed: u64) -> Outcome<()> {
    let Ok(text) = fs::read_to_string(document) else { return Ok(()) };
    let (Some((before, rest)), Some((_, after))) = (text.split_once(BEGIN), text.split_once(END)) else {
        return Ok(());
    };
    if !rest.contains(END) {
        return Ok(());
    }
    let head = format!("{}\nSeed {seed}.\n\n{}\n", machine(), table.join("\n"));
    Ok(fs::write(document, format!("{before}{BEGIN}\n\n{head}\n{END}{after}"))?)
}

/// The machine and the commit, in a line.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or_default()
        .trim_start_matches([' ', '\t', ':']);
    let count = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let memory = read("/proc/meminfo");
    let kib = memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0);
    let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "Commit {commit}; {count} processors ({}), {} GiB of memory, Linux {}.",
        model.trim(),
        kib / 1_048_576,
        kernel.trim()
    )
}

/// R2: the store's own tests of losses of power, at full length.
pub(crate) fn power(args: &Args) -> Outcome<Report> {
    let log: PathBuf = args.folder().join("power.log");
    fs::create_dir_all(args.folder())?;
    let mut command = Command::new("cargo");
    command.args(["test", "--locked", "--package", "store", "--lib"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    command.args(["embedded::power", "--", "--nocapture", "--test-threads=2"]);
    command.env("WAYPOST_POWER_CUTS", args.cuts.to_string()).env("WAYPOST_POWER_FLIPS", args.cuts.to_string());
    let ran = command.env("WAYPOST_POWER_SEED", args.seed.to_string()).output()?;
    let told = [ran.stdout, ran.stderr].concat();
    fs::write(log, &told)?;
    let told = String::from_utf8_lossy(&told).into_owned();
    let mut report = Report::default();
    for line in told.lines().filter(|line| line.starts_with("seed ") || line.contains("waypost.db")) {
        report.row(format!("    {line}"));
    }
    for line in told.lines().filter_map(|line| line.strip_prefix("test ")) {
        if let Some((name, verdict)) = line.split_once(" ... ") {
            report.claim(name.rsplit("::").next().unwrap_or(name).replace('_', " "), verdict == "ok", verdict);
        }
    }
    report.claim("the tests ran", ran.status.success(), ran.status.to_string());
    Ok(report)
}
