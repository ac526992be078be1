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
mod node;
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
    #[cfg(feature = "failpoints")]
    take_orders();
    let cli = cli::Cli::parse();
    match commands::run(cli.command) {
        Ok(exit) => exit.into(),
        Err(failure) => exit::report(&failure).into(),
    }
}

/// Lets a crash test steer the disk and end the program at named points, by the file that `FAILPOINTS` names.
#[cfg(feature = "failpoints")]
#[expect(clippy::disallowed_methods, reason = "no setting: it is in no build that is shipped")]
fn take_orders() {
    if let Some(file) = std::env::var_os("FAILPOINTS") {
        testdisk::install();
        testdisk::follow(file.into());
    }
}
