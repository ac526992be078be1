//! What came of the requests: a line each while they are few, and a summary of many.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::time::Duration;

use emulator::Answer;
use serde::Serialize;

use super::job::Job;
use crate::exit::{Exit, Failure};
use crate::table::harmless;
use crate::terminal;

/// Requests that get a line each, for people.
const LINES_MAX: usize = 20;
/// Characters of an answer that are shown.
const ANSWER_CHARS_MAX: usize = 300;

/// The answers so far.
#[derive(Debug)]
pub(super) struct Report {
    json: bool,
    durations: Vec<Duration>,
    /// How many of each: a status, or why there is none.
    answers: BTreeMap<String, usize>,
    /// What a receiver said that did not answer 200, the first time.
    complaint: Option<String>,
    failed: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    status: Option<u16>,
    error: Option<&'a str>,
    milliseconds: f64,
    answer: &'a str,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json, durations: Vec::new(), answers: BTreeMap::new(), complaint: None, failed: false }
    }

    /// Takes an answer.
    pub(super) fn add(&mut self, answer: &Answer) -> Result<(), Failure> {
        let said = said(answer);
        let word = match &answer.result {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let milliseconds = milliseconds(answer.duration);
        if self.json {
            let error = answer.result.as_ref().err().map(|_| word.as_str());
            let line = Line { status: answer.result.as_ref().ok().copied(), error, milliseconds, answer: &said };
            terminal::print(&serde_json::to_string(&line).map_err(|error| Failure::Output(error.into()))?)?;
        } else if self.durations.len() < LINES_MAX {
            terminal::print(&format!("{word} in {milliseconds:.1} ms"))?;
        } else if self.durations.len() == LINES_MAX {
            terminal::print("…")?;
        }
        if !answer.is_delivered() {
            self.failed = true;
            self.complaint.get_or_insert(said);
        }
        *self.answers.entry(word).or_default() += 1;
        self.durations.push(answer.duration);
        Ok(())
    }

    /// Sums up.
    pub(super) fn end(mut self, job: &Job, took: Duration) -> Result<Exit, Failure> {
        let exit = if self.failed { Exit::Failed } else { Exit::Ok };
        if self.json {
            return Ok(exit);
        }
        if let Some(complaint) = self.complaint.take().filter(|complaint| !complaint.is_empty()) {
            terminal::tell(&complaint);
        }
        let requests = self.durations.len();
        let Job { name, url, events, .. } = job;
        if requests == 1 {
            terminal::tell(&format!("{name} to {url}"));
            return Ok(exit);
        }
        self.durations.sort_unstable();
        let at = |share: usize| self.durations.get((requests - 1) * share / 100).copied().unwrap_or_default();
        let answers: Vec<_> = self.answers.iter().map(|(word, count)| format!("{count} × {word}")).collect();
        terminal::print(&format!(
            "{requests} requests with {events} × {name} to {url} in {:.2} s: {}; {:.1} ms at the median, {:.1} ms for 99 of 100, {:.1} ms at most",
            took.as_secs_f64(),
            answers.join(", "),
            milliseconds(at(50)),
            milliseconds(at(99)),
            milliseconds(at(100)),
        ))?;
        Ok(exit)
    }
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// What the receiver said, or why nothing could be heard.
fn said(answer: &Answer) -> String {
    let text = match &answer.result {
        Ok(_) => String::from_utf8_lossy(&answer.body).into_owned(),
        Err(error) => {
            let mut cause = error.source();
            let mut last = String::new();
            while let Some(error) = cause {
                last = error.to_string();
                cause = error.source();
            }
            last
        }
    };
    harmless(&text.chars().take(ANSWER_CHARS_MAX).collect::<String>())
}
