//! What users decide, beside messages: preferences, changed ids, clicks, and what Meta found in their conversations.

use crate::contact::{Few, named};
use crate::draft::{Draft, names};
use crate::event::Contact;
use crate::key::Key;
use crate::part::Part;
use crate::scene::{Item, Scene};

/// An element of `user_preferences[]`.
pub(crate) fn preference<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let value = part.word("value");
    let shown = names(part, "wa_id", "user_id", "parent_user_id");
    let key = Key::new("user_preferences").may(scene.entry_id.as_deref()).may(scene.number_part());
    let key = key.need(shown.user_id.as_deref().or(shown.wa_id.as_deref())).need(part.word("category").as_deref());
    let key = key.need(value.as_deref()).need(part.word("timestamp").as_deref());
    let (contact, cards) = scene.person(shown);
    let lane = scene.conversation(&contact, Contact::default());
    let draft = Draft::new(&[base, &value.unwrap_or_default()], key.end(|| scene.content_hash(item.json)), lane);
    draft.at(part.time("timestamp")).about(contact, cards)
}

/// An element of `user_id_update[]`: the person stays the same, the ids do not.
pub(crate) fn user_id_update<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let phone = names(part, "wa_id", "", "").wa_id;
    let (user, parent) = (part.part("user_id"), part.part("parent_user_id"));
    let side = |name| Contact {
        wa_id: phone.clone(),
        user_id: user.as_ref().and_then(|user| user.word(name)),
        parent_user_id: parent.as_ref().and_then(|parent| parent.word(name)),
    };
    let (previous, current) = (side("previous"), side("current"));
    let key = Key::new("user_id_update").may(scene.entry_id.as_deref()).may(scene.number_part());
    let key = key.need(previous.user_id.as_deref()).need(current.user_id.as_deref());
    let old_cards = scene.cards.matching(&previous);
    let (contact, own) = scene.person(current);
    let cards = old_cards.and(own);
    let lane = scene.conversation(&contact, previous);
    let draft = Draft::new(&[base], key.end(|| scene.content_hash(item.json)), lane);
    draft.at(part.time("timestamp")).about(contact, cards)
}

/// An element of `user_actions[]`: a click, without any name of who clicked.
pub(crate) fn user_action<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let action = part.word("action_type");
    let data = action.as_ref().and_then(|action| part.part(&format!("{action}_data")));
    let click = data.as_ref().and_then(|data| data.word("click_id")).or_else(|| part.word("click_id"));
    let key = Key::new("act").may(scene.number_part()).need(action.as_deref()).need(click.as_deref());
    let key = key.end(|| scene.content_hash(item.json));
    let draft = Draft::new(&[base, "user_action", &action.unwrap_or_default()], key, scene.number_lane());
    draft.at(part.time("timestamp"))
}

/// An element of `automatic_events[]`: a lead or purchase that Meta found in a conversation.
pub(crate) fn automatic<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let (id, name) = (part.word("id"), part.word("event_name"));
    let key = Key::new("automatic_events").may(scene.entry_id.as_deref()).need(id.as_deref()).need(name.as_deref());
    let key = key.end(|| scene.content_hash(item.json));
    let draft = Draft::new(&[base, &name.unwrap_or_default()], key, scene.number_lane());
    draft.at(part.time("timestamp")).id(id)
}

/// An element of `events[]` in `tracking_events`.
pub(crate) fn tracking<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let name = part.word("event_name");
    let key = Key::new("tracking_events").may(scene.entry_id.as_deref()).may(scene.number_part());
    let key = key.may(Some(&scene.content_hash(item.json))).end(String::new);
    let draft = Draft::new(&[base, &name.unwrap_or_default()], key, scene.number_lane());
    draft.at(part.time("timestamp"))
}

/// An element of `errors[]` beside messages: it concerns the number, and has neither id nor time.
pub(crate) fn error<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let key = Key::new("err").may(scene.number_part()).may(part.word("code").as_deref());
    let mut draft = Draft::new(&[base, "error"], key.end(String::new), scene.number_lane());
    draft.by_notification = true;
    draft.at(scene.entry_seconds())
}

/// A change of `messaging_handovers`: who speaks for the business now.
pub(crate) fn handover<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let by_member = || ["control_passed", "control_taken"].into_iter().find(|kind| part.has(kind)).map(Into::into);
    let kind = part.word("type").or_else(by_member).or_else(|| part.word("type"));
    let sender = part.part("sender");
    let contact = sender.map(|sender| named(&sender.object, "phone_number", "user_id", "parent_user_id"));
    let contact = contact.unwrap_or_default();
    let key = Key::new("handover").may(scene.number_part()).need(contact.wa_id.as_deref());
    let key = key.need(kind.as_deref()).need(part.word("timestamp").as_deref());
    let key = key.end(|| scene.content_hash(scene.whole));
    let lane = scene.conversation(&contact, Contact::default());
    let draft = Draft::new(&["messaging_handovers", &kind.unwrap_or_default()], key, lane);
    draft.at(part.time("timestamp")).about(contact, Few::default())
}
