//! Writes JSON objects member by member, in the order in which they are given.

/// Writes an object's members one after the other.
#[derive(Debug)]
pub(crate) struct Members<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Members<'o> {
    pub(crate) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// Begins a member by the spelling of its name, quotes included. Its value is to be written next.
    pub(crate) fn name(&mut self, spelling: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.extend(spelling.as_bytes());
        self.out.push(b':');
        self.out
    }

    /// Begins a member by its name.
    pub(crate) fn named(&mut self, name: &str) -> &mut Vec<u8> {
        self.name(&quoted(name))
    }

    /// A member that is a text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.named(name).extend(quoted(text).as_bytes());
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }
}

/// Writes an array around what is written inside.
pub(crate) fn in_brackets(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'[');
    write(out);
    out.push(b']');
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    // What is escaped is one byte, so a piece of text always ends where a character does.
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = tail.chars();
        chars.next().into_iter().for_each(|char| push_escape(char, &mut out));
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
    out
}

fn push_escape(char: char, out: &mut String) {
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        other => out.push_str(&format!("\\u{:04x}", u32::from(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_as_another_writer_quotes_it() {
        let all: String = ('\0'..='\u{2030}').chain(['\u{fffd}', '\u{10ffff}']).collect();
        let each = all.chars().map(|char| format!("a{char}b{char}{char}"));
        for text in each.chain([all.clone(), String::new()]) {
            assert_eq!(serde_json::to_string(&text).ok(), Some(quoted(&text)), "{text:?}");
        }
    }
}
