//! The event types that the documentation and captures know: those of the catalogue. Anything else is a type all the
//! same; this list is for metric labels and for noticing what is new.

use std::sync::LazyLock;

use crate::catalogue;

static KNOWN: LazyLock<Vec<&'static str>> = LazyLock::new(catalogue::types);

/// All known event types, sorted.
#[must_use]
pub fn known_types() -> &'static [&'static str] {
    &KNOWN
}

/// True when the type is a known one.
#[must_use]
pub fn is_known_type(event_type: &str) -> bool {
    KNOWN.binary_search(&event_type).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_every_type_is_folded() {
        assert!(KNOWN.is_sorted());
        for word in known_types() {
            assert_eq!(crate::draft::event_type(&[word]).as_str(), *word);
            assert!(is_known_type(word));
        }
        assert!(!is_known_type("messages.telepathy"));
    }
}
