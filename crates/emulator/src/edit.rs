//! One value of a body set by its path; all else stays byte for byte.

use std::fmt;

use crate::json::{self, Kind, Node, Step};

/// A value and where it goes: the path starts at the `value` of the body's first change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    path: Path,
    json: String,
}

const LIST: &str = "a list";

/// Why a value cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The path cannot be read.
    #[error("the path {0:?} cannot be read: expected something like messages[0].text.body")]
    Path(String),
    /// The body has no change whose value could be edited.
    #[error("the body has no change with a value")]
    NoValue,
    /// What stands on the way is something else than the path says.
    #[error("{at} is {is}, and the path goes on with {next}{}", if *is == LIST { ": write [0] for its first" } else { "" })]
    Kind {
        /// How far the path leads.
        at: String,
        /// What is there.
        is: &'static str,
        /// The next step.
        next: String,
    },
    /// A list is too short.
    #[error("{at} has {len} elements: [{len}] adds one, [{index}] leaves a gap")]
    Gap {
        /// The list.
        at: String,
        /// Its elements.
        len: usize,
        /// The one that was asked for.
        index: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Path(Vec<Hop>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hop {
    Key(String),
    Index(usize),
}

impl Edit {
    /// Sets what is at this path to this JSON, which must be JSON.
    ///
    /// # Errors
    /// If the path cannot be read.
    pub fn new(path: &str, json: impl Into<String>) -> Result<Self, EditError> {
        let hops = Path::parse(path).ok_or_else(|| EditError::Path(path.to_owned()))?;
        Ok(Self { path: hops, json: json.into() })
    }

    /// The body with the value in its place. What is missing on the way is made.
    ///
    /// # Errors
    /// If the path does not lead anywhere in this body.
    pub fn apply(&self, body: &[u8]) -> Result<Vec<u8>, EditError> {
        let text = std::str::from_utf8(body).map_err(|_| EditError::NoValue)?;
        let nodes = json::nodes(text).ok_or(EditError::NoValue)?;
        let value = nodes.iter().find(|node| is_value(&node.path)).ok_or(EditError::NoValue)?;
        let below = |node: &&Node<'_>| node.path.starts_with(&value.path);
        let (found, depth) = nodes
            .iter()
            .filter(below)
            .filter_map(|node| Some((node, self.path.depth_of(node.path.get(value.path.len()..)?)?)))
            .max_by_key(|(_, depth)| *depth)
            .ok_or(EditError::NoValue)?;
        let missing = self.path.0.get(depth..).unwrap_or_default();
        let (span, new) = match missing.split_first() {
            None => (found.span.clone(), self.json.clone()),
            Some((next, rest)) => {
                let children = nodes
                    .iter()
                    .filter(|node| node.path.len() == found.path.len() + 1 && node.path.starts_with(&found.path));
                let member = self.member(found, children.count(), depth, next, rest)?;
                (found.span.end - 1..found.span.end - 1, member)
            }
        };
        Ok(json::splice(text, [(span, new.as_str())]).into_bytes())
    }

    /// What is written before the closing bracket of `parent`.
    fn member(
        &self,
        parent: &Node<'_>,
        len: usize,
        depth: usize,
        next: &Hop,
        rest: &[Hop],
    ) -> Result<String, EditError> {
        let at = || self.path.text(depth);
        let comma = if len == 0 { "" } else { "," };
        let value =
            nested(rest, &self.json).ok_or_else(|| EditError::Gap { at: self.to_string(), len: 0, index: 1 })?;
        match (parent.kind, next) {
            (Kind::Object, Hop::Key(name)) => Ok(format!("{comma}\"{name}\":{value}")),
            (Kind::Array, Hop::Index(index)) if *index == len => Ok(format!("{comma}{value}")),
            (Kind::Array, Hop::Index(index)) => Err(EditError::Gap { at: at(), len, index: *index }),
            (kind @ (Kind::Object | Kind::Array | Kind::String | Kind::Bare), _) => {
                Err(EditError::Kind { at: at(), is: word(kind), next: next.to_string() })
            }
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path.text(self.path.0.len()))
    }
}

impl Path {
    fn parse(text: &str) -> Option<Self> {
        let mut hops = Vec::new();
        for part in text.split('.') {
            let (name, mut indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
            let fine = |c: char| !c.is_control() && !matches!(c, '"' | '\\' | ']');
            if name.is_empty() || !name.chars().all(fine) {
                return None;
            }
            hops.push(Hop::Key(name.to_owned()));
            while !indexes.is_empty() {
                let (index, rest) = indexes.strip_prefix('[')?.split_once(']')?;
                hops.push(Hop::Index(index.parse().ok()?));
                indexes = rest;
            }
        }
        Some(Self(hops))
    }

    /// How many hops these steps are, if this path begins with them.
    fn depth_of(&self, steps: &[Step<'_>]) -> Option<usize> {
        let same = |(hop, step): (&Hop, &Step<'_>)| match (hop, step) {
            (Hop::Key(name), Step::Key(key)) => name == key,
            (Hop::Index(index), Step::Index(position)) => index == position,
            (Hop::Key(_), Step::Index(_)) | (Hop::Index(_), Step::Key(_)) => false,
        };
        let begins = steps.len() <= self.0.len() && self.0.iter().zip(steps).all(same);
        begins.then_some(steps.len())
    }

    /// The first hops as one writes them.
    fn text(&self, hops: usize) -> String {
        let text: String = self.0.iter().take(hops).map(Hop::to_string).collect();
        if text.is_empty() { "the value".to_owned() } else { text.trim_start_matches('.').to_owned() }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(name) => write!(f, ".{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// The value within what has to be made around it. None where a new list would begin with a gap.
fn nested(hops: &[Hop], json: &str) -> Option<String> {
    hops.iter().rev().try_fold(json.to_owned(), |inner, hop| match hop {
        Hop::Key(name) => Some(format!("{{\"{name}\":{inner}}}")),
        Hop::Index(0) => Some(format!("[{inner}]")),
        Hop::Index(_) => None,
    })
}

/// The `value` of a change: in the envelope, in a wrapped envelope, or in the bare sample.
fn is_value(path: &[Step<'_>]) -> bool {
    let path = path.strip_prefix(&[Step::Index(0)]).unwrap_or(path);
    matches!(
        path,
        [Step::Key("value")]
            | [Step::Key("entry"), Step::Index(_), Step::Key("changes"), Step::Index(_), Step::Key("value")]
    )
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Object => "an object",
        Kind::Array => LIST,
        Kind::String => "a text",
        Kind::Bare => "a number, true, false or null",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use super::*;

    const BODY: &str =
        r#"{"entry":[{"id":"1","changes":[{"field":"f","value":{ "a" : [{"b":"x"}], "n":1, "e":{} }}]}]}"#;

    #[track_caller]
    fn check(path: &str, json: &str, value: &str) {
        let edited = Edit::new(path, json).unwrap().apply(BODY.as_bytes()).unwrap();
        let expected = BODY.replace(r#"{ "a" : [{"b":"x"}], "n":1, "e":{} }"#, value);
        assert_eq!(String::from_utf8(edited).unwrap(), expected);
    }

    #[test]
    fn a_value_is_replaced_where_it_stands() {
        check("a[0].b", "\"y\"", r#"{ "a" : [{"b":"y"}], "n":1, "e":{} }"#);
        check("a", "[]", r#"{ "a" : [], "n":1, "e":{} }"#);
    }

    #[test]
    fn what_is_missing_on_the_way_is_made() {
        check("a[0].c", "2", r#"{ "a" : [{"b":"x","c":2}], "n":1, "e":{} }"#);
        check("a[1]", "2", r#"{ "a" : [{"b":"x"},2], "n":1, "e":{} }"#);
        check("e.f[0].g", "2", r#"{ "a" : [{"b":"x"}], "n":1, "e":{"f":[{"g":2}]} }"#);
        check("z", "2", r#"{ "a" : [{"b":"x"}], "n":1, "e":{} ,"z":2}"#);
    }

    #[test]
    fn a_path_that_leads_nowhere_is_told_with_the_place_where_it_ends() {
        let told =
            |path: &str| Edit::new(path, "1").and_then(|edit| edit.apply(BODY.as_bytes())).unwrap_err().to_string();
        assert_eq!(told("a[3]"), "a has 1 elements: [1] adds one, [3] leaves a gap");
        assert_eq!(told("n.x"), "n is a number, true, false or null, and the path goes on with .x");
        assert_eq!(told("a.b"), "a is a list, and the path goes on with .b: write [0] for its first");
        assert_eq!(told("x[1]"), "x[1] has 0 elements: [0] adds one, [1] leaves a gap");
        for bad in ["", "a..b", "a[", "a[x]", "a]b", "[0]", "a\"b"] {
            assert!(told(bad).contains("cannot be read"), "{bad}");
        }
        assert_eq!(Edit::new("a", "1").unwrap().apply(b"{}").unwrap_err(), EditError::NoValue);
    }
}
