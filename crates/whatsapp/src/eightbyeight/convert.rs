//! From Meta's members to 8x8's: names, times, and what passes as it is.

use std::collections::{HashMap, HashSet};

use super::tables::{How, Rule};
use crate::iso;
use crate::json::{Json, Object, Shape};
use crate::write::{Members, in_brackets, quoted};

/// 8x8 writes two digits of fraction.
pub(super) const TIME_END: &str = ".00Z";

/// One object that is being written.
pub(super) struct Level<'o> {
    members: Members<'o>,
    /// Names that are written: none is written twice.
    written: HashSet<String>,
    documented_only: bool,
}

impl<'o> Level<'o> {
    pub(super) fn open(out: &'o mut Vec<u8>, documented_only: bool) -> Self {
        Self { members: Members::open(out), written: HashSet::new(), documented_only }
    }

    pub(super) fn close(self) {
        self.members.close();
    }

    /// Begins a member that is an object of its own.
    pub(super) fn nested(&mut self, name: &str) -> &mut Vec<u8> {
        self.begin(name)
    }

    /// Writes the members that the rules name, in their order, and gives the names that are done with.
    pub(super) fn rules(&mut self, object: &Object<'_, '_>, rules: &'static [Rule]) -> Vec<&'static str> {
        let mut done = Vec::new();
        for rule in rules {
            if self.has(rule.to) {
                continue;
            }
            done.push(rule.from);
            if self.documented_only && !rule.documented {
                continue;
            }
            match object.some(rule.from) {
                // A time of zero is no time: no restriction ended in 1970.
                Some(value) if rule.how == How::Time && is_zero(value) => {}
                Some(value) => {
                    let documented_only = self.documented_only;
                    write(value, rule.how, documented_only, self.begin(rule.to));
                }
                None if rule.how == How::Reason && is_approved(object) => self.begin(rule.to).extend(b"\"NONE\""),
                None => {}
            }
        }
        done
    }

    /// Writes every other member under its name in camelCase, its value untouched.
    pub(super) fn others(&mut self, object: &Object<'_, '_>, done: &[&str]) {
        if self.documented_only {
            return;
        }
        // Of two members of one name the last one counts.
        let last: HashMap<_, _> = object.members().map(|member| (member.name(), member.value.spot())).collect();
        for member in object.members() {
            let repeated = last.get(&member.name()) != Some(&member.value.spot());
            if repeated || member.value.is_null() || done.iter().any(|name| member.is(name)) {
                continue;
            }
            let camel = camel_case(&member.name());
            let name = if self.has(&camel) { member.name().into_owned() } else { camel };
            if !self.has(&name) {
                self.begin(&name).extend(member.value.text().as_bytes());
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.written.contains(name)
    }

    fn begin(&mut self, name: &str) -> &mut Vec<u8> {
        self.written.insert(name.to_owned());
        self.members.named(name)
    }
}

fn is_zero(value: Json<'_, '_>) -> bool {
    value.word().is_some_and(|word| word == "0")
}

fn is_approved(object: &Object<'_, '_>) -> bool {
    object.some("event").and_then(Json::word).is_some_and(|event| event == "APPROVED")
}

fn write(value: Json<'_, '_>, how: How, documented_only: bool, out: &mut Vec<u8>) {
    match (how, value.shape()) {
        (How::Time, _) => out.extend(time(value).as_bytes()),
        (How::Event, _) => out.extend(event(value).as_bytes()),
        (How::Underscored, Shape::Array) => in_brackets(out, |out| {
            let texts: Vec<String> = value.elements().map(underscored).collect();
            out.extend(texts.join(",").as_bytes());
        }),
        (How::Object(rules), Shape::Object) => write_object(value, rules, documented_only, out),
        (How::List(rules), Shape::Array) => in_brackets(out, |out| {
            for (at, element) in value.elements().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_object(element, rules, documented_only, out);
            }
        }),
        (How::List(rules), Shape::Object) => write_object(value, rules, documented_only, out),
        (How::Same | How::Reason | How::Underscored | How::Object(_) | How::List(_), _) => {
            out.extend(value.text().as_bytes());
        }
    }
}

fn write_object(value: Json<'_, '_>, rules: &'static [Rule], documented_only: bool, out: &mut Vec<u8>) {
    let Some(object) = value.object() else {
        out.extend(value.text().as_bytes());
        return;
    };
    let mut level = Level::open(out, documented_only);
    let done = level.rules(&object, rules);
    level.others(&object, &done);
    level.close();
}

/// Unix seconds, quoted or not, as a moment; anything else as it is.
fn time(value: Json<'_, '_>) -> String {
    let word = value.word();
    let digits = word.filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds = digits.and_then(|digits| digits.parse().ok()).filter(|seconds| *seconds > 0);
    seconds
        .and_then(|seconds| iso::utc(seconds, TIME_END))
        .map_or_else(|| value.text().to_owned(), |moment| quoted(&moment))
}

/// 8x8 has another name for one event.
fn event(value: Json<'_, '_>) -> String {
    match value.word().as_deref() {
        Some("PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE") => quoted("BUSINESS_VERIFICATION_STATUS_UPDATE"),
        _ => value.text().to_owned(),
    }
}

/// In the text as it is spelled, so that nothing else about it changes.
fn underscored(value: Json<'_, '_>) -> String {
    if value.shape() == Shape::Text { value.text().replace(' ', "_") } else { value.text().to_owned() }
}

/// `waba_ban_state` to `wabaBanState`. An underscore at the beginning stays.
fn camel_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut chars = name.chars().peekable();
    while let Some(char) = chars.next() {
        match chars.peek() {
            Some(next) if char == '_' && !out.is_empty() && next.is_ascii_alphanumeric() => {
                out.push(next.to_ascii_uppercase());
                chars.next();
            }
            _ => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_camel_case() {
        for (snake, camel) in [
            ("event", "event"),
            ("waba_ban_state", "wabaBanState"),
            ("max_2_a", "max2A"),
            ("_private", "_private"),
            ("a__b", "a_B"),
            ("end_", "end_"),
            ("\u{e9}_\u{e9}", "\u{e9}_\u{e9}"),
            ("", ""),
        ] {
            assert_eq!(camel_case(snake), camel);
        }
    }
}
