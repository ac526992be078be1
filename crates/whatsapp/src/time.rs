//! When something happened, as Meta writes it: Unix seconds, quoted or not.

/// 2009-01-01, the year WhatsApp began, and the end of 2100.
const SANE: std::ops::RangeInclusive<i64> = 1_230_768_000..=4_133_980_799;

/// Reads Unix seconds. Milliseconds are out of range: guessing would put an event into the wrong place of its lane.
pub(crate) fn seconds(word: &str) -> Result<i64, &'static str> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err("not a time");
    }
    word.parse().ok().filter(|seconds| SANE.contains(seconds)).ok_or("time out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plausible_seconds_are_times() {
        assert_eq!(seconds("1758000000"), Ok(1_758_000_000));
        for (word, what) in [
            ("", "not a time"),
            ("soon", "not a time"),
            ("-5", "not a time"),
            ("1758000000000", "time out of range"),
            ("0", "time out of range"),
            ("99999999999999999999999999", "time out of range"),
        ] {
            assert_eq!(seconds(word), Err(what), "{word}");
        }
    }
}
