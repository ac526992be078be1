//! The directory of an app's numbers: from the digits for display to the number's id.
//!
//! Security, quality, name and username events carry only the display number. Every notification with `metadata`
//! teaches the pair; the operator may set it by hand.

use std::collections::HashMap;

/// What is known of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Its id.
    pub phone_number_id: String,
    /// The WABA that it belongs to, where known.
    pub waba_id: Option<String>,
}

/// The numbers of one app, by the digits for display.
#[derive(Debug, Clone, Default)]
pub struct Directory(HashMap<String, Number>);

impl Directory {
    /// The number with these digits for display, however they are written.
    #[must_use]
    pub fn find(&self, display: &str) -> Option<&Number> {
        self.0.get(&digits(display)?)
    }

    /// Whether these facts are not in the directory yet. An entry whose WABA is known is not undone by one without.
    #[must_use]
    pub fn is_news(&self, display_digits: &str, number: &Number) -> bool {
        self.0.get(display_digits).is_none_or(|known| {
            known.phone_number_id != number.phone_number_id
                || (number.waba_id.is_some() && known.waba_id != number.waba_id)
        })
    }

    /// Learns a number.
    pub fn learn(&mut self, display_digits: String, number: Number) {
        self.0.insert(display_digits, number);
    }
}

/// The digits of a display number: `+1 631-555-8151` and `16315558151` are one number. None where there are none, or
/// more than any number has.
#[must_use]
pub fn digits(display: &str) -> Option<String> {
    let digits: String = display.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty() && digits.len() <= 32).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(id: &str, waba: Option<&str>) -> Number {
        Number { phone_number_id: id.into(), waba_id: waba.map(str::to_owned) }
    }

    #[test]
    fn a_number_is_found_however_its_digits_are_written() {
        let mut directory = Directory::default();
        directory.learn("16315558151".into(), number("7", None));
        assert_eq!(directory.find("+1 631-555-8151"), Some(&number("7", None)));
        assert_eq!(directory.find("n/a"), None);
    }

    #[test]
    fn what_is_known_already_is_no_news() {
        let mut directory = Directory::default();
        assert!(directory.is_news("1", &number("7", None)));
        directory.learn("1".into(), number("7", Some("10")));
        assert!(!directory.is_news("1", &number("7", Some("10"))));
        assert!(!directory.is_news("1", &number("7", None)));
        assert!(directory.is_news("1", &number("8", None)));
        assert!(directory.is_news("1", &number("7", Some("11"))));
    }
}
