//! Bodies with one event each, in Meta's shapes.
//!
//! Every endpoint gets an event as a body with that event alone, so what was sent alone must arrive byte for byte the
//! same, however it was batched on the way in.

use crate::ledger::fingerprint;

/// One event, as a body of its own.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// What the ledgers call it: the fingerprint of its first body.
    pub(crate) key: String,
    /// The account that it belongs to.
    pub(crate) waba: u32,
    /// Whose conversation it is part of, and its position in that.
    pub(crate) lane: Option<(u32, u64)>,
    /// The bytes.
    pub(crate) body: Vec<u8>,
}

impl Event {
    pub(crate) fn new(waba: u32, lane: Option<(u32, u64)>, body: String) -> Self {
        Self { key: fingerprint(body.as_bytes()), waba, lane, body: body.into_bytes() }
    }
}

/// The id of an account.
pub(crate) fn waba_id(waba: u32) -> String {
    format!("10000000000{waba:04}")
}

/// Who a message goes to or comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talk<'a> {
    pub(crate) contact: u32,
    pub(crate) wamid: &'a str,
    pub(crate) at_seconds: u64,
}

/// Something for `value` of the field `messages`, in the envelope. `entry_time` is what some of Meta's senders add.
pub(crate) fn messaging(waba: u32, value: &str, entry_time: Option<u64>) -> String {
    let time = entry_time.map_or_else(String::new, |time| format!(r#""time":{time},"#));
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{}",{time}"changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"1555000{waba:04}","phone_number_id":"20000000000{waba:04}"}},{value}}},"field":"messages"}}]}}]}}"#,
        waba_id(waba)
    )
}

/// A message with this content (`"type":…` and what belongs to it).
pub(crate) fn message(talk: Talk<'_>, name: &str, content: &str) -> String {
    let Talk { contact, wamid, at_seconds, .. } = talk;
    format!(
        r#""contacts":[{{"profile":{{"name":"{name}"}},"wa_id":"1650{contact:07}"}}],"messages":[{{"from":"1650{contact:07}","id":"{wamid}","timestamp":"{at_seconds}",{content}}}]"#
    )
}

/// A text.
pub(crate) fn text(text: &str) -> String {
    format!(r#""type":"text","text":{{"body":"{text}"}}"#)
}

/// A status; `more` is what belongs to it besides.
pub(crate) fn status(talk: Talk<'_>, status: &str, more: &str) -> String {
    let Talk { contact, wamid, at_seconds, .. } = talk;
    format!(
        r#""statuses":[{{"id":"{wamid}","status":"{status}","timestamp":"{at_seconds}","recipient_id":"1650{contact:07}"{more}}}]"#
    )
}

/// A template's change: a management event, without a conversation.
pub(crate) fn template(waba: u32, template: u64, event: &str, name: &str, at_seconds: u64) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{}","time":{at_seconds},"changes":[{{"value":{{"event":"{event}","message_template_id":{template},"message_template_name":"{name}","message_template_language":"en_US","reason":"NONE"}},"field":"message_template_status_update"}}]}}]}}"#,
        waba_id(waba)
    )
}
