//! `waypost migrate`: the store to this program's version, without a node on it.

use serde::Serialize;
use store::{Embedded, EmbeddedOptions};

use super::serve::runtime;
use crate::cli::MigrateArgs;
use crate::config::{Environment, StorePlace, store_place};
use crate::development;
use crate::exit::{Exit, Failure};
use crate::table::facts;
use crate::terminal;

/// What was done, for programs. A folder's versions are its own affair.
#[derive(Debug, Serialize)]
struct Migrated {
    store: String,
    from: Option<u32>,
    to: Option<u32>,
}

/// Does it.
pub(crate) fn run(args: &MigrateArgs) -> Result<Exit, Failure> {
    let (place, folder) =
        store_place(args.config.config.as_deref(), &Environment::of_this_process()).map_err(Failure::Configuration)?;
    let done = match place {
        StorePlace::Postgres(options) => {
            let store = format!("postgres://{}", options.server());
            let holder = format!("migrate {}", development::random_text()?);
            let migrated = runtime()?.block_on(store::migrate_postgres(*options, &holder));
            let (from, to) = migrated.map_err(Failure::Store)?;
            Migrated { store, from: Some(from), to: Some(to) }
        }
        StorePlace::Folder => {
            drop(Embedded::open(EmbeddedOptions::new(&folder)).map_err(Failure::Store)?);
            Migrated { store: folder.display().to_string(), from: None, to: None }
        }
    };
    if args.json {
        terminal::print_json(&done)?;
    } else {
        let version = match (done.from, done.to) {
            (Some(from), Some(to)) if from != to => format!("{to}; it was {from}"),
            _ => "as this program wants it".to_owned(),
        };
        terminal::print(&facts(&[("store", done.store), ("version", version)]))?;
    }
    Ok(Exit::Ok)
}
