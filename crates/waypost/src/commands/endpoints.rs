//! `waypost endpoints`: where events go.

mod change;
mod explain;
mod form;
mod policy;
mod shown;
mod testing;

use serde::Deserialize;

use self::change::{body_of, changed};
use self::shown::{HEADINGS, Shown};
use super::listing::Listing;
use crate::api::{Api, Target};
use crate::cli::{
    EndpointArgs, EndpointsAddArgs, EndpointsCommand, EndpointsListArgs, EndpointsRemoveArgs, EndpointsUpdateArgs,
    RotateSecretArgs,
};
use crate::config::Environment;
use crate::exit::{Exit, Failure};
use crate::secret_argument;
use crate::table::facts;
use crate::terminal;

const PATH: &str = "/api/v1/endpoints";

#[derive(Debug, Deserialize)]
struct Page {
    rows: Vec<Box<serde_json::value::RawValue>>,
}

/// An endpoint that was made just now. It has no `Debug`: the secret may be in it.
#[derive(Deserialize)]
struct Made {
    id: String,
    webhook_secret: Option<String>,
}

/// Does what was typed.
pub(crate) fn run(command: &EndpointsCommand) -> Result<Exit, Failure> {
    match command {
        EndpointsCommand::List(args) => list(args),
        EndpointsCommand::Show(args) => show(args),
        EndpointsCommand::Add(args) => add(args),
        EndpointsCommand::Update(args) => update(args),
        EndpointsCommand::Remove(args) => return remove(args),
        EndpointsCommand::RotateSecret(args) => rotate_secret(args),
        EndpointsCommand::Pause(args) => set_state(args, "pause", "paused"),
        EndpointsCommand::Resume(args) => set_state(args, "resume", "resumed"),
        EndpointsCommand::Test(args) => return testing::run(args),
        EndpointsCommand::Explain(args) => explain::run(args),
    }?;
    Ok(Exit::Ok)
}

fn list(args: &EndpointsListArgs) -> Result<(), Failure> {
    let page: Page = Api::of(&args.gateway)?.get(&Target::new(PATH))?.read()?;
    let mut listing = Listing::new(args.gateway.json, &HEADINGS);
    page.rows.iter().try_for_each(|row| listing.row(row, Shown::cells))?;
    listing.end("no endpoints: `waypost endpoints add` makes one")
}

fn show(args: &EndpointArgs) -> Result<(), Failure> {
    let answer = Api::of(&args.gateway)?.get(&one(&args.id))?;
    if args.gateway.json {
        return answer.print_json();
    }
    terminal::print(&answer.read::<Shown>()?.facts())
}

fn add(args: &EndpointsAddArgs) -> Result<(), Failure> {
    let body = body_of(args, &Environment::of_this_process())?;
    let answer = Api::of(&args.gateway)?.post(&Target::new(PATH), &body)?;
    if args.gateway.json {
        return answer.print_json();
    }
    let made: Made = answer.read()?;
    let mut lines = vec![("made", made.id)];
    let made_up = made.webhook_secret.is_some();
    lines.extend(made.webhook_secret.map(|secret| ("webhook secret", secret)));
    terminal::print(&facts(&lines))?;
    if made_up {
        terminal::tell("the webhook secret is shown this once: the receiver checks `webhook-signature` with it");
    }
    Ok(())
}

fn update(args: &EndpointsUpdateArgs) -> Result<(), Failure> {
    let api = Api::of(&args.gateway)?;
    let before: Shown = api.get(&one(&args.id))?.read()?;
    let (revision, declared) = (before.revision, before.declared);
    let body = changed(before, args, &Environment::of_this_process())?;
    let answer = api.put(&one(&args.id), &body, Some(revision))?;
    if declared {
        terminal::tell(&format!(
            "{} is declared in the configuration: change it there too, or the next `waypost apply` or start undoes this",
            args.id
        ));
    }
    if args.gateway.json {
        return answer.print_json();
    }
    terminal::print(&answer.read::<Shown>()?.facts())
}

fn remove(args: &EndpointsRemoveArgs) -> Result<Exit, Failure> {
    let api = Api::of(&args.gateway)?;
    let before: Shown = api.get(&one(&args.id))?.read()?;
    if !args.yes {
        let question = before.removal();
        match terminal::ask(&format!("{question}. Remove it?")) {
            Some(true) => {}
            Some(false) => {
                terminal::tell(&format!("{} was not removed", args.id));
                return Ok(Exit::Failed);
            }
            None => return Err(Failure::Arguments(format!("{question}. Give --yes to remove it"))),
        }
    }
    api.delete(&one(&args.id), Some(before.revision))?;
    if before.declared {
        terminal::tell(&format!(
            "{} is declared in the configuration: take it out there too, or the next `waypost apply` or start makes it anew",
            args.id
        ));
    }
    terminal::done("removed", &args.id, args.gateway.json)?;
    Ok(Exit::Ok)
}

fn rotate_secret(args: &RotateSecretArgs) -> Result<(), Failure> {
    let environment = Environment::of_this_process();
    let given = args.secret.as_deref().map(|text| secret_argument::read("--secret", text, &environment)).transpose()?;
    let mut body = serde_json::Map::new();
    body.extend(given.map(|secret| ("secret".to_owned(), secret.expose().into())));
    body.extend(args.overlap.as_deref().map(|overlap| ("overlap".to_owned(), overlap.into())));
    let answer = Api::of(&args.gateway)?.post(&one(&args.id).segment("secrets").segment("rotate"), &body)?;
    if args.gateway.json {
        return answer.print_json();
    }
    let made: Made = answer.read()?;
    let secret = made.webhook_secret.unwrap_or_default();
    terminal::print(&facts(&[("endpoint", made.id), ("webhook secret", secret)]))?;
    terminal::tell("the webhook secret is shown this once; the one before signs as well until the overlap has passed");
    Ok(())
}

fn set_state(args: &EndpointArgs, call: &str, done: &str) -> Result<(), Failure> {
    let nothing = serde_json::json!({});
    Api::of(&args.gateway)?.post(&one(&args.id).segment(call), &nothing)?;
    terminal::done(done, &args.id, args.gateway.json)
}

fn one(id: &str) -> Target {
    Target::new(PATH).segment(id)
}
