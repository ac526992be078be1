//! What people write and what the business writes to them: `messages[]` and `message_echoes[]`, wherever they stand.

use std::borrow::Cow;

use crate::contact::{Few, differ, fill};
use crate::draft::{Draft, names};
use crate::event::{Contact, Lane};
use crate::field::Field;
use crate::key::Key;
use crate::part::Part;
use crate::scene::{Item, Scene};
use crate::text;

/// An element of `messages[]`. Inside `history` it follows up on a placeholder, inside the echo fields it is an echo.
pub(crate) fn message<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    if scene.field == Field::History {
        history_media(scene, item, part, Peer::From)
    } else if matches!(scene.field, Field::MessageEchoes | Field::SmbMessageEchoes) {
        echo(scene, item, part)
    } else {
        inbound(scene, item, part, None)
    }
}

/// An element of `message_echoes[]`.
pub(crate) fn message_echo<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    if scene.field == Field::History { history_media(scene, item, part, Peer::To) } else { echo(scene, item, part) }
}

/// What another app's conversation partner wrote.
pub(crate) fn standby_message<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    inbound(scene, item, part, Some("standby"))
}

/// What another app sent: the element carries the Send API's request body.
pub(crate) fn standby_echo<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let id = part.word("id");
    let sent = part.part("message");
    let mut to = names(part, "to", "to_user_id", "to_parent_user_id");
    let mut group = part.word("group_id");
    if let Some(sent) = &sent {
        fill(&mut to, &names(sent, "to", "recipient", ""));
        if sent.word("recipient_type").as_deref() == Some("group") {
            group = group.or_else(|| sent.word("to"));
            to = Contact::default();
        }
    }
    let key = element_key(scene, item, Key::inside(Some("standby"), "echo"), &id);
    let (contact, cards) = scene.person(to);
    let lane = lane(scene, &contact, Contact::default(), group);
    let base = item.array.base(&scene.field, &scene.field_name);
    Draft::new(&[base, "message_echoes"], key, lane).at(part.time("timestamp")).id(id).about(contact, cards)
}

fn inbound<'a>(
    scene: &Scene<'_, 'a>,
    item: &Item<'_, 'a>,
    part: &Part<'_, 'a>,
    inside: Option<&'static str>,
) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let words = type_words(part);
    let id = part.word("id");
    let key = element_key(scene, item, Key::inside(inside, "msg"), &id);
    let who = sender(scene, part, &words);
    let lane = lane(scene, &who.contact, who.previous, part.word("group_id"));
    let deeper = if inside.is_some() { "messages" } else { "" };
    let [first, second] = &words;
    let draft = Draft::new(&[base, deeper, first, second], key, lane);
    let mut draft = draft.at(part.time("timestamp")).id(id).about(who.contact, who.cards);
    draft.takes_only_card = who.takes_only_card;
    draft
}

fn echo<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let [first, second] = type_words(part);
    let id = part.word("id");
    let key = element_key(scene, item, Key::new("echo"), &id);
    let (contact, cards) = scene.person(names(part, "to", "to_user_id", "to_parent_user_id"));
    let lane = lane(scene, &contact, Contact::default(), part.word("group_id"));
    let draft = Draft::new(&[base, &first, &second], key, lane);
    draft.at(part.time("timestamp")).id(id).about(contact, cards)
}

/// On which side of an element the person stands.
enum Peer {
    From,
    To,
}

fn history_media<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>, peer: Peer) -> Draft<'a> {
    let id = part.word("id");
    let key = element_key(scene, item, Key::new("histmedia"), &id);
    let (contact, cards) = scene.person(match peer {
        Peer::From => names(part, "from", "from_user_id", "from_parent_user_id"),
        Peer::To => names(part, "to", "to_user_id", "to_parent_user_id"),
    });
    let lane = Lane::Object(scene.lane_name("history", "media"));
    let draft = Draft::new(&["history", "media"], key, lane);
    draft.at(part.time("timestamp")).id(id).about(contact, cards)
}

fn element_key(scene: &Scene<'_, '_>, item: &Item<'_, '_>, key: Key, id: &Option<Cow<'_, str>>) -> String {
    key.may(scene.number_part()).need(id.as_deref()).end(|| scene.content_hash(item.json))
}

fn lane<'a>(
    scene: &Scene<'_, 'a>,
    contact: &Contact<'a>,
    previous: Contact<'a>,
    group: Option<Cow<'a, str>>,
) -> Lane<'a> {
    match group {
        Some(group) => Lane::Object(scene.lane_name("group", &group)),
        None => scene.conversation(contact, previous),
    }
}

/// The type, and for the two types that have kinds of their own the kind.
fn type_words<'a>(part: &Part<'_, 'a>) -> [Cow<'a, str>; 2] {
    let Some(word) = part.word("type") else {
        return Default::default();
    };
    let kind = match word.as_ref() {
        kind @ ("interactive" | "system") => part.part(kind).and_then(|inner| inner.word("type")),
        _ => None,
    };
    [word, kind.unwrap_or_default()]
}

/// Who wrote, and under which names they were known before.
struct Sender<'a> {
    contact: Contact<'a>,
    previous: Contact<'a>,
    cards: Few,
    takes_only_card: bool,
}

fn sender<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>, words: &[Cow<'a, str>; 2]) -> Sender<'a> {
    let mut shown = names(part, "from", "from_user_id", "from_parent_user_id");
    let [word, _] = words;
    if word == "system" {
        return changed(scene, part, shown);
    }
    if word == "contacts" && shown.wa_id.is_none() {
        shown.wa_id = answered_phone(part);
    }
    let (mut contact, mut cards) = scene.person(shown.clone());
    let bare = matches!(word.as_ref(), "edit" | "revoke") && shown.user_id.is_none();
    let takes_only_card = cards.is_empty() && (bare || shown.is_empty()) && !part.has("group_id");
    let only = scene.cards.only().filter(|_| takes_only_card && scene.items.len() == 1);
    if let Some(card) = only.filter(|card| !differ(card.names.wa_id.as_ref(), contact.wa_id.as_ref())) {
        fill(&mut contact, &card.names);
        cards = Few::one(0);
    }
    Sender { contact, previous: Contact::default(), cards, takes_only_card }
}

/// A change of number or user id: the outer names are the old ones, the inner names the new ones.
fn changed<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>, mut old: Contact<'a>) -> Sender<'a> {
    let new = part.part("system").map(|system| {
        let phone = if system.has("wa_id") { "wa_id" } else { "new_wa_id" };
        old.user_id = old.user_id.take().or_else(|| system.word("previous_user_id"));
        names(&system, phone, "user_id", "parent_user_id")
    });
    let (new, previous) = match new {
        Some(new) if !new.is_empty() => (new, old),
        Some(_) | None => (old, Contact::default()),
    };
    let old_cards = scene.cards.matching(&previous);
    let (contact, own) = scene.person(new);
    let cards = old_cards.and(own);
    Sender { contact, previous, cards, takes_only_card: false }
}

/// The phone in the answer to a contact-info request: this is how a user id gets linked to a phone number.
fn answered_phone<'a>(part: &Part<'_, 'a>) -> Option<Cow<'a, str>> {
    let card = part.first_of("contacts")?;
    let answers = |part: &Part<'_, 'a>| part.object.some("origin").and_then(|origin| origin.word());
    let origin = answers(&card).or_else(|| answers(part))?;
    if origin != "contact_request" {
        return None;
    }
    let phone = card.first_of("phones")?;
    phone.first_word(&["wa_id", "phone"]).map(text::digits)
}
