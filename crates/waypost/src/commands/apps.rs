//! `waypost apps`: the Meta apps that the gateway answers for.

use serde::Deserialize;

use super::listing::Listing;
use crate::api::{Api, Target};
use crate::cli::AppsArgs;
use crate::exit::{Exit, Failure};
use crate::table::or_dash;

#[derive(Debug, Deserialize)]
struct App {
    name: String,
    app_id: Option<String>,
    group: Option<String>,
    callback_paths: Vec<String>,
    secrets: usize,
}

/// Lists them.
pub(crate) fn run(args: &AppsArgs) -> Result<Exit, Failure> {
    let answer = Api::of(&args.gateway)?.get(&Target::new("/api/v1/apps"))?;
    let mut listing = Listing::new(args.gateway.json, &["NAME", "APP ID", "GROUP", "PATHS", "SECRETS"]);
    listing.rows(&answer, |app: App| {
        [app.name, or_dash(app.app_id), or_dash(app.group), app.callback_paths.join(" "), app.secrets.to_string()]
    })?;
    listing.end("no apps")?;
    Ok(Exit::Ok)
}
