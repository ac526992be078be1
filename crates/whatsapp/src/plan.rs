//! Where each event of a body stands: what the encoders need, without keys, problems and values.
//!
//! Positions count as in [`crate::read()`], which the tests of the encoders hold it to.

use crate::array::Array;
use crate::contact::Few;
use crate::element;
use crate::envelope::{Entry, Envelope, Piece, Reading};
use crate::json::Spot;
use crate::part::Notes;
use crate::scene::Scene;

/// A body's events by where they stand.
#[derive(Debug, Default)]
pub(crate) struct Plan<'a> {
    pub(crate) pieces: Vec<Part<'a>>,
    /// The changes in their order; every slot points to one of them.
    pub(crate) places: Vec<Place>,
    /// One per event.
    pub(crate) slots: Vec<Slot>,
}

/// One top-level part of the body.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    Envelope { object: Spot, bare: bool },
    Foreign(Spot),
    Unreadable(&'a [u8]),
}

/// A change: where it sits, and what its events share.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) piece: usize,
    /// The entry, where it is an object.
    pub(crate) entry: Option<Spot>,
    pub(crate) change: Spot,
    /// The value, where it is an object.
    pub(crate) value: Option<Spot>,
    /// How many of its elements are events; none where the change is one.
    pub(crate) items: usize,
    /// The arrays that are split here.
    pub(crate) split: Vec<Array>,
    cards: Vec<Card>,
    /// The positions of the cards that no event claims.
    common: Vec<u32>,
    /// The time that the entry says, in Unix seconds.
    pub(crate) entry_seconds: Option<i64>,
}

/// An entry of `contacts`.
#[derive(Debug)]
pub(crate) struct Card {
    pub(crate) spot: Spot,
    pub(crate) standby: bool,
}

/// What one event was cut from.
#[derive(Debug)]
pub(crate) enum Slot {
    /// A whole top-level piece.
    Piece(usize),
    /// An entry without changes, by piece.
    Entry { piece: usize, entry: Spot },
    /// A whole change.
    Change(usize),
    /// One element of a change.
    Item { place: usize, array: Array, element: Spot, cards: Few, takes_only_card: bool },
    /// An element that nobody asked for.
    Other,
}

impl<'a> Plan<'a> {
    /// Finds all events, or only those of the change in which one stands: others are counted.
    pub(crate) fn of(reading: &Reading<'a>, only: Option<u32>) -> Self {
        let mut plan = Self::default();
        let only = only.map(|index| index as usize);
        for (index, piece) in reading.open(&Notes::default()).iter().enumerate() {
            let part = match piece {
                Piece::Envelope(envelope) => {
                    plan.envelope(index, envelope, only);
                    Part::Envelope { object: envelope.object.json().spot(), bare: envelope.bare }
                }
                Piece::Foreign { json, .. } => {
                    plan.slots.push(Slot::Piece(index));
                    Part::Foreign(json.spot())
                }
                Piece::Unreadable(bytes) => {
                    plan.slots.push(Slot::Piece(index));
                    Part::Unreadable(bytes)
                }
            };
            plan.pieces.push(part);
        }
        plan
    }

    fn envelope(&mut self, piece: usize, envelope: &Envelope<'_, '_>, only: Option<usize>) {
        for entry in &envelope.entries {
            if entry.changes.is_empty() {
                self.slots.push(Slot::Entry { piece, entry: entry.json.spot() });
            }
            for change in &entry.changes {
                let scene = Scene::of(entry, change, &Notes::default()).without_hashes();
                let first = self.slots.len();
                let all = first..first + scene.items.len().max(1);
                if only.is_none_or(|only| all.contains(&only)) {
                    self.change(piece, entry, change.json.spot(), &scene);
                } else {
                    self.slots.extend(all.map(|_| Slot::Other));
                }
            }
        }
    }

    fn change(&mut self, piece: usize, entry: &Entry<'_, '_>, change: Spot, scene: &Scene<'_, '_>) {
        let place = self.places.len();
        let mut claimed = vec![false; scene.cards.list.len()];
        if scene.items.is_empty() {
            self.slots.push(Slot::Change(place));
        }
        for item in &scene.items {
            let draft = element::element(scene, item, &Notes::default());
            for card in draft.cards.iter() {
                if let Some(claim) = claimed.get_mut(card as usize) {
                    *claim = true;
                }
            }
            self.slots.push(Slot::Item {
                place,
                array: item.array,
                element: item.json.spot(),
                cards: draft.cards,
                takes_only_card: draft.takes_only_card,
            });
        }
        let cards = scene.cards.list.iter();
        self.places.push(Place {
            piece,
            entry: entry.object.map(|object| object.json().spot()),
            change,
            value: scene.value.map(|value| value.json().spot()),
            items: scene.items.len(),
            split: scene.split.clone(),
            cards: cards.map(|card| Card { spot: card.json.spot(), standby: card.standby }).collect(),
            common: (0..).zip(claimed).filter(|(_, claimed)| !claimed).map(|(card, _)| card).collect(),
            entry_seconds: scene.entry_seconds(),
        });
    }
}

impl Place {
    /// The cards that stay with an event: its own and nobody's. One that the event alone would wrongly take for its own
    /// goes.
    pub(crate) fn cards_of(&self, own: &Few, takes_only_card: bool) -> Vec<&Card> {
        let alone = takes_only_card && self.items > 1 && self.common.len() == 1;
        let common = if alone { &[] } else { self.common.as_slice() };
        let mut cards: Vec<u32> = common.iter().copied().chain(own.iter()).collect();
        cards.sort_unstable();
        cards.into_iter().filter_map(|card| self.cards.get(card as usize)).collect()
    }
}
