//! The program: reads arguments, configuration and environment, and wires the rest together.

mod api;
mod cli;
mod commands;
mod config;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "`serve` is what prepares and opens the way in")
)]
mod development;
mod exit;
mod json_text;
#[cfg_attr(not(test), expect(dead_code, reason = "`serve` is what logs"))]
mod logs;
mod private_file;
mod secret_argument;
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
