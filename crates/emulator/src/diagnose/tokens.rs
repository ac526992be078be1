//! The pieces of a JSON text, each as it is spelled.

/// A piece of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Space(&'a str),
    Mark(char),
    Bare(&'a str),
    /// A string without its quotes.
    Text(&'a str),
}

impl<'a> Token<'a> {
    /// The characters of a string, each with its spelling. None stands for what has no other spelling.
    pub(super) fn letters(self) -> Option<impl Iterator<Item = (Option<char>, &'a str)>> {
        let Self::Text(mut rest) = self else { return None };
        Some(std::iter::from_fn(move || {
            let (letter, length) = letter(rest)?;
            let (spelled, after) = rest.split_at_checked(length)?;
            rest = after;
            Some((letter, spelled))
        }))
    }

    /// Writes it as it was.
    pub(super) fn write(self, out: &mut String) {
        match self {
            Self::Space(text) | Self::Bare(text) => out.push_str(text),
            Self::Mark(mark) => out.push(mark),
            Self::Text(text) => {
                out.push('"');
                out.push_str(text);
                out.push('"');
            }
        }
    }
}

/// The pieces of a text that is JSON.
pub(super) fn tokens(mut rest: &str) -> impl Iterator<Item = Token<'_>> {
    const SPACE: [char; 4] = [' ', '\n', '\r', '\t'];
    const MARKS: [char; 6] = ['{', '}', '[', ']', ':', ','];
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = match first {
            '"' => string_length(rest),
            _ if MARKS.contains(&first) => 1,
            _ if SPACE.contains(&first) => rest.find(|c| !SPACE.contains(&c)).unwrap_or(rest.len()),
            _ => rest.find(|c| c == '"' || SPACE.contains(&c) || MARKS.contains(&c)).unwrap_or(rest.len()),
        };
        let (piece, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(match first {
            '"' => Token::Text(within_quotes(piece)),
            _ if MARKS.contains(&first) => Token::Mark(first),
            _ if SPACE.contains(&first) => Token::Space(piece),
            _ => Token::Bare(piece),
        })
    })
}

fn within_quotes(text: &str) -> &str {
    let begun = text.strip_prefix('"').unwrap_or(text);
    begun.strip_suffix('"').unwrap_or(begun)
}

/// The bytes of the string at the beginning of this text, with its quotes.
fn string_length(text: &str) -> usize {
    let mut is_escaped = true;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The first character of a string, and how many bytes spell it. No character where no other spelling would do.
fn letter(text: &str) -> Option<(Option<char>, usize)> {
    let first = text.chars().next()?;
    if first != '\\' {
        return Some((Some(first), first.len_utf8()));
    }
    Some(match text.as_bytes().get(1) {
        Some(b'/') => (Some('/'), 2),
        Some(b'u') => unicode(text),
        // The escapes that have to be, and what is none.
        Some(_) => (None, text.char_indices().nth(2).map_or(text.len(), |(at, _)| at)),
        None => (None, 1),
    })
}

fn unicode(text: &str) -> (Option<char>, usize) {
    let unit = |at: usize| u16::from_str_radix(text.get(at..at + 4)?, 16).ok();
    let Some(first) = unit(2) else { return (None, 2) };
    let second = text.get(6..8).filter(|escape| *escape == "\\u").and_then(|_| unit(8));
    let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
    if let Some(letter) = pair.filter(|letter| letter.len_utf16() == 2) {
        return (Some(letter), 12);
    }
    // Quotes, backslashes and control characters have to be escaped, this way or another.
    let has_to_be = |letter: &char| matches!(letter, '"' | '\\') || letter.is_control();
    (char::from_u32(u32::from(first)).filter(|letter| !has_to_be(letter)), 6)
}
