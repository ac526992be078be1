//! `groups[]`: what happened to a group as a whole.

use crate::draft::Draft;
use crate::event::Lane;
use crate::key::Key;
use crate::part::Part;
use crate::scene::{Item, Scene};

/// One change of a group.
pub(crate) fn group<'a>(scene: &Scene<'_, 'a>, item: &Item<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let base = item.array.base(&scene.field, &scene.field_name);
    let (group, kind) = (part.word("group_id"), part.word("type"));
    let request = part.first_word(&["request_id", "join_request_id"]);
    let key = Key::new("grp").may(scene.number_part()).may(group.as_deref()).may(kind.as_deref());
    let key = key.may(request.as_deref()).may(part.word("timestamp").as_deref());
    let key = key.may(Some(&scene.content_hash(item.json))).end(String::new);
    let lane = match (&group, &request) {
        (Some(group), _) => Lane::Object(scene.lane_name("group", group)),
        // A group that could not be made has no id; what belongs together is the request.
        (None, Some(request)) => Lane::Object(scene.lane_name("group", &format!("request {request}"))),
        (None, None) => scene.number_lane(),
    };
    Draft::new(&[base, &kind.unwrap_or_default()], key, lane).at(part.time("timestamp"))
}
