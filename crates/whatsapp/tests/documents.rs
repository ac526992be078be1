//! The page of fields is the catalogue, written down.
#![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::fmt::Write as _;
use std::path::Path;

use whatsapp::catalogue::{self, Field};

const INTRODUCTION: &str = "\
# Fields

Every webhook field of the WhatsApp Business Platform that Meta's documentation, its dashboard or captures know, and the
event types that Waypost makes of it. `waypost fields` prints the same, `waypost fields NAME` one field. A field or type
that is not here is kept and delivered all the same, under Meta's own words.

What an event of a type holds, member by member, is in [schemas](schemas/messages.text.json), and in `waypost schema TYPE`.

* **Permission**: what the app needs to get the field: *messaging* is `whatsapp_business_messaging`, *management* is
  `whatsapp_business_management`.
* **Override**: whether the callback override of a number or account redirects it at Meta. (An endpoint's own `override`
  at Waypost works for every field.)
* **Known**: *documented* by Meta; *seen* in samples or captures only; *unpublished*: the name is known and no payload.
* **Time**: where the event's time stands in the body.

This page is generated: `UPDATE_DOCS=1 cargo test -p whatsapp --test documents`.
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str(
        "\n| field | permission | override | known | types | tells |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for field in catalogue::fields() {
        let short = field.permission.as_str().trim_start_matches("whatsapp_business_");
        let (name, types) = (field.name, field.types().len());
        let (over, known) = (field.callback_override.as_str(), field.evidence.as_str());
        writeln!(page, "| [`{name}`](#{name}) | {short} | {over} | {known} | {types} | {} |", field.meaning).unwrap();
    }
    catalogue::fields().iter().for_each(|field| section(&mut page, field));
    page.push_str("\n## Types of Waypost's own\n\n| type | an event has it when it is |\n| --- | --- |\n");
    for own in catalogue::own_types() {
        writeln!(page, "| `{}` | {} |", own.name, own.meaning).unwrap();
    }
    page.push_str("| `object.<name>` | a notification for another product of Meta's, whole |\n");
    let types = whatsapp::known_types().len();
    writeln!(page, "\n{} fields, {types} types.", catalogue::fields().len()).unwrap();
    page
}

fn section(page: &mut String, field: &Field) {
    writeln!(page, "\n## {}\n\n{}.", field.name, capital(field.meaning)).unwrap();
    let mut facts = Vec::new();
    if !field.also.is_empty() {
        facts.push(format!("Also spelt `{}`.", field.also.join("`, `")));
    }
    facts.extend(field.page.map(|page| format!("Source: <{page}>.")));
    facts.extend(field.doubts.iter().map(|doubt| (*doubt).to_owned()));
    if !facts.is_empty() {
        writeln!(page, "\n* {}", facts.join("\n* ")).unwrap();
    }
    page.push_str("\n| from | time | types |\n| --- | --- | --- |\n");
    for elements in field.elements {
        let time = elements.time_path().map_or_else(|| "none known".to_owned(), |path| format!("`{path}`"));
        writeln!(page, "| `{}` | {time} | `{}` |", elements.path(), elements.types.join("`, `")).unwrap();
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the test")]
fn the_page_of_fields_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/fields.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page(), "docs/reference/fields.md is old: UPDATE_DOCS=1 cargo test -p whatsapp --test documents");
}
