//! Several nodes on one PostgreSQL, beside two loops of `unnest` statements that write the same bodies to the same
//! server: a bare one (key, event with body, delivery), and one that writes all rows of a node.
//!
//! `cargo run --release -p bench -- postgres`. Starts a private PostgreSQL with `fsync` on and nodes of the release binary.
//! Rounds take turns: the loops; one node, as fast as it answers, with prepared statements and without; two nodes. What
//! is kept has one endpoint, which takes nothing meanwhile; at the end a node delivers the backlog to it. The server, the
//! nodes, what sends and what receives share all cores: only ratios within one run mean anything.

mod bare;
mod node;
mod same;

use std::path::Path;
use std::time::{Duration, Instant};

use private_postgres::Server as Database;

use self::bare::Bare;
use self::node::Node;
use self::same::Same;
use crate::bodies::USUAL;
use crate::delivery::Sink;
use crate::load::{Figures, Ledger, Plan, run as load};
use crate::report::mean;
use crate::{Outcome, disk, machine, say, servers};

const ROUNDS: usize = 3;
const MEASURED: Duration = Duration::from_secs(5);
/// Connections to all nodes together.
const CONNECTIONS: usize = 256;
/// Deliveries of the backlog that are timed at most.
const DELIVERED_MAX: usize = 60_000;

