//! The end: every type that was seen, the books, whether they agree, and where to go next.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::books::{Books, Sum};

const GREEN: &str = "\u{1b}[32m";
const RED: &str = "\u{1b}[31m";
const PLAIN: &str = "\u{1b}[0m";
/// Characters of a line in the table of types.
const WIDTH: usize = 112;

/// The summary, for eyes and for machines.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    agrees: bool,
    took_ms: u64,
    sent: SentSummary,
    gateway: GatewaySummary,
    received: ReceivedSummary,
    types: BTreeMap<&'a str, TypeSummary>,
    sums: Vec<Sum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct SentSummary {
    requests: u64,
    taken: u64,
    refused: u64,
    events: u64,
    distinct: u64,
}

#[derive(Debug, Serialize)]
struct GatewaySummary {
    kept: u64,
    duplicates: u64,
    conflicting: u64,
    unrouted: u64,
    deliveries: u64,
    delivered: u64,
    owed: u64,
    dead: u64,
    skipped: u64,
}

#[derive(Debug, Serialize)]
struct ReceivedSummary {
    everything: u64,
    statuses: u64,
    repeats: u64,
    answered_503: u64,
    unfit: u64,
}

#[derive(Debug, Serialize)]
struct TypeSummary {
    sent: u64,
    received: u64,
}

impl<'a> Summary<'a> {
    pub(super) fn new(books: &'a Books, took: Duration, kept: Option<&Path>) -> Self {
        let Books { sent, gateway, everything, statuses, .. } = books;
        let sums = books.sums();
        let types = books.types().into_iter();
        Self {
            agrees: sums.iter().all(|sum| sum.agrees),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            sent: SentSummary {
                requests: sent.genuine + sent.foreign,
                taken: sent.taken,
                refused: sent.refused,
                events: sent.events,
                distinct: sent.distinct,
            },
            gateway: GatewaySummary {
                kept: gateway.events,
                duplicates: gateway.duplicates,
                conflicting: gateway.conflicts,
                unrouted: gateway.unrouted,
                deliveries: gateway.deliveries,
                delivered: gateway.accepted,
                owed: gateway.owed,
                dead: gateway.dead,
                skipped: gateway.skipped,
            },
            received: ReceivedSummary {
                everything: everything.events(),
                statuses: statuses.events(),
                repeats: everything.repeats + statuses.repeats,
                answered_503: everything.turned_away + statuses.turned_away,
                unfit: everything.unfit + statuses.unfit,
            },
            types: types.map(|(name, sent, received)| (name, TypeSummary { sent, received })).collect(),
            sums,
            store: kept.map(Path::to_owned),
        }
    }

    /// True if every sum holds.
    pub(super) fn agrees(&self) -> bool {
        self.agrees
    }

    /// For eyes.
    pub(super) fn text(&self, colour: bool) -> String {
        let mut text = String::new();
        self.write_types(&mut text);
        self.write_books(&mut text);
        self.write_sums(&mut text, colour);
        self.write_next(&mut text);
        text
    }

    fn write_types(&self, text: &mut String) {
        let title = format!("\n{} types seen, by field, with the events received of each:\n", self.types.len());
        line(text, &title);
        let mut fields: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, TypeSummary { received, .. }) in &self.types {
            let (field, rest) = name.split_once('.').unwrap_or((name, ""));
            let cell = format!("{rest} {received}");
            fields.entry(field).or_default().push(cell.trim_start().to_owned());
        }
        let widest = fields.keys().map(|field| field.len()).max().unwrap_or_default();
        for (field, cells) in fields {
            let lines = folded(&cells, WIDTH.saturating_sub(widest));
            for (position, cells) in lines.iter().enumerate() {
                let field = if position == 0 { field } else { "" };
                line(text, &format!("  {field:<widest$}  {cells}"));
            }
        }
    }

    fn write_books(&self, text: &mut String) {
        let Self { sent, gateway, received, .. } = self;
        line(text, "\nThe books:\n");
        let mut book = |name: &str, words: String| line(text, &format!("  {name:<11} {words}"));
        book("sent", format!("{} events in {} requests ({} distinct)", sent.events, sent.taken, sent.distinct));
        book("refused", format!("{} requests with a wrong or no signature", sent.refused));
        book("kept", format!("{} events, {} of them unrouted", gateway.kept, gateway.unrouted));
        book(
            "duplicates",
            format!("{} dropped, and {} conflicting copies kept apart", gateway.duplicates, gateway.conflicting),
        );
        book(
            "delivered",
            format!(
                "{} of {} deliveries ({} owed, {} dead, {} skipped)",
                gateway.delivered, gateway.deliveries, gateway.owed, gateway.dead, gateway.skipped
            ),
        );
        book(
            "received",
            format!(
                "{} by `everything` and {} by `statuses`, each verified there; {} came twice, {} were answered 503 at first",
                received.everything, received.statuses, received.repeats, received.answered_503
            ),
        );
    }

    fn write_sums(&self, text: &mut String, colour: bool) {
        line(text, "\nThe sums:\n");
        for Sum { what, left, right, agrees } in &self.sums {
            let (paint, mark) = if *agrees { (GREEN, "ok  ") } else { (RED, "OFF ") };
            let mark = if colour { format!("{paint}{mark}{PLAIN}") } else { mark.to_owned() };
            line(text, &format!("  {mark} {what}: {left} {} {right}", if *agrees { "=" } else { "≠" }));
        }
        let off = self.sums.iter().filter(|sum| !sum.agrees).count();
        let took = format!("{}.{} s", self.took_ms / 1_000, self.took_ms % 1_000 / 100);
        match off {
            0 => line(text, &format!("\nAll sums agree, after {took}.")),
            _ => line(text, &format!("\n{off} of {} sums do not agree, after {took}.", self.sums.len())),
        }
    }

    fn write_next(&self, text: &mut String) {
        line(text, "\nNext:\n");
        line(text, "  waypost serve --to http://localhost:3000/webhook    the gateway in front of your own handler");
        line(text, "  waypost init                                        a commented configuration; see docs/guide/");
        if let Some(store) = &self.store {
            line(text, &format!("\nThe store of this run is in {}: WAYPOST_STORE={0} waypost serve", store.display()));
        }
    }
}

/// The cells on as many lines as they need.
fn folded(cells: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for cell in cells {
        match lines.last_mut() {
            Some(line) if line.len() + cell.len() + 2 <= width => {
                line.push_str(", ");
                line.push_str(cell);
            }
            Some(_) | None => lines.push(cell.clone()),
        }
    }
    lines
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_folded_and_none_is_lost_or_cut() {
        let cells = ["audio 3", "text 27", "user_changed_number 2"].map(String::from);
        assert_eq!(folded(&cells, 20), ["audio 3, text 27", "user_changed_number 2"]);
        assert_eq!(folded(&cells, 1), cells);
    }
}
