//! Labels: words that an operator hangs on WABAs and numbers, so that a rule can say "everything of acme" without ids.
//!
//! An event has the labels of its number where that bears any, else those of its WABA: the narrower one counts, as with
//! Meta's override. So an event belongs to one thing that is labelled, and one number of a shared WABA can be another
//! customer's.

use std::collections::HashMap;

use super::Facts;

/// Bytes of a label at most.
pub const LABEL_BYTES_MAX: usize = 64;
/// Labels on one WABA or number at most.
pub const LABELS_OF_ONE_MAX: usize = 16;

/// Which WABAs and numbers bear which labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    wabas: HashMap<String, Vec<String>>,
    numbers: HashMap<String, Vec<String>>,
}

/// What a label hangs on. Meta's ids are unique among all apps, so that no app need be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Labelled {
    /// A WABA.
    Waba,
    /// A business number.
    Number,
}

impl Labels {
    /// Hangs a label on a WABA or a number.
    pub fn add(&mut self, on: Labelled, id: &str, label: &str) {
        let labels = self.map_mut(on).entry(id.to_owned()).or_default();
        if !labels.iter().any(|known| known == label) {
            labels.push(label.to_owned());
        }
    }

    /// Takes all labels off a WABA or a number.
    pub fn clear(&mut self, on: Labelled, id: &str) {
        self.map_mut(on).remove(id);
    }

    /// The labels of an event.
    #[must_use]
    pub fn of(&self, facts: &Facts<'_>) -> &[String] {
        let own = facts.phone_number_id.and_then(|number| self.numbers.get(number));
        own.or_else(|| self.wabas.get(facts.waba_id?)).map_or(&[], Vec::as_slice)
    }

    /// The WABAs that bear one of these labels.
    pub(super) fn wabas_with<'s>(&'s self, labels: &'s [String]) -> impl Iterator<Item = &'s str> {
        bearing(&self.wabas, labels)
    }

    /// The numbers that bear one of these labels.
    pub(super) fn numbers_with<'s>(&'s self, labels: &'s [String]) -> impl Iterator<Item = &'s str> {
        bearing(&self.numbers, labels)
    }

    /// Whether a WABA bears one of these labels.
    pub(super) fn waba_has(&self, labels: &[String], id: &str) -> bool {
        self.wabas.get(id).is_some_and(|borne| borne.iter().any(|label| labels.contains(label)))
    }

    /// Whether a number bears one of these labels itself.
    pub(super) fn number_has(&self, labels: &[String], id: &str) -> bool {
        self.numbers.get(id).is_some_and(|borne| borne.iter().any(|label| labels.contains(label)))
    }

    /// Whether a number bears labels itself, so that its WABA's do not count.
    pub(super) fn is_labelled_number(&self, id: &str) -> bool {
        self.numbers.contains_key(id)
    }

    fn map_mut(&mut self, on: Labelled) -> &mut HashMap<String, Vec<String>> {
        match on {
            Labelled::Waba => &mut self.wabas,
            Labelled::Number => &mut self.numbers,
        }
    }
}

fn bearing<'s>(all: &'s HashMap<String, Vec<String>>, labels: &'s [String]) -> impl Iterator<Item = &'s str> {
    all.iter().filter(|(_, borne)| borne.iter().any(|label| labels.contains(label))).map(|(id, _)| id.as_str())
}

/// Whether a text can be a label: letters, digits, `-`, `_`, `.` and `:`.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    !text.is_empty() && text.len() <= LABEL_BYTES_MAX && text.chars().all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::tests::TEXT;

    #[test]
    fn a_number_s_own_labels_stand_in_place_of_its_wabas() {
        let mut labels = Labels::default();
        labels.add(Labelled::Waba, "10", "acme");
        labels.add(Labelled::Waba, "10", "acme");
        assert_eq!(labels.of(&TEXT), ["acme"]);
        labels.add(Labelled::Number, "7", "beta");
        assert_eq!(labels.of(&TEXT), ["beta"]);
        assert_eq!(labels.of(&Facts { phone_number_id: Some("8"), ..TEXT }), ["acme"]);
        labels.clear(Labelled::Number, "7");
        assert_eq!(labels.of(&TEXT), ["acme"]);
        assert!(labels.of(&Facts { phone_number_id: None, waba_id: None, ..TEXT }).is_empty());
    }

    #[test]
    fn a_label_is_a_word_that_fits_a_shell_and_a_url() {
        assert!(is_label("acme") && is_label("customer:4711") && is_label("a.b-c_D"));
        assert!(!is_label("") && !is_label("a b") && !is_label("é") && !is_label(&"x".repeat(65)));
    }
}
