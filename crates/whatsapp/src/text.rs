//! Words out of JSON: decoded strings, plainly spelled numbers, digits of a phone number.

use std::borrow::Cow;

/// Decodes what stands between the quotes of a JSON string. A lone surrogate (Meta cuts text in the middle of a character) becomes U+FFFD.
pub(crate) fn decode(inner: &str) -> Cow<'_, str> {
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    decode_each(inner, |part| match part {
        Piece::Text(text) => out.push_str(text),
        Piece::Char(char) => out.push(char),
        Piece::Lone(_) => out.push(char::REPLACEMENT_CHARACTER),
    });
    Cow::Owned(out)
}

/// What a JSON string is made of.
pub(crate) enum Piece<'a> {
    /// Characters that stand for themselves.
    Text(&'a str),
    /// An escaped character.
    Char(char),
    /// Half of a surrogate pair without its other half.
    Lone(u16),
}

/// Gives the pieces of a JSON string (without its quotes) one by one.
pub(crate) fn decode_each<'a>(inner: &'a str, mut give: impl FnMut(Piece<'a>)) {
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once('\\') {
        if !before.is_empty() {
            give(Piece::Text(before));
        }
        let (piece, tail) = escape(after);
        give(piece);
        rest = tail;
    }
    if !rest.is_empty() {
        give(Piece::Text(rest));
    }
}

fn escape(after: &str) -> (Piece<'_>, &str) {
    let mut chars = after.chars();
    let char = match chars.next() {
        Some('u') => return unicode(chars.as_str()),
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some(other) => other,
        None => char::REPLACEMENT_CHARACTER,
    };
    (Piece::Char(char), chars.as_str())
}

fn unicode(digits: &str) -> (Piece<'_>, &str) {
    let (first, rest) = unit(digits);
    if let Some(char) = char::from_u32(u32::from(first)) {
        return (Piece::Char(char), rest);
    }
    let second = rest.strip_prefix("\\u").map(unit);
    let pair = second.and_then(|(low, tail)| Some((char::decode_utf16([first, low]).next()?.ok()?, tail)));
    pair.map_or((Piece::Lone(first), rest), |(char, tail)| (Piece::Char(char), tail))
}

fn unit(digits: &str) -> (u16, &str) {
    let value = digits.get(..4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
    (value.unwrap_or(0xFFFD), digits.get(4..).unwrap_or_default())
}

/// Writes equal numbers equally: `1758000000`, `1.758e9` and `1758000000.0` are one word, and nothing is rounded.
pub(crate) fn plain_number(raw: &str) -> Cow<'_, str> {
    const ZEROS_MAX: usize = 40;
    let unsigned = raw.strip_prefix('-').unwrap_or(raw);
    if raw != "-0" && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(raw);
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = String::with_capacity(raw.len() + ZEROS_MAX + 4);
    let sign = if raw.starts_with('-') { "-" } else { "" };
    digits.extend([sign, whole, fraction]);
    let leading = digits.bytes().skip(sign.len()).take_while(|byte| *byte == b'0').count();
    digits.drain(sign.len()..sign.len() + leading);
    let all = digits.len();
    digits.truncate(digits.trim_end_matches('0').len());
    if digits.len() == sign.len() {
        return Cow::Borrowed("0");
    }
    let Ok(exponent) = exponent.strip_prefix('+').unwrap_or(exponent).parse::<i64>() else {
        return Cow::Borrowed(raw);
    };
    let power = i128::from(exponent) - fraction.len() as i128 + (all - digits.len()) as i128;
    match usize::try_from(power) {
        Ok(zeros) if zeros <= ZEROS_MAX => digits.extend(std::iter::repeat_n('0', zeros)),
        Ok(_) | Err(_) => {
            digits.push('e');
            digits.push_str(&power.to_string());
        }
    }
    Cow::Owned(digits)
}

/// A phone number in digits: without `+`, and without the spaces, dashes and brackets of the display form. What is not
/// a phone number stays as it is.
pub(crate) fn digits(phone: Cow<'_, str>) -> Cow<'_, str> {
    if phone.bytes().all(|byte| byte.is_ascii_digit()) {
        return phone;
    }
    let display = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b' ' | b'-' | b'(' | b')' | b'.');
    if !phone.bytes().all(display) || !phone.bytes().any(|byte| byte.is_ascii_digit()) {
        return phone;
    }
    Cow::Owned(phone.chars().filter(char::is_ascii_digit).collect())
}

/// True for the form of a business-scoped user id: country code, dot, letters and digits.
pub(crate) fn looks_like_user_id(word: &str) -> bool {
    word.split_once('.').is_some_and(|(country, rest)| {
        country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()) && !rest.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_one_spelling() {
        for (raw, plain) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0e7", "0"),
            ("1758000000", "1758000000"),
            ("1.758e9", "1758000000"),
            ("1758000000.000", "1758000000"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("0.50", "5e-1"),
            ("-1E+2", "-100"),
            ("1e400", "1e400"),
            ("10e399", "1e400"),
            ("1e99999999999999999999", "1e99999999999999999999"),
        ] {
            assert_eq!(plain_number(raw), plain, "{raw}");
        }
    }

    #[test]
    fn strings_decode_and_half_characters_survive() {
        assert_eq!(decode(r#"a\u00e9\n\"\\\/"#), "aé\n\"\\/");
        assert_eq!(decode(r#"\ud83d\ude00"#), "😀");
        assert_eq!(decode(r#"x\ud83d"#), "x\u{fffd}");
        assert_eq!(decode(r#"\ud83d\u0041"#), "\u{fffd}A");
        assert_eq!(decode(r#"\u0000"#), "\0");
    }

    #[test]
    fn display_numbers_become_digits_and_other_words_stay() {
        assert_eq!(digits("+1 (631) 555-8151".into()), "16315558151");
        assert_eq!(digits("US.123".into()), "US.123");
        assert_eq!(digits("+".into()), "+");
    }
}
