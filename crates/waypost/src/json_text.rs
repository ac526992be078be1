//! JSON laid out anew, on one line or indented. Texts and numbers stay exactly as Meta sent them, which a parser and a
//! printer would not promise.

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

/// The same JSON, a member or element a line, for eyes.
pub(crate) fn indented(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let line = one_line(json);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        if in_text {
            in_text = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            text.push(letter);
            continue;
        }
        in_text = letter == '"';
        match letter {
            '{' | '[' => {
                text.push(letter);
                if let Some(close) = letters.next_if(|next| matches!(next, '}' | ']')) {
                    text.push(close);
                } else {
                    depth += 1;
                    begin_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                begin_line(&mut text, depth);
                text.push(letter);
            }
            ',' => {
                text.push(letter);
                begin_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            other => text.push(other),
        }
    }
    text
}

fn begin_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
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

    #[test]
    fn indented_json_reads_back_as_the_same_line() {
        let line = r#"{"a":[1.50,{}],"b":"{,\"","c":[]}"#;
        let wanted = "{\n  \"a\": [\n    1.50,\n    {}\n  ],\n  \"b\": \"{,\\\"\",\n  \"c\": []\n}";
        assert_eq!(indented(line), wanted);
        assert_eq!(one_line(&indented(line)), line);
    }
}
