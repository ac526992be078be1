//! Who an event is about: matching `contacts[]` to elements, always by id and never by position.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::event::Contact;
use crate::json::{Json, Object};
use crate::text;

/// The entries of `contacts[]` in one value, found by their ids.
#[derive(Debug, Default)]
pub(crate) struct Cards<'a> {
    pub(crate) list: Vec<Card<'a>>,
    by_user: HashMap<Cow<'a, str>, Few>,
    by_phone: HashMap<Cow<'a, str>, Few>,
}

/// The first cards that show one id.
#[derive(Debug, Default)]
struct Few {
    count: usize,
    cards: [usize; SAME_ID_MAX],
}

impl Few {
    fn add(&mut self, card: usize) {
        if let Some(place) = self.cards.get_mut(self.count) {
            *place = card;
            self.count += 1;
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.cards.iter().take(self.count).copied()
    }
}

/// One entry of `contacts[]`.
#[derive(Debug)]
pub(crate) struct Card<'a> {
    pub(crate) names: Contact<'a>,
    pub(crate) json: Json<'a>,
    /// True for the entries one level deeper, under `standby`.
    pub(crate) standby: bool,
}

/// One id on a crowd of cards is nonsense; following all of them would cost the square of their number.
const SAME_ID_MAX: usize = 4;

impl<'a> Cards<'a> {
    pub(crate) fn add(&mut self, json: Json<'a>, standby: bool) {
        let names = json.object().map(|card| named(&card, "wa_id", "user_id", "parent_user_id")).unwrap_or_default();
        let index = self.list.len();
        let user = names.user_id.as_ref().map(|user| self.by_user.entry(user.clone()).or_default());
        let phone = names.wa_id.as_ref().map(|phone| self.by_phone.entry(phone.clone()).or_default());
        user.into_iter().chain(phone).for_each(|found| found.add(index));
        self.list.push(Card { names, json, standby });
    }

    /// The cards that show one of these names, without those that contradict them.
    pub(crate) fn matching(&self, names: &Contact<'a>) -> Vec<usize> {
        let by_user = names.user_id.as_ref().and_then(|user| self.by_user.get(user));
        let by_phone = names.wa_id.as_ref().and_then(|phone| self.by_phone.get(phone));
        let mut found: Vec<usize> = by_user.into_iter().flat_map(Few::iter).collect();
        let stranger = |card: &Card<'_>| differ(card.names.user_id.as_ref(), names.user_id.as_ref());
        let same_phone = by_phone.into_iter().flat_map(Few::iter);
        found.extend(same_phone.filter(|index| self.list.get(*index).is_some_and(|card| !stranger(card))));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The names, completed with the other names of the same person on the cards that match them.
    pub(crate) fn complete(&self, mut names: Contact<'a>, matching: &[usize]) -> Contact<'a> {
        for card in matching.iter().filter_map(|index| self.list.get(*index)) {
            let agrees = !differ(card.names.user_id.as_ref(), names.user_id.as_ref())
                && !differ(card.names.wa_id.as_ref(), names.wa_id.as_ref());
            if agrees {
                fill(&mut names, &card.names);
            }
        }
        names
    }

    /// The only card there is.
    pub(crate) fn only(&self) -> Option<&Card<'a>> {
        self.list.first().filter(|_| self.list.len() == 1)
    }
}

/// Reads a person's names from three members of one object; an empty name stands for no member.
pub(crate) fn named<'a>(object: &Object<'a>, phone: &str, user: &str, parent: &str) -> Contact<'a> {
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
