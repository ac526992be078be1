//! `waypost schema`: the JSON Schemas of events. Needs no gateway.

mod event;

use serde::Serialize;
use whatsapp::catalogue;

use crate::cli::SchemaArgs;
use crate::config::nearest;
use crate::exit::{Exit, Failure};
use crate::table::Table;
use crate::terminal;

/// A line of the list as `--json` prints it. Members may be added, never renamed.
#[derive(Debug, Serialize)]
struct ListedJson<'a> {
    r#type: &'a str,
    field: Option<&'a str>,
    published: bool,
}

/// Prints one schema, all of them, or the types that have one.
pub(crate) fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    if let Some(name) = &args.name {
        terminal::print(schema(name)?.pretty().trim_end())?;
    } else if args.all {
        for name in whatsapp::known_types() {
            terminal::print(&schema(name)?.compact())?;
        }
    } else {
        list(args.json)?;
    }
    Ok(Exit::Ok)
}

fn schema(name: &str) -> Result<whatsapp::schema::Node, Failure> {
    event::schema(name).ok_or_else(|| {
        let known = whatsapp::known_types().iter().copied();
        let hint = nearest(name, known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        Failure::Arguments(format!("no known event type is called {name:?}{hint}"))
    })
}

fn list(json: bool) -> Result<(), Failure> {
    let mut table = Table::new(&["TYPE", "FIELD", "PAYLOAD"]);
    for name in whatsapp::known_types() {
        let home = catalogue::fields().iter().find(|field| field.types().contains(name));
        let published = home.is_some_and(|field| field.evidence != catalogue::Evidence::Unpublished);
        let field = home.map(|field| field.name);
        if json {
            let line = serde_json::to_string(&ListedJson { r#type: name, field, published });
            terminal::print(&line.map_err(|error| Failure::Output(error.into()))?)?;
        } else {
            let payload = if published { "described" } else { "anything" };
            table.row([(*name).to_owned(), field.unwrap_or("-").to_owned(), payload.to_owned()]);
        }
    }
    if json { Ok(()) } else { table.print("") }
}
