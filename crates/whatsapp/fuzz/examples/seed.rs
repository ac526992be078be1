//! Writes what the fuzzers start from: `seeds/notifications` and `seeds/typed` from the documented bodies, and the names
//! and words that the crate knows as `words.dict`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use whatsapp::Data;
use whatsapp::outline::{Kind, Outline};

fn bodies(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            bodies(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    Ok(())
}

fn words(outline: &Outline, found: &mut BTreeSet<&'static str>) {
    for member in outline.members {
        if found.insert(member.name) {
            of_kind(&member.kind, found);
        }
    }
}

fn of_kind(kind: &Kind, found: &mut BTreeSet<&'static str>) {
    match kind {
        Kind::Object(outline) => words(outline, found),
        Kind::List(kind) | Kind::Map(kind) | Kind::OneOrMany(kind) => of_kind(kind, found),
        Kind::Words(words) => found.extend(words.words),
        _ => {}
    }
}

fn main() -> std::io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (notifications, typed) = (here.join("seeds/notifications"), here.join("seeds/typed"));
    std::fs::create_dir_all(&notifications)?;
    std::fs::create_dir_all(&typed)?;
    let mut paths = Vec::new();
    bodies(&here.join("../../../fixtures/payloads"), &mut paths)?;
    for path in paths {
        let (body, name) = (std::fs::read(&path)?, path.file_stem().unwrap_or_default().to_string_lossy());
        std::fs::write(notifications.join(&*name), &body)?;
        for (index, event) in whatsapp::read(&body).events.iter().enumerate() {
            if let Data::Json(data) = event.data {
                let text = format!("{}\n{data}", event.event_type.as_str());
                std::fs::write(typed.join(format!("{name}-{index}")), text)?;
            }
        }
    }
    let mut found = BTreeSet::from(["object", "entry", "changes", "field", "value", "whatsapp_business_account"]);
    for event_type in whatsapp::known_types() {
        if let Some(outline) = whatsapp::outline::of_type(event_type) {
            words(outline, &mut found);
        }
    }
    found.extend(whatsapp::catalogue::fields().iter().map(|field| field.name));
    found.extend(["standby", "contacts", "messages", "statuses", "message_echoes", "metadata", "phone_number_id"]);
    let lines: String = found.iter().map(|word| format!("\"\\\"{word}\\\"\"\n")).collect();
    std::fs::write(here.join("words.dict"), lines)
}
