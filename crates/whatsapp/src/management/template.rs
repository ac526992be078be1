//! Events of message templates.

use std::borrow::Cow;

use super::{or_empty, start};
use crate::draft::Draft;
use crate::event::Lane;
use crate::key::{self, Key};
use crate::part::Part;
use crate::scene::Scene;

/// True for a quality score: it has one, and no `event`.
pub(super) fn is_quality(part: &Part<'_, '_>) -> bool {
    part.has("new_quality_score") && !part.has("event")
}

pub(super) fn components<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let name = "message_template_components_update";
    of_template(scene, part, &[name], |key| key.content(scene))
}

pub(super) fn quality<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let [previous, new] = [part.word("previous_quality_score"), part.word("new_quality_score")];
    let words = ["message_template_quality_update", or_empty(&new)];
    of_template(scene, part, &words, |key| key.may(previous.as_deref()).need(new.as_deref()))
}

pub(super) fn status<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let event = part.word("event");
    let words = ["message_template_status_update", or_empty(&event)];
    of_template(scene, part, &words, |key| key.need(event.as_deref()).content(scene))
}

/// One field, two notices: a change that will come, and a change that has come.
pub(super) fn category<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let when = part.object.some("category_update_timestamp").and_then(|value| value.word());
    let when = when.and_then(|word| crate::time::seconds(&word).ok());
    let ahead = when.zip(scene.entry_seconds()).is_some_and(|(when, now)| when > now);
    let impending = ahead || (part.has("correct_category") && !part.has("previous_category"));
    let kind = if impending { "impending" } else { "completed" };
    of_template(scene, part, &["template_category_update", kind], |key| key.content(scene))
}

pub(super) fn detection<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let correct = part.word("correct_category");
    of_template(scene, part, &["template_correct_category_detection"], |key| key.need(correct.as_deref()))
}

fn of_template<'a>(
    scene: &Scene<'_, 'a>,
    part: &Part<'_, 'a>,
    words: &[&str],
    rest: impl FnOnce(Key) -> Key,
) -> Draft<'a> {
    let template = part.word("message_template_id");
    let name = words.first().copied().unwrap_or_default();
    let key = rest(start(name, scene).need(template.as_deref())).timed(scene);
    Draft::new(words, key, lane(scene, &template)).at(scene.entry_seconds())
}

fn lane<'a>(scene: &Scene<'_, 'a>, template: &Option<Cow<'a, str>>) -> Lane<'a> {
    let account = scene.entry_id.as_deref().map_or_else(|| "-".to_owned(), key::part);
    template.as_ref().map_or(Lane::Own, |id| Lane::Object(format!("template:{account}:{}", key::part(id))))
}
