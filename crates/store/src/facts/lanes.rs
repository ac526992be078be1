//! Facts about how names become lanes.

use rules::lane::Names;

use super::build::{Body, commit, id};
use super::engine::Engine;
use crate::record::{EventOutcome, LaneName, NewConversation};
use crate::seam::{Find, Store};

fn named(phone: &str, user_id: &str, parent: &str) -> Names {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Names { phone: some(phone), user_id: some(user_id), parent_user_id: some(parent) }
}

/// Commits an event that shows these names; gives its lane.
async fn lane_of(store: &dyn Store, key: &str, names: Names, previous: Names) -> String {
    let conversation = NewConversation { number: "106".to_owned(), names, previous };
    let body = Body::new().shaped(key, "1", &[], |event| event.lane = LaneName::Conversation(conversation));
    commit(store, body.build(0)).await;
    store.find(Find::Event(id(key))).await.unwrap().remove(0).lane
}

pub(crate) async fn a_person_keeps_one_lane_under_all_names(engine: &mut dyn Engine) {
    let none = Names::default();
    let store = engine.store();
    let lane = lane_of(&*store, "a", named("155", "US.1", "EU.1"), none.clone()).await;
    assert_eq!(lane_of(&*store, "b", named("155", "", ""), none.clone()).await, lane);
    drop(store);
    engine.reopen().await;
    let store = engine.store();
    assert_eq!(lane_of(&*store, "c", named("", "US.1", ""), none.clone()).await, lane);
    assert_eq!(lane_of(&*store, "d", named("", "", "EU.1"), none.clone()).await, lane);
    let moved = lane_of(&*store, "e", named("177", "US.2", ""), named("155", "US.1", "")).await;
    assert_eq!(moved, lane);
    assert_eq!(lane_of(&*store, "f", named("177", "", ""), none).await, lane);
}

pub(crate) async fn a_stranger_does_not_inherit_a_lane(engine: &mut dyn Engine) {
    let store = engine.store();
    let none = Names::default();
    let old = lane_of(&*store, "a", named("155", "US.1", ""), none.clone()).await;
    let new = lane_of(&*store, "b", named("155", "US.2", ""), none.clone()).await;
    assert_ne!(old, new);
    assert_eq!(lane_of(&*store, "c", named("155", "", ""), none.clone()).await, new);
    assert_eq!(lane_of(&*store, "d", named("", "US.1", ""), none).await, old);
}

pub(crate) async fn a_conversation_with_nobody_is_a_lane_of_its_own(engine: &mut dyn Engine) {
    let store = engine.store();
    let none = Names::default();
    let one = lane_of(&*store, "a", none.clone(), none.clone()).await;
    let other = lane_of(&*store, "b", none.clone(), none).await;
    assert_eq!(one, format!("event:{}", id("a")));
    assert_ne!(one, other);
}

pub(crate) async fn a_repeated_old_event_changes_no_link(engine: &mut dyn Engine) {
    let store = engine.store();
    let none = Names::default();
    lane_of(&*store, "a", named("155", "US.1", ""), none.clone()).await;
    let new = lane_of(&*store, "b", named("155", "US.2", ""), none.clone()).await;
    let conversation =
        NewConversation { number: "106".to_owned(), names: named("155", "US.1", ""), previous: none.clone() };
    let again = Body::new().shaped("a", "1", &[], |event| event.lane = LaneName::Conversation(conversation));
    assert_eq!(commit(&*store, again.build(0)).await.events, [EventOutcome::Duplicate]);
    assert_eq!(lane_of(&*store, "c", named("155", "", ""), none).await, new);
}
