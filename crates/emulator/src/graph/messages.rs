//! `/{number}/messages`: a message of the business gets its id, and then its statuses.

use serde_json::{Value, json};

use super::reply::{Reply, bad, missing, no_object};
use super::{Call, Moment, tokens};
use crate::bodies;
use crate::play::{Deed, Sending, life};
use crate::scenario::Ends;
use crate::world::{Contact, Number, World};

/// What can be sent. Each has its content in a member of its own name.
const TYPES: [&str; 12] = [
    "audio",
    "contacts",
    "document",
    "image",
    "interactive",
    "location",
    "reaction",
    "sticker",
    "template",
    "text",
    "video",
    "pin",
];

pub(super) fn send(world: &World, call: &Call, id: &str, moment: &mut Moment<'_>) -> Result<Reply, Reply> {
    tokens::with_scope(world, call, tokens::MESSAGING)?;
    let number = world.number(id).ok_or_else(|| no_object(id))?;
    product(call)?;
    if call.text("status").is_some() {
        return read(call);
    }
    let (address, contact) = recipient(world, call)?;
    let kind = kind(call)?;
    let content = call.parameters.get(kind).filter(|content| content.is_object() || content.is_array());
    let content = content.ok_or_else(|| missing(kind))?;
    if kind == "text" && content.get("body").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(missing("text['body']"));
    }
    let category = if kind == "template" { template(world, number, content)? } else { "service".to_owned() };
    if !moment.memory.may_send(number, moment.now_seconds) {
        return Err(Reply::error(400, 130_429, "(#130429) Rate limit hit").with(
            "error_data",
            json!({ "messaging_product": "whatsapp", "details": "Message failed to send because there were too many messages sent from this phone number in a short period of time" }),
        ));
    }
    let wamid = bodies::wamid(true, moment.rng);
    let opaque = call.text("biz_opaque_callback_data").map(str::to_owned);
    let sending = Sending { wamid: wamid.clone(), category, opaque };
    let statuses = life(&sending, &contact, Ends::Usual, moment.mischief, moment.rng);
    let deed =
        |what| Deed { number: Some(number.id.clone()), waba: number.waba.clone(), contact: contact.clone(), what };
    let effects = statuses.into_iter().map(|(after, what)| (after, deed(what))).collect();
    let answer = json!({
        "messaging_product": "whatsapp",
        "contacts": [{ "input": address, "wa_id": contact.wa_id }],
        "messages": [message(kind, &wamid)],
    });
    Ok(Reply::ok(answer).causing(effects))
}

fn message(kind: &str, wamid: &str) -> Value {
    if kind == "template" { json!({ "id": wamid, "message_status": "accepted" }) } else { json!({ "id": wamid }) }
}

pub(super) fn product(call: &Call) -> Result<(), Reply> {
    match call.text("messaging_product") {
        Some("whatsapp") => Ok(()),
        Some(_) => Err(bad("Param messaging_product must be one of {WHATSAPP}")),
        None => Err(missing("messaging_product")),
    }
}

/// The business says that it has read a message.
fn read(call: &Call) -> Result<Reply, Reply> {
    call.text("message_id").filter(|id| !id.is_empty()).ok_or_else(|| missing("message_id"))?;
    match call.text("status") {
        Some("read") => Ok(Reply::success()),
        Some(_) | None => Err(bad("Param status must be one of {READ}")),
    }
}

/// Who gets it. People whom the world does not know are as good as others.
fn recipient(world: &World, call: &Call) -> Result<(String, Contact), Reply> {
    let address = call.text("to").or_else(|| call.text("recipient")).filter(|to| !to.is_empty());
    let address = address.ok_or_else(|| missing("to"))?;
    let digits: String = address.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return Err(bad("Param to must be a phone number or a user id"));
    }
    let stranger = || Contact {
        name: address.to_owned(),
        profile: "Somebody".to_owned(),
        user_id: format!("US.{digits:0>20}"),
        wa_id: digits.clone(),
        reads: true,
        fails: None,
        reply: None,
    };
    Ok((address.to_owned(), world.contact(address).cloned().unwrap_or_else(stranger)))
}

fn kind(call: &Call) -> Result<&'static str, Reply> {
    let named = call.text("type").unwrap_or("text");
    let known = TYPES.into_iter().find(|kind| *kind == named);
    known.ok_or_else(|| bad(format!("Param type must be one of {{{}}}", TYPES.join(", ").to_uppercase())))
}

/// The category of the template that is sent. A world without templates has any.
fn template(world: &World, number: &Number, content: &Value) -> Result<String, Reply> {
    let name = content.get("name").and_then(Value::as_str).ok_or_else(|| missing("template['name']"))?;
    let language = content.get("language").and_then(|language| language.get("code")).and_then(Value::as_str);
    let language = language.ok_or_else(|| missing("template['language']['code']"))?;
    if world.templates.is_empty() {
        return Ok("utility".to_owned());
    }
    let refuse = |status, code: i64, what: &str, details: String| {
        let data = json!({ "messaging_product": "whatsapp", "details": details });
        Err(Reply::error(status, code, format!("(#{code}) {what}")).with("error_data", data))
    };
    match world.template(&number.waba, name).filter(|known| known.language == language) {
        None => {
            let details = format!("template name ({name}) does not exist in {language}");
            refuse(404, 132_001, "Template name does not exist in the translation", details)
        }
        Some(known) if known.status == "PAUSED" => {
            refuse(400, 132_015, "Template is paused", format!("the template {name} is paused because of low quality"))
        }
        Some(known) if known.status == "DISABLED" => {
            refuse(400, 132_016, "Template is disabled", format!("the template {name} is disabled for good"))
        }
        Some(known) if !matches!(known.status.as_str(), "APPROVED" | "FLAGGED" | "REINSTATED" | "UNARCHIVED") => {
            let details = format!("the template {name} is {}", known.status.to_lowercase());
            refuse(404, 132_001, "Template name does not exist in the translation", details)
        }
        Some(known) => Ok(known.category.to_lowercase()),
    }
}
