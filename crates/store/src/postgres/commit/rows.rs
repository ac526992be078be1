//! A batch as columns: one array for each column of each table.

use std::borrow::Cow;
use std::collections::HashMap;

use super::judge::{Fate, Fates, First, number};
use super::queue::{Job, Marked};
use crate::common::digest::short_hash;
use crate::postgres::days;
use crate::postgres::value::{Uid, int4, int8, text, text_opt};
use crate::record::{EndpointNo, NewEvent};

type Text<'b> = Cow<'b, str>;
type TextOpt<'b> = Option<Cow<'b, str>>;

/// A place within a batch, as a parameter.
pub(super) fn place(place: usize) -> i32 {
    int4(place)
}

/// Notifications that are kept, with their bodies.
#[derive(Default)]
pub(super) struct Notifications<'b> {
    pub(super) days: Vec<i32>,
    pub(super) ids: Vec<Uid>,
    pub(super) apps: Vec<Text<'b>>,
    pub(super) scopes: Vec<Text<'b>>,
    pub(super) received: Vec<i64>,
    pub(super) signatures: Vec<TextOpt<'b>>,
    pub(super) secrets: Vec<Option<i16>>,
    pub(super) counts: Vec<i32>,
    pub(super) bodies: Vec<&'b [u8]>,
}

/// New events.
#[derive(Default)]
pub(super) struct Events<'b> {
    pub(super) days: Vec<i32>,
    pub(super) numbers: Vec<i64>,
    pub(super) ids: Vec<Uid>,
    pub(super) notifications: Vec<Uid>,
    pub(super) apps: Vec<Text<'b>>,
    pub(super) keys: Vec<Text<'b>>,
    pub(super) types: Vec<Text<'b>>,
    pub(super) fields: Vec<Text<'b>>,
    pub(super) entries: Vec<TextOpt<'b>>,
    pub(super) wabas: Vec<TextOpt<'b>>,
    pub(super) businesses: Vec<TextOpt<'b>>,
    pub(super) phones: Vec<TextOpt<'b>>,
    pub(super) displays: Vec<TextOpt<'b>>,
    pub(super) wa_ids: Vec<TextOpt<'b>>,
    pub(super) user_ids: Vec<TextOpt<'b>>,
    pub(super) parents: Vec<TextOpt<'b>>,
    pub(super) messages: Vec<TextOpt<'b>>,
    pub(super) lanes: Vec<Text<'b>>,
    pub(super) occurred: Vec<Option<i64>>,
    pub(super) received: Vec<i64>,
    pub(super) tests: Vec<bool>,
    pub(super) problems: Vec<Text<'b>>,
    pub(super) starts: Vec<i32>,
    pub(super) ends: Vec<i32>,
    pub(super) json: Vec<bool>,
    pub(super) positions: Vec<i32>,
    pub(super) unrouted: Vec<bool>,
    pub(super) whole_to: Vec<Option<String>>,
    pub(super) copies: Vec<i32>,
    pub(super) hashes: Vec<String>,
}

/// What is owed.
#[derive(Default)]
pub(super) struct Owed {
    pub(super) ids: Vec<i64>,
    pub(super) endpoints: Vec<i64>,
    pub(super) lanes: Vec<i64>,
    pub(super) days: Vec<i32>,
    pub(super) events: Vec<i64>,
    pub(super) event_ids: Vec<Uid>,
    pub(super) created: Vec<i64>,
}

/// Differing copies.
#[derive(Default)]
pub(super) struct Conflicts {
    pub(super) days: Vec<i32>,
    pub(super) numbers: Vec<i64>,
    pub(super) event_ids: Vec<Uid>,
    pub(super) notifications: Vec<Uid>,
    pub(super) received: Vec<i64>,
    pub(super) positions: Vec<i32>,
    pub(super) starts: Vec<i32>,
    pub(super) ends: Vec<i32>,
    pub(super) digests: Vec<i64>,
}

