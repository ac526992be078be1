//! `waypost status`: the one screen for whoever is on call.

mod refusals;
mod units;

use std::collections::BTreeMap;

use gateway::clock::parse_rfc3339;
use serde::Deserialize;

use self::units::{age, bytes, milliseconds};
use crate::api::{Api, Target};
use crate::cli::StatusArgs;
use crate::exit::{Exit, Failure};
use crate::table::{Table, facts, or_dash};
use crate::terminal;

/// The status, as far as it is shown.
#[derive(Debug, Deserialize)]
struct Status {
    version: String,
    development: bool,
    started_at: Option<String>,
    now: Option<String>,
    ready: bool,
    not_ready_because: Option<String>,
    #[serde(default)]
    caution: Option<String>,
    store: Store,
    totals: Totals,
    apps: Vec<App>,
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Deserialize)]
struct Store {
    bytes: u64,
    volume_free_bytes: u64,
    volume_bytes: u64,
    last_commit_us: u64,
    queued_batches: usize,
}

#[derive(Debug, Deserialize)]
struct Totals {
    notifications: u64,
    events: u64,
    duplicates: u64,
    conflicts: u64,
    unrouted: u64,
    owed: u64,
    accepted: u64,
    dead: u64,
    skipped: u64,
}

#[derive(Debug, Deserialize)]
struct App {
    name: String,
    last_event_at: Option<String>,
    last_event_age_seconds: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    id: String,
    state: String,
    reason: String,
    owed: u64,
    last_accepted_at: Option<String>,
}

/// Shows it. The page of metrics adds what was refused; a proxy may keep that page to itself, and then it is left out.
pub(crate) fn run(args: &StatusArgs) -> Result<Exit, Failure> {
    let api = Api::of(&args.gateway)?;
    let answer = api.get(&Target::new("/api/v1/status"))?;
    if args.gateway.json {
        answer.print_json()?;
        return Ok(Exit::Ok);
    }
    let refusals = api.get(&Target::new("/metrics")).ok().map(|page| refusals::read(page.text()));
    let status: Status = answer.read()?;
    terminal::print(&status.facts(refusals.as_ref()))?;
    status.print_apps()?;
    status.print_endpoints()?;
    Ok(Exit::Ok)
}

impl Status {
    fn facts(&self, refusals: Option<&BTreeMap<String, u64>>) -> String {
        let Totals { notifications, events, duplicates, conflicts, unrouted, owed, accepted, dead, skipped } =
            &self.totals;
        let mut lines = vec![
            ("ready", self.readiness()),
            ("gateway", self.gateway()),
            ("store", self.store.line()),
            (
                "commit",
                format!("last took {}, {} waiting", milliseconds(self.store.last_commit_us), self.store.queued_batches),
            ),
            (
                "received",
                format!(
                    "{notifications} notifications, {events} events, {duplicates} duplicates, {conflicts} conflicting, \
                     {unrouted} unrouted"
                ),
            ),
            ("delivered", format!("{accepted} accepted, {owed} owed, {dead} dead, {skipped} skipped")),
        ];
        if let Some(caution) = &self.caution {
            lines.insert(1, ("mind", caution.clone()));
        }
        if let Some(refusals) = refusals {
            lines.push(("refused", refused(refusals)));
        }
        facts(&lines)
    }

    fn readiness(&self) -> String {
        if self.ready {
            return "yes".to_owned();
        }
        format!("NO: {}", or_dash(self.not_ready_because.as_deref()))
    }

    fn gateway(&self) -> String {
        let mode = if self.development { ", development mode" } else { "" };
        let time = |text: &Option<String>| text.as_deref().and_then(parse_rfc3339);
        let up = time(&self.now).zip(time(&self.started_at)).map(|(now, start)| (now - start) / 1_000);
        let up = up.map(|seconds| format!(", up {}", age(seconds))).unwrap_or_default();
        format!("{}{mode}{up}", self.version)
    }

    fn print_apps(&self) -> Result<(), Failure> {
        terminal::print("")?;
        let mut table = Table::new(&["APP", "LAST EVENT", "AGE AT ARRIVAL"]);
        for app in &self.apps {
            table.row([
                app.name.clone(),
                or_dash(app.last_event_at.as_deref()),
                or_dash(app.last_event_age_seconds.map(age)),
            ]);
        }
        table.print("no apps")
    }

    fn print_endpoints(&self) -> Result<(), Failure> {
        terminal::print("")?;
        let mut table = Table::new(&["ENDPOINT", "STATE", "OWED", "LAST ACCEPTED", "REASON"]);
        for endpoint in &self.endpoints {
            table.row([
                endpoint.id.clone(),
                endpoint.state.clone(),
                endpoint.owed.to_string(),
                or_dash(endpoint.last_accepted_at.as_deref()),
                or_dash(Some(endpoint.reason.as_str())),
            ]);
        }
        table.print("every endpoint is active and owed nothing")
    }
}

impl Store {
    fn line(&self) -> String {
        let full = (self.volume_bytes > 0).then(|| {
            let used = u128::from(self.volume_bytes.saturating_sub(self.volume_free_bytes));
            format!(", {} % of the volume used", used * 100 / u128::from(self.volume_bytes))
        });
        format!("{}, {} free{}", bytes(self.bytes), bytes(self.volume_free_bytes), full.unwrap_or_default())
    }
}

fn refused(refusals: &BTreeMap<String, u64>) -> String {
    if refusals.is_empty() {
        return "nothing since the start".to_owned();
    }
    let each = refusals.iter().map(|(code, times)| format!("{times} {code}"));
    format!("{} since the start", each.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn the_screen_says_what_is_wrong_and_how_full_the_disk_is() {
        let json = r#"{"version":"0.1.0","development":true,"started_at":"2026-03-01T10:00:00.000Z",
            "now":"2026-03-01T13:00:05.000Z","ready":false,"not_ready_because":"the disk is full",
            "caution":"3 records were found damaged",
            "store":{"bytes":1536,"volume_free_bytes":250,"volume_bytes":1000,"last_commit_us":1250,"queued_batches":3},
            "totals":{"notifications":1,"events":2,"duplicates":3,"conflicts":4,"unrouted":5,"deliveries":26,"owed":6,
            "accepted":7,"dead":8,"skipped":9},"apps":[],"endpoints":[]}"#;
        let status: Status = serde_json::from_str(json).unwrap();
        let refusals = BTreeMap::from([("wrong_signature".to_owned(), 12)]);
        let wanted = "ready      NO: the disk is full\n\
                      mind       3 records were found damaged\n\
                      gateway    0.1.0, development mode, up 3h\n\
                      store      1.5 KiB, 250 B free, 75 % of the volume used\n\
                      commit     last took 1.3 ms, 3 waiting\n\
                      received   1 notifications, 2 events, 3 duplicates, 4 conflicting, 5 unrouted\n\
                      delivered  7 accepted, 6 owed, 8 dead, 9 skipped\n\
                      refused    12 wrong_signature since the start";
        assert_eq!(status.facts(Some(&refusals)), wanted);
    }
}
