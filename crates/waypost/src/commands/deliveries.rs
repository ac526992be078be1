//! `waypost deliveries`: what is owed to endpoints and what became of it.

mod hands;

use serde::Deserialize;

use super::listing::Listing;
use crate::api::{Api, Target};
use crate::cli::{DeliveriesArgs, DeliveriesCommand, DeliveriesListArgs, DeliveriesShowArgs};
use crate::exit::{Exit, Failure};
use crate::table::{Table, facts, or_dash};
use crate::terminal;

const PATH: &str = "/api/v1/deliveries";

/// The columns of a delivery, wherever deliveries are listed.
pub(super) const HEADINGS: [&str; 7] = ["NUMBER", "EVENT", "TYPE", "ENDPOINT", "STATE", "ATTEMPTS", "DUE OR ENDED"];

/// A delivery, as far as it is shown.
#[derive(Debug, Deserialize)]
pub(super) struct Delivery {
    number: i64,
    event_id: String,
    event_type: String,
    endpoint: String,
    state: String,
    reason: Option<String>,
    in_flight: bool,
    late: bool,
    #[serde(default)]
    replay: Option<String>,
    attempts: u32,
    created_at: Option<String>,
    first_attempt_at: Option<String>,
    due_at: Option<String>,
    ended_at: Option<String>,
    #[serde(default)]
    attempt_log: Vec<Attempt>,
}

#[derive(Debug, Deserialize)]
struct Attempt {
    number: u32,
    started_at: Option<String>,
    duration_ms: u32,
    http_status: Option<u16>,
    failure: Option<String>,
    error: Option<String>,
    response_snippet: Option<String>,
}

/// Does what was typed.
pub(crate) fn run(args: &DeliveriesArgs) -> Result<Exit, Failure> {
    match &args.command {
        None => list(&args.list),
        Some(DeliveriesCommand::Show(args)) => show(args),
        Some(DeliveriesCommand::Retry(args)) => hands::retry(args),
        Some(DeliveriesCommand::GiveUp(args)) => return hands::give_up(args),
    }?;
    Ok(Exit::Ok)
}

fn list(args: &DeliveriesListArgs) -> Result<(), Failure> {
    let target = Target::new(PATH)
        .query("endpoint", args.endpoint.as_deref())
        .query("event", args.event.as_deref())
        .query("state", args.state.as_deref());
    let mut listing = Listing::new(args.gateway.json, &HEADINGS);
    Api::of(&args.gateway)?.rows(&target, args.limit, |row| listing.row(row, Delivery::cells))?;
    listing.end("no deliveries")
}

fn show(args: &DeliveriesShowArgs) -> Result<(), Failure> {
    let answer = Api::of(&args.gateway)?.get(&Target::new(PATH).segment(&args.number.to_string()))?;
    if args.gateway.json {
        return answer.print_json();
    }
    let delivery: Delivery = answer.read()?;
    terminal::print(&delivery.facts())?;
    if delivery.attempt_log.is_empty() {
        return Ok(());
    }
    terminal::print("")?;
    let mut table = Table::new(&["ATTEMPT", "STARTED", "TOOK", "STATUS", "FAILURE", "WHAT", "ANSWER"]);
    for attempt in delivery.attempt_log {
        table.row(attempt.cells());
    }
    table.print("")
}

impl Delivery {
    /// Its cells under [`HEADINGS`].
    pub(super) fn cells(self) -> [String; 7] {
        let state = self.state();
        [
            self.number.to_string(),
            self.event_id,
            self.event_type,
            self.endpoint,
            state,
            self.attempts.to_string(),
            or_dash(self.ended_at.or(self.due_at)),
        ]
    }

    /// Its state with what is to be said about it: `dead (policy_ended)`, `owed, in flight, late`.
    fn state(&self) -> String {
        let mut state = self.state.clone();
        if let Some(reason) = &self.reason {
            state.push_str(&format!(" ({reason})"));
        }
        for (is, word) in [(self.in_flight, ", in flight"), (self.late, ", late")] {
            state.push_str(if is { word } else { "" });
        }
        if let Some(replay) = &self.replay {
            state.push_str(&format!(", {replay}"));
        }
        state
    }

    fn facts(&self) -> String {
        facts(&[
            ("delivery", self.number.to_string()),
            ("event", format!("{}  {}", self.event_id, self.event_type)),
            ("endpoint", self.endpoint.clone()),
            ("state", self.state()),
            ("attempts", self.attempts.to_string()),
            ("made", or_dash(self.created_at.as_deref())),
            ("first attempt", or_dash(self.first_attempt_at.as_deref())),
            ("due", or_dash(self.due_at.as_deref())),
            ("ended", or_dash(self.ended_at.as_deref())),
        ])
    }
}

impl Attempt {
    fn cells(self) -> [String; 7] {
        [
            self.number.to_string(),
            or_dash(self.started_at),
            format!("{} ms", self.duration_ms),
            or_dash(self.http_status.map(|status| status.to_string())),
            or_dash(self.failure),
            or_dash(self.error),
            or_dash(self.response_snippet),
        ]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn a_delivery_as_the_gateway_writes_it_is_read_with_its_attempts() {
        let json = r#"{"number":7,"event_id":"evt_1","event_type":"messages.text","endpoint":"crm","state":"owed",
            "reason":null,"in_flight":true,"late":true,"attempts":1,"created_at":"a","first_attempt_at":null,
            "due_at":"b","ended_at":null,"new_member":1,"attempt_log":[{"number":1,"started_at":"c","duration_ms":12,
            "http_status":500,"failure":"server_error","error":null,"response_snippet":"no\u001b[2J"}]}"#;
        let mut delivery: Delivery = serde_json::from_str(json).unwrap();
        assert!(delivery.facts().contains("state          owed, in flight, late\n"));
        let attempt = delivery.attempt_log.remove(0).cells();
        assert_eq!(attempt.join("|"), "1|c|12 ms|500|server_error|-|no\u{1b}[2J");
        assert_eq!(delivery.cells().join("|"), "7|evt_1|messages.text|crm|owed, in flight, late|1|b");
    }
}
