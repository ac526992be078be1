//! The same JSON in other spellings: white space between its parts, escapes within its texts. Members keep their order.

use std::borrow::Cow;
use std::rc::Rc;

use super::mistake::{Escape, Mistake};
use super::rewrite::Rewritten;
use super::tokens::{Token, tokens};

/// White space between the parts of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// As it is.
    Same,
    /// None, as most sign it.
    Compact,
    /// One line with a space after `:` and `,`, as Python writes.
    Spaced,
    /// A member a line, indented by this many of this.
    Indented(usize, char),
}

const LAYOUTS: [Layout; 6] = [
    Layout::Same,
    Layout::Compact,
    Layout::Spaced,
    Layout::Indented(2, ' '),
    Layout::Indented(4, ' '),
    Layout::Indented(1, '\t'),
];

/// Which characters are escaped, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spelling {
    unicode: Digits,
    slash: bool,
    less: Digits,
    percent: bool,
    at: bool,
}

/// The case of the digits in an escape, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    None,
    Lower,
    Upper,
}

/// Meta's own spelling first, plain text next, then all others; only of what is in the text.
fn spellings(present: Present) -> Vec<Spelling> {
    let meta = Spelling { unicode: Digits::Lower, slash: true, less: Digits::None, percent: false, at: false };
    let full = Spelling { less: Digits::Upper, percent: true, at: true, ..meta };
    let plain = Spelling { unicode: Digits::None, slash: false, ..meta };
    let mut all = vec![meta, plain, full];
    let both = |present: bool| if present { &[false, true][..] } else { &[false] };
    let every = |present: bool| {
        if present { &[Digits::None, Digits::Lower, Digits::Upper][..] } else { &[Digits::None] }
    };
    for unicode in every(present.unicode).iter().copied() {
        for slash in both(present.slash).iter().copied() {
            let first = Spelling { unicode, slash, ..plain };
            let with_less = every(present.less).iter().map(|less| Spelling { less: *less, ..first });
            let percents = both(present.percent);
            let with_percent =
                with_less.flat_map(|one| percents.iter().map(move |percent| Spelling { percent: *percent, ..one }));
            let ats = both(present.at);
            all.extend(with_percent.flat_map(|one| ats.iter().map(move |at| Spelling { at: *at, ..one })));
        }
    }
    all
}

/// Which kinds of what may be escaped are in a text, escaped or not.
#[derive(Debug, Clone, Copy, Default)]
struct Present {
    unicode: bool,
    slash: bool,
    less: bool,
    percent: bool,
    at: bool,
}

impl Present {
    fn of(text: &str) -> Self {
        let mut present = Self::default();
        for (letter, _) in tokens(text).filter_map(Token::letters).flatten() {
            match letter {
                Some('/') => present.slash = true,
                Some('<') => present.less = true,
                Some('%') => present.percent = true,
                Some('@') => present.at = true,
                Some(letter) => present.unicode |= !letter.is_ascii(),
                None => {}
            }
        }
        present
    }
}

/// Every spelling of a body that is JSON, nearest first.
pub(super) fn forms(body: &[u8]) -> impl Iterator<Item = Rewritten> + use<> {
    let text = std::str::from_utf8(body).ok().filter(|text| crate::json::nodes(text).is_some());
    let spellings = text.map(|text| spellings(Present::of(text))).unwrap_or_default();
    let layouts = if text.is_some() { &LAYOUTS[..] } else { &[] };
    let text: Rc<str> = text.unwrap_or_default().into();
    layouts.iter().flat_map(move |layout| {
        let (text, layout) = (Rc::clone(&text), *layout);
        let spellings = std::iter::once(None).chain(spellings.clone().into_iter().map(Some));
        spellings.map(move |spelling| form(&text, layout, spelling))
    })
}

fn form(given: &str, layout: Layout, spelling: Option<Spelling>) -> Rewritten {
    let spelled = match spelling {
        Some(spelling) => Cow::Owned(spelling.apply(given)),
        None => Cow::Borrowed(given),
    };
    let mut mistakes = changes(&spelled, given);
    let laid_out = if layout == Layout::Same { spelled.to_string() } else { layout.apply(&spelled) };
    if laid_out.len() < spelled.len() {
        mistakes.push(Mistake::SpaceAdded);
    } else if laid_out != *spelled {
        mistakes.push(Mistake::SpaceLost);
    }
    Rewritten { bytes: laid_out.into_bytes(), mistakes }
}

