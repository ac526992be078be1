//! `waypost apply`: the endpoints that the configuration declares, into the running gateway.

use serde::{Deserialize, Serialize};

use super::endpoint_body::EndpointBody;
use crate::api::{Api, Target};
use crate::cli::ApplyArgs;
use crate::config::{self, Environment};
use crate::exit::{Exit, Failure};
use crate::table::{Table, or_dash};
use crate::terminal;

/// What is sent. It has no `Debug`: secrets are in it.
#[derive(Serialize)]
struct Request {
    endpoints: Vec<EndpointBody>,
    plan: bool,
    prune: bool,
}

#[derive(Debug, Deserialize)]
struct Applied {
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    endpoint: String,
    step: String,
    #[serde(default)]
    members: Vec<String>,
}

/// Applies them, or tells what that would do.
pub(crate) fn run(args: &ApplyArgs) -> Result<Exit, Failure> {
    let environment = Environment::of_this_process();
    let loaded = config::load(args.gateway.config.config.as_deref(), &environment);
    let config = loaded.map_err(Failure::Configuration)?;
    if config.file.is_none() {
        // Nothing declared would mean that everything declared before is paused: not by a wrong working folder.
        let message = "there is no configuration here: name the one whose endpoints are to be applied with -c";
        return Err(Failure::Arguments(message.to_owned()));
    }
    if !config.warnings.is_empty() {
        terminal::tell(&config.warnings.to_string());
    }
    let request = Request {
        endpoints: config.settings.endpoints.into_iter().map(EndpointBody::from).collect(),
        plan: args.plan,
        prune: args.prune,
    };
    let answer = Api::of(&args.gateway)?.post(&Target::new("/api/v1/apply"), &request)?;
    let applied: Applied = answer.read()?;
    if args.gateway.json {
        answer.print_json()?;
    } else {
        applied.print()?;
    }
    applied.warn(args.plan);
    Ok(if args.plan { applied.exit() } else { Exit::Ok })
}

impl Applied {
    fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.step != "keep")
    }

    fn exit(&self) -> Exit {
        if self.changes().next().is_some() { Exit::Differs } else { Exit::Ok }
    }

    fn print(&self) -> Result<(), Failure> {
        let mut table = Table::new(&["STEP", "ENDPOINT", "MEMBERS"]);
        for step in self.changes() {
            let members = step.members.join(", ");
            table.row([step.step.clone(), step.endpoint.clone(), or_dash(Some(members))]);
        }
        table.print("nothing to change: the endpoints are as declared")
    }

    /// What is declared no longer deserves a word: it may have been lost from the file by mistake.
    fn warn(&self, plan: bool) {
        for step in self.steps.iter().filter(|step| step.step == "pause") {
            let would = if plan { "would be" } else { "is" };
            terminal::tell(&format!(
                "{} is declared no longer: it {would} paused, and what it is owed waits; --prune removes it",
                step.endpoint
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[track_caller]
    fn check(steps: &str, exit: Exit) {
        let applied: Applied = serde_json::from_str(&format!(r#"{{"applied":false,"steps":[{steps}]}}"#)).unwrap();
        assert_eq!(applied.exit(), exit, "{steps}");
    }

    #[test]
    fn a_plan_differs_when_any_step_does_something() {
        let keep = r#"{"endpoint":"crm","step":"keep"}"#;
        check("", Exit::Ok);
        check(keep, Exit::Ok);
        for step in ["create", "change", "pause", "remove"] {
            check(&format!(r#"{keep},{{"endpoint":"bot","step":"{step}"}}"#), Exit::Differs);
        }
    }
}
