//! Who an event is about: matching `contacts[]` to elements, always by id and never by position.

use std::borrow::Cow;

use crate::event::Contact;
use crate::json::{Json, Object};
use crate::text;

/// The entries of `contacts[]` in one value, found by their ids.
#[derive(Debug, Default)]
pub(crate) struct Cards<'t, 'a> {
    pub(crate) list: Vec<Card<'t, 'a>>,
    /// The positions of the cards in the order of their user ids and of their phones; made by [`Cards::close`], and empty
    /// where there are too few cards to be worth it.
    by_user: Vec<u32>,
    by_phone: Vec<u32>,
}

/// Cards of one event, by position. A person has one, rarely two; a change of names has those of both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Few {
    count: usize,
    cards: [u32; FEW_MAX],
}

/// One entry of `contacts[]`.
#[derive(Debug)]
pub(crate) struct Card<'t, 'a> {
    pub(crate) names: Contact<'a>,
    pub(crate) json: Json<'t, 'a>,
    /// True for the entries one level deeper, under `standby`.
    pub(crate) standby: bool,
}

/// One id on a crowd of cards is nonsense; following all of them would cost the square of their number.
const SAME_ID_MAX: usize = 4;
/// The old and the new names of a person, by user id and by phone.
const FEW_MAX: usize = 4 * SAME_ID_MAX;
/// So many cards are looked through one by one.
const UNSORTED_MAX: usize = 4;

impl Few {
    fn add(&mut self, card: u32) {
        let known = self.cards.iter().take(self.count).any(|other| *other == card);
        if let Some(place) = self.cards.get_mut(self.count).filter(|_| !known) {
            *place = card;
            self.count += 1;
        }
    }

    /// Exactly one card.
    pub(crate) fn one(card: u32) -> Self {
        let mut few = Self::default();
        few.add(card);
        few
    }

    /// These and those, in the order of the body.
    pub(crate) fn and(mut self, others: Self) -> Self {
        others.iter().for_each(|card| self.add(card));
        self.sorted()
    }

    fn sorted(mut self) -> Self {
        self.cards.get_mut(..self.count).unwrap_or_default().sort_unstable();
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.cards.iter().take(self.count).copied()
    }
}

impl<'t, 'a> Cards<'t, 'a> {
    pub(crate) fn add(&mut self, json: Json<'t, 'a>, standby: bool) {
        let names = json.object().map(|card| named(&card, "wa_id", "user_id", "parent_user_id")).unwrap_or_default();
        self.list.push(Card { names, json, standby });
    }

    /// Ends the adding.
    pub(crate) fn close(&mut self) {
        if self.list.len() <= UNSORTED_MAX {
            return;
        }
        let sorted = |id: Id| {
            let list = || (0..).zip(&self.list);
            let mut cards: Vec<u32> = list().filter(|(_, card)| id(card).is_some()).map(|(index, _)| index).collect();
            cards.sort_by_key(|index| self.card(*index).and_then(id));
            cards
        };
        (self.by_user, self.by_phone) = (sorted(user_id), sorted(wa_id));
    }

    pub(crate) fn card(&self, index: u32) -> Option<&Card<'t, 'a>> {
        self.list.get(index as usize)
    }

    /// The first cards that show one id.
    fn showing<'s>(&'s self, id: Id, sorted: &'s [u32], wanted: Option<&'s str>) -> impl Iterator<Item = u32> + 's {
        let of = move |index: &u32| self.card(*index).and_then(id);
        let from = wanted.map_or(sorted.len(), |wanted| sorted.partition_point(|index| of(index) < Some(wanted)));
        let found = sorted.get(from..).unwrap_or_default().iter().copied();
        let all = if self.list.len() <= UNSORTED_MAX { 0..self.list.len() as u32 } else { 0..0 };
        let found = found.take_while(move |index| of(index) == wanted);
        let looked = all.filter(move |index| wanted.is_some() && of(index) == wanted);
        looked.chain(found).take(SAME_ID_MAX)
    }

    /// The cards that show one of these names, without those that contradict them.
    pub(crate) fn matching(&self, names: &Contact<'a>) -> Few {
        let mut few = Few::default();
        if self.list.is_empty() {
            return few;
        }
        self.showing(user_id, &self.by_user, names.user_id.as_deref()).for_each(|card| few.add(card));
        let stranger = |card: &Card<'_, '_>| differ(card.names.user_id.as_ref(), names.user_id.as_ref());
        let same_phone = self.showing(wa_id, &self.by_phone, names.wa_id.as_deref());
        same_phone.filter(|index| self.card(*index).is_some_and(|card| !stranger(card))).for_each(|card| few.add(card));
        few.sorted()
    }

    /// The names, completed with the other names of the same person on the cards that match them.
    pub(crate) fn complete(&self, mut names: Contact<'a>, matching: &Few) -> Contact<'a> {
        for card in matching.iter().filter_map(|index| self.card(index)) {
            let agrees = !differ(card.names.user_id.as_ref(), names.user_id.as_ref())
                && !differ(card.names.wa_id.as_ref(), names.wa_id.as_ref());
            if agrees {
                fill(&mut names, &card.names);
            }
        }
        names
    }

    /// The only card there is.
    pub(crate) fn only(&self) -> Option<&Card<'t, 'a>> {
        self.list.first().filter(|_| self.list.len() == 1)
    }
}

/// One of the ids of a card.
type Id = for<'c, 't, 'a> fn(&'c Card<'t, 'a>) -> Option<&'c str>;

fn user_id<'c>(card: &'c Card<'_, '_>) -> Option<&'c str> {
    card.names.user_id.as_deref()
}

fn wa_id<'c>(card: &'c Card<'_, '_>) -> Option<&'c str> {
    card.names.wa_id.as_deref()
}

/// Reads a person's names from three members of one object; an empty name stands for no member.
pub(crate) fn named<'a>(object: &Object<'_, 'a>, phone: &str, user: &str, parent: &str) -> Contact<'a> {
    let word = |name: &str| {
        let value = Some(name).filter(|name| !name.is_empty()).and_then(|name| object.get(name));
        value.and_then(Json::word).filter(|word| !word.is_empty())
    };
    let mut names = Contact { wa_id: word(phone).map(text::digits), user_id: word(user), parent_user_id: word(parent) };
    // Some relays put the user id where the phone belongs.
    if names.user_id.is_none() && names.wa_id.as_deref().is_some_and(text::looks_like_user_id) {
        names.user_id = names.wa_id.take();
    }
    names
}

/// Takes over what is still unknown.
pub(crate) fn fill<'a>(names: &mut Contact<'a>, from: &Contact<'a>) {
    names.wa_id = names.wa_id.take().or_else(|| from.wa_id.clone());
    names.user_id = names.user_id.take().or_else(|| from.user_id.clone());
    names.parent_user_id = names.parent_user_id.take().or_else(|| from.parent_user_id.clone());
}

pub(crate) fn differ(one: Option<&Cow<'_, str>>, other: Option<&Cow<'_, str>>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}
