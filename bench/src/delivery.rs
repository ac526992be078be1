//! How fast Waypost delivers, beside a bare loop that signs and sends in the same run.
//!
//! `cargo run --release -p bench -- delivery`. Each case fills a store while the sink holds its first answer, stops the
//! gateway, starts it again, and times the middle four fifths of what arrives: ordered, over 10,000 contacts by Zipf,
//! every outcome written to disk. The bare loop sends as many bodies of the same kind, signed, with hyper-util's pooled
//! client, from the same core to the same sink. Only ratios within one run mean anything.

mod bare;
mod bodies;
mod case;
mod fill;
mod latency;
mod sink;
mod synced;

use self::case::{Case, Round};
pub(crate) use self::sink::Sink;
use crate::{Outcome, disk, say, servers};

/// Requests in flight to one endpoint, and in the bare loop.
const CONCURRENCY: usize = 64;
const ROUNDS: usize = 3;

/// Runs the cases whose name has this part in it, and the measurement of time for `latency`; all for none.
pub(crate) fn run(part: &str) -> Outcome<()> {
    servers::move_to_core("1");
    let folder = tempfile::tempdir_in("target")?;
    let sync = disk::fdatasync_us(folder.path())?;
    say(&format!("fdatasync of 4 KiB appended: p50 {} us, p99 {} us", sync.p50, sync.p99));
    servers::build()?;
    let sink = Sink::start()?;
    let bare: Vec<Round> = (0..ROUNDS).map(|_| bare::round(&sink)).collect::<Outcome<_>>()?;
    let base = mean(&bare, |round| round.rate);
    say("| case | deliveries/s (each round) | share of the bare loop | CPU µs/delivery |");
    say("| --- | --- | --- | --- |");
    row("bare signed loop", &bare, base);
    for case in Case::ALL.iter().filter(|case| case.name.contains(part)) {
        let rounds: Vec<Round> = (0..ROUNDS).map(|_| case.round(&sink)).collect::<Outcome<_>>()?;
        row(case.name, &rounds, base);
    }
    if "latency".contains(part) { latency::run(&sink) } else { Ok(()) }
}

/// A yardstick as a process of its own.
pub(crate) fn process(mode: &str, port: u16, count: usize) -> Outcome<()> {
    match mode {
        "--bare-paced" => latency::send_paced(port, count),
        "--synced-paced" => synced::send_paced(port, count),
        _ => bare::send(port, count),
    }
}

fn row(name: &str, rounds: &[Round], base: f64) {
    let each: Vec<String> = rounds.iter().map(|round| format!("{:.0}", round.rate)).collect();
    let (rate, cpu_us) = (mean(rounds, |round| round.rate), mean(rounds, |round| round.cpu_us));
    say(&format!("| {name} | {} | {:.1} % | {cpu_us:.0} |", each.join(", "), rate / base * 100.0));
}

#[expect(clippy::cast_precision_loss, reason = "a handful of rounds")]
fn mean(rounds: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    rounds.iter().map(of).sum::<f64>() / rounds.len().max(1) as f64
}
