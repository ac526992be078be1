//! What is seen of a run: a line for each request, what waits, and the sums.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use emulator::run::{Attempt, Pace, RunError, Summary, Told};
use emulator::scenario::{SECRET, VERIFY_TOKEN};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::job::Job;
use crate::exit::{Exit, Failure};
use crate::table::harmless;
use crate::terminal;

/// Who shows it.
pub(super) struct Show {
    json: bool,
    /// More than one place is sent to, so each line says which.
    several: bool,
    begun: Instant,
    /// Notifications that wait for their next attempt, and when that is.
    waiting: BTreeMap<u64, Instant>,
    pace: Pace,
    /// Somebody looks, so what waits is shown below the lines.
    live: bool,
}

/// Makes the line that is written over empty.
const CLEAR: &str = "\r\u{1b}[K";

impl Show {
    pub(super) fn new(json: bool, pace: Pace) -> Self {
        let live = !json && std::io::stderr().is_terminal();
        Self { json, several: false, begun: Instant::now(), waiting: BTreeMap::new(), pace, live }
    }

    /// Writes anew what waits.
    pub(super) fn look(&self) {
        let Some(next) = self.waiting.values().min().filter(|_| self.live) else { return };
        let seconds = next.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
        let line = format!("{CLEAR}{} wait for their next attempt, the first in {seconds} s", self.waiting.len());
        let mut out = std::io::stderr().lock();
        drop(out.write_all(line.as_bytes()).and_then(|()| out.flush()));
    }

    fn clear(&self) {
        if self.live && !self.waiting.is_empty() {
            let mut out = std::io::stderr().lock();
            drop(out.write_all(CLEAR.as_bytes()).and_then(|()| out.flush()));
        }
    }

    /// Tells what is going to happen.
    pub(super) fn begin(&mut self, job: &Job, graph: Option<SocketAddr>) -> Result<(), Failure> {
        let Job { settings, name, about, .. } = job;
        let world = &settings.scenario.world;
        self.several = world.callbacks().count() > 1 || world.apps.len() > 1;
        let seed = settings.seed;
        if self.json {
            let graph = graph.map(|at| format!("http://{at}"));
            return terminal::print(
                &json!({ "what": "begin", "scenario": name, "seed": seed, "graph": graph }).to_string(),
            );
        }
        terminal::tell(&format!("{name}: {about}"));
        for callback in world.callbacks() {
            terminal::tell(&format!("  to            {}", callback.url));
        }
        if job.well_known {
            terminal::tell(&format!("  app secret    {SECRET} (unless the scenario or --secret says otherwise)"));
            terminal::tell(&format!("  verify token  {VERIFY_TOKEN}"));
        }
        if let Some(at) = graph {
            let app = world.apps.first().map_or("", |app| app.id.as_str());
            let number = world.numbers.first().map_or("", |number| number.id.as_str());
            let waba = world.wabas.first().map_or("", |waba| waba.id.as_str());
            terminal::tell(&format!("  Graph API     http://{at} (app {app}, account {waba}, number {number})"));
        }
        terminal::tell(&format!("  seed          {seed}"));
        Ok(())
    }

    pub(super) fn told(&mut self, told: &Told) -> Result<(), Failure> {
        self.clear();
        match told {
            Told::Retry { notification, after } => {
                self.waiting.insert(*notification, Instant::now() + self.pace.real(*after));
            }
            Told::Attempt(Attempt { notification, .. }) | Told::GaveUp { notification } => {
                self.waiting.remove(notification);
            }
            Told::Handshake { .. } | Told::Nobody { .. } | Told::Graph { .. } => {}
        }
        let since = self.begun.elapsed().as_secs_f64();
        let line = if self.json { json_of(told).to_string() } else { format!("{since:6.1} s  {}", self.text_of(told)) };
        terminal::print(&line)?;
        self.look();
        Ok(())
    }

    /// Why nothing was sent.
    pub(super) fn not_begun(&self, error: &RunError) -> Failure {
        let hint = match error {
            RunError::Callback { .. } => "",
            RunError::Handshake { .. } => {
                "\n    the receiver has to answer the GET with status 200 and the bare value of hub.challenge, where \
                 hub.verify_token is the one above; --no-handshake sends without it"
            }
        };
        Failure::Emulation(format!("nothing was sent: {error}{hint}"))
    }

    /// Sums up.
    pub(super) fn end(&self, summary: &Summary) -> Result<Exit, Failure> {
        self.clear();
        let good = summary.is_complete() && summary.forged_taken == 0;
        if self.json {
            terminal::print(&sums(summary).to_string())?;
        } else {
            terminal::print(&text(summary))?;
        }
        Ok(if good { Exit::Ok } else { Exit::Failed })
    }

