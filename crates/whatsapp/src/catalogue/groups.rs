//! Groups.

use super::{Elements, Family, Field, MANAGEMENT, Override, page};

pub(super) const GROUP_LIFECYCLE_UPDATE: Field = Field {
    name: "group_lifecycle_update",
    callback_override: Override::Applies,
    meaning: "a group was made or deleted",
    page: page!("groups/webhooks"),
    elements: &[Elements::stamped(
        "groups",
        Family::GroupEvent,
        &["group_lifecycle_update.group_create", "group_lifecycle_update.group_delete"],
    )],
    ..MANAGEMENT
};

pub(super) const GROUP_PARTICIPANTS_UPDATE: Field = Field {
    name: "group_participants_update",
    callback_override: Override::Applies,
    meaning: "people joined, left or asked to join a group",
    page: page!("groups/webhooks"),
    elements: &[Elements::stamped(
        "groups",
        Family::GroupEvent,
        &[
            "group_participants_update.group_join_request_created",
            "group_participants_update.group_join_request_revoked",
            "group_participants_update.group_participants_add",
            "group_participants_update.group_participants_remove",
        ],
    )],
    ..MANAGEMENT
};

pub(super) const GROUP_SETTINGS_UPDATE: Field = Field {
    name: "group_settings_update",
    callback_override: Override::Applies,
    meaning: "subject, description or picture of a group was changed",
    page: page!("groups/webhooks"),
    elements: &[Elements::stamped("groups", Family::GroupEvent, &["group_settings_update.group_settings_update"])],
    ..MANAGEMENT
};

pub(super) const GROUP_STATUS_UPDATE: Field = Field {
    name: "group_status_update",
    callback_override: Override::Applies,
    meaning: "WhatsApp suspended a group, or lifted that",
    page: page!("groups/webhooks"),
    elements: &[Elements::stamped(
        "groups",
        Family::GroupEvent,
        &["group_status_update.group_suspend", "group_status_update.group_suspend_cleared"],
    )],
    ..MANAGEMENT
};
