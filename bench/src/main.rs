//! How fast Waypost keeps webhooks and delivers them, beside bare programs in the same run.
//!
//! `cargo run --release -p bench -- delivery` measures delivering (see `delivery`); `cargo run --release -p bench` measures
//! keeping: it starts the release binary of Waypost and the yardstick itself, each pinned to core 0
//! where `taskset` is there, sends from core 1 over keep-alive connections, interleaves the rounds, and prints ratios.
//! Every request has a fresh message id and a fresh signature. Only ratios within one run mean anything.

mod delivery;
mod disk;
mod load;
mod servers;
mod yardstick;

use std::time::Duration;

use load::Figures;
use servers::Server;

const ROUNDS: usize = 3;
const MEASURED: Duration = Duration::from_secs(4);
const CONNECTIONS: [usize; 3] = [1, 64, 512];

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    if let Some(port) = std::env::args().skip_while(|argument| argument != "--yardstick").nth(1) {
        return yardstick::serve(port.parse()?);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["delivery"] => delivery::run(""),
        ["delivery", part] => delivery::run(part),
        [mode @ ("--bare-loop" | "--bare-paced"), port, count] => {
            delivery::bare_process(*mode == "--bare-paced", port.parse()?, count.parse()?)
        }
        [] => ingest(),
        _ => Err("expected nothing, or `delivery` and, if you like, a part of a case's name or `latency`".into()),
    }
}

/// How fast webhooks are kept.
fn ingest() -> Outcome<()> {
    servers::move_to_core("1");
    servers::build()?;
    let folder = tempfile::tempdir_in("target")?;
    let sync = disk::fdatasync_us(folder.path())?;
    say(&format!("fdatasync of 4 KiB appended: p50 {} us, p99 {} us", sync.p50, sync.p99));
    let waypost = Server::waypost(folder.path())?;
    let bare = Server::yardstick()?;
    say("| connections | server | requests/s (each round) | share | p50 ms | p99 ms | CPU us/request |");
    say("| --- | --- | --- | --- | --- | --- | --- |");
    for connections in CONNECTIONS {
        let (mut bare_rounds, mut waypost_rounds) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let seed = u64::try_from(round * 1_000 + connections)?;
            bare_rounds.push(load::run(&bare, connections, MEASURED, seed)?);
            waypost_rounds.push(load::run(&waypost, connections, MEASURED, seed)?);
        }
        let base = mean(&bare_rounds, |figures| figures.per_second);
        row(connections, "bare hyper", &bare_rounds, base);
        row(connections, "waypost", &waypost_rounds, base);
    }
    say(&format!("waypost's memory at the end: {} KiB", waypost.memory_kib()));
    Ok(())
}

fn row(connections: usize, name: &str, rounds: &[Figures], base: f64) {
    let each: Vec<String> = rounds.iter().map(|figures| format!("{:.0}", figures.per_second)).collect();
    let share = mean(rounds, |figures| figures.per_second) / base * 100.0;
    say(&format!(
        "| {connections} | {name} | {} | {share:.1} % | {:.2} | {:.2} | {:.1} |",
        each.join(", "),
        mean(rounds, |figures| figures.p50_ms),
        mean(rounds, |figures| figures.p99_ms),
        mean(rounds, |figures| figures.cpu_us_per_request),
    ));
}

#[expect(clippy::cast_precision_loss, reason = "a handful of rounds")]
fn mean(rounds: &[Figures], of: impl Fn(&Figures) -> f64) -> f64 {
    rounds.iter().map(of).sum::<f64>() / rounds.len().max(1) as f64
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its table")]
fn say(text: &str) {
    println!("{text}");
}
