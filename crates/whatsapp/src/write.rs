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
    // A string cannot fail to serialise.
    serde_json::to_string(text).unwrap_or_default()
}
