//! `waypost endpoints explain`: why each endpoint gets an event or not.

use std::io::IsTerminal as _;

use serde::Deserialize;

use crate::api::{Api, Target};
use crate::cli::EndpointsExplainArgs;
use crate::commands::deliveries::{Delivery, HEADINGS};
use crate::exit::Failure;
use crate::table::Table;
use crate::terminal;

#[derive(Debug, Deserialize)]
struct Explained {
    endpoints: Vec<Endpoint>,
    deliveries: Vec<Delivery>,
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    endpoint: String,
    state: String,
    gets_it: bool,
    because: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    because: Option<String>,
}

/// Explains: tables on a terminal, the gateway's JSON elsewhere.
pub(super) fn run(args: &EndpointsExplainArgs) -> Result<(), Failure> {
    let target = Target::new("/api/v1/events").segment(&args.event).segment("explain");
    let answer = Api::of(&args.gateway)?.get(&target)?;
    if args.gateway.json || !std::io::stdout().is_terminal() {
        return answer.print_json();
    }
    let explained: Explained = answer.read()?;
    explained.verdicts().print("there are no endpoints: `waypost endpoints add` makes one")?;
    terminal::print("")?;
    let mut deliveries = Table::new(&HEADINGS);
    for delivery in explained.deliveries {
        deliveries.row(delivery.cells());
    }
    deliveries.print("it is owed to nobody, and was not when it arrived")
}

impl Explained {
    fn verdicts(&self) -> Table {
        let mut table = Table::new(&["ENDPOINT", "STATE", "GETS IT", "BECAUSE"]);
        for endpoint in &self.endpoints {
            let gets_it = if endpoint.gets_it { "yes" } else { "no" };
            table.row([
                endpoint.endpoint.clone(),
                endpoint.state.clone(),
                gets_it.to_owned(),
                endpoint.because.clone(),
            ]);
            let missed = (1..).zip(&endpoint.rules).filter_map(|(n, rule)| Some((n, rule.because.as_ref()?)));
            for (n, because) in missed.filter(|_| !endpoint.gets_it) {
                table.row([String::new(), String::new(), String::new(), format!("rule {n}: {because}")]);
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn of_who_does_not_get_it_each_rule_says_why() {
        let json = r#"{"event_id":"evt_1","event_type":"messages.text","endpoints":[
            {"endpoint":"crm","state":"active","gets_it":true,"because":"rule 2 matches",
             "rules":[{"matches":false,"because":"types: x"},{"matches":true,"because":null}]},
            {"endpoint":"bot","state":"paused","gets_it":false,"because":"no rule matches",
             "rules":[{"matches":false,"because":"types: messages.text is excluded by !messages.*"}]}],"deliveries":[]}"#;
        let explained: Explained = serde_json::from_str(json).unwrap();
        let expected = "ENDPOINT  STATE   GETS IT  BECAUSE
crm       active  yes      rule 2 matches
bot       paused  no       no rule matches
                           rule 1: types: messages.text is excluded by !messages.*";
        assert_eq!(explained.verdicts().aligned(), expected);
    }
}
