//! The body as it may have been when it was signed: each form undoes what may have happened to it.

use super::json_form;
use super::mistake::Mistake;

const MARK: &[u8] = b"\xef\xbb\xbf";
/// Larger bodies are tried with one kind of damage at a time.
const PAIRED_BYTES_MAX: usize = 256 * 1024;

/// A form of the body, and what happened to it if this was the one that was signed.
#[derive(Debug, Clone)]
pub(super) struct Rewritten {
    pub(super) bytes: Vec<u8>,
    pub(super) mistakes: Vec<Mistake>,
}

/// The body itself, then each form that undoes one kind of damage, then those that undo one of the text and one of its
/// ends. Some of them are the same.
pub(super) fn forms(body: &[u8]) -> impl Iterator<Item = Rewritten> {
    let whole = Rewritten { bytes: body.to_vec(), mistakes: Vec::new() };
    let damaged = [ends(body), encodings(body)].concat();
    let may_pair = body.len() <= PAIRED_BYTES_MAX;
    // What surrounds the text, or recoded it, has to be undone before the text can be read as JSON; a newline that was
    // lost, after.
    let outer = if may_pair { damaged.clone() } else { Vec::new() };
    let before = outer.into_iter().flat_map(|outer| {
        let inner = json_form::forms(&outer.bytes);
        inner.map(move |form| both(&outer.mistakes, form))
    });
    let after = json_form::forms(body).filter(move |_| may_pair).flat_map(|form| {
        let ends = ends(&form.bytes).into_iter();
        ends.map(move |end| both(&form.mistakes, end))
    });
    std::iter::once(whole).chain(damaged).chain(json_form::forms(body)).chain(before).chain(after)
}

fn both(first: &[Mistake], form: Rewritten) -> Rewritten {
    Rewritten { mistakes: [first, &form.mistakes].concat(), ..form }
}

/// What is at the ends of the body and of its lines.
fn ends(body: &[u8]) -> Vec<Rewritten> {
    let mut forms = Vec::new();
    let mut add = |bytes: Vec<u8>, mistake| forms.push(Rewritten { bytes, mistakes: vec![mistake] });
    if let Some(rest) = body.strip_suffix(b"\n") {
        add(rest.strip_suffix(b"\r").unwrap_or(rest).to_vec(), Mistake::NewlineAdded);
        add(rest.to_vec(), Mistake::NewlineAdded);
        add(body.trim_ascii_end().to_vec(), Mistake::NewlineAdded);
    }
    for end in [&b"\n"[..], b"\r\n"] {
        add([body, end].concat(), Mistake::NewlineLost);
    }
    match body.strip_prefix(MARK) {
        Some(rest) => add(rest.to_vec(), Mistake::MarkAdded),
        None => add([MARK, body].concat(), Mistake::MarkLost),
    }
    let without = without_cr(body);
    let with = with_cr(&without);
    if without != body {
        add(without, Mistake::CrAdded);
    }
    if with != body {
        add(with, Mistake::CrLost);
    }
    forms
}

fn without_cr(body: &[u8]) -> Vec<u8> {
    let next = body.iter().skip(1).copied().map(Some).chain([None]);
    body.iter().copied().zip(next).filter(|pair| *pair != (b'\r', Some(b'\n'))).map(|(byte, _)| byte).collect()
}

fn with_cr(body: &[u8]) -> Vec<u8> {
    body.iter()
        .flat_map(|byte| if *byte == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(byte) })
        .copied()
        .collect()
}

/// What a wrong decoding did.
fn encodings(body: &[u8]) -> Vec<Rewritten> {
    let Ok(text) = std::str::from_utf8(body) else {
        let text: String = body.iter().copied().map(char::from).collect();
        return vec![Rewritten { bytes: text.into_bytes(), mistakes: vec![Mistake::WrittenAsLatin1] }];
    };
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    let was_utf8 = bytes.filter(|bytes| !body.is_ascii() && std::str::from_utf8(bytes).is_ok());
    was_utf8.map(|bytes| Rewritten { bytes, mistakes: vec![Mistake::ReadAsLatin1] }).into_iter().collect()
}
