//! `waypost events`: listed, shown, found.

use std::time::Duration;

use gateway::clock::{Clock, rfc3339_ms};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::deliveries::{Delivery, HEADINGS as DELIVERY_HEADINGS};
use super::listing::Listing;
use crate::api::{Api, Target};
use crate::cli::{EventsArgs, EventsCommand, EventsFindArgs, EventsListArgs, EventsShowArgs};
use crate::exit::{Exit, Failure};
use crate::json_text::indented;
use crate::table::{Table, facts, harmless, or_dash};
use crate::terminal;

const PATH: &str = "/api/v1/events";
const HEADINGS: [&str; 6] = ["RECEIVED", "EVENT", "TYPE", "NUMBER", "CONTACT", "NOTES"];

/// An event, as far as it is shown.
#[derive(Debug, Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    app: String,
    entry_id: Option<String>,
    waba_id: Option<String>,
    phone_number_id: Option<String>,
    display_phone_number: Option<String>,
    contact: Contact,
    message_id: Option<String>,
    key: String,
    lane: String,
    occurred_at: Option<String>,
    received_at: Option<String>,
    notification_id: Option<String>,
    test: bool,
    duplicates: u32,
    unrouted: bool,
    problems: Vec<Problem>,
    #[serde(default)]
    data: Option<Box<RawValue>>,
    #[serde(default)]
    data_base64: Option<String>,
    #[serde(default)]
    data_dropped: bool,
    #[serde(default)]
    damaged: bool,
}

#[derive(Debug, Deserialize)]
struct Contact {
    wa_id: Option<String>,
    user_id: Option<String>,
    parent_user_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    path: String,
    what: String,
}

#[derive(Debug, Deserialize)]
struct Found {
    rows: Vec<Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
struct Shown {
    event: Event,
    deliveries: Vec<Delivery>,
    conflicts: Vec<Conflict>,
}

#[derive(Debug, Deserialize)]
struct Conflict {
    notification_id: String,
    received_at: Option<String>,
}

/// Does what was typed.
pub(crate) fn run(args: &EventsArgs) -> Result<Exit, Failure> {
    match &args.command {
        None => list(&args.list),
        Some(EventsCommand::Show(args)) => show(args),
        Some(EventsCommand::Find(args)) => find(args),
    }?;
    Ok(Exit::Ok)
}

fn list(args: &EventsListArgs) -> Result<(), Failure> {
    let since = time("--since", args.since.as_deref())?;
    let until = time("--until", args.until.as_deref())?;
    let target = Target::new(PATH)
        .query("app", args.app.as_deref())
        .query("field", args.field.as_deref())
        .query("type", args.event_type.as_deref())
        .query("waba_id", args.waba.as_deref())
        .query("phone_number_id", args.phone_number_id.as_deref())
        .query("unrouted", args.unrouted.then_some("true"))
        .query("since", since.as_deref())
        .query("until", until.as_deref());
    let mut listing = Listing::new(args.gateway.json, &HEADINGS);
    Api::of(&args.gateway)?.rows(&target, args.limit, |row| listing.row(row, Event::cells))?;
    listing.end("no events")
}

fn find(args: &EventsFindArgs) -> Result<(), Failure> {
    let target = Target::new(PATH).segment("find").query("q", Some(&args.text));
    let found: Found = Api::of(&args.gateway)?.get(&target)?.read()?;
    let mut listing = Listing::new(args.gateway.json, &HEADINGS);
    found.rows.iter().try_for_each(|row| listing.row(row, Event::cells))?;
    listing.end("nothing found")
}

fn show(args: &EventsShowArgs) -> Result<(), Failure> {
    let answer = Api::of(&args.gateway)?.get(&Target::new(PATH).segment(&args.id))?;
    if args.gateway.json {
        return answer.print_json();
    }
    let shown: Shown = answer.read()?;
    let Shown { event, deliveries, conflicts } = shown;
    terminal::print(&event.facts(&conflicts))?;
    terminal::print("")?;
    let mut table = Table::new(&DELIVERY_HEADINGS);
    for delivery in deliveries {
        table.row(delivery.cells());
    }
    table.print("no deliveries: it matched no endpoint")?;
    terminal::print(&format!("\n{}", event.data_text()))
}

/// A time as the API takes it: as it was typed, or so long before now.
pub(super) fn time(argument: &str, text: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(text) = text else { return Ok(None) };
    if gateway::clock::parse_rfc3339(text).is_some() {
        return Ok(Some(text.to_owned()));
    }
    let ago = humantime::parse_duration(text).ok();
    let then =
        |ago: Duration| rfc3339_ms(Clock::System.now_ms().checked_sub_unsigned(u64::try_from(ago.as_millis()).ok()?)?);
    let wrong = || {
        Failure::Arguments(format!(
            "{argument}: expected a time like 2026-03-01T10:00:00Z, or how long ago, like 90m or 2days"
        ))
    };
    ago.and_then(then).map(Some).ok_or_else(wrong)
}

impl Event {
    /// Its cells under [`HEADINGS`].
    fn cells(self) -> [String; 6] {
        let notes = self.notes();
        let contact = self.contact;
        [
            or_dash(self.received_at),
            self.id,
            self.event_type,
            or_dash(self.phone_number_id.or(self.display_phone_number).or(self.entry_id)),
            or_dash(contact.wa_id.or(contact.user_id).or(contact.parent_user_id)),
            or_dash(Some(notes)),
        ]
    }

