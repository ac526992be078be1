//! What several test files share: the fixtures, and rewriting a body without changing what it says.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail loudly")]

use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/payloads")
}

/// Every documented body with its path under `fixtures/payloads`.
pub(crate) fn fixtures() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.len() > 300, "the fixtures are there");
    found
}

/// JSON as a tree that keeps the order of members and the spelling of scalars.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
    Scalar(String),
}

impl Tree {
    pub(crate) fn parse(text: &str) -> Self {
        match text.trim_start().as_bytes()[0] {
            b'{' => {
                Self::Object(members(text).into_iter().map(|(name, value)| (name, Self::parse(value.get()))).collect())
            }
            b'[' => {
                let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap();
                Self::Array(elements.into_iter().map(|element| Self::parse(element.get())).collect())
            }
            _ => Self::Scalar(text.trim().to_owned()),
        }
    }

    pub(crate) fn reversed(self) -> Self {
        match self {
            Self::Object(members) => {
                Self::Object(members.into_iter().rev().map(|(name, value)| (name, value.reversed())).collect())
            }
            Self::Array(elements) => Self::Array(elements.into_iter().map(Self::reversed).collect()),
            Self::Scalar(text) => Self::Scalar(text),
        }
    }

    /// Writes without white space and without touching the scalars.
    pub(crate) fn compact(&self) -> String {
        let list = |open, items: Vec<String>, close| format!("{open}{}{close}", items.join(","));
        match self {
            Self::Object(members) => {
                let member = |(name, value): &(String, Self)| {
                    format!("{}:{}", serde_json::to_string(name).unwrap(), value.compact())
                };
                list("{", members.iter().map(member).collect(), "}")
            }
            Self::Array(elements) => list("[", elements.iter().map(Self::compact).collect(), "]"),
            Self::Scalar(text) => text.clone(),
        }
    }

    /// Writes with odd white space; strings lose no character but gain escapes.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Object(members) => {
                out.push_str("{ ");
                for (index, (name, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "\n,\t" } else { "" });
                    write_text(name, out);
                    out.push_str(" : ");
                    value.write(out);
                }
                out.push('}');
            }
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    out.push_str(if index > 0 { " , " } else { "" });
                    element.write(out);
                }
                out.push_str(" ]");
            }
            Self::Scalar(text) if text.starts_with('"') => {
                write_text(&serde_json::from_str::<String>(text).unwrap(), out);
            }
            Self::Scalar(text) => out.push_str(text),
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out.push('"');
}

fn members(text: &str) -> Vec<(String, Box<RawValue>)> {
    struct Members(Vec<(String, Box<RawValue>)>);
    impl<'de> serde::de::Visitor<'de> for Members {
        type Value = Self;
        fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            to.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
            while let Some(member) = map.next_entry()? {
                self.0.push(member);
            }
            Ok(self)
        }
    }
    use serde::de::Deserializer as _;
    serde_json::Deserializer::from_str(text).deserialize_map(Members(Vec::new())).unwrap().0
}

/// A messaging body: one entry, one change of `field` with the usual metadata and these other members of the value.
pub(crate) fn body(field: &str, value_members: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"{field}","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"7"}},{value_members}}}}}]}}]}}"#
    )
}

/// The type and key of each event.
pub(crate) fn types_and_keys(body: &[u8]) -> Vec<(String, String)> {
    let events = whatsapp::read(body).events;
    events.into_iter().map(|event| (event.event_type.as_str().to_owned(), event.key.text)).collect()
}

pub(crate) fn status(members: &str) -> String {
    body("messages", &format!(r#""statuses":[{{"id":"w","timestamp":"1758000000",{members}}}]"#))
}

pub(crate) fn change(field: &str, time: u32, value: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","time":{time},"changes":[{{"field":"{field}","value":{value}}}]}}]}}"#
    )
}

pub(crate) fn first<T>(body: &str, see: impl FnOnce(&whatsapp::Event<'_>) -> T) -> T {
    see(&whatsapp::read(body.as_bytes()).events[0])
}
