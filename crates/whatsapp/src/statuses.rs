//! What became of messages, payments and calls: `statuses[]`.

use std::borrow::Cow;

use crate::draft::{Draft, names};
use crate::event::{Contact, Lane};
use crate::field::Field;
use crate::key::Key;
use crate::part::Part;
use crate::scene::{Item, Scene};

/// An element of `statuses[]`: of a message, of a payment, or of a call.
pub(crate) fn status<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    match part.word("type").as_deref() {
        Some("payment") => payment(scene, item, part),
        Some("call") => call(scene, item, part),
        _ if scene.field == Field::Calls => call(scene, item, part),
        _ => message(scene, item, part, None),
    }
}

/// What became of another app's message.
pub(crate) fn standby_status<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    message(scene, item, part, Some("standby"))
}

fn message<'a>(
    scene: &Scene<'_, 'a>,
    item: &Item<'_, 'a>,
    part: &Part<'_, 'a>,
    inside: Option<&'static str>,
) -> Draft<'a> {
    let [id, status] = [part.word("id"), part.word("status")];
    let (timestamp, seconds) = part.word_and_time("timestamp");
    let participant = participant(part);
    let in_group = in_group(part) || participant.is_some();
    let mut key = Key::inside(inside, "st").may(scene.number_part()).need(id.as_deref());
    key = key.need(status.as_deref());
    if in_group {
        key = key.may(participant.as_deref());
    }
    key = key.need(timestamp.as_deref());
    if status.as_deref() == Some("failed") {
        let code = part.first_of("errors").and_then(|error| error.word("code"));
        key = key.may(code.as_deref());
    }
    let shown = if in_group { participant_names(part) } else { recipient(part) };
    let (contact, cards) = scene.person(shown);
    let group = || part.first_word(&["group_id", "recipient_id"]);
    let lane = match (in_group.then(group).flatten(), &id) {
        (Some(group), _) => Lane::Object(scene.lane_name("group", &group)),
        (None, Some(id)) if in_group || contact.is_empty() => Lane::Object(scene.lane_name("message", id)),
        (None, _) => scene.conversation(&contact, Contact::default()),
    };
    let base = item.array.base(&scene.field, &scene.field_name);
    let key = key.end(|| scene.content_hash(item.json));
    let draft = Draft::new(&[base, "status", &status.unwrap_or_default()], key, lane);
    draft.at(seconds).id(id).about(contact, cards)
}

/// A payment has a life of its own; its `id` names the notification, not a message.
fn payment<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let [id, status, timestamp] = [part.word("id"), part.word("status"), part.word("timestamp")];
    let payment = part.part("payment");
    let reference = payment.as_ref().and_then(|payment| payment.word("reference_id"));
    let transaction = payment.as_ref().and_then(|payment| payment.part("transaction"));
    let of_transaction = |name| transaction.as_ref().and_then(|transaction| transaction.word(name));
    let key = Key::new("pay").may(scene.number_part()).need(id.as_deref()).may(reference.as_deref());
    let key = key.need(status.as_deref()).may(of_transaction("id").as_deref());
    let key = key.may(of_transaction("status").as_deref()).need(timestamp.as_deref());
    let (contact, cards) = scene.person(recipient(part));
    let lane = scene.conversation(&contact, Contact::default());
    let base = item.array.base(&scene.field, &scene.field_name);
    let key = key.end(|| scene.content_hash(item.json));
    let draft = Draft::new(&[base, "payment", &status.unwrap_or_default()], key, lane);
    draft.at(part.time("timestamp")).id(id).about(contact, cards)
}

fn call<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let [id, status] = [part.word("id"), part.word("status")];
    let key = Key::new("callst").may(scene.number_part()).need(id.as_deref()).need(status.as_deref());
    let (contact, cards) = scene.person(recipient(part));
    let lane = match &id {
        Some(id) => Lane::Object(scene.lane_name("call", id)),
        None => scene.conversation(&contact, Contact::default()),
    };
    let base = item.array.base(&scene.field, &scene.field_name);
    let key = key.end(|| scene.content_hash(item.json));
    let draft = Draft::new(&[base, "status", &status.unwrap_or_default()], key, lane);
    draft.at(part.time("timestamp")).id(id).about(contact, cards)
}

fn recipient<'a>(part: &Part<'_, 'a>) -> Contact<'a> {
    let parent = ["recipient_parent_user_id", "parent_recipient_user_id", "parent_user_id"];
    let parent = parent.into_iter().find(|name| part.has(name)).unwrap_or_default();
    names(part, "recipient_id", "recipient_user_id", parent)
}

/// True where the message went to a group.
fn in_group(part: &Part<'_, '_>) -> bool {
    let typed = part.word("recipient_type").is_some_and(|kind| kind == "group");
    typed || part.has("group_id") || part.word("recipient_id").is_some_and(|id| id.ends_with("@g.us"))
}

const PARTICIPANT_USER: [&str; 3] =
    ["recipient_participant_user_id", "participant_recipient_user_id", "participant_user_id"];
const PARTICIPANT_PHONE: [&str; 3] = ["recipient_participant_id", "participant_recipient_id", "participant_id"];

/// Meta's pages print the participant in three spellings; the user id is the name that stays.
fn participant<'a>(part: &Part<'_, 'a>) -> Option<Cow<'a, str>> {
    part.first_word(&PARTICIPANT_USER).or_else(|| part.first_word(&PARTICIPANT_PHONE))
}

fn participant_names<'a>(part: &Part<'_, 'a>) -> Contact<'a> {
    let named = |names: [&'static str; 3]| names.into_iter().find(|name| part.has(name)).unwrap_or_default();
    let parent = named([
        "recipient_participant_parent_user_id",
        "participant_recipient_parent_user_id",
        "participant_parent_user_id",
    ]);
    names(part, named(PARTICIPANT_PHONE), named(PARTICIPANT_USER), parent)
}
