//! `waypost keys`: API keys, made, listed and revoked.

use serde::Deserialize;
use serde_json::json;

use super::listing::Listing;
use crate::api::{Api, Target};
use crate::cli::{KeysCommand, KeysCreateArgs, KeysListArgs, KeysRevokeArgs};
use crate::exit::{Exit, Failure};
use crate::table::or_dash;
use crate::terminal;

const PATH: &str = "/api/v1/keys";

#[derive(Debug, Deserialize)]
struct Key {
    id: String,
    name: String,
    scope: String,
    owner: String,
    created_at: Option<String>,
    revoked_at: Option<String>,
}

/// A key that was made just now. It has no `Debug`: the key is in it.
#[derive(Deserialize)]
struct Made {
    id: String,
    key: String,
}

/// Does what was typed.
pub(crate) fn run(command: &KeysCommand) -> Result<Exit, Failure> {
    match command {
        KeysCommand::List(args) => list(args),
        KeysCommand::Create(args) => create(args),
        KeysCommand::Revoke(args) => revoke(args),
    }?;
    Ok(Exit::Ok)
}

fn list(args: &KeysListArgs) -> Result<(), Failure> {
    let answer = Api::of(&args.gateway)?.get(&Target::new(PATH))?;
    let headings = ["ID", "NAME", "SCOPE", "OWNER", "CREATED", "REVOKED"];
    let mut listing = Listing::new(args.gateway.json, &headings);
    listing.rows(&answer, |key: Key| {
        [key.id, key.name, key.scope, or_dash(Some(key.owner)), or_dash(key.created_at), or_dash(key.revoked_at)]
    })?;
    listing.end("no API keys: `waypost keys create` makes one")
}

/// The key alone goes to standard output, so that a script can take it from there.
fn create(args: &KeysCreateArgs) -> Result<(), Failure> {
    let input = json!({ "name": args.name, "scope": args.scope, "owner": args.owner });
    let answer = Api::of(&args.gateway)?.post(&Target::new(PATH), &input)?;
    if args.gateway.json {
        return answer.print_json();
    }
    let made: Made = answer.read()?;
    terminal::print(&made.key)?;
    terminal::tell(&format!("made {}; the key is shown this once", made.id));
    Ok(())
}

fn revoke(args: &KeysRevokeArgs) -> Result<(), Failure> {
    Api::of(&args.gateway)?.delete(&Target::new(PATH).segment(&args.id), None)?;
    terminal::done("revoked", &args.id, args.gateway.json)
}
