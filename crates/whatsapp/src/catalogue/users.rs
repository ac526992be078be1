//! What users decide and what is found out about them, beside their messages.

use super::{Elements, Evidence, Family, Field, MANAGEMENT, Override, PERMISSION_BY_RULE, page};

pub(super) const AUTOMATIC_EVENTS: Field = Field {
    name: "automatic_events",
    meaning: "Meta found a lead or a purchase in a conversation that an ad began",
    page: page!("webhooks/reference/automatic_events"),
    elements: &[Elements::stamped(
        "automatic_events",
        Family::AutomaticEvent,
        &["automatic_events.leadsubmitted", "automatic_events.purchase"],
    )],
    ..MANAGEMENT
};

pub(super) const CONSUMER_PROFILE: Field = Field {
    name: "consumer_profile",
    callback_override: Override::Applies,
    evidence: Evidence::Unpublished,
    meaning: "no payload is published; offered in the dashboard",
    page: page!("webhooks/override"),
    doubts: &[PERMISSION_BY_RULE, "Only the override page names it."],
    elements: &[Elements::unpublished(&["consumer_profile"])],
    ..MANAGEMENT
};

pub(super) const TRACKING_EVENTS: Field = Field {
    name: "tracking_events",
    evidence: Evidence::Seen,
    meaning: "a tracked event of a marketing message",
    doubts: &[PERMISSION_BY_RULE, "Known from the dashboard's list and test sample only."],
    elements: &[Elements::stamped("events", Family::TrackingEvent, &["tracking_events.sent"])],
    ..MANAGEMENT
};

pub(super) const USER_ID_UPDATE: Field = Field {
    name: "user_id_update",
    meaning: "a user's business-scoped id changed",
    page: page!("business-scoped-user-ids"),
    doubts: &[
        PERMISSION_BY_RULE,
        "Sources disagree whether it is still sent; a message of type system tells the same.",
    ],
    elements: &[Elements::stamped("user_id_update", Family::UserIdUpdate, &["user_id_update"])],
    ..MANAGEMENT
};

pub(super) const USER_PREFERENCES: Field = Field {
    name: "user_preferences",
    meaning: "a user stopped or resumed marketing messages, or signed up for them",
    page: page!("webhooks/reference/user_preferences"),
    doubts: &["The value `signup` is known from samples only."],
    elements: &[Elements::stamped(
        "user_preferences",
        Family::UserPreference,
        &["user_preferences.resume", "user_preferences.signup", "user_preferences.stop"],
    )],
    ..MANAGEMENT
};
