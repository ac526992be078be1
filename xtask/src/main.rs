//! The project's own chores: `cargo xtask test` runs what CI runs.

mod consumers;
mod layers;
mod licences;
mod metadata;
mod msrv;
mod mutants;
mod steps;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test      everything that CI runs: format, lints, layers, licences, docs, all tests
cargo xtask check     the same without the tests
cargo xtask mutants   breaks one thing after the other, and sees that a test notices
cargo xtask consumers the third-party consumers that tests use, installed under target/, and PostgreSQL's programs
";

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    let result = match command.as_deref() {
        Some("test") => steps::check().and_then(|()| steps::test()),
        Some("check") => steps::check(),
        Some("mutants") => mutants::run(&std::env::args().nth(2).unwrap_or_default()),
        Some("consumers") => consumers::install().map(drop),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            steps::say(&why);
            ExitCode::FAILURE
        }
    }
}
