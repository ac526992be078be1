//! JSON on one line: Meta's own JSON may come with newlines in it, and a line must hold one value.

/// The same JSON without the white space between its parts; texts and numbers are left exactly as they are.
pub(crate) fn one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    for letter in json.chars() {
        if in_text {
            in_text = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
        } else if matches!(letter, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_text = letter == '"';
        }
        line.push(letter);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_from_between_the_parts_and_stays_within_texts() {
        assert_eq!(
            one_line("{\n  \"a b\": [1.50, \"c \\\" d\"],\r\n\t\"e\\\\\": true }"),
            r#"{"a b":[1.50,"c \" d"],"e\\":true}"#
        );
    }
}
