//! The mix of a busy day: 60 % statuses, 30 % messages, 10 % other fields; contacts by Zipf; most bodies with one event,
//! some with up to 50, few with up to 1,000. Written straight into text, for it must not be what limits a load.

use std::fmt::Write as _;

use fastrand::Rng;

use crate::bodies::quoted;
use crate::world::Number;

/// Events in one body of usual size.
const USUAL_MAX: f64 = 50.0;
/// Events in one body at most, as Meta says.
const EVENTS_MAX: usize = 1_000;
/// One body in so many is larger than usual.
const TAIL: u32 = 2_000;
/// Prose that brings a message to a usual size, spelled as Meta does.
const PROSE: &str = "Zo\\u00eb \\ud83d\\udc4d asks about https:\\/\\/example.com\\/orders\\/1182 and the green one. ";

/// A source of events that depends on the seed alone.
#[derive(Debug, Clone)]
pub struct Mix {
    rng: Rng,
    /// Tells this run's ids from all others.
    run: u64,
    count: u64,
    contacts: Vec<Conversation>,
    /// Sums of the contacts' weights.
    weights: Vec<f64>,
}

/// What was written to one contact last, and how often its state was told.
type Conversation = Option<(String, u8)>;

/// A body, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The bytes as on the wire.
    pub body: Vec<u8>,
    /// Its events: `message wamid…`, `delivered wamid…`, `template 123…`.
    pub events: Vec<String>,
}