impl Spelling {
    fn apply(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for token in tokens(text) {
            let Some(letters) = token.letters() else {
                token.write(&mut out);
                continue;
            };
            out.push('"');
            for (letter, given) in letters {
                self.spell(&mut out, letter, given);
            }
            out.push('"');
        }
        out
    }

    fn spell(self, out: &mut String, letter: Option<char>, given: &str) {
        let lower = |on: bool| if on { Digits::Lower } else { Digits::None };
        match letter {
            Some('/') => out.push_str(if self.slash { "\\/" } else { "/" }),
            Some('<') => self.less.write(out, '<'),
            Some('%') => lower(self.percent).write(out, '%'),
            Some('@') => lower(self.at).write(out, '@'),
            Some(letter) if !letter.is_ascii() => self.unicode.write(out, letter),
            Some(_) | None => out.push_str(given),
        }
    }
}

impl Digits {
    fn write(self, out: &mut String, letter: char) {
        for unit in letter.encode_utf16(&mut [0; 2]) {
            match self {
                Self::None => {}
                Self::Lower => out.push_str(&format!("\\u{unit:04x}")),
                Self::Upper => out.push_str(&format!("\\u{unit:04X}")),
            }
        }
        if self == Self::None {
            out.push(letter);
        }
    }
}

impl Layout {
    /// The JSON laid out like this. What surrounds it stays.
    fn apply(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut depth = 0_usize;
        let mut parts = tokens(text).peekable();
        while let Some(part) = parts.next() {
            match part {
                Token::Space(_) if depth > 0 => {}
                Token::Mark(open @ ('{' | '[')) => {
                    out.push(open);
                    while parts.next_if(|next| matches!(next, Token::Space(_))).is_some() {}
                    match parts.next_if(|next| matches!(next, Token::Mark('}' | ']'))) {
                        Some(close) => close.write(&mut out),
                        None => {
                            depth += 1;
                            self.line(&mut out, depth);
                        }
                    }
                }
                Token::Mark(close @ ('}' | ']')) => {
                    depth = depth.saturating_sub(1);
                    self.line(&mut out, depth);
                    out.push(close);
                }
                Token::Mark(',') => {
                    out.push_str(if self == Self::Spaced { ", " } else { "," });
                    self.line(&mut out, depth);
                }
                Token::Mark(':') => out.push_str(if self == Self::Compact { ":" } else { ": " }),
                Token::Mark(_) | Token::Space(_) | Token::Bare(_) | Token::Text(_) => part.write(&mut out),
            }
        }
        out
    }

    fn line(self, out: &mut String, depth: usize) {
        if let Self::Indented(count, letter) = self {
            out.push('\n');
            out.extend(std::iter::repeat_n(letter, count * depth));
        }
    }
}

/// What happened to the escapes between the signed text and the given one.
fn changes(signed: &str, given: &str) -> Vec<Mistake> {
    let kinds = [Escape::Unicode, Escape::Slash, Escape::Less, Escape::Percent, Escape::At];
    let (before, after) = (counts(signed), counts(given));
    let compared: Vec<_> = kinds.into_iter().zip(before.into_iter().zip(after)).collect();
    let of = |wanted: fn(usize, usize) -> bool| -> Vec<Escape> {
        compared.iter().filter(|(_, (before, after))| wanted(*before, *after)).map(|(kind, _)| *kind).collect()
    };
    let (lost, added) = (of(|before, after| before > after), of(|before, after| before < after));
    let mut mistakes = Vec::new();
    if lost.is_empty() && added.is_empty() && signed != given {
        mistakes.push(Mistake::EscapesRecased);
    }
    if !lost.is_empty() {
        mistakes.push(Mistake::EscapesLost(lost));
    }
    if !added.is_empty() {
        mistakes.push(Mistake::EscapesAdded(added));
    }
    mistakes
}

/// How many escapes of each kind a text has.
fn counts(text: &str) -> [usize; 5] {
    let mut counts = [0; 5];
    let [unicode, slash, less, percent, at] = &mut counts;
    let letters = tokens(text).filter_map(Token::letters).flatten();
    for (letter, _) in letters.filter(|(_, spelled)| spelled.starts_with('\\')) {
        match letter {
            Some('/') => *slash += 1,
            Some('<') => *less += 1,
            Some('%') => *percent += 1,
            Some('@') => *at += 1,
            Some(letter) if !letter.is_ascii() => *unicode += 1,
            Some(_) | None => {}
        }
    }
    counts
}
