//! Proofs of Waypost's promise, from outside: the release binary as a process of its own, a sender that behaves like
//! Meta, sinks that misbehave, and a judge that reads nothing but their ledgers.
//!
//! `cargo run --release -p proof -- r1 [--seed N] [--rate N] [--for 60s]` prints its seed and a table, writes
//! `report.json` beside the ledgers, keeps all of them, and exits with 1 when anything that was claimed is false; `all`
//! runs every proof at full length.

mod args;
mod books;
mod clock;
mod cluster;
mod events;
mod faults;
mod gateway;
mod judge;
mod ledger;
mod lookalikes;
mod report;
mod runs;
mod sender;
mod series;
mod sink;
mod stage;
mod stalls;
mod traffic;
mod volume;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, What};

/// Whatever goes wrong with the harness itself ends the run.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let args = Args::parse();
    report::say(&args.headline());
    let proven = prove(&args);
    match proven.and_then(|report| report.publish(&args)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(cause) => {
            report::say(&format!("the harness failed: {cause}"));
            ExitCode::from(2)
        }
    }
}

fn prove(args: &Args) -> Outcome<report::Report> {
    match args.what {
        What::R1 => runs::r1::run(args),
        What::Aimed => runs::aimed::run(args),
        What::R3 => runs::r3::run(args),
        What::Full => runs::full::run(args),
        What::R4 => runs::r4::run(args),
        What::R8 => runs::r8::run(args),
        What::R9 => runs::r9::run(args),
        What::R10 => runs::r10::run(args),
        What::R11 => runs::r11::run(args),
        What::R5 => runs::r5::run(args),
        What::R13 => runs::r13::run(args),
        What::R12 => runs::r12::run(args),
        What::R14 => runs::r14::run(args),
        What::Power => series::power(args),
        What::Short => series::short(args),
        What::All => series::all(args),
        What::Owners => runs::owners::run(args),
    }
}
