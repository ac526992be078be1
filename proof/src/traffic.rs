//! The load mix: 60 % statuses, 30 % messages, 10 % other fields; contacts by Zipf; batches of 1 to 50 with a tail.

use fastrand::Rng;

use crate::clock::unix_seconds;
use crate::events::{Event, Talk, message, messaging, status, template, text};

/// Prose that brings a message to a usual size, spelled as Meta does.
const PROSE: &str = "Zo\\u00eb \\ud83d\\udc4d asks about https:\\/\\/example.com\\/orders\\/1182 and the green one. ";
/// Events in one body at most.
const BATCH_MAX: u32 = 50;

/// One sender's part of the traffic: its own contacts, so that the order of each is known.
#[derive(Debug)]
pub(crate) struct Traffic {
    rng: Rng,
    /// Tells this sender's ids from all others.
    run: u64,
    count: u64,
    wabas: u32,
    contacts: Vec<Contact>,
    /// Sums of the contacts' weights.
    weights: Vec<f64>,
}

#[derive(Debug)]
struct Contact {
    number: u32,
    position: u64,
    /// The last message to it, and how often its state was told.
    sent: Option<(String, u8)>,
}

impl Traffic {
    /// The part of sender `n` of `senders`.
    pub(crate) fn new(seed: u64, (n, senders): (u32, u32), contacts: u32, wabas: u32) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(u64::from(n)));
        let numbers = (n..contacts.max(senders)).step_by(usize::try_from(senders.max(1)).unwrap_or(1));
        let contacts: Vec<Contact> = numbers.map(|number| Contact { number, position: 0, sent: None }).collect();
        let mut sum = 0.0;
        let weights = (1..=contacts.len())
            .map(|rank| {
                sum += 1.0 / f64::from(u32::try_from(rank).unwrap_or(u32::MAX));
                sum
            })
            .collect();
        Self { run: rng.u64(..), rng, count: 0, wabas: wabas.max(1), contacts, weights }
    }

    /// The same with people of whom those numbered up to this know nothing.
    pub(crate) fn beyond(mut self, contacts: u32) -> Self {
        self.contacts.iter_mut().for_each(|contact| contact.number += contacts);
        self
    }

    /// The events of the next body.
    pub(crate) fn next_batch(&mut self) -> Vec<Event> {
        // Most bodies hold one event; about one in sixty holds twenty or more.
        let size = (1.0 / self.rng.f64().max(1e-9)).powf(0.7);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and the limit")]
        let size = size.min(f64::from(BATCH_MAX)) as u32;
        (0..size.max(1)).filter_map(|_| self.next_event()).collect()
    }

    fn next_event(&mut self) -> Option<Event> {
        self.count += 1;
        match self.rng.u8(..100) {
            0..10 => {
                let waba = self.rng.u32(..self.wabas);
                let name = format!("template_{:x}", self.run);
                let body = template(
                    waba,
                    self.run % 1_000_000_000 * 1_000_000 + self.count,
                    "APPROVED",
                    &name,
                    unix_seconds(),
                );
                Some(Event::new(waba, None, body))
            }
            10..40 => self.message(),
            _ => self.status(),
        }
    }

    fn wamid(&self) -> String {
        format!("wamid.HBgLMTY1MDM4Nzk0MzkVAgAS{:016X}{:08X}", self.run, self.count)
    }

    /// Draws a contact.
    fn contact(&mut self) -> Option<&mut Contact> {
        let drawn = self.rng.f64() * self.weights.last().copied().unwrap_or(0.0);
        let rank = self.weights.partition_point(|sum| *sum < drawn);
        self.contacts.get_mut(rank)
    }

    fn message(&mut self) -> Option<Event> {
        let (wamid, prose, wabas) = (self.wamid(), self.rng.usize(1..=8), self.wabas);
        let contact = self.contact()?;
        let (waba, number, position) = (contact.number % wabas, contact.number, contact.position);
        contact.position += 1;
        let talk = Talk { contact: number, wamid: &wamid, at_seconds: unix_seconds() };
        let words = text(&format!("{position} {}", PROSE.repeat(prose)));
        let value = message(talk, &format!("Contact {number}"), &words);
        Some(Event::new(waba, Some((number, position)), messaging(waba, &value, None)))
    }

    fn status(&mut self) -> Option<Event> {
        let (fresh, wabas) = (self.wamid(), self.wabas);
        let contact = self.contact()?;
        let (waba, number, position) = (contact.number % wabas, contact.number, contact.position);
        contact.position += 1;
        let (wamid, told) = contact.sent.take().unwrap_or((fresh, 0));
        let word = match told {
            0 => "sent",
            1 => "delivered",
            _ => "read",
        };
        contact.sent = (told < 2).then(|| (wamid.clone(), told + 1));
        let talk = Talk { contact: number, wamid: &wamid, at_seconds: unix_seconds() };
        Some(Event::new(waba, Some((number, position)), messaging(waba, &status(talk, word, ""), None)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn events(seed: u64, count: usize) -> Vec<Event> {
        let mut traffic = Traffic::new(seed, (0, 1), 1_000, 20);
        let mut events = Vec::new();
        while events.len() < count {
            let batch = traffic.next_batch();
            assert!((1..=50).contains(&batch.len()));
            events.extend(batch);
        }
        events
    }

    #[test]
    fn the_mix_is_sixty_thirty_ten_and_no_event_comes_twice() {
        let events = events(1, 20_000);
        let share = |mark: &str| {
            let hit = |event: &&Event| String::from_utf8_lossy(&event.body).contains(mark);
            events.iter().filter(hit).count() * 100 / events.len()
        };
        assert!((58..=62).contains(&share(r#""statuses":"#)), "{}", share(r#""statuses":"#));
        assert!((28..=32).contains(&share(r#""messages":[{"from""#)), "{}", share(r#""messages":[{"from""#));
        assert!((8..=12).contains(&share(r#""message_template_status_update""#)));
        let keys: HashSet<&str> = events.iter().map(|event| event.key.as_str()).collect();
        assert_eq!(keys.len(), events.len());
    }

    #[test]
    fn positions_of_a_conversation_have_no_gaps() {
        let mut next = std::collections::HashMap::new();
        for (lane, position) in events(2, 5_000).iter().filter_map(|event| event.lane) {
            let expected = next.entry(lane).or_insert(0);
            assert_eq!(position, *expected);
            *expected += 1;
        }
        assert!(next.len() > 100);
    }

    #[test]
    fn one_seed_draws_the_same_conversations() {
        let lanes = |seed| events(seed, 500).iter().map(|event| (event.waba, event.lane)).collect::<Vec<_>>();
        assert_eq!(lanes(3), lanes(3));
        assert_ne!(lanes(3), lanes(4));
    }
}
