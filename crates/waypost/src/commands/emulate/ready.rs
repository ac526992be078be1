//! The scenarios that come with the program.

use emulator::scenario::{READY, Scenario};

use crate::exit::Failure;
use crate::table::Table;
use crate::terminal;

/// Prints each with what it shows.
pub(super) fn list(json: bool) -> Result<(), Failure> {
    let mut table = Table::new(&["SCENARIO", "SHOWS"]);
    for ready in READY {
        let scenario = Scenario::parse(ready.text).map_err(|_| Failure::Broken("read a scenario"))?;
        if json {
            let row = serde_json::json!({ "scenario": ready.name, "shows": scenario.about });
            terminal::print(&row.to_string())?;
        } else {
            table.row([ready.name.to_owned(), scenario.about]);
        }
    }
    if json { Ok(()) } else { table.print("nothing") }
}

/// Prints the file of one.
pub(super) fn print(name: &str) -> Result<(), Failure> {
    terminal::print(find(name)?.trim_end())
}

/// The file of the one with this name.
pub(super) fn find(name: &str) -> Result<&'static str, Failure> {
    let names = || READY.map(|ready| ready.name).join(", ");
    let unknown = || Failure::Arguments(format!("there is no scenario {name:?}\n    there are: {}", names()));
    Scenario::ready(name).map(|ready| ready.text).ok_or_else(unknown)
}
