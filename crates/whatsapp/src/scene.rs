//! What all events of one change share: the entry, the field, the business number, the contacts and the elements.

use std::borrow::Cow;

use crate::array::Array;
use crate::canon;
use crate::contact::Cards;
use crate::envelope::{Change, Entry, Where, push_index, push_name};
use crate::field::Field;
use crate::json::{Json, Object, Shape};
use crate::key;
use crate::part::{Notes, Part};

/// The number that the App Dashboard's test buttons name. A real number never has this id.
const TEST_NUMBER_ID: &str = "123456123";

/// One change, read as far as all its events share it.
#[derive(Debug)]
pub(crate) struct Scene<'t, 'a> {
    pub(crate) entry_id: Option<Cow<'a, str>>,
    /// `entry.time` as sent, for keys.
    pub(crate) entry_time: Option<Cow<'a, str>>,
    pub(crate) field: Field,
    pub(crate) field_name: Cow<'a, str>,
    pub(crate) number: Number<'a>,
    pub(crate) cards: Cards<'t, 'a>,
    /// The value's members, where the value is an object.
    pub(crate) value: Option<Object<'t, 'a>>,
    /// True where there is a value, of whichever type.
    pub(crate) has_value: bool,
    /// What stands for the whole change: its value, or the change where it has none.
    pub(crate) whole: Json<'t, 'a>,
    /// Where the change stands.
    pub(crate) place: Where,
    pub(crate) items: Vec<Item<'t, 'a>>,
    /// The arrays that are split here: their elements are events, even where there are none.
    pub(crate) split: Vec<Array>,
    /// True where something else stands in the place of such an array.
    pub(crate) odd_array: bool,
    /// The business number as a part of keys and lanes.
    number_part: Option<String>,
    /// False where nobody asks for keys.
    hashes: bool,
}

/// The business number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Number<'a> {
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) display: Option<Cow<'a, str>>,
}

/// One element that is an event of its own.
#[derive(Debug, Clone)]
pub(crate) struct Item<'t, 'a> {
    pub(crate) array: Array,
    pub(crate) json: Json<'t, 'a>,
    /// Its position in the array; absent where it stands in the place of the array.
    pub(crate) index: Option<usize>,
}

impl<'t, 'a> Scene<'t, 'a> {
    pub(crate) fn of(entry: &Entry<'t, 'a>, change: &Change<'t, 'a>, notes: &Notes) -> Self {
        let (entry_id, entry_time) = entry_facts(entry);
        let field_name = field_name(entry, change, notes);
        let value = change.object.as_ref().and_then(|change| change.some("value"));
        let object = value.and_then(Json::object);
        let mut scene = Self {
            field: Field::of(&field_name),
            field_name,
            value: object,
            has_value: value.is_some(),
            whole: value.unwrap_or(change.json),
            place: change.place,
            ..Self::bare(entry, entry_id, entry_time)
        };
        scene.read_value(notes);
        scene.number_part = scene.number_or_account();
        scene
    }

    /// Does without the hashes of contents, for those who do not ask for keys.
    pub(crate) fn without_hashes(mut self) -> Self {
        self.hashes = false;
        self
    }

    /// The scene of an entry that has no changes.
    pub(crate) fn without_change(entry: &Entry<'t, 'a>) -> Self {
        let (entry_id, entry_time) = entry_facts(entry);
        let mut scene = Self::bare(entry, entry_id, entry_time);
        scene.number_part = scene.number_or_account();
        scene
    }

    fn bare(entry: &Entry<'t, 'a>, entry_id: Option<Cow<'a, str>>, entry_time: Option<Cow<'a, str>>) -> Self {
        Self {
            entry_id,
            entry_time,
            field: Field::Missing,
            field_name: Cow::default(),
            number: Number::default(),
            cards: Cards::default(),
            value: None,
            has_value: false,
            whole: entry.json,
            place: entry.place,
            items: Vec::new(),
            split: Vec::new(),
            odd_array: false,
            number_part: None,
            hashes: true,
        }
    }

    fn read_value(&mut self, notes: &Notes) {
        let Some(value) = self.value else {
            return;
        };
        if value.repeats() {
            notes.add(self.value_path(), "a member twice");
        }
        let part = Part::new(value);
        self.number = Number::of(part.part("metadata").as_ref());
        if self.field == Field::Handovers && self.number.id.is_none() {
            self.number = Number::of(part.part("recipient").as_ref());
        }
        let standby = part.part("standby");
        self.add_cards(&value, false);
        if let Some(standby) = &standby {
            self.add_cards(&standby.object, true);
        }
        self.cards.close();
        let mut found: [Option<Json<'t, 'a>>; Array::ALL.len()] = Default::default();
        for (holder, in_standby) in
            std::iter::once((&value, false)).chain(standby.as_ref().map(|it| (&it.object, true)))
        {
            for member in holder.members() {
                let place = Array::named(&member.name(), in_standby).and_then(|array| found.get_mut(array as usize));
                // Of two members the last one counts.
                place.into_iter().for_each(|place| *place = Some(member.value));
            }
        }
        for (array, json) in Array::ALL.into_iter().zip(found) {
            if let Some(json) = json.filter(|json| !json.is_null() && self.splits(array)) {
                self.add_items(array, json, notes);
                // What is no list of elements stays where it is, beside the elements of others.
                if matches!(json.shape(), Shape::Array | Shape::Object) {
                    self.split.push(array);
                } else {
                    self.odd_array = true;
                }
            }
        }
    }

