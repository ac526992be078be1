//! `calls[]`.

use crate::draft::{Draft, names};
use crate::event::{Contact, Lane};
use crate::key::Key;
use crate::part::Part;
use crate::scene::{Item, Scene};
use crate::text;

/// One event in the life of a call.
pub(crate) fn call<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    // One SDK's test calls the id `wacid`.
    let id = if part.has("id") { part.word("id") } else { part.word("wacid").or_else(|| part.word("id")) };
    let event = part.word("event");
    let key = Key::new("call").may(scene.number_part()).need(id.as_deref()).need(event.as_deref());
    let (contact, cards) = scene.person(user(scene, part));
    let lane = match &id {
        Some(id) => Lane::Object(scene.lane_name("call", id)),
        None => scene.conversation(&contact, Contact::default()),
    };
    let base = item.array.base(&scene.field, &scene.field_name);
    let key = key.end(|| scene.content_hash(item.json));
    let draft = Draft::new(&[base, &event.unwrap_or_default()], key, lane);
    draft.at(part.time("timestamp")).id(id).about(contact, cards)
}

/// The user's side: by direction, else the side that is not the business number.
fn user<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Contact<'a> {
    let from = names(part, "from", "from_user_id", "from_parent_user_id");
    let to = names(part, "to", "to_user_id", "to_parent_user_id");
    let direction = part.word("direction").map(|direction| direction.to_ascii_uppercase());
    match direction.as_deref() {
        Some("USER_INITIATED") => from,
        Some("BUSINESS_INITIATED") => to,
        _ => {
            let business = scene.number.display.clone().map(text::digits);
            let is_business = |side: &Contact<'a>| business.is_some() && side.wa_id == business;
            let is_user = |side: &Contact<'a>| side.user_id.is_some() || side.parent_user_id.is_some();
            if is_user(&to) || is_business(&from) || from.is_empty() { to } else { from }
        }
    }
}
