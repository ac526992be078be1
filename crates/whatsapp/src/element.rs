//! Which reader reads what: elements by their array, whole changes by their field.

use crate::array::Array;
use crate::canon;
use crate::draft::Draft;
use crate::envelope::join;
use crate::field::Field;
use crate::key::Key;
use crate::part::{Notes, Part};
use crate::scene::{Item, Scene};
use crate::{calls, coexistence, groups, management, messages, people, shape, statuses, types};

/// Reads one element.
pub(crate) fn element<'a>(scene: &Scene<'a>, item: &Item<'a>, notes: &Notes) -> Draft<'a> {
    let Some(object) = crate::part::object_or_note(item.json, &item.path, notes) else {
        return odd(scene, item);
    };
    let part = Part::new(object, item.path.clone(), notes);
    if scene.number.id.is_none() {
        notes.add(format!("{}.metadata.phone_number_id", scene.value_path), "missing");
    }
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
    draft.unknown_members = shape::unknown_members(&part.object, shape::of_element(item.array));
    draft
}

/// An element that is no object: an event all the same, known by its content.
fn odd<'a>(scene: &Scene<'a>, item: &Item<'a>) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let key = Key::new("raw").may(Some(&base)).may(scene.entry_id.as_deref()).may(scene.number_part().as_deref());
    let key = key.may(Some(item.array.name())).may(Some(&canon::content_hash(item.json))).end(String::new);
    Draft::new(&[&base], key, scene.number_lane())
}

/// Reads a change that is one event.
pub(crate) fn whole_change<'a>(scene: &Scene<'a>, notes: &Notes) -> Draft<'a> {
    let name = if scene.field == Field::Missing { "notification.change" } else { scene.field_name.as_ref() };
    let Some(value) = scene.value.clone() else {
        notes.add(scene.value_path.clone(), "not an object");
        return Draft::raw(&[name], scene, scene.whole);
    };
    // The members that occur twice were noted when the scene was read.
    let part = Part::quiet(value, scene.value_path.clone(), notes);
    let field = scene.field;
    let read = if field == Field::Handovers {
        Some((people::handover(scene, &part), name))
    } else if management::is_misplaced_quality(&part) {
        Some((management::template_quality(scene, &part), "message_template_quality_update"))
    } else if field == Field::Management {
        Some((management::change(scene, &part), name))
    } else {
        None
    };
    if let Some((mut draft, shape)) = read {
        let known = shape::of_value(shape);
        draft.unknown_members = known.map(|known| shape::unknown_members(&part.object, known)).unwrap_or_default();
        return draft;
    }
    if !matches!(field, Field::Unknown | Field::Missing | Field::ConsumerProfile) {
        notes.add(scene.value_path.clone(), "no known element");
    }
    Draft::raw(&[name], scene, scene.whole)
}

/// Notes a field, a type or a member that no source knows: the operator hears from us first that Meta changed something.
pub(crate) fn note_news(scene: &Scene<'_>, draft: &Draft<'_>, path: &str, notes: &Notes) {
    if scene.field == Field::Unknown {
        let change = scene.value_path.strip_suffix("value").unwrap_or_default();
        notes.add(format!("{change}field"), "unknown field");
    } else if notes.is_empty() && !types::is_known_type(draft.event_type.as_str()) {
        notes.add(path.to_owned(), "unknown type");
    }
    for member in &draft.unknown_members {
        notes.add(join(path, member), "unknown member");
    }
}
