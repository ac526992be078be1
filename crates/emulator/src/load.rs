//! Bodies for load and crash tests: WhatsApp's shape, written straight into text, with a list of what is in each.

use std::fmt::{self, Write as _};

use fastrand::Rng;

/// The business account and number that all of it belongs to.
const WABA_ID: &str = "102290129340398";
const PHONE_NUMBER_ID: &str = "106540352242922";
/// Prose that brings a message to a usual size with some escapes in it, as Meta spells them.
const PROSE: &str = "Zo\\u00eb \\ud83d\\udc4d asks about https:\\/\\/example.com\\/orders\\/1182 and the green one. ";
const PROSE_TIMES_MAX: usize = 12;

/// A source of bodies that depends on the seed alone.
#[derive(Debug, Clone)]
pub struct Load {
    rng: Rng,
    /// Told apart from other runs by this, from other bodies of the run by the count.
    run: u64,
    count: u64,
    /// Items so far, for each contact.
    contacts: Vec<u64>,
    /// A message of the business whose later statuses are still to come, and to whom it went.
    sent: Option<(Sent, String, usize)>,
}

/// One body and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBody {
    /// The bytes as on the wire, not signed yet.
    pub body: Vec<u8>,
    /// What a receiver should find in it, in the order of the body.
    pub items: Vec<Item>,
}

/// One message or message status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Meta's id of the message.
    pub wamid: String,
    /// What happened to it.
    pub what: What,
    /// The contact's `wa_id`.
    pub wa_id: String,
    /// Position among this contact's items, from 0: what arrives in order, arrives in this order.
    pub position: u64,
}

/// What an [`Item`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A text from the contact.
    Message,
    /// A status of a message to the contact.
    Status(Sent),
}

/// How far a message of the business got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sent {
    /// Left Meta.
    Sent,
    /// Reached the phone.
    Delivered,
    /// Was read.
    Read,
}

impl Sent {
    fn next(self) -> Option<Self> {
        match self {
            Self::Sent => Some(Self::Delivered),
            Self::Delivered => Some(Self::Read),
            Self::Read => None,
        }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        })
    }
}

impl Load {
    /// Traffic with this many contacts, at least one.
    #[must_use]
    pub fn new(seed: u64, contacts: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        Self { run: rng.u64(..), rng, count: 0, contacts: vec![0; contacts.max(1)], sent: None }
    }

    /// A body with one message or one status: one message to three statuses, as Meta says to expect.
    pub fn next_body(&mut self, now_seconds: i64) -> LoadBody {
        self.next_batch(1, now_seconds)
    }

