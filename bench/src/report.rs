//! The tables and the JSON.

use std::path::Path;

use serde_json::{Value, json};

use crate::load::Figures;
use crate::{Outcome, say};

/// Everything that is reported, as it comes.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Value>,
}

impl Report {
    /// A heading with the columns of what follows.
    pub(crate) fn table(&mut self, title: &str, columns: &[&str]) {
        say("");
        say(&format!("**{title}**"));
        say("");
        say(&format!("| {} |", columns.join(" | ")));
        say(&format!("|{}", " --- |".repeat(columns.len())));
    }

    /// A line of rounds, with their ratio to a base in requests and in processor time.
    pub(crate) fn rounds(&mut self, case: &str, server: &str, rounds: &[Figures], base: &[Figures]) {
        let rates: Vec<f64> = rounds.iter().map(|round| round.per_second).collect();
        let shares: Vec<f64> =
            rounds.iter().zip(base).map(|(round, base)| round.per_second / base.per_second).collect();
        let of = |of: fn(&Figures) -> f64| mean(&rounds.iter().map(of).collect::<Vec<_>>());
        let cpu_base = mean(&base.iter().map(|round| round.cpu_us).collect::<Vec<_>>());
        let cpu = of(|round| round.cpu_us);
        let refused: u64 = rounds.iter().map(|round| round.refused).sum();
        say(&format!(
            "| {case} | {server} | {} | {} | {:.2} | {:.2} | {cpu:.1} | {:.1} | {refused} |",
            each(&rates, 0),
            spread(&shares),
            of(|round| round.p50_ms),
            of(|round| round.p99_ms),
            cpu / cpu_base.max(0.001),
        ));
        self.rows.push(json!({
            "case": case, "server": server, "requests_per_second": rates, "shares": shares,
            "p50_ms": rounds.iter().map(|round| round.p50_ms).collect::<Vec<_>>(),
            "p99_ms": rounds.iter().map(|round| round.p99_ms).collect::<Vec<_>>(),
            "cpu_us": rounds.iter().map(|round| round.cpu_us).collect::<Vec<_>>(),
            "cpu_times_base": cpu / cpu_base.max(0.001),
            "refused": refused,
        }));
    }

    /// A line with one value.
    pub(crate) fn value(&mut self, what: &str, value: f64, unit: &str) {
        say(&format!("| {what} | {value:.1} {unit} |"));
        self.rows.push(json!({ "what": what, "value": value, "unit": unit }));
    }

    /// A line of text.
    pub(crate) fn text(&mut self, what: &str, text: &str) {
        say(&format!("| {what} | {text} |"));
        self.rows.push(json!({ "what": what, "text": text }));
    }

    /// Writes all of it.
    pub(crate) fn write(&self, to: &Path) -> Outcome<()> {
        std::fs::write(to, serde_json::to_vec_pretty(&self.rows)?)?;
        say("");
        say(&format!("written to {}", to.display()));
        Ok(())
    }
}

/// The columns of [`Report::rounds`].
pub(crate) const ROUNDS: [&str; 9] = [
    "case",
    "server",
    "requests/s (each round)",
    "of bare hyper (least to most)",
    "p50 ms",
    "p99 ms",
    "CPU µs/request",
    "times bare hyper's",
    "503, sent again",
];

fn each(values: &[f64], digits: usize) -> String {
    values.iter().map(|value| format!("{value:.digits$}")).collect::<Vec<_>>().join(", ")
}

fn spread(shares: &[f64]) -> String {
    let (least, most) =
        shares.iter().fold((f64::MAX, 0.0_f64), |(least, most), share| (share.min(least), share.max(most)));
    format!("{:.1} % ({:.1} to {:.1})", mean(shares) * 100.0, least * 100.0, most * 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of rounds")]
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
