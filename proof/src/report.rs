//! What was claimed and whether it held: a table for eyes, JSON for programs.

use std::fs;

use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::args::Args;

/// One claim that could have been false.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) held: bool,
    /// The figures behind it.
    pub(crate) told: String,
}

/// The report of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) claims: Vec<Claim>,
    figures: Map<String, Value>,
    /// A table of its own, line by line.
    table: Vec<String>,
}

impl Report {
    /// A claim, and what it rests on.
    pub(crate) fn claim(&mut self, name: impl Into<String>, held: bool, told: impl Into<String>) {
        self.claims.push(Claim { name: name.into(), held, told: told.into() });
    }

    /// A claim about time. A build without optimisation cannot keep it, and none is shipped: there it is only told.
    pub(crate) fn claim_of_speed(&mut self, name: impl Into<String>, held: bool, told: impl Into<String>) {
        if cfg!(debug_assertions) {
            self.figure(&format!("not judged in this build: {}", name.into()), told.into());
        } else {
            self.claim(name, held, told);
        }
    }

    /// A figure that is worth telling.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// A figure as text; `-` where there is none of this name.
    pub(crate) fn figure_of(&self, name: &str) -> String {
        self.figures.get(name).map_or_else(|| "-".to_owned(), ToString::to_string)
    }

    /// A line of the run's own table.
    pub(crate) fn row(&mut self, line: String) {
        say(&line);
        self.table.push(line);
    }

    /// Prints it, writes it, and says whether everything held.
    pub(crate) fn publish(&self, args: &Args) -> Outcome<bool> {
        let held = self.claims.iter().all(|claim| claim.held);
        say("");
        for (name, value) in &self.figures {
            say(&format!("{name}: {value}"));
        }
        say("\n| claim | held | figures |\n| --- | --- | --- |");
        for Claim { name, held, told } in &self.claims {
            say(&format!("| {name} | {} | {told} |", if *held { "yes" } else { "NO" }));
        }
        let claims =
            self.claims.iter().map(|claim| json!({ "claim": claim.name, "held": claim.held, "told": claim.told }));
        let whole = json!({
            "command": args.headline(), "seed": args.seed, "held": held, "figures": self.figures,
            "claims": claims.collect::<Vec<_>>(), "table": self.table,
        });
        let folder = args.folder();
        fs::write(folder.join("report.json"), serde_json::to_string_pretty(&whole)?)?;
        say(&format!("\nledgers and report: {}", folder.display()));
        say(if held { "everything held" } else { "NOT everything held" });
        Ok(held)
    }
}

/// Tells whoever watches.
#[expect(clippy::print_stdout, reason = "a proof prints its table")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}
