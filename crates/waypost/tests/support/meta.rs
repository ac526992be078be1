//! Meta's side: bodies, signatures, requests.

use std::net::SocketAddr;

use emulator::load::{Item, What};
use emulator::{AppSecret, Signing};

use super::wire::{self, Reply};

pub(crate) const WABA: &str = "102290129340398";
pub(crate) const NUMBER: &str = "106540352242922";
pub(crate) const DISPLAY: &str = "15550783881";

/// What makes an event of the messaging path: Meta's id of the message, and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Happened(pub(crate) String, pub(crate) String);

impl From<&Item> for Happened {
    fn from(item: &Item) -> Self {
        let what = match item.what {
            What::Message => "message".to_owned(),
            What::Status(status) => status.to_string(),
        };
        Self(item.wamid.clone(), what)
    }
}

/// A text message to a business number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) waba: &'a str,
    pub(crate) number: &'a str,
    pub(crate) from: &'a str,
    pub(crate) wamid: &'a str,
    pub(crate) text: &'a str,
}

impl<'a> Text<'a> {
    /// A message with this id, to the usual number.
    pub(crate) fn new(wamid: &'a str) -> Self {
        Self { waba: WABA, number: NUMBER, from: "16505551234", wamid, text: "hello" }
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let Self { waba, number, from, wamid, text } = self;
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{waba}","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"{DISPLAY}","phone_number_id":"{number}"}},"contacts":[{{"profile":{{"name":"Someone"}},"wa_id":"{from}"}}],"messages":[{{"from":"{from}","id":"{wamid}","timestamp":"{now}","type":"text","text":{{"body":"{text}"}}}}]}},"field":"messages"}}]}}]}}"#,
            now = now_seconds()
        )
        .into_bytes()
    }
}

/// A status of a message of the business.
pub(crate) fn status(wamid: &str, status: &str, to: &str) -> Vec<u8> {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{WABA}","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"{DISPLAY}","phone_number_id":"{NUMBER}"}},"statuses":[{{"id":"{wamid}","status":"{status}","timestamp":"{}","recipient_id":"{to}"}}]}},"field":"messages"}}]}}]}}"#,
        now_seconds()
    )
    .into_bytes()
}

/// A field of the management path with this value.
pub(crate) fn change(waba: &str, field: &str, value: &str) -> Vec<u8> {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{waba}","time":{},"changes":[{{"value":{value},"field":"{field}"}}]}}]}}"#,
        now_seconds()
    )
    .into_bytes()
}

pub(crate) fn now_seconds() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// `X-Hub-Signature-256` as Meta makes it.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    Signing::Right.headers(&AppSecret::new(secret), body).sha256.unwrap()
}

/// The request that Meta makes with a body.
pub(crate) fn post(path: &str, secret: &str, body: &[u8]) -> Vec<u8> {
    let signature = signature(secret, body);
    let headers = [("Content-Type", "application/json"), ("X-Hub-Signature-256", signature.as_str())];
    wire::request("POST", path, &headers, body)
}

/// Sends a body, signed.
#[track_caller]
pub(crate) fn send(at: SocketAddr, path: &str, secret: &str, body: &[u8]) -> Reply {
    wire::exchange(at, &post(path, secret, body)).unwrap()
}
