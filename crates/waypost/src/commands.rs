//! The commands, one module each.

mod check;
mod completions;
mod demo;
mod init;
pub(crate) mod serve;

use crate::cli::Command;
use crate::exit::{Exit, Failure};

/// Does what was typed.
pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}