    /// A body with this many items, each in a change of its own.
    pub fn next_batch(&mut self, items: usize, now_seconds: i64) -> LoadBody {
        let mut text = format!(r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{WABA_ID}","changes":["#);
        let items = (0..items)
            .map(|position| {
                text.push_str(if position == 0 { "" } else { "," });
                self.write_item(&mut text, now_seconds)
            })
            .collect();
        text.push_str("]}]}");
        let body = text.into_bytes();
        LoadBody { body, items }
    }

    fn write_item(&mut self, text: &mut String, now_seconds: i64) -> Item {
        let item = match self.sent.take() {
            Some((status, wamid, contact)) => self.status(status, wamid, contact),
            None if self.count.is_multiple_of(4) => self.message(),
            None => self.sent_message(),
        };
        self.count += 1;
        let written = match item.what {
            What::Message => write_message(text, &item, self.rng.usize(4..=PROSE_TIMES_MAX), now_seconds),
            What::Status(status) => write_status(text, &item, status, now_seconds),
        };
        #[expect(clippy::expect_used, reason = "writing to a String cannot fail")]
        written.expect("a String takes all text");
        item
    }

    fn message(&mut self) -> Item {
        let contact = self.rng.usize(..self.contacts.len());
        let wamid = self.wamid("HBgLMTY1MDM4Nzk0MzkVAgASGBQz");
        self.item(wamid, What::Message, contact)
    }

    fn sent_message(&mut self) -> Item {
        let contact = self.rng.usize(..self.contacts.len());
        let wamid = self.wamid("HBgLMTY1MDM4Nzk0MzkVAgARGBIz");
        self.status(Sent::Sent, wamid, contact)
    }

    fn status(&mut self, status: Sent, wamid: String, contact: usize) -> Item {
        self.sent = status.next().map(|next| (next, wamid.clone(), contact));
        self.item(wamid, What::Status(status), contact)
    }

    fn item(&mut self, wamid: String, what: What, contact: usize) -> Item {
        let known = self.contacts.get_mut(contact);
        let position = known.map_or(0, |count| std::mem::replace(count, *count + 1));
        let wa_id = format!("1650{contact:07}");
        Item { wamid, what, wa_id, position }
    }

    fn wamid(&self, coded: &str) -> String {
        format!("wamid.{coded}{:016X}{:010X}AA==", self.run, self.count)
    }
}

fn write_message(text: &mut String, item: &Item, prose: usize, now_seconds: i64) -> fmt::Result {
    let Item { wamid, wa_id, position, .. } = item;
    write_opening(text)?;
    write!(
        text,
        r#""contacts":[{{"profile":{{"name":"Contact {wa_id}"}},"wa_id":"{wa_id}"}}],"messages":[{{"from":"{wa_id}","id":"{wamid}","timestamp":"{now_seconds}","type":"text","text":{{"body":"{position} "#
    )?;
    (0..prose).for_each(|_| text.push_str(PROSE));
    text.write_str(r#""}}]},"field":"messages"}"#)
}

fn write_status(text: &mut String, item: &Item, status: Sent, now_seconds: i64) -> fmt::Result {
    let Item { wamid, wa_id, .. } = item;
    write_opening(text)?;
    write!(
        text,
        r#""contacts":[{{"wa_id":"{wa_id}"}}],"statuses":[{{"id":"{wamid}","status":"{status}","timestamp":"{now_seconds}","recipient_id":"{wa_id}","pricing":{{"billable":true,"pricing_model":"PMP","category":"service","type":"regular"}}}}]}},"field":"messages"}}"#
    )
}

fn write_opening(text: &mut String) -> fmt::Result {
    write!(
        text,
        r#"{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"{PHONE_NUMBER_ID}"}},"#
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use std::collections::HashSet;

    use super::*;

    const NOW: i64 = 1_790_000_000;

    #[test]
    fn no_item_comes_twice_and_each_contacts_items_are_counted() {
        let mut load = Load::new(1, 5);
        let items: Vec<Item> = (0..1000).flat_map(|_| load.next_body(NOW).items).collect();
        let distinct: HashSet<(&str, What)> = items.iter().map(|item| (item.wamid.as_str(), item.what)).collect();
        assert_eq!(distinct.len(), 1000);
        for contact in items.iter().map(|item| &item.wa_id).collect::<HashSet<_>>() {
            let positions = items.iter().filter(|item| &item.wa_id == contact).map(|item| item.position);
            assert!(positions.eq(0..items.iter().filter(|item| &item.wa_id == contact).count() as u64));
        }
        let messages = items.iter().filter(|item| item.what == What::Message).count();
        assert_eq!(messages, 250);
    }

    #[test]
    fn one_seed_repeats_one_load_and_another_seed_shares_nothing_with_it() {
        let bodies = |seed| -> Vec<LoadBody> {
            let mut load = Load::new(seed, 3);
            (0..50).map(|_| load.next_body(NOW)).collect()
        };
        assert_eq!(bodies(1), bodies(1));
        let wamids = |seed| -> HashSet<String> {
            bodies(seed).into_iter().flat_map(|body| body.items).map(|item| item.wamid).collect()
        };
        assert!(wamids(1).is_disjoint(&wamids(2)));
    }

    #[test]
    fn a_body_is_ascii_json_of_usual_size_and_a_batch_has_all_its_items() {
        let mut load = Load::new(1, 10);
        for _ in 0..100 {
            let body = load.next_body(NOW).body;
            assert!(body.is_ascii() && (400..2048).contains(&body.len()), "{}", body.len());
            assert_eq!(crate::rebatch::changes(&body), 1);
        }
        let batch = load.next_batch(200, NOW);
        assert_eq!((batch.items.len(), crate::rebatch::changes(&batch.body)), (200, 200));
    }
}