/// Everything that a batch writes.
#[derive(Default)]
pub(super) struct Rows<'b> {
    pub(super) notifications: Notifications<'b>,
    pub(super) events: Events<'b>,
    pub(super) owed: Owed,
    pub(super) conflicts: Conflicts,
    /// Copies of events kept before, by day and number.
    pub(super) copies: HashMap<(i32, i64), i32>,
    pub(super) duplicates: i64,
    pub(super) unrouted: i64,
    /// Deliveries by endpoint.
    pub(super) of_endpoints: HashMap<i64, i64>,
    /// The last arrival by partition of keys.
    pub(super) arrivals: HashMap<i64, i64>,
}

impl<'b> Rows<'b> {
    /// The rows of a batch with these fates.
    pub(super) fn of(jobs: &'b [Job], fates: &'b Fates) -> Self {
        let mut rows = Self::default();
        let mut place = 0;
        let mut copies_here: HashMap<usize, i32> = HashMap::new();
        let mut place_of_row = Vec::new();
        for marked in jobs.iter().flat_map(|job| &job.batch) {
            let count = marked.notification.events.len();
            let of_these = fates.of_events.get(place..place + count).unwrap_or_default();
            rows.events(marked, of_these, fates, (place, &mut place_of_row, &mut copies_here));
            // When every event is known with the same content, counting the copies is all that is left to do.
            let nothing_new = of_these.iter().all(|fate| matches!(fate, Fate::Duplicate { .. }));
            if !nothing_new || of_these.is_empty() {
                rows.notification(marked);
            }
            place += count;
        }
        rows.events.copies = place_of_row.iter().map(|at| copies_here.get(at).copied().unwrap_or_default()).collect();
        rows
    }

    fn events(
        &mut self,
        marked: &'b Marked,
        of_these: &'b [Fate],
        fates: &Fates,
        (base, place_of_row, copies_here): (usize, &mut Vec<usize>, &mut HashMap<usize, i32>),
    ) {
        let notification = &marked.notification;
        for (index, (event, fate)) in notification.events.iter().zip(of_these).enumerate() {
            let arrived = self.arrivals.entry(event.key_partition).or_insert(notification.received_at_ms);
            *arrived = (*arrived).max(notification.received_at_ms);
            match fate {
                Fate::New { number, lane, is_first } => {
                    place_of_row.push(base + index);
                    self.new_event(marked, index, (*number, lane, *is_first));
                    self.owe(marked, event, (*number, lane, *is_first), fates);
                }
                Fate::Duplicate { first } => {
                    self.duplicates += 1;
                    match first {
                        First::Kept(day, event) => *self.copies.entry((*day, *event)).or_default() += 1,
                        First::Here(at) => *copies_here.entry(*at).or_default() += 1,
                    }
                }
                Fate::Conflicting => self.conflict(marked, index, number(&fates.blocks, base + index)),
            }
        }
    }

    fn notification(&mut self, marked: &'b Marked) {
        let (into, notification) = (&mut self.notifications, &marked.notification);
        into.days.push(days::of(notification.received_at_ms));
        into.ids.push(Uid(*notification.id.as_bytes()));
        into.apps.push(text(&notification.app));
        into.scopes.push(text(&notification.scope));
        into.received.push(notification.received_at_ms);
        into.signatures.push(text_opt(notification.signature.as_ref()));
        into.secrets.push(notification.secret_index.map(i16::from));
        into.counts.push(int4(notification.events.len()));
        into.bodies.push(&notification.body);
    }

