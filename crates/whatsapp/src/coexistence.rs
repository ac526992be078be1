//! What the WhatsApp Business app shares with the API: `history[]` and `state_sync[]`.

use crate::draft::{Draft, names};
use crate::event::{Contact, Lane};
use crate::key::Key;
use crate::part::Part;
use crate::scene::{Item, Scene};

/// A chunk of old messages, or the news that there will be none. The messages stay inside: they are no live traffic.
pub(crate) fn history<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let number = scene.number_part();
    if !part.has("threads") && part.has("errors") {
        let code = part.first_of("errors").and_then(|error| error.word("code"));
        let key = Key::new("histerr").may(number).need(code.as_deref());
        let key = key.end(|| scene.content_hash(item.json));
        return Draft::new(&["history", "declined"], key, Lane::Object(scene.lane_name("history", "declined")));
    }
    let metadata = part.part("metadata");
    let phase = metadata.as_ref().and_then(|metadata| metadata.word("phase"));
    let order = metadata.as_ref().and_then(|metadata| metadata.word("chunk_order"));
    let key = Key::new("hist").may(number).may(phase.as_deref()).may(order.as_deref());
    let key = key.may(Some(&scene.content_hash(item.json))).end(String::new);
    let lane = Lane::Object(scene.lane_name("history", phase.as_deref().unwrap_or("unknown")));
    Draft::new(&["history", "chunk"], key, lane)
}

/// A contact of the business's address book.
pub(crate) fn state_sync<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let action = part.word("action");
    let contact = part.part("contact");
    let shown = contact.as_ref().map(|contact| names(contact, "phone_number", "user_id", "parent_user_id"));
    let shown = shown.unwrap_or_default();
    let metadata = part.part("metadata");
    let timestamp = metadata.as_ref().and_then(|metadata| metadata.word("timestamp"));
    let seconds = metadata.as_ref().and_then(|metadata| metadata.time("timestamp"));
    let who = shown.user_id.as_deref().or(shown.wa_id.as_deref());
    let key = Key::new("sync").may(scene.number_part()).need(who).need(action.as_deref());
    let key = key.need(timestamp.as_deref()).end(|| scene.content_hash(item.json));
    let (person, cards) = scene.person(shown);
    let lane = scene.conversation(&person, Contact::default());
    Draft::new(&[base, &action.unwrap_or_default()], key, lane).at(seconds).about(person, cards)
}
