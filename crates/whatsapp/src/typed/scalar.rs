//! What typed values are made of, and how a JSON value gets into a member.

use std::borrow::Cow;

use crate::json::{Json, Member, Shape};

/// A moment in Unix seconds. (Meta writes it as a number here and as a string there.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// JSON that was not read any further, byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(pub(crate) &'a str);

impl<'a> Raw<'a> {
    /// The JSON text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

/// The members that were not understood: name and JSON, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others<'a>(Vec<(Cow<'a, str>, Raw<'a>)>);

impl<'a> Others<'a> {
    pub(crate) fn keep(&mut self, member: &Member<'_, 'a>) {
        self.0.push((member.name(), Raw(member.value.text())));
    }

    /// True when everything was understood.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each name with its JSON.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Raw<'a>)> {
        self.0.iter().map(|(name, raw)| (name.as_ref(), *raw))
    }

    /// The JSON of the member of this name; of two, the last.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Raw<'a>> {
        self.0.iter().rev().find(|(member, _)| member == name).map(|(_, raw)| *raw)
    }
}

/// A typed value that stands in a JSON object.
pub(crate) trait Typed<'a>: Sized {
    /// `None` for anything but an object.
    fn from_json(json: Json<'_, 'a>) -> Option<Self>;
}

/// Where the value of a member goes.
pub(crate) trait Slot<'a> {
    /// Takes the value; false where it is not of the member's kind. What was there before is forgotten: the last of two
    /// members of one name counts.
    fn fill(&mut self, json: Json<'_, 'a>) -> bool;
}

/// `null` is absent, and anything that cannot be read is absent and told.
pub(crate) fn put<'t, 'a, T>(
    slot: &mut Option<T>,
    json: Json<'t, 'a>,
    read: impl FnOnce(Json<'t, 'a>) -> Option<T>,
) -> bool {
    *slot = if json.is_null() { None } else { read(json) };
    json.is_null() || slot.is_some()
}

impl<'a> Slot<'a> for Option<Cow<'a, str>> {
    fn fill(&mut self, json: Json<'_, 'a>) -> bool {
        put(self, json, Json::word)
    }
}

impl<'a> Slot<'a> for Option<Time> {
    fn fill(&mut self, json: Json<'_, 'a>) -> bool {
        put(self, json, |json| crate::time::seconds(&json.word()?).ok().map(Time))
    }
}

impl<'a> Slot<'a> for Option<i64> {
    fn fill(&mut self, json: Json<'_, 'a>) -> bool {
        put(self, json, |json| json.word()?.parse().ok())
    }
}

impl<'a> Slot<'a> for Option<f64> {
    fn fill(&mut self, json: Json<'_, 'a>) -> bool {
        put(self, json, |json| json.word()?.parse().ok().filter(|number: &f64| number.is_finite()))
    }
}

impl<'a> Slot<'a> for Option<bool> {
    fn fill(&mut self, json: Json<'_, 'a>) -> bool {
        put(self, json, |json| match json.text() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }
}

impl<'a> Slot<'a> for Option<Raw<'a>> {
    fn fill(&mut self, json: Json<'_, 'a>) -> bool {
        put(self, json, |json| Some(Raw(json.text())))
    }
}

impl<'a, T: Typed<'a>> Slot<'a> for Option<Box<T>> {
    fn fill(&mut self, json: Json<'_, 'a>) -> bool {
        put(self, json, |json| T::from_json(json).map(Box::new))
    }
}

/// What an array can hold.
pub(crate) trait Element<'a>: Sized {
    fn from_element(json: Json<'_, 'a>) -> Option<Self>;
}

impl<'a> Element<'a> for Cow<'a, str> {
    fn from_element(json: Json<'_, 'a>) -> Option<Self> {
        json.word()
    }
}

impl<'a, T: Element<'a>> Slot<'a> for Vec<T> {
    fn fill(&mut self, json: Json<'_, 'a>) -> bool {
        // A lone value is taken for the one element, as where events are cut.
        let lone = matches!(json.shape(), Shape::Object | Shape::Text).then_some(json);
        let mut all = json.is_null() || json.shape() == Shape::Array;
        *self = Vec::new();
        for element in json.elements().chain(lone) {
            let read = T::from_element(element);
            all &= read.is_some();
            self.extend(read);
        }
        all || (lone.is_some() && !self.is_empty())
    }
}
