//! The lanes of an endpoint whose first can be claimed.
//!
//! What was never tried is given oldest first: what is read, sent and written then lies close together on the disk. What
//! was tried before takes turns with it, so that many refused deliveries that come due again and again hold up no new ones.

use std::collections::{BTreeSet, VecDeque};

use super::lane::Place;

/// Places with the delivery that was their first when they got ready. One that has moved on since stands for nothing.
#[derive(Debug, Default)]
pub(super) struct Ready {
    untried: BTreeSet<(i64, Place)>,
    tried: VecDeque<(i64, Place)>,
    /// Claims that were given back.
    returned: VecDeque<(i64, Place)>,
    /// Whose turn it is.
    tried_next: bool,
}

impl Ready {
    pub(super) fn add(&mut self, id: i64, place: Place, tried: bool) {
        if tried {
            self.tried.push_back((id, place));
        } else {
            self.untried.insert((id, place));
        }
    }

    /// A claim was given back: it comes before all others.
    pub(super) fn give_back(&mut self, id: i64, place: Place) {
        self.returned.push_front((id, place));
    }

    pub(super) fn next(&mut self) -> Option<(i64, Place)> {
        if let Some(returned) = self.returned.pop_front() {
            return Some(returned);
        }
        self.tried_next = !self.tried_next;
        if self.tried_next {
            self.tried.pop_front().or_else(|| self.untried.pop_first())
        } else {
            self.untried.pop_first().or_else(|| self.tried.pop_front())
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.returned.is_empty() && self.untried.is_empty() && self.tried.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_untried_come_oldest_first_and_take_turns_with_the_tried() {
        let mut ready = Ready::default();
        for (id, tried) in [(5, false), (9, true), (3, false), (1, true), (4, false), (3, false)] {
            ready.add(id, Place::Alone(id), tried);
        }
        ready.give_back(7, Place::Alone(7));
        let order: Vec<i64> = std::iter::from_fn(|| ready.next()).map(|(id, _)| id).collect();
        assert_eq!(order, [7, 9, 3, 1, 4, 5]);
        assert!(ready.is_empty());
    }
}
