//! `waypost numbers`: which number the digits for display belong to.

use serde::Deserialize;
use serde_json::json;

use super::listing::Listing;
use crate::api::{Api, Target};
use crate::cli::{NumbersCommand, NumbersListArgs, NumbersSetArgs};
use crate::exit::{Exit, Failure};
use crate::table::or_dash;
use crate::terminal;

const PATH: &str = "/api/v1/numbers";

#[derive(Debug, Deserialize)]
struct Number {
    app: String,
    display_phone_number: String,
    phone_number_id: String,
    waba_id: Option<String>,
}

/// Does what was typed.
pub(crate) fn run(command: &NumbersCommand) -> Result<Exit, Failure> {
    match command {
        NumbersCommand::List(args) => list(args),
        NumbersCommand::Set(args) => set(args),
    }?;
    Ok(Exit::Ok)
}

fn list(args: &NumbersListArgs) -> Result<(), Failure> {
    let answer = Api::of(&args.gateway)?.get(&Target::new(PATH))?;
    let mut listing = Listing::new(args.gateway.json, &["APP", "NUMBER", "ID", "WABA"]);
    listing.rows(&answer, |number: Number| {
        [number.app, number.display_phone_number, number.phone_number_id, or_dash(number.waba_id)]
    })?;
    listing.end("no numbers are known yet: the first message of each teaches it, or `waypost numbers set`")
}

fn set(args: &NumbersSetArgs) -> Result<(), Failure> {
    let input = json!([{
        "app": args.app,
        "display_phone_number": args.display_phone_number,
        "phone_number_id": args.phone_number_id,
        "waba_id": args.waba,
    }]);
    Api::of(&args.gateway)?.put(&Target::new(PATH), &input, None)?;
    terminal::done("set", &args.phone_number_id, args.gateway.json)
}
