//! The commands, one module each.

mod apply;
mod apps;
mod check;
mod completions;
mod deliveries;
mod demo;
mod emulate;
mod endpoint_body;
mod endpoints;
mod events;
mod fields;
mod init;
mod inspect;
mod keys;
mod labels;
mod listing;
mod migrate;
mod numbers;
mod replay;
mod schema;
pub(crate) mod serve;
mod status;
mod store;
mod trigger;
mod verify;

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
        Command::Emulate(args) => emulate::run(&args),
        Command::Trigger(args) => trigger::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Fields(args) => fields::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Deliveries(args) => deliveries::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Apps(args) => apps::run(&args),
        Command::Keys(args) => keys::run(&args.command),
        Command::Numbers(args) => numbers::run(&args.command),
        Command::Labels(args) => labels::run(&args.command),
        Command::Endpoints(args) => endpoints::run(&args.command),
        Command::Apply(args) => apply::run(&args),
        Command::Store(args) => store::run(&args.command),
        Command::Migrate(args) => migrate::run(&args),
    }
}
