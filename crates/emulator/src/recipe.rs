//! A body made again and again: fresh, with ids and values of one's own, spelled as on the wire.

use crate::edit::{Edit, EditError};
use crate::escape::{Escapes, wire_form};
use crate::fresh::{Fresh, freshen};
use crate::names::Names;
use crate::rebatch;

/// How bodies are made from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// What they are made from.
    pub body: Vec<u8>,
    /// With fresh ids and present times.
    pub fresh: bool,
    /// Whose events they are.
    pub names: Names,
    /// Values of one's own. They have the last word.
    pub edits: Vec<Edit>,
    /// How it is spelled; as it is where nothing is said.
    pub spelling: Option<Escapes>,
}

/// Why a body cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// A value cannot be set.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Several bodies cannot be one.
    #[error("the body has no envelope with changes, so it cannot be put into one with others")]
    NoEnvelope,
}

impl Recipe {
    /// The next body, with the events of so many in it.
    ///
    /// # Errors
    /// If the body does not allow what is asked for.
    pub fn next_body(&self, elements: usize, fresh: &mut Fresh) -> Result<Vec<u8>, RecipeError> {
        let body = if elements > 1 { self.merged(elements, fresh)? } else { self.element(fresh)? };
        Ok(match self.spelling {
            Some(escapes) => wire_form(&body, escapes),
            None => body,
        })
    }

    fn merged(&self, elements: usize, fresh: &mut Fresh) -> Result<Vec<u8>, RecipeError> {
        let parts = (0..elements).map(|_| self.element(fresh)).collect::<Result<Vec<_>, _>>()?;
        let merged = rebatch::merge(&parts);
        if rebatch::changes(&merged) < elements {
            return Err(RecipeError::NoEnvelope);
        }
        Ok(merged)
    }

    fn element(&self, fresh: &mut Fresh) -> Result<Vec<u8>, RecipeError> {
        let body = if self.fresh { freshen(&self.body, fresh) } else { self.body.clone() };
        let body = if self.names == Names::default() { body } else { self.names.apply(&body) };
        Ok(self.edits.iter().try_fold(body, |body, edit| edit.apply(&body))?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use std::collections::HashSet;

    use super::*;
    use crate::catalogue;

    fn recipe(body: Vec<u8>) -> Recipe {
        Recipe { body, fresh: true, names: Names::default(), edits: Vec::new(), spelling: Some(Escapes::Meta) }
    }

    fn keys(body: &[u8], of_type: &str) -> Vec<String> {
        let events = whatsapp::read(body).events.into_iter().filter(|event| event.event_type.as_str() == of_type);
        events.filter(|event| event.key.scope == whatsapp::KeyScope::Content).map(|event| event.key.text).collect()
    }

    #[test]
    fn a_hundred_of_any_type_in_one_second_are_a_hundred_events() {
        for (event_type, sample) in catalogue::samples() {
            let recipe = recipe(sample.body);
            let mut fresh = Fresh::new(1, 1_790_000_000);
            let mut seen = HashSet::new();
            for _ in 0..100 {
                fresh.set_now(1_790_000_000);
                for key in keys(&recipe.next_body(1, &mut fresh).unwrap(), &event_type) {
                    assert!(seen.insert(key), "{event_type}");
                }
            }
            assert!(seen.is_empty() || seen.len() >= 100, "{event_type}: {}", seen.len());
        }
    }

    #[test]
    fn a_batch_has_as_many_events_as_were_asked_for() {
        for (event_type, sample) in catalogue::samples() {
            let recipe = recipe(sample.body);
            let made = recipe.next_body(5, &mut Fresh::new(1, 1_790_000_000));
            if made == Err(RecipeError::NoEnvelope) {
                continue;
            }
            let body = made.unwrap();
            let events = whatsapp::read(&body).events;
            let of_type = events.iter().filter(|event| event.event_type.as_str() == event_type);
            assert!(of_type.count() >= 5, "{event_type}");
        }
    }

    #[test]
    fn values_of_ones_own_have_the_last_word() {
        let sample = catalogue::samples().remove("messages.text").unwrap();
        let edit = Edit::new("messages[0].from", "\"7\"").unwrap();
        let names = Names { contact: Some("4".into()), ..Names::default() };
        let recipe = Recipe { edits: vec![edit], names, ..recipe(sample.body) };
        let body = String::from_utf8(recipe.next_body(1, &mut Fresh::new(1, 1_790_000_000)).unwrap()).unwrap();
        assert!(body.contains(r#""from":"7""#) && body.contains(r#""wa_id":"4""#), "{body}");
    }

    #[test]
    fn a_body_of_ones_own_is_left_as_it_is_unless_asked() {
        let body = b"{ not json".to_vec();
        let plain = Recipe { fresh: false, spelling: None, ..recipe(body.clone()) };
        let mut fresh = Fresh::new(1, 1_790_000_000);
        assert_eq!(plain.next_body(1, &mut fresh).unwrap(), body);
        assert_eq!(plain.next_body(2, &mut fresh).unwrap_err(), RecipeError::NoEnvelope);
    }
}
