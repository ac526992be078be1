//! `waypost deliveries retry` and `give-up`.

use serde::Deserialize;
use serde_json::json;

use super::PATH;
use crate::api::{Api, Target};
use crate::cli::DeliveriesHandArgs;
use crate::exit::{Exit, Failure};
use crate::terminal;

#[derive(Debug, Deserialize)]
struct Changed {
    changed: u64,
}

/// Makes them due at once.
pub(super) fn retry(args: &DeliveriesHandArgs) -> Result<(), Failure> {
    lay(args, "retry", "due at once")
}

/// Ends them, after asking.
pub(super) fn give_up(args: &DeliveriesHandArgs) -> Result<Exit, Failure> {
    if !args.yes {
        let what = match &args.endpoint {
            Some(endpoint) => format!("all that {endpoint} is owed ends as dead (given_up)"),
            None => format!("{} ends as dead (given_up)", count(args.numbers.len())),
        };
        match terminal::ask(&format!("{what}. Go on?")) {
            Some(true) => {}
            Some(false) => {
                terminal::tell("nothing was given up");
                return Ok(Exit::Failed);
            }
            None => return Err(Failure::Arguments(format!("{what}. Give --yes to do that"))),
        }
    }
    lay(args, "give-up", "given up")?;
    Ok(Exit::Ok)
}

fn lay(args: &DeliveriesHandArgs, call: &str, done: &str) -> Result<(), Failure> {
    let api = Api::of(&args.gateway)?;
    let targets: Vec<Target> = match &args.endpoint {
        Some(id) => vec![Target::new("/api/v1/endpoints").segment(id)],
        None => args.numbers.iter().map(|number| Target::new(PATH).segment(&number.to_string())).collect(),
    };
    let mut changed = 0;
    for target in targets {
        changed += api.post(&target.segment(call), &json!({}))?.read::<Changed>()?.changed;
    }
    if args.gateway.json {
        return terminal::print(&json!({ "changed": changed }).to_string());
    }
    terminal::print(&format!("{changed} {done}"))
}

fn count(deliveries: usize) -> String {
    if deliveries == 1 { "1 delivery".to_owned() } else { format!("each of {deliveries} deliveries") }
}
