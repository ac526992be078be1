//! The bodies that scripts and the Graph side cause, with the members in the order in which Meta's pages have them.

mod calls;

use std::fmt::Write as _;

use fastrand::Rng;

use crate::world::{Contact, Number};

pub use calls::Moment;
pub(crate) use calls::moment;

/// Meta's bodies end here.
const LARGE_BYTES: usize = 3_000_000;

/// How far a message of the business got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It left Meta.
    Sent,
    /// It reached the phone.
    Delivered,
    /// It was read.
    Read,
    /// It failed, with this code.
    Failed(u32),
}

impl Stage {
    /// Meta's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed(_) => "failed",
        }
    }
}

/// The text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One change in its envelope. Management fields have a time.
pub(crate) fn envelope(waba: &str, field: &str, time_seconds: Option<i64>, value: &str) -> Vec<u8> {
    let time = time_seconds.map(|time| format!(r#""time":{time},"#)).unwrap_or_default();
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":{},{time}"changes":[{{"value":{value},"field":{}}}]}}]}}"#,
        quoted(waba),
        quoted(field)
    )
    .into_bytes()
}

/// The beginning of a messaging value, without the closing bracket.
fn opening(number: &Number) -> String {
    format!(
        r#"{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":{},"phone_number_id":{}}}"#,
        quoted(&number.display),
        quoted(&number.id)
    )
}

/// The person as `contacts` has them.
pub(crate) fn card(contact: &Contact) -> String {
    format!(
        r#"{{"profile":{{"name":{}}},"wa_id":{},"user_id":{}}}"#,
        quoted(&contact.profile),
        quoted(&contact.wa_id),
        quoted(&contact.user_id)
    )
}

/// A text of a person; `reply_to` is the id of a message that it quotes.
pub(crate) fn message(
    number: &Number,
    contact: &Contact,
    (wamid, text): (&str, &str),
    reply_to: Option<&str>,
    now_seconds: i64,
) -> Vec<u8> {
    let context = reply_to.map_or_else(String::new, |id| {
        format!(r#""context":{{"from":{},"id":{}}},"#, quoted(&number.display), quoted(id))
    });
    let value = format!(
        r#"{},"contacts":[{}],"messages":[{{{context}"from":{},"from_user_id":{},"id":{},"timestamp":"{now_seconds}","type":"text","text":{{"body":{}}}}}]}}"#,
        opening(number),
        card(contact),
        quoted(&contact.wa_id),
        quoted(&contact.user_id),
        quoted(wamid),
        quoted(text)
    );
    envelope(&number.waba, "messages", None, &value)
}

/// What became of a message of the business. `category` is that of its template, `service` without one; `opaque` comes back
/// as it was given to the send call.
pub(crate) fn status(
    number: &Number,
    contact: &Contact,
    (wamid, stage): (&str, Stage),
    (category, opaque): (&str, Option<&str>),
    now_seconds: i64,
) -> Vec<u8> {
    let failed = matches!(stage, Stage::Failed(_));
    let people = if failed { String::new() } else { format!(r#","contacts":[{}]"#, card(contact)) };
    // A message to a phone that failed does not tell the person's user id.
    let user = if failed { String::new() } else { format!(r#","recipient_user_id":{}"#, quoted(&contact.user_id)) };
    let mut rest = String::new();
    if let Some(opaque) = opaque {
        rest = format!(r#","biz_opaque_callback_data":{}"#, quoted(opaque));
    }
    match stage {
        Stage::Sent | Stage::Delivered => rest.push_str(&pricing(category)),
        Stage::Failed(code) => rest.push_str(&format!(r#","errors":[{}]"#, error(code))),
        Stage::Read => {}
    }
    let value = format!(
        r#"{}{people},"statuses":[{{"id":{},"status":"{}","timestamp":"{now_seconds}","recipient_id":{}{user}{rest}}}]}}"#,
        opening(number),
        quoted(wamid),
        stage.word(),
        quoted(&contact.wa_id)
    );
    envelope(&number.waba, "messages", None, &value)
}

fn pricing(category: &str) -> String {
    let (billable, kind) = if category == "service" { (false, "free_customer_service") } else { (true, "regular") };
    format!(
        r#","pricing":{{"billable":{billable},"pricing_model":"PMP","category":{},"type":"{kind}"}}"#,
        quoted(category)
    )
}

/// The error object that statuses and values have.
fn error(code: u32) -> String {
    let (title, details) = match code {
        131_026 => ("Message undeliverable", "The phone number cannot receive this message."),
        131_035 => (
            "Webhook could not be delivered within data retention limit",
            "The content is gone because no webhook was accepted within the time that it may be kept.",
        ),
        131_047 => ("Re-engagement message", "More than 24 hours have passed since the customer last wrote."),
        131_049 => (
            "This message was not delivered to maintain healthy ecosystem engagement.",
            "The message was held back to keep engagement healthy.",
        ),
        131_050 => (
            "User has stopped marketing messages from you.",
            "The customer does not want marketing messages of this business.",
        ),
        131_056 => ("(Business Account, Consumer Account) pair rate limit hit", "Too many messages to this person."),
        130_429 => ("Rate limit hit", "The number sends faster than it may."),
        _ => ("Something went wrong", "The message could not be sent."),
    };
    format!(
        r#"{{"code":{code},"title":{0},"message":{0},"error_data":{{"details":{1}}},"href":"https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"}}"#,
        quoted(title),
        quoted(details)
    )
}

/// A message that the business wrote with its app on the phone.
pub(crate) fn echo(number: &Number, contact: &Contact, (wamid, text): (&str, &str), now_seconds: i64) -> Vec<u8> {
    let value = format!(
        r#"{},"contacts":[{}],"message_echoes":[{{"from":{},"to":{},"to_user_id":{},"id":{},"timestamp":"{now_seconds}","type":"text","text":{{"body":{}}}}}]}}"#,
        opening(number),
        card(contact),
        quoted(&number.display),
        quoted(&contact.wa_id),
        quoted(&contact.user_id),
        quoted(wamid),
        quoted(text)
    );
    envelope(&number.waba, "smb_message_echoes", None, &value)
}

/// The people of the business's address book, all at once.
pub(crate) fn contacts(number: &Number, people: &[Contact], now_seconds: i64) -> Vec<u8> {
    let one = |contact: &Contact| {
        let first = contact.profile.split(' ').next().unwrap_or_default();
        format!(
            r#"{{"type":"contact","contact":{{"full_name":{},"first_name":{},"phone_number":{},"user_id":{}}},"action":"add","metadata":{{"timestamp":"{now_seconds}"}}}}"#,
            quoted(&contact.profile),
            quoted(first),
            quoted(&contact.wa_id),
            quoted(&contact.user_id)
        )
    };
    let people: Vec<String> = people.iter().map(one).collect();
    let value = format!(r#"{},"state_sync":[{}]}}"#, opening(number), people.join(","));
    envelope(&number.waba, "smb_app_state_sync", None, &value)
}

/// A part of the chat history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// 0 for the last day, 1 up to 90 days, 2 up to 180.
    pub phase: u8,
    /// Its place in the phase.
    pub order: u32,
    /// How much of all is there now, in a hundred.
    pub progress: u32,
    /// Messages in it.
    pub messages: usize,
}

/// A chunk of the conversations with these people.
pub(crate) fn history(number: &Number, people: &[Contact], chunk: Chunk, now_seconds: i64, rng: &mut Rng) -> Vec<u8> {
    const DAY: i64 = 86_400;
    let days_ago: i64 = match chunk.phase {
        0 => 0,
        1 => 2 + i64::from(chunk.order % 80),
        _ => 91 + i64::from(chunk.order % 80),
    };
    let each = chunk.messages.div_ceil(people.len().max(1)).max(1);
    let threads: Vec<String> = people
        .iter()
        .map(|contact| {
            let began = now_seconds - days_ago * DAY - i64::try_from(each).unwrap_or_default() * 30;
            let messages: Vec<String> =
                (0..each).map(|position| old_message(number, contact, (position, began), rng)).collect();
            format!(
                r#"{{"id":{0},"context":{{"wa_id":{0},"user_id":{1}}},"messages":[{2}]}}"#,
                quoted(&contact.wa_id),
                quoted(&contact.user_id),
                messages.join(",")
            )
        })
        .collect();
    let value = format!(
        r#"{},"history":[{{"metadata":{{"phase":{},"chunk_order":{},"progress":{}}},"threads":[{}]}}]}}"#,
        opening(number),
        chunk.phase,
        chunk.order,
        chunk.progress,
        threads.join(",")
    );
    envelope(&number.waba, "history", None, &value)
}

fn old_message(number: &Number, contact: &Contact, (position, began): (usize, i64), rng: &mut Rng) -> String {
    const LINES: [&str; 4] =
        ["Is the green one still there?", "Yes, two of them.", "Zoë 👍 see https://example.com/orders/1182", "Done."];
    let from_business = position % 2 == 1;
    let (from, to) = if from_business {
        (quoted(&number.display), format!(r#""to":{},"#, quoted(&contact.wa_id)))
    } else {
        (quoted(&contact.wa_id), String::new())
    };
    let at = began + i64::try_from(position).unwrap_or_default() * 30;
    let text = LINES.get(position % LINES.len()).copied().unwrap_or_default();
    format!(
        r#"{{"from":{from},{to}"id":{},"timestamp":"{at}","type":"text","text":{{"body":{}}},"history_context":{{"status":"READ"}}}}"#,
        quoted(&wamid(from_business, rng)),
        quoted(text)
    )
}

/// The business does not share its history.
pub(crate) fn history_declined(number: &Number) -> Vec<u8> {
    let value = format!(
        r#"{},"history":[{{"errors":[{{"code":2593109,"title":"History sync is turned off by the business from the WhatsApp Business App","message":"History sync is turned off by the business from the WhatsApp Business App","error_data":{{"details":"History sharing is turned off by the business"}}}}]}}]}}"#,
        opening(number)
    );
    envelope(&number.waba, "history", None, &value)
}

/// What Meta sends in the place of a content that it may no longer keep.
pub(crate) fn retention(body: &[u8]) -> Vec<u8> {
    let read = whatsapp::read(body);
    let Some(event) = read.events.first() else { return body.to_vec() };
    let word = |word: &Option<std::borrow::Cow<'_, str>>| quoted(word.as_deref().unwrap_or_default());
    let value = format!(
        r#"{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":{},"phone_number_id":{}}},"errors":[{}]}}"#,
        word(&event.display_phone_number),
        word(&event.phone_number_id),
        error(131_035)
    );
    envelope(event.waba_id.as_deref().unwrap_or_default(), "messages", None, &value)
}

/// What the App Dashboard's button for the field `messages` sends, with the constants by which it is known.
pub(crate) fn dashboard() -> Vec<u8> {
    let value = r#"{"messaging_product":"whatsapp","metadata":{"display_phone_number":"16505551111","phone_number_id":"123456123"},"contacts":[{"profile":{"name":"test user name"},"wa_id":"16315551181"}],"messages":[{"from":"16315551181","id":"ABGGFlA5Fpa","timestamp":"1504902988","type":"text","text":{"body":"this is a text message"}}]}"#;
    envelope("0", "messages", None, value)
}

/// A body as large as Meta's may be.
pub(crate) fn large(waba: &str, number: Option<&str>, now_seconds: i64, rng: &mut Rng) -> Vec<u8> {
    let mut value = format!(
        r#"{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":{}}},"history":[{{"metadata":{{"phase":1,"chunk_order":{},"progress":55}},"threads":[{{"id":"16505551234","messages":["#,
        quoted(number.unwrap_or_default()),
        rng.u32(1_000..1_000_000)
    );
    let mut first = true;
    while value.len() + 1_000 < LARGE_BYTES {
        let comma = if first { "" } else { "," };
        first = false;
        let id = wamid(false, rng);
        #[expect(clippy::expect_used, reason = "writing to a String cannot fail")]
        write!(
            value,
            r#"{comma}{{"from":"16505551234","id":"{id}","timestamp":"{}","type":"text","text":{{"body":"{}"}},"history_context":{{"status":"READ"}}}}"#,
            now_seconds - 864_000,
            "A long story about a lamp that came in green. ".repeat(12)
        )
        .expect("a String takes all text");
    }
    value.push_str("]}]}]}");
    envelope(waba, "history", None, &value)
}

/// An id of a message.
pub(crate) fn wamid(from_business: bool, rng: &mut Rng) -> String {
    let direction = if from_business { "ERgS" } else { "EhgU" };
    format!("wamid.HBgLMTY1MDU1NTEyMzQVAgA{direction}{:016X}{:08X}AA==", rng.u64(..), rng.u32(..))
}

/// An id of a call.
pub(crate) fn wacid(rng: &mut Rng) -> String {
    format!("wacid.HBgLMTY1MDU1NTEyMzQVAgA{:016X}{:08X}AA==", rng.u64(..), rng.u32(..))
}