    fn text_of(&self, told: &Told) -> String {
        match told {
            Told::Handshake { url, error: None } => format!("GET   {url} proved itself"),
            Told::Handshake { url, error: Some(error) } => format!("GET   {url} {}", harmless(error)),
            Told::Attempt(attempt) => self.attempt(attempt),
            Told::Retry { notification, after } => {
                format!("      #{notification} again {}", wait(*after))
            }
            Told::GaveUp { notification } => format!("      #{notification} given up"),
            Told::Nobody { notification, waba, field } => {
                format!("      #{notification} {field} of {waba}: no app is subscribed to it")
            }
            Told::Graph { method, path, status, code } => {
                let code = code.map(|code| format!(", error {code}")).unwrap_or_default();
                format!("Graph {method} {} {status}{code}", harmless(path))
            }
        }
    }

    fn attempt(&self, attempt: &Attempt) -> String {
        let Attempt { notification, types, events, bytes, habit, result, duration, .. } = attempt;
        let mut what = types.first().cloned().unwrap_or_else(|| "nothing".to_owned());
        if *events > 1 {
            what.push_str(&format!(" and {} more", events - 1));
        }
        let habit = habit.map(|habit| format!(" ({habit})")).unwrap_or_default();
        let answer = match result {
            Ok(status) => status.to_string(),
            Err(error) => error.clone(),
        };
        let milliseconds = duration.as_secs_f64() * 1e3;
        let again = if attempt.attempt > 1 { format!(", attempt {}", attempt.attempt) } else { String::new() };
        let place = if self.several { format!(" to app {} at {}", attempt.app, attempt.url) } else { String::new() };
        format!("POST  #{notification} {what}{habit}{place}: {answer} in {milliseconds:.1} ms, {bytes} bytes{again}")
    }
}

fn wait(after: Duration) -> String {
    if after < Duration::from_secs(1) {
        return "at once".to_owned();
    }
    format!("in {}", humantime::format_duration(Duration::from_secs(after.as_secs())))
}

fn json_of(told: &Told) -> Value {
    match told {
        Told::Handshake { url, error } => json!({ "what": "handshake", "url": url, "error": error }),
        Told::Attempt(attempt) => json!({
            "what": "attempt",
            "notification": attempt.notification,
            "attempt": attempt.attempt,
            "app": attempt.app,
            "url": attempt.url,
            "types": attempt.types,
            "events": attempt.events,
            "bytes": attempt.bytes,
            "habit": attempt.habit.map(|habit| habit.to_string()),
            "forged": attempt.forged,
            "status": attempt.result.as_ref().ok(),
            "error": attempt.result.as_ref().err(),
            "milliseconds": (attempt.duration.as_secs_f64() * 1e6).round() / 1e3,
        }),
        Told::Retry { notification, after } => {
            json!({ "what": "retry", "notification": notification, "after_seconds": after.as_secs() })
        }
        Told::GaveUp { notification } => json!({ "what": "given_up", "notification": notification }),
        Told::Nobody { notification, waba, field } => {
            json!({ "what": "nobody", "notification": notification, "waba_id": waba, "field": field })
        }
        Told::Graph { method, path, status, code } => {
            json!({ "what": "graph", "method": method, "path": path, "status": status, "code": code })
        }
    }
}

fn sums(summary: &Summary) -> Value {
    json!({
        "what": "end",
        "events": summary.events,
        "notifications": summary.notifications,
        "requests": summary.requests,
        "acknowledged": summary.acknowledged,
        "retried": summary.retried,
        "given_up": summary.given_up,
        "nobodys": summary.nobodys,
        "pending": summary.pending,
        "strange": summary.strange,
        "forged_taken": summary.forged_taken,
    })
}

fn text(summary: &Summary) -> String {
    let Summary { events, notifications, requests, acknowledged, retried, .. } = summary;
    let mut text = format!(
        "{events} events in {notifications} notifications: {acknowledged} acknowledged, {} pending, {} given up; {requests} requests, {retried} of them retries",
        summary.pending, summary.given_up
    );
    if summary.strange > 0 {
        text.push_str(&format!("; {} that nobody has to take", summary.strange));
    }
    if summary.nobodys > 0 {
        text.push_str(&format!("\n{} notifications have no app that is subscribed to them", summary.nobodys));
    }
    if summary.forged_taken > 0 {
        text.push_str(&format!(
            "\n{} forged requests were answered 200: the receiver does not check signatures",
            summary.forged_taken
        ));
    }
    text
}
