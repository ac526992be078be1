//! What is seen while the demo runs: a sentence for each act, a line for each arrival. Never a body or a person's number.

use std::io::IsTerminal as _;

use gateway::clock::{Clock, rfc3339_ms};

use super::receiver::Arrival;
use crate::exit::Failure;
use crate::terminal;

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const RED: &str = "\u{1b}[31m";
const PLAIN: &str = "\u{1b}[0m";
/// Characters of an event id that are shown.
const ID_CHARS: usize = 12;

/// Where the lines go, and how they look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Show {
    live: bool,
    colour: bool,
}

impl Show {
    /// Shows lines if `live`; in colours on a terminal, if they are welcome.
    pub(super) fn new(live: bool, colours_welcome: bool) -> Self {
        let colour = colours_welcome && std::io::stdout().is_terminal();
        Self { live, colour }
    }

    pub(super) fn colour(self) -> bool {
        self.colour
    }

    /// Announces an act.
    pub(super) fn act(self, text: &str) -> Result<(), Failure> {
        self.line(&format!("\n{}", self.painted(BOLD, text)))
    }

    /// Says something within an act.
    pub(super) fn say(self, text: &str) -> Result<(), Failure> {
        self.line(&format!("{}  {text}", self.now()))
    }

    /// Shows a delivery that a door verified, and how it was answered where that was not 200.
    pub(super) fn arrival(self, door: &str, arrival: &Arrival, refused: &str) {
        let id: String = arrival.id.chars().take(ID_CHARS).collect();
        let age = arrival.age_ms.map(|age_ms| format!("{age_ms} ms")).unwrap_or_default();
        let mut marks = Vec::new();
        if arrival.test {
            marks.push("test".to_owned());
        }
        if arrival.attempt != "1" {
            marks.push(format!("attempt {}", arrival.attempt));
        }
        if !refused.is_empty() {
            marks.push(self.painted(RED, &format!("answered {refused}")));
        }
        let line = format!(
            "{}  {door:<10}  {:<42}  {:<15}  {id}…  {age:>8}  {}",
            self.now(),
            arrival.event_type,
            if arrival.number.is_empty() { "-" } else { &arrival.number },
            marks.join(", "),
        );
        // A reader that left is noticed by the next act.
        drop(self.line(line.trim_end()));
    }

    fn line(self, text: &str) -> Result<(), Failure> {
        if self.live { terminal::print(text) } else { Ok(()) }
    }

    /// The time of day, in UTC.
    fn now(self) -> String {
        let now = rfc3339_ms(Clock::System.now_ms()).unwrap_or_default();
        self.painted(DIM, now.get(11..23).unwrap_or_default())
    }

    fn painted(self, paint: &str, text: &str) -> String {
        if self.colour { format!("{paint}{text}{PLAIN}") } else { text.to_owned() }
    }
}