/// What the server is told: as performance.md's measurements were made.
const SETTINGS: [(&str, &str); 5] = [
    ("shared_buffers", "1GB"),
    ("max_wal_size", "8GB"),
    ("min_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("wal_compression", "off"),
];

/// Runs it.
pub(crate) fn run() -> Outcome<()> {
    servers::build()?;
    let database = Database::start_with(&SETTINGS)?;
    say("| what | value |\n| --- | --- |");
    say(&format!("| machine | {} |", machine::line()));
    say(&format!("| commit | {} |", machine::commit()));
    say(&format!("| server | {} on {} |", database.sql("SHOW server_version")?, machine::disk_of(database.folder())?));
    let sync = disk::fdatasync_us(database.folder().parent().unwrap_or_else(|| Path::new("/tmp")))?;
    say(&format!("| fdatasync of 4 KiB appended | p50 {} µs, p99 {} µs |", sync.p50, sync.p99));
    let sink = Sink::start()?;
    sink.hold(true);
    let folder = tempfile::tempdir()?;
    let prepared = format!("{}?sslmode=disable&prepared_statements=on", database.url());
    let bare = Bare::make(&database)?;
    let mut loops = Loops::default();
    let (mut ones, mut readies, mut twos) = (Vec::new(), Vec::new(), Vec::new());
    let mut same = None;
    let mut kept = Ledger::default();
    for _ in 0..ROUNDS {
        loops.bare.push(bare.round(MEASURED)?);
        let mut nodes = vec![Node::start_with(folder.path(), "one", &prepared, &sink)?];
        readies.push(round(&nodes, &mut kept)?);
        nodes = vec![Node::start(folder.path(), "one", &database, &sink)?];
        ones.push(round(&nodes, &mut kept)?);
        nodes.push(Node::start(folder.path(), "two", &database, &sink)?);
        twos.push(round(&nodes, &mut kept)?);
        drop(nodes);
        let same = match &mut same {
            Some(same) => same,
            None => same.insert(Same::make(&database)?),
        };
        loops.same.push(same.round(MEASURED)?);
    }
    told(&loops, &ones, &readies, &twos);
    check(&database, &kept)?;
    deliver(folder.path(), &database, &sink)
}

/// All nodes at once, each with its share of the connections. Times are those of the first.
fn round(nodes: &[Node], kept: &mut Ledger) -> Outcome<Figures> {
    let plan = Plan { connections: CONNECTIONS / nodes.len(), shape: USUAL, measured: MEASURED, per_second: None };
    let all: Vec<Result<(Figures, Ledger), String>> = std::thread::scope(|scope| {
        let one = |node: &Node| {
            let mut own = Ledger::default();
            load(&node.server, plan, &mut own).map(|figures| (figures, own)).map_err(|cause| cause.to_string())
        };
        let threads: Vec<_> = nodes.iter().map(|node| scope.spawn(move || one(node))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a sender panicked".to_owned())))
            .collect()
    });
    let mut sum: Option<Figures> = None;
    for one in all {
        let (figures, own) = one?;
        kept.0.extend(own.0);
        sum = Some(sum.map_or(figures, |sum| Figures { per_second: sum.per_second + figures.per_second, ..sum }));
    }
    sum.ok_or_else(|| "no node runs".into())
}

/// Events a second of the yardsticks, round by round.
#[derive(Default)]
struct Loops {
    bare: Vec<f64>,
    same: Vec<f64>,
}

fn told(loops: &Loops, ones: &[Figures], readies: &[Figures], twos: &[Figures]) {
    let rates = |rounds: &[Figures]| rounds.iter().map(|round| round.per_second).collect::<Vec<_>>();
    let times = |rounds: &[Figures]| {
        let of = |of: fn(&Figures) -> f64| mean(&rounds.iter().map(of).collect::<Vec<_>>());
        format!("{:.1} / {:.1} ms, {:.0} µs", of(|one| one.p50_ms), of(|one| one.p99_ms), of(|one| one.cpu_us))
    };
    say("");
    say(
        "| durable ingest, 2 KB, one event and one delivery each | events/s (each round) | share of the bare loop | share of the loop with the same rows | p50 / p99, CPU of a node |",
    );
    say("| --- | --- | --- | --- | --- |");
    let row = |name: &str, rates: &[f64], times: &str| {
        let each: Vec<String> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
        let share = |of: &[f64]| mean(rates) / mean(of) * 100.0;
        let (bare, same) = (share(&loops.bare), share(&loops.same));
        say(&format!("| {name} | {} | {bare:.1} % | {same:.1} % | {times} |", each.join(", ")));
    };
    row("bare loop: keys, events with bodies, deliveries; 256 rows a statement, 2 connections", &loops.bare, "-");
    row(
        "loop with the same rows, columns and indexes as a node writes, 256 rows a statement, 2 connections",
        &loops.same,
        "-",
    );
    row("one node, 256 connections", &rates(ones), &times(ones));
    row("one node with `prepared_statements=on`, 256 connections", &rates(readies), &times(readies));
    row("two nodes, 128 connections each", &rates(twos), &times(twos));
    say(&format!("\ntwo nodes take {:.2} times what one takes", mean(&rates(twos)) / mean(&rates(ones))));
}

/// What was answered 200 is in the tables.
fn check(database: &Database, kept: &Ledger) -> Outcome<()> {
    let events: u64 = database.sql("SELECT count(*) FROM waypost.events")?.parse()?;
    say(&format!("{} events were answered 200, {events} are in the tables", kept.events()));
    if events < kept.events() { Err("acknowledged events are missing".into()) } else { Ok(()) }
}

/// Claims, sends and settles what is owed.
fn deliver(folder: &Path, database: &Database, sink: &Sink) -> Outcome<()> {
    let owed: usize = database.sql("SELECT count(*) FROM waypost.deliveries")?.parse()?;
    let wanted = owed.min(DELIVERED_MAX) * 9 / 10;
    sink.hold(false);
    sink.clear();
    let node = Node::start(folder, "deliverer", database, sink)?;
    let arrivals = sink.wait_for(wanted, Duration::from_secs(60))?;
    let at: &[Instant] = &arrivals.at;
    let (first, last) = (at.len() / 10, at.len() * 9 / 10);
    let span = at.get(last).zip(at.get(first)).map_or(Duration::MAX, |(end, begin)| *end - *begin);
    let cpu = node.server.cpu_us();
    let settled: u64 = database.sql("SELECT count(*) FROM waypost.ended")?.parse()?;
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    let (rate, cpu) = ((last - first) as f64 / span.as_secs_f64(), cpu as f64 / at.len().max(1) as f64);
    say(&format!(
        "claimed, sent to one ordered endpoint, settled by one node: {rate:.0}/s ({} of {owed}, {settled} settled), CPU of the node {cpu:.0} µs each",
        at.len()
    ));
    Ok(())
}