    fn add_cards(&mut self, holder: &Object<'t, 'a>, standby: bool) {
        if let Some(contacts) = holder.some("contacts") {
            contacts.elements().for_each(|card| self.cards.add(card, standby));
        }
    }

    fn add_items(&mut self, array: Array, json: Json<'t, 'a>, notes: &Notes) {
        match json.shape() {
            Shape::Array => {
                let items = json.elements().enumerate();
                self.items.extend(items.map(|(index, json)| Item { array, json, index: Some(index) }));
                return;
            }
            // A lone object is taken for the one element.
            Shape::Object => self.items.push(Item { array, json, index: None }),
            Shape::Text | Shape::Number | Shape::Bool | Shape::Null => {}
        }
        notes.add(self.array_path(array), "not an array");
    }

    /// Where the change's value stands.
    pub(crate) fn value_path(&self) -> String {
        self.place.member("value")
    }

    fn array_path(&self, array: Array) -> String {
        let mut path = self.value_path();
        if array.in_standby() {
            push_name(&mut path, "standby");
        }
        push_name(&mut path, array.name());
        path
    }

    /// Where in the body an element stands.
    pub(crate) fn item_path(&self, item: &Item<'_, '_>) -> String {
        let mut path = self.array_path(item.array);
        if let Some(index) = item.index {
            push_index(&mut path, index);
        }
        path
    }

    /// True where this array's elements are events. `errors` mean something else in `calls`, in the fields that report
    /// on accounts and flows, and perhaps in fields to come.
    fn splits(&self, array: Array) -> bool {
        let has = |name| self.value.as_ref().is_some_and(|value| value.some(name).is_some());
        match (array, self.field) {
            (Array::TrackingEvents, field) => field == Field::TrackingEvents,
            (Array::Errors, Field::Management) => false,
            (Array::Errors, Field::Calls) => self.items.is_empty(),
            (Array::Errors, Field::Unknown | Field::Missing) => has("metadata"),
            _ => true,
        }
    }

    /// True for what the App Dashboard's test buttons send.
    pub(crate) fn is_test(&self, number_id: Option<&str>) -> bool {
        self.entry_id.as_deref() == Some("0") || number_id == Some(TEST_NUMBER_ID)
    }

    /// The account, where the entry's id names one.
    pub(crate) fn waba_id(&self) -> Option<Cow<'a, str>> {
        self.entry_id.clone().filter(|id| id != "0")
    }

    /// The business number as a part of keys and lanes: its id, else its digits, else the account it belongs to.
    pub(crate) fn number_part(&self) -> Option<&str> {
        self.number_part.as_deref()
    }

    fn number_or_account(&self) -> Option<String> {
        let number = &self.number;
        let digits = |display: &Cow<'_, str>| format!("+{}", crate::text::digits(display.clone()));
        let display = || number.display.as_ref().map(digits);
        let account = || self.entry_id.as_ref().map(|id| format!("@{id}"));
        number.id.as_ref().map(ToString::to_string).or_else(display).or_else(account)
    }

    /// The hash of a content.
    pub(crate) fn content_hash(&self, content: Json<'_, '_>) -> String {
        if self.hashes { canon::content_hash(content) } else { String::new() }
    }

    /// `name:<number>:<rest>` as a lane's name.
    pub(crate) fn lane_name(&self, name: &str, rest: &str) -> String {
        let number = self.number_part().map_or_else(|| "-".to_owned(), key::part);
        format!("{name}:{number}:{}", key::part(rest))
    }
}

impl<'a> Number<'a> {
    pub(crate) fn of(part: Option<&Part<'_, 'a>>) -> Self {
        let word = |name| part.and_then(|part| part.word(name));
        Self { id: word("phone_number_id"), display: word("display_phone_number") }
    }
}

/// The entry's id and time.
type EntryFacts<'a> = (Option<Cow<'a, str>>, Option<Cow<'a, str>>);

fn entry_facts<'a>(entry: &Entry<'_, 'a>) -> EntryFacts<'a> {
    let word = |name: &str| {
        let value = entry.object.as_ref().and_then(|object| object.some(name));
        value.and_then(Json::word).filter(|word| !word.is_empty())
    };
    (word("id"), word("time"))
}

fn field_name<'a>(entry: &Entry<'_, 'a>, change: &Change<'_, 'a>, notes: &Notes) -> Cow<'a, str> {
    let word = |object: Option<&Object<'_, 'a>>| {
        let field = object.and_then(|object| object.some("field")).filter(|field| field.shape() == Shape::Text);
        field.and_then(Json::word).filter(|word| !word.is_empty())
    };
    let own = word(change.object.as_ref());
    if own.is_none() && change.object.is_some() {
        notes.add(change.place.member("field"), "missing");
    }
    // One page prints `field` beside `changes` instead of inside.
    own.or_else(|| word(entry.object.as_ref())).unwrap_or_default()
}
