//! Paths of the API, with what people typed made safe for a URL.

use std::fmt;

/// A path with its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    path: String,
    query: String,
}

impl Target {
    /// A path that is right as it is.
    pub(crate) fn new(path: &str) -> Self {
        Self { path: path.to_owned(), query: String::new() }
    }

    /// With one more segment, whatever is in it.
    pub(crate) fn segment(mut self, text: &str) -> Self {
        self.path.push('/');
        self.path.push_str(&encoded(text));
        self
    }

    /// With a parameter, where it has a value.
    pub(crate) fn query(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.query.push(if self.query.is_empty() { '?' } else { '&' });
            self.query.push_str(&format!("{name}={}", encoded(value)));
        }
        self
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.path, self.query)
    }
}

fn encoded(text: &str) -> String {
    // A segment of dots alone would mean another path.
    let only_dots = text.chars().all(|c| c == '.');
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'.' if only_dots => encoded.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stays_within_its_place() {
        let target = Target::new("/api/v1/endpoints").segment("a/../b?c").query("q", Some("+1 &x"));
        assert_eq!(target.to_string(), "/api/v1/endpoints/a%2F..%2Fb%3Fc?q=%2B1%20%26x");
        assert_eq!(Target::new("").segment("..").to_string(), "/%2E%2E");
    }

    #[test]
    fn a_parameter_without_a_value_is_left_out() {
        let target = Target::new("/a").query("b", None).query("c", Some("1")).query("d", Some("2"));
        assert_eq!(target.to_string(), "/a?c=1&d=2");
    }
}
