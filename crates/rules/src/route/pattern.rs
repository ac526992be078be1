//! Patterns: how a rule names fields and types.

/// A word, with `*` for the rest of it, and `!` in front to exclude what it matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    pub(super) exclude: bool,
    pub(super) prefix: bool,
    pub(super) word: String,
}

/// Why a text is no [`Pattern`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPattern {
    /// Nothing but `!` or nothing at all.
    Empty,
    /// A `*` that is not at the end.
    StarInside,
    /// A character that no field or type has.
    BadCharacter(char),
}

impl std::fmt::Display for BadPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("the pattern is empty"),
            Self::StarInside => f.write_str("`*` may stand only at the end, for the rest of the name"),
            Self::BadCharacter(c) => {
                write!(f, "{c:?} cannot occur: names have lower-case letters, digits, `_` and `.`")
            }
        }
    }
}

impl std::error::Error for BadPattern {}

impl Pattern {
    /// Reads a pattern: `messages.text`, `messages.status.*`, `*`, `!messages.status.sent`.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let (exclude, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let (prefix, word) = rest.strip_suffix('*').map_or((false, rest), |word| (true, word));
        if word.is_empty() && !prefix {
            return Err(BadPattern::Empty);
        }
        if word.contains('*') {
            return Err(BadPattern::StarInside);
        }
        let allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.');
        if let Some(bad) = word.chars().find(|c| !allowed(c)) {
            return Err(BadPattern::BadCharacter(bad));
        }
        Ok(Self { exclude, prefix, word: word.to_owned() })
    }

    pub(super) fn hits(&self, name: &str) -> bool {
        if self.prefix { name.starts_with(&self.word) } else { name == self.word }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mark, star) = (if self.exclude { "!" } else { "" }, if self.prefix { "*" } else { "" });
        write!(f, "{mark}{}{star}", self.word)
    }
}

/// Why a list of patterns does not want a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwanted<'p> {
    /// This one excludes it.
    ExcludedBy(&'p Pattern),
    /// None of those that include names it.
    NoneOf(&'p [Pattern]),
}

/// Whether a list of patterns wants a name: none excludes it, and one includes it or none includes anything.
#[must_use]
pub fn wanted(patterns: &[Pattern], name: &str) -> bool {
    unwanted(patterns, name).is_none()
}

/// Why a list of patterns does not want a name; None when it does.
pub(super) fn unwanted<'p>(patterns: &'p [Pattern], name: &str) -> Option<Unwanted<'p>> {
    let (mut includes, mut included) = (false, false);
    for pattern in patterns {
        let hits = pattern.hits(name);
        if pattern.exclude && hits {
            return Some(Unwanted::ExcludedBy(pattern));
        }
        includes |= !pattern.exclude;
        included |= !pattern.exclude && hits;
    }
    (includes && !included).then_some(Unwanted::NoneOf(patterns))
}

impl std::fmt::Display for Unwanted<'_> {
    /// What follows the name: `is excluded by !messages.*`, `is none of calls.*, messages.text`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ExcludedBy(pattern) => write!(f, "is excluded by {pattern}"),
            Self::NoneOf(patterns) => {
                let including: Vec<String> =
                    patterns.iter().filter(|pattern| !pattern.exclude).map(ToString::to_string).collect();
                write!(f, "is none of {}", including.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[track_caller]
    fn check(types: &[&str], event_type: &str, expected: bool) {
        let types: Vec<Pattern> = types.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        assert_eq!(wanted(&types, event_type), expected, "{types:?} on {event_type}");
    }

    #[test]
    fn a_star_stands_for_the_rest_and_a_bang_excludes() {
        check(&[], "messages.text", true);
        check(&["messages.text"], "messages.text", true);
        check(&["messages.text"], "messages.text2", false);
        check(&["messages.status.*"], "messages.status.read", true);
        check(&["messages.status.*"], "messages.text", false);
        check(&["!messages.status.*"], "messages.text", true);
        check(&["!messages.status.*"], "messages.status.sent", false);
        check(&["messages.*", "!messages.status.sent"], "messages.status.sent", false);
        check(&["messages.*", "!messages.status.sent"], "messages.status.read", true);
        check(&["*"], "anything", true);
    }

    #[test]
    fn a_bad_pattern_is_refused_with_its_reason() {
        assert_eq!(Pattern::parse(""), Err(BadPattern::Empty));
        assert_eq!(Pattern::parse("!"), Err(BadPattern::Empty));
        assert_eq!(Pattern::parse("messages.*.read"), Err(BadPattern::StarInside));
        assert_eq!(Pattern::parse("Messages"), Err(BadPattern::BadCharacter('M')));
        assert_eq!(Pattern::parse("!messages.status.*").unwrap().to_string(), "!messages.status.*");
    }
}
