//! Bodies: one text message each, from one of 10,000 contacts by Zipf.

use std::time::{SystemTime, UNIX_EPOCH};

const CONTACTS: u64 = 10_000;

/// A source of bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    state: u64,
    count: u64,
    numbers: u64,
}

impl Bodies {
    /// Of so many business numbers.
    pub(super) fn new(seed: u64, numbers: usize) -> Self {
        Self { state: seed, count: 0, numbers: u64::try_from(numbers).unwrap_or(1).max(1) }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A contact: the n-th is met about 1/n as often as the first.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "chance")]
    fn contact(&mut self) -> u64 {
        let chance = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((CONTACTS as f64).powf(chance) as u64).min(CONTACTS)
    }

    /// The next body; `sent_ns` is when it is sent, for whoever measures how long it takes.
    pub(super) fn next_body(&mut self, sent_ns: u128) -> Vec<u8> {
        self.count += 1;
        let (run, count, contact) = (self.next(), self.count, self.contact());
        let number = number_id(self.next() % self.numbers);
        let seconds = sent_ns / 1_000_000_000;
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"{number}"}},"contacts":[{{"profile":{{"name":"Sheena Nelson"}},"wa_id":"1650555{contact:05}"}}],"messages":[{{"from":"1650555{contact:05}","id":"wamid.{run:016x}{count:08x}","timestamp":"{seconds}","text":{{"body":"Does it come in another color? t={sent_ns}; The one that I saw in the window last week was greener than that."}},"type":"text"}}]}},"field":"messages"}}]}}]}}"#
        )
        .into_bytes()
    }
}

/// The id of a business number.
pub(super) fn number_id(n: u64) -> String {
    (106_540_352_242_922 + n).to_string()
}

/// Nanoseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(super) fn now_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// When a body says that it was sent.
pub(super) fn sent_ns(body: &[u8]) -> Option<u128> {
    let at = body.windows(2).position(|pair| pair == b"t=")?;
    let digits: Vec<u8> = body.get(at + 2..)?.iter().copied().take_while(u8::is_ascii_digit).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}
