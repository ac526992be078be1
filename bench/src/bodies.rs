//! Bodies of any size: a template in Meta's shape whose ids are written over for each request.
//!
//! Signing and sending is all that a request costs the generator, so that the servers set the pace. An id tells which sender
//! made it and the how manieth it was, which is how it is found again when everything is read back.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const MARK: &str = "wamid.";
/// How a contact's number begins; four digits follow.
const CONTACT: &str = "1650555";
const CONTACTS: u64 = 10_000;
const ID_DIGITS: usize = 24;
const SIGNATURE_DIGITS: usize = 64;

/// What bodies hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// Events of a body, and bytes of each.
    pub(crate) events: usize,
    pub(crate) event_bytes: usize,
}

/// A status alone.
pub(crate) const SMALL: Shape = Shape { name: "0.7 KB", events: 1, event_bytes: 250 };
/// A text.
pub(crate) const USUAL: Shape = Shape { name: "2 KB", events: 1, event_bytes: 1_600 };
/// Many texts.
pub(crate) const LARGE: Shape = Shape { name: "64 KB", events: 62, event_bytes: 1_000 };
/// A piece of history, as large as Meta sends.
pub(crate) const HUGE: Shape = Shape { name: "3 MB", events: 2_900, event_bytes: 1_000 };
/// Many small events, to fill a store.
pub(crate) const FILLING: Shape = Shape { name: "15 KB", events: 50, event_bytes: 300 };

/// A request with its ids and its signature still to be written.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    request: Vec<u8>,
    body_at: usize,
    signature_at: usize,
    ids_at: Vec<usize>,
    contacts_at: Vec<usize>,
    mac: Hmac<Sha256>,
}

impl Template {
    /// Requests to this path, signed with this secret.
    pub(crate) fn new(shape: Shape, path: &str, secret: &str, now_seconds: u64) -> Option<Self> {
        let body = body(shape, now_seconds);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             X-Hub-Signature-256: sha256={}\r\n\r\n",
            body.len(),
            "0".repeat(SIGNATURE_DIGITS)
        );
        let body_at = head.len();
        let after = |mark: &str| body.match_indices(mark).map(|(at, _)| body_at + at + mark.len()).collect();
        let (ids_at, contacts_at) = (after(MARK), after(CONTACT));
        let mac = Hmac::new_from_slice(secret.as_bytes()).ok()?;
        let mut request = head.into_bytes();
        request.extend_from_slice(body.as_bytes());
        Some(Self { request, body_at, signature_at: body_at - 4 - SIGNATURE_DIGITS, ids_at, contacts_at, mac })
    }

    /// Events of a request.
    pub(crate) fn events(&self) -> u64 {
        u64::try_from(self.ids_at.len()).unwrap_or(0)
    }

    /// The body of that request alone, without a signature.
    pub(crate) fn unsigned_body(&mut self, sender: u64, first: u64) -> &[u8] {
        self.write_ids(sender, first);
        self.request.get(self.body_at..).unwrap_or_default()
    }

    /// The request of this sender whose first event is the how manieth, from one of ten thousand contacts.
    pub(crate) fn request(&mut self, sender: u64, first: u64) -> &[u8] {
        self.write_ids(sender, first);
        let mut mac = self.mac.clone();
        mac.update(self.request.get(self.body_at..).unwrap_or_default());
        let digest = mac.finalize().into_bytes();
        for (n, byte) in digest.iter().enumerate() {
            digits(&mut self.request, self.signature_at + n * 2, u64::from(*byte), 2, 16);
        }
        &self.request
    }

    fn write_ids(&mut self, sender: u64, first: u64) {
        let contact = sender.wrapping_mul(7_919).wrapping_add(first) % CONTACTS;
        for at in &self.contacts_at {
            digits(&mut self.request, *at, contact, 4, 10);
        }
        for (id_at, n) in self.ids_at.iter().zip(first..) {
            digits(&mut self.request, *id_at, sender, 16, 16);
            digits(&mut self.request, id_at + 16, n, ID_DIGITS - 16, 16);
        }
    }
}

/// Who made an id, and the how manieth it is.
pub(crate) fn origin(wamid: &str) -> Option<(u64, u64)> {
    let digits = wamid.strip_prefix(MARK)?;
    let (sender, n) = digits.split_at_checked(16)?;
    Some((u64::from_str_radix(sender, 16).ok()?, u64::from_str_radix(n, 16).ok()?))
}

fn digits(bytes: &mut [u8], at: usize, mut value: u64, digits: usize, base: u64) {
    for place in bytes.iter_mut().skip(at).take(digits).rev() {
        let digit = u8::try_from(value % base).unwrap_or(0);
        *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        value /= base;
    }
}

fn body(shape: Shape, now_seconds: u64) -> String {
    let mut body = String::from(
        r#"{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},"#,
    );
    let id = "0".repeat(ID_DIGITS);
    if shape.event_bytes < 400 {
        body.push_str(r#""statuses":["#);
        for n in 0..shape.events {
            let comma = if n == 0 { "" } else { "," };
            body.push_str(&format!(
                r#"{comma}{{"id":"{MARK}{id}","status":"sent","timestamp":"{now_seconds}","recipient_id":"{CONTACT}0000","conversation":{{"id":"9b1c9b1ef1e04ff6bb0b3e1f5a3a8c9d","expiration_timestamp":"{now_seconds}","origin":{{"type":"service"}}}},"pricing":{{"billable":true,"pricing_model":"PMP","category":"service"}}}}"#
            ));
        }
    } else {
        body.push_str(r#""contacts":[{"profile":{"name":"Sheena Nelson"},"wa_id":"16505550000"}],"messages":["#);
        let prose = "The one that I saw in the window last week was greener than that. ";
        let text: String = prose.chars().cycle().take(shape.event_bytes.saturating_sub(150)).collect();
        for n in 0..shape.events {
            let comma = if n == 0 { "" } else { "," };
            body.push_str(&format!(
                r#"{comma}{{"from":"{CONTACT}0000","id":"{MARK}{id}","timestamp":"{now_seconds}","text":{{"body":"{text}"}},"type":"text"}}"#
            ));
        }
    }
    body.push_str(r#"]},"field":"messages"}]}]}"#);
    body
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn every_shape_is_read_as_so_many_events_whose_ids_tell_their_origin() {
        for shape in [SMALL, USUAL, LARGE, HUGE, FILLING] {
            let mut template = Template::new(shape, "/", "secret", 1_800_000_000).unwrap();
            let body_at = template.body_at;
            let body = template.request(77, 1_000)[body_at..].to_vec();
            assert_eq!(template.events(), shape.events as u64);
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let value = &body["entry"][0]["changes"][0]["value"];
            let items = value["messages"].as_array().or_else(|| value["statuses"].as_array()).unwrap();
            let ids: Vec<_> = items.iter().map(|item| origin(item["id"].as_str().unwrap()).unwrap()).collect();
            let expected: Vec<_> = (0..shape.events as u64).map(|n| (77, 1_000 + n)).collect();
            assert_eq!(ids, expected);
        }
    }
}
