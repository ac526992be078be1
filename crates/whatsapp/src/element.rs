//! Which reader reads what: elements by their array, whole changes by their field.

use crate::array::Array;
use crate::draft::Draft;
use crate::drift::{Drift, Path};
use crate::field::Field;
use crate::key::Key;
use crate::part::{Notes, Part};
use crate::scene::{Item, Scene};
use crate::typed::Family;
use crate::{calls, coexistence, groups, management, messages, people, statuses, types};

/// Reads one element.
pub(crate) fn element<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, notes: &Notes) -> Draft<'a> {
    let Some(object) = item.json.object() else {
        notes.add(scene.item_path(item), "not an object");
        return odd(scene, item);
    };
    let part = Part::new(object);
    let read = match item.array {
        Array::Messages => messages::message,
        Array::MessageEchoes => messages::message_echo,
        Array::Statuses => statuses::status,
        Array::Calls => calls::call,
        Array::UserActions => people::user_action,
        Array::Groups => groups::group,
        Array::StateSync => coexistence::state_sync,
        Array::History => coexistence::history,
        Array::UserPreferences => people::preference,
        Array::UserIdUpdate => people::user_id_update,
        Array::AutomaticEvents => people::automatic,
        Array::TrackingEvents => people::tracking,
        Array::StandbyMessages => messages::standby_message,
        Array::StandbyEchoes => messages::standby_echo,
        Array::StandbyStatuses => statuses::standby_status,
        Array::Errors => people::error,
    };
    let mut draft = read(scene, item, &part);
    draft.family = Some(family(item.array, scene.field, &part));
    draft
}

/// Which typed value an element has.
fn family(array: Array, field: Field, part: &Part<'_, '_>) -> Family {
    match array {
        Array::Messages if matches!(field, Field::MessageEchoes | Field::SmbMessageEchoes) => Family::Echo,
        Array::Messages | Array::StandbyMessages => Family::Message,
        Array::MessageEchoes => Family::Echo,
        Array::Statuses => match part.word("type").as_deref() {
            Some("payment") => Family::PaymentStatus,
            Some("call") => Family::CallStatus,
            // Without its type it is still told as what it is.
            _ if part.has("payment") => Family::PaymentStatus,
            _ if field == Field::Calls => Family::CallStatus,
            _ => Family::Status,
        },
        Array::StandbyStatuses => Family::Status,
        Array::Calls => Family::Call,
        Array::UserActions => Family::UserAction,
        Array::Groups => Family::GroupEvent,
        Array::StateSync => Family::StateSync,
        Array::History => Family::History,
        Array::UserPreferences => Family::UserPreference,
        Array::UserIdUpdate => Family::UserIdUpdate,
        Array::AutomaticEvents => Family::AutomaticEvent,
        Array::TrackingEvents => Family::TrackingEvent,
        Array::StandbyEchoes => Family::StandbyEcho,
        Array::Errors => Family::Error,
    }
}

/// An element that is no object: an event all the same, known by its content.
fn odd<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let key = Key::new("raw").may(Some(base)).may(scene.entry_id.as_deref()).may(scene.number_part());
    let key = key.may(Some(item.array.name())).may(Some(&scene.content_hash(item.json))).end(String::new);
    Draft::new(&[base], key, scene.number_lane())
}

/// Reads a change that is one event.
pub(crate) fn whole_change<'a>(scene: &Scene<'_, 'a>, notes: &Notes) -> Draft<'a> {
    let name = if scene.field == Field::Missing { "notification.change" } else { scene.field_name.as_ref() };
    let Some(value) = scene.value else {
        notes.add(scene.value_path(), if scene.has_value { "not an object" } else { "missing" });
        return Draft::raw(&[name], scene, scene.whole);
    };
    let part = Part::new(value);
    let field = scene.field;
    let mut draft = if field == Field::Handovers {
        people::handover(scene, &part)
    } else if management::is_misplaced_quality(&part) {
        management::template_quality(scene, &part)
    } else if field == Field::Management {
        management::change(scene, &part)
    } else {
        let known = !matches!(field, Field::Unknown | Field::Missing | Field::ConsumerProfile);
        if known && !scene.odd_array && notes.is_empty() {
            notes.add(scene.value_path(), "no known element");
        }
        return Draft::raw(&[name], scene, scene.whole);
    };
    draft.family = if management::is_misplaced_quality(&part) {
        Some(Family::TemplateQualityUpdate)
    } else {
        crate::catalogue::field(name).and_then(|field| field.elements.first()?.family)
    };
    draft
}

/// True where the event has no other time than `entry.time`.
pub(crate) fn needs_entry_time(draft: &Draft<'_>) -> bool {
    !matches!(draft.family, None | Some(Family::AccountSettingsUpdate | Family::Handover))
}

/// Notes what no source knows of an event's JSON: the operator hears from us first that Meta changed something.
pub(crate) fn note_news(scene: &Scene<'_, '_>, draft: &Draft<'_>, item: Option<&Item<'_, '_>>, notes: &Notes) {
    let path = || item.map_or_else(|| scene.value_path(), |item| scene.item_path(item));
    let is_known = types::is_known_type(draft.event_type.as_str());
    let drift = Drift::new(notes, !is_known);
    if let Some(family) = draft.family {
        let object = item.map_or(scene.value, |item| item.json.object());
        if let Some(object) = object {
            drift.members(&object, family.outline(), &Path::Root(&path), &|_| false);
        }
    }
    if scene.field == Field::Unknown {
        notes.add(scene.place.member("field"), "unknown field");
    } else if !is_known && (drift.met_a_new_type() || notes.is_empty()) {
        notes.add(path(), "unknown type");
    }
}
