//! The fields that report on accounts, numbers, templates and flows: one event per change, known by what it says and by
//! `entry.time`, because Meta gives these events no id.

mod account;
mod template;

use std::borrow::Cow;

use crate::draft::{self, Draft};
use crate::event::Lane;
use crate::key::{self, Key};
use crate::part::Part;
use crate::scene::{Number, Scene};
use crate::text;

/// One change of a field of the business itself.
pub(crate) fn change<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    match scene.field_name.as_ref() {
        "account_alerts" => account::alert(scene, part),
        "account_review_update" => account::review(scene, part),
        "account_settings_update" => settings(scene, part),
        "account_update" => account::update(scene, part),
        "business_capability_update" => account::capability(scene),
        "business_username_update" | "business_username_updates" => username(scene, part),
        "flows" => flow(scene, part),
        "message_template_components_update" => template::components(scene, part),
        "message_template_quality_update" => template::quality(scene, part),
        "message_template_status_update" if template::is_quality(part) => template::quality(scene, part),
        "message_template_status_update" => template::status(scene, part),
        "partner_solutions" => account::solution(scene, part),
        "payment_configuration_update" => account::payment_configuration(scene, part),
        "phone_number_name_update" => name(scene, part),
        "phone_number_quality_update" => quality(scene, part),
        "security" => security(scene, part),
        "template_category_update" => template::category(scene, part),
        "template_correct_category_detection" => template::detection(scene, part),
        name => Draft::raw(&[name], scene, scene.whole),
    }
}

/// True for a template's quality score under a field that is not its own: one state of Meta's page printed it so.
pub(crate) fn is_misplaced_quality(part: &Part<'_, '_>) -> bool {
    template::is_quality(part) && part.has("message_template_id")
}

/// A template's quality score, whatever the field says.
pub(crate) fn template_quality<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    template::quality(scene, part)
}

/// What the keys of one field start with.
fn start(name: &str, scene: &Scene<'_, '_>) -> Key {
    Key::new(name).may(scene.entry_id.as_deref())
}

impl Key {
    /// Adds the hash of the whole value.
    fn content(self, scene: &Scene<'_, '_>) -> Self {
        self.may(Some(&scene.content_hash(scene.whole)))
    }

    /// Adds `entry.time` and ends the key.
    fn timed(self, scene: &Scene<'_, '_>) -> String {
        self.need(scene.entry_time.as_deref()).end(|| scene.content_hash(scene.whole))
    }
}

/// A word in the middle of a type or key that may be absent.
fn or_empty<'w>(word: &'w Option<Cow<'_, str>>) -> &'w str {
    word.as_deref().unwrap_or_default()
}

fn settings<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let kind = part.word("type");
    let inner = part.part("phone_number_settings");
    let id = inner.as_ref().and_then(|inner| inner.word("phone_number_id")).or_else(|| scene.number.id.clone());
    let key = start("account_settings_update", scene).need(id.as_deref());
    let key = key.need(part.word("timestamp").as_deref()).content(scene).end(|| scene.content_hash(scene.whole));
    let number = Number { id, display: scene.number.display.clone() };
    let lane = draft::number_lane(&number);
    let draft = Draft::new(&["account_settings_update", or_empty(&kind)], key, lane);
    let mut draft = draft.at(part.time("timestamp"));
    draft.number = Some(number);
    draft
}

/// The events that name a number by its display form only.
fn of_number<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>, words: &[&str], key: Key) -> Draft<'a> {
    let display = part.word("display_phone_number").or_else(|| scene.number.display.clone());
    let number = Number { id: scene.number.id.clone(), display };
    let lane = draft::number_lane(&number);
    let mut draft = Draft::new(words, key.timed(scene), lane).at(scene.entry_seconds());
    draft.number = Some(number);
    draft
}

fn display<'a>(part: &Part<'_, 'a>) -> Option<Cow<'a, str>> {
    part.object.some("display_phone_number").and_then(|value| value.word()).filter(|word| !word.is_empty())
}

fn username<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let status = part.word("status");
    let name = "business_username_updates";
    let key = start(name, scene).need(display(part).as_deref()).need(status.as_deref());
    let key = key.may(part.word("username").as_deref());
    of_number(scene, part, &[name, or_empty(&status)], key)
}

fn name<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let decision = part.word("decision");
    let key = start("phone_number_name_update", scene).need(display(part).as_deref());
    let key = key.need(part.word("requested_verified_name").as_deref()).need(decision.as_deref());
    of_number(scene, part, &["phone_number_name_update", or_empty(&decision)], key)
}

fn quality<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let event = part.word("event");
    let key = start("phone_number_quality_update", scene).need(display(part).as_deref()).need(event.as_deref());
    of_number(scene, part, &["phone_number_quality_update", or_empty(&event)], key.content(scene))
}

fn security<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let event = part.word("event");
    let key = start("security", scene).need(display(part).as_deref()).need(event.as_deref());
    let key = key.may(part.word("requester").as_deref());
    of_number(scene, part, &["security", or_empty(&event)], key)
}

fn flow<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let (flow, event) = (part.word("flow_id"), part.word("event"));
    let key = start("flows", scene).need(flow.as_deref()).need(event.as_deref()).content(scene).timed(scene);
    Draft::new(&["flows", or_empty(&event)], key, object_lane("flow", &flow)).at(scene.entry_seconds())
}

/// The lane of one thing with a name of its own.
fn object_lane<'a>(kind: &str, id: &Option<Cow<'_, str>>) -> Lane<'a> {
    id.as_ref().map_or(Lane::Own, |id| Lane::Object(format!("{kind}:{}", key::part(id))))
}

/// A phone number named in a value, as a number without an id.
fn by_display<'a>(display: Option<Cow<'a, str>>) -> Option<Number<'a>> {
    display.map(|display| Number { id: None, display: Some(text::digits(display)) })
}
