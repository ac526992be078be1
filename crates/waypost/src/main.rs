//! The program: reads arguments, configuration and environment, and wires the rest together.

mod api;
mod apps_here;
mod body_file;
mod cli;
mod commands;
mod config;
mod development;
mod exit;
mod json_text;
mod logs;
mod private_file;
mod secret_argument;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

/// Delivering makes and drops many small texts on many threads; the system's allocator takes twice the time for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli.command) {
        Ok(exit) => exit.into(),
        Err(failure) => exit::report(&failure).into(),
    }
}
