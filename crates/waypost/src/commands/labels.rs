//! `waypost labels`: words on WABAs and numbers, for rules to name.

use serde::Deserialize;
use serde_json::{Value, json};

use super::listing::Listing;
use crate::api::{Api, Target};
use crate::cli::{GatewayArgs, LabelsClearArgs, LabelsCommand, LabelsListArgs, LabelsOn, LabelsSetArgs};
use crate::exit::{Exit, Failure};
use crate::terminal;

const PATH: &str = "/api/v1/labels";

#[derive(Debug, Deserialize)]
struct LabelsOf {
    on: String,
    id: String,
    labels: Vec<String>,
}

/// Does what was typed.
pub(crate) fn run(command: &LabelsCommand) -> Result<Exit, Failure> {
    match command {
        LabelsCommand::List(args) => list(args),
        LabelsCommand::Set(LabelsSetArgs { on, labels, ids, gateway }) => {
            let labels: Vec<&str> = labels.split(',').map(str::trim).collect();
            put(*on, &labels, ids, gateway, "labelled")
        }
        LabelsCommand::Clear(LabelsClearArgs { on, ids, gateway }) => put(*on, &[], ids, gateway, "cleared"),
    }?;
    Ok(Exit::Ok)
}

fn list(args: &LabelsListArgs) -> Result<(), Failure> {
    let answer = Api::of(&args.gateway)?.get(&Target::new(PATH))?;
    let mut listing = Listing::new(args.gateway.json, &["ON", "ID", "LABELS"]);
    listing.rows(&answer, |one: LabelsOf| [one.on, one.id, one.labels.join(",")])?;
    listing.end("nothing bears labels: `waypost labels set` hangs them on WABAs and numbers")
}

fn put(on: LabelsOn, labels: &[&str], ids: &[String], gateway: &GatewayArgs, done: &str) -> Result<(), Failure> {
    let all: Vec<Value> = ids.iter().map(|id| json!({ "on": on.as_str(), "id": id, "labels": labels })).collect();
    Api::of(gateway)?.put(&Target::new(PATH), &all, None)?;
    ids.iter().try_for_each(|id| terminal::done(done, id, gateway.json))
}
