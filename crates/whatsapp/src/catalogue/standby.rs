//! Conversations that another app owns, and who owns them.

use super::{Elements, Family, Field, MANAGEMENT, Override, PERMISSION_BY_RULE, TimeSource, page};

pub(super) const MESSAGING_HANDOVERS: Field = Field {
    name: "messaging_handovers",
    callback_override: Override::Applies,
    meaning: "another app or agent took a conversation over, or was given it",
    page: page!("webhooks/reference/messaging-handovers"),
    elements: &[Elements::whole(
        TimeSource::Member("timestamp"),
        Family::Handover,
        &["messaging_handovers.control_passed", "messaging_handovers.control_taken"],
    )],
    ..MANAGEMENT
};

pub(super) const STANDBY: Field = Field {
    name: "standby",
    callback_override: Override::Unstated,
    meaning: "what another app receives and sends in a conversation that it owns: to be read, never answered",
    page: page!("webhooks/reference/standby"),
    doubts: &[
        PERMISSION_BY_RULE,
        "Override: not in Meta's list, so it should go to the app's own URL; no page says so.",
    ],
    elements: &[
        Elements::stamped(
            "standby.messages",
            Family::Message,
            &[
                "standby.messages.audio",
                "standby.messages.button",
                "standby.messages.contacts",
                "standby.messages.document",
                "standby.messages.edit",
                "standby.messages.ephemeral",
                "standby.messages.image",
                "standby.messages.interactive.button_reply",
                "standby.messages.interactive.call_permission_reply",
                "standby.messages.interactive.list_reply",
                "standby.messages.interactive.nfm_reply",
                "standby.messages.interactive.payment_method",
                "standby.messages.interactive.product",
                "standby.messages.interactive.product_list",
                "standby.messages.location",
                "standby.messages.order",
                "standby.messages.reaction",
                "standby.messages.request_welcome",
                "standby.messages.revoke",
                "standby.messages.sticker",
                "standby.messages.system.customer_changed_number",
                "standby.messages.system.customer_identity_changed",
                "standby.messages.system.user_changed_number",
                "standby.messages.system.user_changed_user_id",
                "standby.messages.text",
                "standby.messages.unknown",
                "standby.messages.unsupported",
                "standby.messages.video",
                "standby.messages.voice",
            ],
        ),
        Elements::stamped("standby.message_echoes", Family::StandbyEcho, &["standby.message_echoes"]),
        Elements::stamped(
            "standby.statuses",
            Family::Status,
            &[
                "standby.status.deleted",
                "standby.status.delivered",
                "standby.status.failed",
                "standby.status.played",
                "standby.status.read",
                "standby.status.sent",
                "standby.status.warning",
            ],
        ),
    ],
    ..MANAGEMENT
};
