//! `waypost replay`: sends again what did not arrive, or what a new endpoint should have had.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::events::time;
use super::listing::Listing;
use crate::api::{Answer, Api, Target};
use crate::cli::{ReplayArgs, ReplayCommand, ReplayListArgs, ReplayMakeArgs, ReplayOneArgs};
use crate::exit::{Exit, Failure};
use crate::table::{Table, facts, or_dash};
use crate::terminal::{self, Progress};

const PATH: &str = "/api/v1/replays";
/// Between two looks at a replay that is being counted or run.
const LOOK: Duration = Duration::from_millis(200);

/// What is asked for.
#[derive(Debug, Serialize)]
struct Request<'a> {
    of: &'static str,
    to: Option<&'a str>,
    endpoint: Option<&'a str>,
    states: &'a [String],
    include_accepted: bool,
    app: Option<&'a str>,
    field: Option<&'a str>,
    r#type: Option<&'a str>,
    waba_id: Option<&'a str>,
    phone_number_id: Option<&'a str>,
    since: Option<String>,
    until: Option<String>,
    events: &'a [String],
    deliveries: &'a [i64],
    as_new: bool,
    per_second: Option<u32>,
}

/// A replay, as far as it is shown.
#[derive(Debug, Deserialize)]
struct Replay {
    id: String,
    state: String,
    request: serde_json::Value,
    matched: u64,
    made: u64,
    bodies_gone: u64,
    endpoints_gone: u64,
    made_by: String,
    made_at: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    outcomes: Outcomes,
}

#[derive(Debug, Deserialize)]
struct Step {
    at: Option<String>,
    by: String,
    what: String,
}

#[derive(Debug, Default, Deserialize)]
struct Outcomes {
    owed: u64,
    accepted: u64,
    dead: u64,
    skipped: u64,
}

/// Does what was typed.
pub(crate) fn run(args: &ReplayArgs) -> Result<Exit, Failure> {
    match &args.command {
        None => return make(&args.make),
        Some(ReplayCommand::List(args)) => list(args),
        Some(ReplayCommand::Show(args)) => show(args),
        Some(ReplayCommand::Start(args)) => steer(args, "start"),
        Some(ReplayCommand::Pause(args)) => steer(args, "pause"),
        Some(ReplayCommand::Cancel(args)) => steer(args, "cancel"),
    }?;
    Ok(Exit::Ok)
}

fn make(args: &ReplayMakeArgs) -> Result<Exit, Failure> {
    let api = Api::of(&args.gateway)?;
    let made: Replay = api.post(&Target::new(PATH), &request(args)?)?.read()?;
    let (planned, answer) = counted(&api, &made.id)?;
    if args.dry_run {
        if args.gateway.json {
            answer.print_json()?;
        } else {
            terminal::print(&planned.plan())?;
            terminal::tell(&format!("`waypost replay start {}` repeats exactly these", planned.id));
        }
        return Ok(Exit::Ok);
    }
    if planned.deliverable() == 0 {
        api.post(&one(&planned.id).segment("cancel"), &serde_json::json!({}))?;
        terminal::tell(&format!("nothing to repeat: {}", planned.count()));
        return Ok(Exit::Ok);
    }
    if !args.yes && !agreed(&api, &planned)? {
        return Ok(Exit::Failed);
    }
    let mut answer = api.post(&one(&planned.id).segment("start"), &serde_json::json!({}))?;
    if args.wait {
        answer = done(&api, &planned)?;
    }
    if args.gateway.json {
        answer.print_json()?;
    } else {
        terminal::print(&answer.read::<Replay>()?.plan())?;
    }
    Ok(Exit::Ok)
}

/// Asks a person. Who says no, or cannot be asked, leaves no plan behind.
fn agreed(api: &Api, planned: &Replay) -> Result<bool, Failure> {
    let asked = terminal::ask(&format!("{}. Repeat them?", planned.count()));
    if asked != Some(true) {
        api.post(&one(&planned.id).segment("cancel"), &serde_json::json!({}))?;
    }
    match asked {
        Some(true) => Ok(true),
        Some(false) => {
            terminal::tell("nothing was repeated");
            Ok(false)
        }
        None => Err(Failure::Arguments(format!("{}. Give --yes to repeat them, or --dry-run", planned.count()))),
    }
}

fn request(args: &ReplayMakeArgs) -> Result<Request<'_>, Failure> {
    Ok(Request {
        of: match (args.unrouted, args.all_events) {
            (true, _) => "unrouted",
            (false, true) => "events",
            (false, false) => "deliveries",
        },
        to: args.to.as_deref(),
        endpoint: args.endpoint.as_deref(),
        states: &args.state,
        include_accepted: args.include_accepted,
        app: args.app.as_deref(),
        field: args.field.as_deref(),
        r#type: args.event_type.as_deref(),
        waba_id: args.waba.as_deref(),
        phone_number_id: args.phone_number_id.as_deref(),
        since: time("--since", args.since.as_deref())?,
        until: time("--until", args.until.as_deref())?,
        events: &args.event,
        deliveries: &args.delivery,
        as_new: args.as_new,
        per_second: args.per_second,
    })
}

