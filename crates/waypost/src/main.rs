//! The program: reads arguments, configuration and environment, and wires the rest together.

mod cli;
mod commands;
mod config;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "`serve` is what prepares and opens the way in")
)]
mod development;
mod exit;
mod json_line;
#[cfg_attr(not(test), expect(dead_code, reason = "`serve` is what logs"))]
mod logs;
mod private_file;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli.command) {
        Ok(exit) => exit.into(),
        Err(failure) => exit::report(&failure).into(),
    }
}
