//! The Meta apps of this machine's gateway, as its configuration or its development mode has them: for commands that sign
//! or verify without asking the gateway, which never gives a secret away.

use std::path::Path;

use gateway::settings::AppSettings;

use crate::config::{self, Environment};
use crate::development;
use crate::exit::Failure;

/// The apps; at least one.
pub(crate) fn apps(config: Option<&Path>, environment: &Environment) -> Result<Vec<AppSettings>, Failure> {
    let config = config::load(config, environment).map_err(Failure::Configuration)?;
    if !config.settings.apps.is_empty() {
        return Ok(config.settings.apps);
    }
    match development::made_app(&config.store_folder)? {
        Some(app) => Ok(vec![app]),
        None => Err(Failure::NoGateway { folder: config.store_folder }),
    }
}
