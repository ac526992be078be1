//! The event types that the documentation and captures know: those of the catalogue. Anything else is a type all the
//! same; this list is for metric labels and for noticing what is new.

use std::sync::LazyLock;

use crate::catalogue;
use crate::typed::Family;

static CATALOGUE: LazyLock<Vec<(&'static str, Option<Family>)>> = LazyLock::new(catalogue::types);
static KNOWN: LazyLock<Vec<&'static str>> = LazyLock::new(|| CATALOGUE.iter().map(|(name, _)| *name).collect());

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

/// Which typed value events of this type have. A new type has that of its siblings.
pub(crate) fn family(event_type: &str) -> Option<Family> {
    if let Ok(index) = CATALOGUE.binary_search_by_key(&event_type, |(name, _)| *name) {
        return CATALOGUE.get(index).and_then(|(_, family)| *family);
    }
    let (siblings, _) = event_type.rsplit_once('.')?;
    let is_sibling = |name: &str| name.rsplit_once('.').is_some_and(|(start, _)| start == siblings);
    CATALOGUE.iter().find(|(name, _)| is_sibling(name)).and_then(|(_, family)| *family)
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

    #[test]
    fn a_new_type_is_read_as_its_siblings_are() {
        assert_eq!(family("messages.telepathy"), Some(Family::Message));
        assert_eq!(family("messages.interactive.telepathy"), Some(Family::Message));
        assert_eq!(family("messages.status.adored"), Some(Family::Status));
        assert_eq!(family("calls.status.busy"), Some(Family::CallStatus));
        assert_eq!(family("account_update.new_event"), Some(Family::AccountUpdate));
        assert_eq!(family("never.heard.of"), None);
        assert_eq!(family("consumer_profile"), None);
    }
}