    fn notes(&self) -> String {
        let problems = (!self.problems.is_empty()).then(|| format!("problems: {}", self.problems.len()));
        let duplicates = (self.duplicates > 0).then(|| format!("duplicates: {}", self.duplicates));
        let words =
            [self.unrouted.then(|| "unrouted".to_owned()), self.test.then(|| "test".to_owned()), problems, duplicates];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn facts(&self, conflicts: &[Conflict]) -> String {
        let names = [&self.contact.wa_id, &self.contact.user_id, &self.contact.parent_user_id];
        let contact = names.into_iter().flatten().cloned().collect::<Vec<_>>().join("  ");
        let number = [&self.phone_number_id, &self.display_phone_number];
        let number = number.into_iter().flatten().cloned().collect::<Vec<_>>().join("  ");
        let mut lines = vec![
            ("event", self.id.clone()),
            ("type", self.event_type.clone()),
            ("app", self.app.clone()),
            ("waba", or_dash(self.waba_id.as_deref())),
            ("number", or_dash(Some(number))),
            ("contact", or_dash(Some(contact))),
            ("message", or_dash(self.message_id.as_deref())),
            ("key", self.key.clone()),
            ("lane", self.lane.clone()),
            ("occurred", or_dash(self.occurred_at.as_deref())),
            ("received", or_dash(self.received_at.as_deref())),
            ("notification", or_dash(self.notification_id.as_deref())),
            ("notes", or_dash(Some(self.notes()))),
        ];
        let problems = self.problems.iter();
        lines.extend(problems.map(|problem| ("problem", format!("{}: {}", problem.path, problem.what))));
        let conflicting = |copy: &Conflict| {
            let received = or_dash(copy.received_at.as_deref());
            ("differs", format!("a copy in {} from {received}", copy.notification_id))
        };
        lines.extend(conflicts.iter().map(conflicting));
        facts(&lines)
    }

    fn data_text(&self) -> String {
        let text = match (&self.data, &self.data_base64) {
            (Some(data), _) => indented(data.get()),
            (None, Some(base64)) => format!("not JSON; in base64: {base64}"),
            (None, None) if self.damaged => "what the store holds of it is not what was written".to_owned(),
            (None, None) if self.data_dropped => "retention has dropped its data".to_owned(),
            (None, None) => "no data".to_owned(),
        };
        text.lines().map(harmless).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests;
