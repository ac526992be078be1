//! How events are printed: as lines of JSON, as a table, or only counted.

use std::collections::BTreeMap;

use gateway::event_json::EventJson;
use serde::{Deserialize, Serialize};
use store::Payload;

use crate::exit::Failure;
use crate::json_text::one_line;
use crate::table::{Table, harmless, or_dash};
use crate::terminal;

/// One way of printing.
#[derive(Debug)]
pub(super) enum Show {
    /// One JSON event a line, as soon as its body was read.
    Lines,
    /// A table at the end, and what did not fit the known shapes below it.
    Table { table: Table, problems: Vec<String> },
    /// Counts at the end.
    Summary { counts: Counts, json: bool },
}

/// What was read, in numbers.
#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    bodies: usize,
    events: usize,
    with_problems: usize,
    types: BTreeMap<String, usize>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    path: String,
    what: String,
}

impl Show {
    /// One JSON event a line.
    pub(super) fn lines() -> Self {
        Self::Lines
    }

    /// A table.
    pub(super) fn table() -> Self {
        Self::Table {
            table: Table::new(&["OCCURRED", "TYPE", "NUMBER", "CONTACT", "EVENT", "PROBLEMS"]),
            problems: Vec::new(),
        }
    }

    /// Counts.
    pub(super) fn summary(json: bool) -> Self {
        Self::Summary { counts: Counts::default(), json }
    }

    /// Takes the events of one body.
    pub(super) fn body(&mut self, events: &[Payload]) -> Result<(), Failure> {
        match self {
            Self::Lines => events.iter().try_for_each(|event| terminal::print(&line(event))),
            Self::Table { table, problems } => {
                for event in events {
                    table.row(cells(event));
                    problems.extend(problems_of(event).iter().map(|problem| told(event, problem)));
                }
                Ok(())
            }
            Self::Summary { counts, .. } => {
                counts.add(events);
                Ok(())
            }
        }
    }

    /// Prints what was held back for the end.
    pub(super) fn end(self) -> Result<(), Failure> {
        match self {
            Self::Lines => Ok(()),
            Self::Table { table, problems } => {
                table.print("no events")?;
                if problems.is_empty() {
                    return Ok(());
                }
                terminal::print(&format!("\nproblems\n{}", problems.join("\n")))
            }
            Self::Summary { counts, json: true } => {
                terminal::print(&serde_json::to_string(&counts).map_err(|error| Failure::Output(error.into()))?)
            }
            Self::Summary { counts, json: false } => counts.print(),
        }
    }
}

impl Counts {
    fn add(&mut self, events: &[Payload]) {
        self.bodies += 1;
        for payload in events {
            self.events += 1;
            self.with_problems += usize::from(payload.event.problems_json != "[]");
            *self.types.entry(payload.event.event_type.clone()).or_default() += 1;
        }
    }

    fn print(&self) -> Result<(), Failure> {
        let mut table = Table::new(&["EVENTS", "TYPE"]);
        for (event_type, events) in &self.types {
            table.row([events.to_string(), event_type.clone()]);
        }
        table.print("no events")?;
        let Self { bodies, events, with_problems, .. } = self;
        terminal::tell(&format!("bodies {bodies}, events {events}, of them with problems {with_problems}"));
        Ok(())
    }
}

fn line(payload: &Payload) -> String {
    let event = EventJson::new(&payload.event, payload.body.as_deref()).not_received();
    one_line(&event.to_text())
}

fn cells(payload: &Payload) -> [String; 6] {
    let event = &payload.event;
    let problems = problems_of(payload).len();
    let contact = event.wa_id.as_deref().or(event.user_id.as_deref());
    let number =
        event.phone_number_id.as_deref().or(event.display_phone_number.as_deref()).or(event.entry_id.as_deref());
    let occurred = event.occurred_at_seconds.and_then(gateway::clock::rfc3339_seconds);
    [
        or_dash(occurred),
        event.event_type.clone(),
        or_dash(number),
        or_dash(contact.or(event.parent_user_id.as_deref())),
        event.id.to_string(),
        or_dash((problems > 0).then(|| problems.to_string())),
    ]
}

fn problems_of(payload: &Payload) -> Vec<Problem> {
    serde_json::from_str(&payload.event.problems_json).unwrap_or_default()
}

fn told(payload: &Payload, problem: &Problem) -> String {
    harmless(&format!("{}  {}: {}", payload.event.id, problem.path, problem.what))
}
