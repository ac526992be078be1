//! `waypost fields`: the webhook fields and event types that are known. Needs no gateway.

use std::io::IsTerminal as _;

use serde::Serialize;
use whatsapp::catalogue::{self, Elements, Field, TimeSource};

use crate::cli::FieldsArgs;
use crate::config::nearest;
use crate::exit::{Exit, Failure};
use crate::table::{Table, facts, or_dash};
use crate::terminal;

/// A field as `--json` prints it. Members may be added, never renamed.
#[derive(Debug, Serialize)]
struct FieldJson<'a> {
    field: &'a str,
    also: &'a [&'a str],
    permission: &'a str,
    r#override: &'a str,
    known: &'a str,
    meaning: &'a str,
    page: Option<&'a str>,
    doubts: &'a [&'a str],
    elements: Vec<ElementsJson<'a>>,
    types: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct ElementsJson<'a> {
    from: String,
    time: Option<String>,
    types: &'a [&'a str],
}

/// Prints all fields, or one with its types.
pub(crate) fn run(args: &FieldsArgs) -> Result<Exit, Failure> {
    let one = args.name.as_deref().map(named).transpose()?;
    match (one, args.json) {
        (Some(field), true) => print_json(field),
        (None, true) => catalogue::fields().iter().try_for_each(print_json),
        (Some(field), false) => show(field),
        (None, false) => list(),
    }?;
    Ok(Exit::Ok)
}

/// The field of this name, or with a type of this name.
fn named(name: &str) -> Result<&'static Field, Failure> {
    let fields = catalogue::fields();
    let of_type = || fields.iter().find(|field| field.types().contains(&name));
    catalogue::field(name).or_else(of_type).ok_or_else(|| {
        let known = fields.iter().map(|field| field.name).chain(whatsapp::known_types().iter().copied());
        let hint = nearest(name, known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        Failure::Arguments(format!("no known field or type is called {name:?}{hint}"))
    })
}

fn list() -> Result<(), Failure> {
    let mut table = Table::new(&["FIELD", "TYPES", "PERMISSION", "OVERRIDE", "KNOWN", "TIME", "MEANING"]);
    for field in catalogue::fields() {
        table.row([
            field.name.to_owned(),
            field.types().len().to_string(),
            field.permission.as_str().to_owned(),
            field.callback_override.as_str().to_owned(),
            field.evidence.as_str().to_owned(),
            or_dash(times(field)),
            field.meaning.to_owned(),
        ]);
    }
    table.print("")?;
    let own = catalogue::own_types().iter().map(|own| own.name);
    let own = own.collect::<Vec<_>>().join(", ");
    let (fields, types) = (catalogue::fields().len(), whatsapp::known_types().len());
    count(&format!("{fields} fields, {types} types (of them Waypost's own: {own})"))
}

fn show(field: &Field) -> Result<(), Failure> {
    let mut table = Table::new(&["TYPE", "FROM", "TIME"]);
    for elements in field.elements {
        for name in elements.types {
            table.row([(*name).to_owned(), elements.path(), or_dash(elements.time_path())]);
        }
    }
    if std::io::stdout().is_terminal() {
        terminal::print(&format!("{}\n", facts(&about(field))))?;
    }
    table.print("")?;
    count(&format!("{} types", field.types().len()))
}

/// What there is to say of one field, beside its types.
fn about(field: &Field) -> Vec<(&'static str, String)> {
    let mut about = vec![("field", field.name.to_owned())];
    about.extend(field.also.iter().map(|also| ("also spelt", (*also).to_owned())));
    about.push(("tells", field.meaning.to_owned()));
    about.push(("permission", field.permission.as_str().to_owned()));
    about.push(("override", field.callback_override.as_str().to_owned()));
    about.push(("known", field.evidence.as_str().to_owned()));
    about.extend(field.page.map(|page| ("page", page.to_owned())));
    about.extend(field.doubts.iter().map(|doubt| ("note", (*doubt).to_owned())));
    about
}

/// Where the times of a field's events stand, each place once.
fn times(field: &Field) -> Option<String> {
    let mut times: Vec<&str> = Vec::new();
    for elements in field.elements {
        let time = match elements.time {
            TimeSource::Entry => "entry.time",
            TimeSource::Member(member) => member,
            TimeSource::Nowhere | TimeSource::Unknown | _ => continue,
        };
        if !times.contains(&time) {
            times.push(time);
        }
    }
    (!times.is_empty()).then(|| times.join(", "))
}

/// People are told how many there were.
fn count(text: &str) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() { terminal::print(&format!("\n{text}")) } else { Ok(()) }
}

fn print_json(field: &Field) -> Result<(), Failure> {
    let of =
        |elements: &Elements| ElementsJson { from: elements.path(), time: elements.time_path(), types: elements.types };
    let json = FieldJson {
        field: field.name,
        also: field.also,
        permission: field.permission.as_str(),
        r#override: field.callback_override.as_str(),
        known: field.evidence.as_str(),
        meaning: field.meaning,
        page: field.page,
        doubts: field.doubts,
        elements: field.elements.iter().map(of).collect(),
        types: field.types(),
    };
    terminal::print(&serde_json::to_string(&json).map_err(|error| Failure::Output(error.into()))?)
}
