//! A JSON document in the making that keeps the order of its members.

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Node {
    /// `null`
    Null,
    /// `true` or `false`
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A number as it is written.
    Literal(String),
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Node>),
    /// An object, with its members in this order.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// A string.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// An object.
    #[must_use]
    pub fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.into_iter().map(|(name, node)| (name.to_owned(), node)).collect())
    }

    /// Adds a member to an object; anything else stays as it is.
    pub fn push(&mut self, name: &str, node: Self) {
        if let Self::Object(members) = self {
            members.push((name.to_owned(), node));
        }
    }

    /// The JSON text on one line.
    #[must_use]
    pub fn compact(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, None);
        out
    }

    /// The JSON text over several lines, with a line break at the end.
    #[must_use]
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, Some(0));
        out.push('\n');
        out
    }

    fn write(&self, out: &mut String, indent: Option<usize>) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Literal(number) => out.push_str(number),
            Self::Text(text) => write_text(text, out),
            Self::Array(nodes) if nodes.iter().all(Self::is_short) => {
                let inline = nodes.iter().map(|node| (None, node));
                write_list(out, None, ['[', ']'], inline);
            }
            Self::Array(nodes) => write_list(out, indent, ['[', ']'], nodes.iter().map(|node| (None, node))),
            Self::Object(members) => {
                let members = members.iter().map(|(name, node)| (Some(name.as_str()), node));
                write_list(out, indent, ['{', '}'], members);
            }
        }
    }

    /// True for what stands well beside its neighbours on one line.
    fn is_short(&self) -> bool {
        !matches!(self, Self::Array(_) | Self::Object(_))
    }
}

fn write_list<'n>(
    out: &mut String,
    indent: Option<usize>,
    [open, close]: [char; 2],
    nodes: impl Iterator<Item = (Option<&'n str>, &'n Node)>,
) {
    let line = |out: &mut String, deeper: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', (indent + deeper) * 2));
        }
    };
    out.push(open);
    let mut is_empty = true;
    for (name, node) in nodes {
        if !is_empty {
            out.push_str(if indent.is_some() { "," } else { ", " });
        }
        is_empty = false;
        line(out, 1);
        if let Some(name) = name {
            write_text(name, out);
            out.push_str(": ");
        }
        node.write(out, indent.map(|indent| indent + 1));
    }
    if !is_empty {
        line(out, 0);
    }
    out.push(close);
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            char if char.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => out.push(char),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_written_in_the_order_of_its_members() {
        let node = Node::object([
            ("b", Node::Array(vec![Node::text("x\"\n"), Node::Number(-1), Node::Null])),
            ("a", Node::object([("c", Node::Array(vec![Node::object([])]))])),
        ]);
        assert_eq!(node.compact(), r#"{"b": ["x\"\n", -1, null], "a": {"c": [{}]}}"#);
        assert_eq!(
            node.pretty(),
            "{\n  \"b\": [\"x\\\"\\n\", -1, null],\n  \"a\": {\n    \"c\": [\n      {}\n    ]\n  }\n}\n"
        );
    }
}