    fn new_event(&mut self, marked: &'b Marked, index: usize, (number, lane, is_first): (i64, &'b str, bool)) {
        let (into, notification) = (&mut self.events, &marked.notification);
        let Some(event) = notification.events.get(index) else { return };
        into.days.push(days::of(notification.received_at_ms));
        into.numbers.push(number);
        into.ids.push(Uid(*event.id.as_bytes()));
        into.notifications.push(Uid(*notification.id.as_bytes()));
        into.apps.push(text(&notification.app));
        into.keys.push(text(&event.key));
        into.types.push(text(&event.event_type));
        into.fields.push(text(&event.field));
        into.entries.push(text_opt(event.entry_id.as_ref()));
        into.wabas.push(text_opt(event.waba_id.as_ref()));
        into.businesses.push(text_opt(event.business_id.as_ref()));
        into.phones.push(text_opt(event.phone_number_id.as_ref()));
        into.displays.push(text_opt(event.display_phone_number.as_ref()));
        into.wa_ids.push(text_opt(event.wa_id.as_ref()));
        into.user_ids.push(text_opt(event.user_id.as_ref()));
        into.parents.push(text_opt(event.parent_user_id.as_ref()));
        into.messages.push(text_opt(event.message_id.as_ref()));
        into.lanes.push(text(lane));
        into.occurred.push(event.occurred_at_seconds);
        into.received.push(notification.received_at_ms);
        into.tests.push(event.test);
        into.problems.push(text(&event.problems_json));
        into.starts.push(int4(event.data_range.start));
        into.ends.push(int4(event.data_range.end));
        into.json.push(event.data_is_json);
        into.positions.push(int4(event.position));
        into.unrouted.push(event.owed_to.is_empty());
        let wholes: &[EndpointNo] = if is_first { &notification.whole_to } else { &[] };
        into.whole_to.push((!wholes.is_empty()).then(|| array(wholes.iter().map(|endpoint| endpoint.0))));
        into.hashes.push(array(marked.hashes.get(index).into_iter().flatten().copied()));
        self.unrouted += i64::from(event.owed_to.is_empty());
    }

    fn owe(&mut self, marked: &Marked, event: &NewEvent, (event_no, lane, is_first): (i64, &str, bool), fates: &Fates) {
        let notification = &marked.notification;
        let hash = short_hash(&[lane.as_bytes()]);
        let owes = |endpoint: &&EndpointNo| is_first || !notification.whole_to.contains(endpoint);
        for endpoint in event.owed_to.iter().filter(owes) {
            let id = number(&fates.blocks, self.owed.ids.len());
            self.owed.ids.push(id);
            self.owed.endpoints.push(endpoint.0);
            self.owed.lanes.push(hash);
            self.owed.days.push(days::of(notification.received_at_ms));
            self.owed.events.push(event_no);
            self.owed.event_ids.push(Uid(*event.id.as_bytes()));
            self.owed.created.push(notification.received_at_ms);
            *self.of_endpoints.entry(endpoint.0).or_default() += 1;
        }
    }

    fn conflict(&mut self, marked: &Marked, index: usize, number: i64) {
        let (into, notification) = (&mut self.conflicts, &marked.notification);
        let Some(event) = notification.events.get(index) else { return };
        into.days.push(days::of(notification.received_at_ms));
        into.numbers.push(number);
        into.event_ids.push(Uid(*event.id.as_bytes()));
        into.notifications.push(Uid(*notification.id.as_bytes()));
        into.received.push(notification.received_at_ms);
        into.positions.push(int4(event.position));
        into.starts.push(int4(event.data_range.start));
        into.ends.push(int4(event.data_range.end));
        into.digests.push(marked.digests.get(index).copied().unwrap_or_default());
    }

    /// Counts by endpoint: endpoint 0 has no deliveries.
    pub(super) fn tallied(&self) -> (Vec<i64>, Vec<i64>) {
        self.of_endpoints.iter().map(|(endpoint, count)| (*endpoint, *count)).unzip()
    }

    /// What endpoint 0 counts: notifications, events, duplicates, conflicts, unrouted.
    pub(super) fn totals(&self) -> [i64; 5] {
        let count = |length: usize| int8(length);
        [
            count(self.notifications.ids.len()),
            count(self.events.ids.len()),
            self.duplicates,
            count(self.conflicts.numbers.len()),
            self.unrouted,
        ]
    }
}

/// Numbers as the text of an array.
fn array(numbers: impl Iterator<Item = i64>) -> String {
    let mut text = "{".to_owned();
    for number in numbers {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&number.to_string());
    }
    text.push('}');
    text
}