impl Mix {
    /// Traffic with this many contacts, at least one.
    #[must_use]
    pub fn new(seed: u64, contacts: u32) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut sum = 0.0;
        let weights: Vec<f64> = (1..=contacts.max(1))
            .map(|rank| {
                sum += 1.0 / f64::from(rank);
                sum
            })
            .collect();
        Self { run: rng.u64(..), rng, count: 0, contacts: vec![None; weights.len()], weights }
    }

    /// One event in a body of its own, and its field.
    pub fn one(&mut self, number: &Number, now_seconds: i64) -> (String, Vec<u8>) {
        let mut text = String::new();
        let (_, field) = self.event(&mut text, number, now_seconds);
        let time = if field == "messages" { String::new() } else { format!(r#""time":{now_seconds},"#) };
        let waba = quoted(&number.waba);
        let body =
            format!(r#"{{"object":"whatsapp_business_account","entry":[{{"id":{waba},{time}"changes":[{text}]}}]}}"#);
        (field.to_owned(), body.into_bytes())
    }

    /// The next body.
    pub fn batch(&mut self, number: &Number, now_seconds: i64) -> Batch {
        let size = self.size();
        let mut events = Vec::with_capacity(size);
        // Management fields have a time in their entry, so they need one of their own.
        let (mut messaging, mut management) = (String::new(), String::new());
        let mut change = String::new();
        for _ in 0..size {
            change.clear();
            let (event, field) = self.event(&mut change, number, now_seconds);
            events.push(event);
            let list = if field == "messages" { &mut messaging } else { &mut management };
            if !list.is_empty() {
                list.push(',');
            }
            list.push_str(&change);
        }
        let waba = quoted(&number.waba);
        let mut body = String::with_capacity(messaging.len() + management.len() + 160);
        body.push_str(r#"{"object":"whatsapp_business_account","entry":["#);
        let mut comma = "";
        for (time, list) in [(String::new(), &messaging), (format!(r#""time":{now_seconds},"#), &management)] {
            if !list.is_empty() {
                body.push_str(&format!(r#"{comma}{{"id":{waba},{time}"changes":[{list}]}}"#));
                comma = ",";
            }
        }
        body.push_str("]}");
        Batch { body: body.into_bytes(), events }
    }

    fn size(&mut self) -> usize {
        if self.rng.u32(..TAIL) == 0 {
            return self.rng.usize(50..=EVENTS_MAX);
        }
        // Most bodies hold one event; about one in sixty holds twenty or more.
        let size = (1.0 / self.rng.f64().max(1e-9)).powf(0.7).clamp(1.0, USUAL_MAX);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and the limit")]
        let size = size as usize;
        size
    }

    /// Writes a change; what it is, and its field.
    fn event(&mut self, text: &mut String, number: &Number, now_seconds: i64) -> (String, &'static str) {
        self.count += 1;
        #[expect(clippy::expect_used, reason = "writing to a String cannot fail")]
        let event = match self.rng.u8(..100) {
            0..10 => self.template(text, now_seconds),
            10..40 => self.message(text, number, now_seconds),
            _ => self.status(text, number, now_seconds),
        }
        .expect("a String takes all text");
        event
    }

    fn contact(&mut self) -> usize {
        let drawn = self.rng.f64() * self.weights.last().copied().unwrap_or(0.0);
        self.weights.partition_point(|sum| *sum < drawn).min(self.contacts.len() - 1)
    }

    fn wamid(&self) -> String {
        format!("wamid.HBgLMTY1MDM4Nzk0MzkVAgAS{:016X}{:08X}AA==", self.run, self.count)
    }

    fn template(&mut self, text: &mut String, _: i64) -> Result<(String, &'static str), std::fmt::Error> {
        let id = self.run % 1_000_000_000 * 1_000_000 + self.count;
        write!(
            text,
            r#"{{"value":{{"event":"APPROVED","message_template_id":{id},"message_template_name":"template_{:x}","message_template_language":"en_US","reason":"NONE","message_template_category":"UTILITY"}},"field":"message_template_status_update"}}"#,
            self.count
        )?;
        Ok((format!("template {id}"), "message_template_status_update"))
    }

    fn message(
        &mut self,
        text: &mut String,
        number: &Number,
        now_seconds: i64,
    ) -> Result<(String, &'static str), std::fmt::Error> {
        let (contact, wamid, prose) = (self.contact(), self.wamid(), self.rng.usize(1..=8));
        opening(text, number)?;
        write!(
            text,
            r#""contacts":[{{"profile":{{"name":"Contact {contact}"}},"wa_id":"1650{contact:07}"}}],"messages":[{{"from":"1650{contact:07}","id":"{wamid}","timestamp":"{now_seconds}","type":"text","text":{{"body":""#
        )?;
        (0..prose).for_each(|_| text.push_str(PROSE));
        text.push_str(r#""}}]},"field":"messages"}"#);
        Ok((format!("message {wamid}"), "messages"))
    }

    fn status(
        &mut self,
        text: &mut String,
        number: &Number,
        now_seconds: i64,
    ) -> Result<(String, &'static str), std::fmt::Error> {
        let (contact, fresh) = (self.contact(), self.wamid());
        let known = self.contacts.get_mut(contact).and_then(Option::take);
        let (wamid, told) = known.unwrap_or((fresh, 0));
        let word = match told {
            0 => "sent",
            1 => "delivered",
            _ => "read",
        };
        if let Some(conversation) = self.contacts.get_mut(contact).filter(|_| told < 2) {
            *conversation = Some((wamid.clone(), told + 1));
        }
        opening(text, number)?;
        write!(
            text,
            r#""contacts":[{{"wa_id":"1650{contact:07}"}}],"statuses":[{{"id":"{wamid}","status":"{word}","timestamp":"{now_seconds}","recipient_id":"1650{contact:07}","pricing":{{"billable":true,"pricing_model":"PMP","category":"service","type":"regular"}}}}]}},"field":"messages"}}"#
        )?;
        Ok((format!("{word} {wamid}"), "messages"))
    }
}

fn opening(text: &mut String, number: &Number) -> std::fmt::Result {
    write!(
        text,
        r#"{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"{}","phone_number_id":"{}"}},"#,
        number.display, number.id
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]
    use std::collections::HashSet;

    use super::*;
    use crate::scenario::Scenario;

    const NOW: i64 = 1_790_000_000;

    fn batches(seed: u64, events: usize) -> Vec<Batch> {
        let number = Scenario::parse("").unwrap().world.numbers.remove(0);
        let mut mix = Mix::new(seed, 10_000);
        let mut batches = Vec::new();
        let mut count = 0;
        while count < events {
            let batch = mix.batch(&number, NOW);
            count += batch.events.len();
            batches.push(batch);
        }
        batches
    }

    #[test]
    fn the_reader_finds_in_each_body_the_events_that_its_list_names() {
        for batch in batches(1, 3_000) {
            assert!(batch.body.is_ascii());
            let read = whatsapp::read(&batch.body);
            assert_eq!((read.events.len(), read.problems.len()), (batch.events.len(), 0));
            assert!(read.events.iter().all(|event| event.problems.is_empty()));
            let listed: HashSet<&str> =
                batch.events.iter().filter_map(|event| event.split_once(' ')).map(|(_, id)| id).collect();
            let found: HashSet<String> =
                read.events.iter().filter_map(|event| event.message_id.as_deref().map(str::to_owned)).collect();
            assert!(found.iter().all(|id| listed.contains(id.as_str())));
        }
    }

    #[test]
    fn the_mix_is_sixty_thirty_ten_and_no_event_comes_twice() {
        let batches = batches(2, 20_000);
        let events: Vec<&String> = batches.iter().flat_map(|batch| &batch.events).collect();
        let share = |word: &str| events.iter().filter(|event| event.starts_with(word)).count() * 100 / events.len();
        assert!((28..=32).contains(&share("message ")), "{}", share("message "));
        assert!((8..=12).contains(&share("template ")), "{}", share("template "));
        let distinct: HashSet<&&String> = events.iter().collect();
        assert_eq!(distinct.len(), events.len());
        let sizes: Vec<usize> = batches.iter().map(|batch| batch.events.len()).collect();
        assert!(sizes.iter().filter(|size| **size == 1).count() * 2 > sizes.len());
        assert!(sizes.iter().all(|size| (1..=1_000).contains(size)) && sizes.iter().any(|size| *size > 20));
    }

    #[test]
    fn one_seed_repeats_one_load() {
        assert_eq!(batches(3, 200), batches(3, 200));
        assert_ne!(batches(3, 200), batches(4, 200));
    }
}