/// Waits until it is counted.
fn counted(api: &Api, id: &str) -> Result<(Replay, Answer), Failure> {
    loop {
        let answer = api.get(&one(id))?;
        let replay: Replay = answer.read()?;
        if replay.state != "counting" {
            return Ok((replay, answer));
        }
        std::thread::sleep(LOOK);
    }
}

/// Waits until all its deliveries are made.
fn done(api: &Api, planned: &Replay) -> Result<Answer, Failure> {
    let mut progress = Progress::new("replaying");
    loop {
        let answer = api.get(&one(&planned.id))?;
        let replay: Replay = answer.read()?;
        progress.show(replay.made, planned.deliverable());
        if !matches!(replay.state.as_str(), "running" | "paused") {
            progress.end();
            return Ok(answer);
        }
        std::thread::sleep(LOOK);
    }
}

fn list(args: &ReplayListArgs) -> Result<(), Failure> {
    let mut listing = Listing::new(args.gateway.json, &["ID", "STATE", "MATCHED", "MADE", "BY", "AT", "WHAT"]);
    Api::of(&args.gateway)?.rows(&Target::new(PATH), args.limit, |row| listing.row(row, Replay::cells))?;
    listing.end("no replays")
}

fn show(args: &ReplayOneArgs) -> Result<(), Failure> {
    let answer = Api::of(&args.gateway)?.get(&one(&args.id))?;
    if args.gateway.json {
        return answer.print_json();
    }
    let replay: Replay = answer.read()?;
    terminal::print(&replay.plan())?;
    terminal::print("")?;
    let mut steps = Table::new(&["AT", "BY", "WHAT"]);
    for step in replay.steps {
        steps.row([or_dash(step.at), or_dash(Some(step.by)), step.what]);
    }
    steps.print("")
}

fn steer(args: &ReplayOneArgs, call: &str) -> Result<(), Failure> {
    let answer = Api::of(&args.gateway)?.post(&one(&args.id).segment(call), &serde_json::json!({}))?;
    if args.gateway.json {
        return answer.print_json();
    }
    terminal::print(&answer.read::<Replay>()?.plan())
}

fn one(id: &str) -> Target {
    Target::new(PATH).segment(id)
}

impl Replay {
    fn deliverable(&self) -> u64 {
        self.matched.saturating_sub(self.bodies_gone).saturating_sub(self.endpoints_gone)
    }

    /// The count in a sentence.
    fn count(&self) -> String {
        let mut text = format!("{} matched", self.matched);
        for (gone, what) in [
            (self.bodies_gone, "whose bytes retention has dropped"),
            (self.endpoints_gone, "whose endpoint was removed"),
        ] {
            if gone > 0 {
                text.push_str(&format!(", of them {gone} {what}"));
            }
        }
        format!("{text}: {} can be sent", self.deliverable())
    }

    /// What was asked for beside what is anything.
    fn what(&self) -> String {
        let said = |(name, value): (&String, &serde_json::Value)| match value {
            serde_json::Value::Null | serde_json::Value::Bool(false) => None,
            serde_json::Value::Bool(true) => Some(name.clone()),
            serde_json::Value::String(text) => Some(format!("{name} {text}")),
            serde_json::Value::Array(items) => Some(format!("{name} ({})", items.len())),
            serde_json::Value::Number(_) | serde_json::Value::Object(_) => Some(format!("{name} {value}")),
        };
        let members = self.request.as_object().into_iter().flatten();
        members.filter_map(said).collect::<Vec<_>>().join("; ")
    }

    fn plan(&self) -> String {
        let Outcomes { owed, accepted, dead, skipped } = &self.outcomes;
        facts(&[
            ("replay", self.id.clone()),
            ("state", self.state.clone()),
            ("what", self.what()),
            ("count", self.count()),
            ("made", self.made.to_string()),
            ("of them now", format!("{accepted} accepted, {owed} owed, {dead} dead, {skipped} skipped")),
            ("asked for", format!("{} by {}", or_dash(self.made_at.as_deref()), self.made_by)),
            ("started", or_dash(self.started_at.as_deref())),
            ("ended", or_dash(self.ended_at.as_deref())),
        ])
    }

    fn cells(self) -> [String; 7] {
        let what = self.what();
        [
            self.id,
            self.state,
            self.matched.to_string(),
            self.made.to_string(),
            self.made_by,
            or_dash(self.made_at),
            what,
        ]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn a_replay_says_what_it_repeats_and_what_it_cannot() {
        let json = r#"{"id":"rpl_7","state":"planned","request":{"of":"deliveries","endpoint":"crm","events":["a","b"],
            "include_accepted":false,"as_new":true,"per_second":50},"as_new":true,"matched":12,"made":0,"bodies_gone":2,
            "endpoints_gone":0,"made_by":"anna","made_at":"x","started_at":null,"ended_at":null}"#;
        let replay: Replay = serde_json::from_str(json).unwrap();
        assert_eq!(replay.count(), "12 matched, of them 2 whose bytes retention has dropped: 10 can be sent");
        assert_eq!(replay.what(), "as_new; endpoint crm; events (2); of deliveries; per_second 50");
        assert!(replay.plan().contains("asked for    x by anna"), "{}", replay.plan());
    }
}
