//! What the business itself does in the WhatsApp Business app: its messages, its address book, its past.

use super::{Elements, Evidence, Family, Field, MANAGEMENT, Override, TimeSource, page};

pub(super) const HISTORY: Field = Field {
    name: "history",
    callback_override: Override::Applies,
    meaning: "old messages, handed over once when a number of the app comes to the API",
    page: page!("webhooks/reference/history"),
    doubts: &["A chunk has no time of its own; each message inside has one."],
    elements: &[
        Elements::timeless("history", Family::History, &["history.chunk", "history.declined"]),
        Elements::stamped("messages", Family::Message, &["history.media"]),
        Elements::stamped("message_echoes", Family::Echo, &["history.media"]),
    ],
    ..MANAGEMENT
};

pub(super) const MESSAGE_ECHOES: Field = Field {
    name: "message_echoes",
    callback_override: Override::Applies,
    evidence: Evidence::Seen,
    meaning: "messages of the business that were not sent by this app",
    page: page!("webhooks/override"),
    doubts: &[
        "Its page is linked and not found; the override page names it.",
        "Whether it differs from smb_message_echoes, and whether it lives on, is open.",
        "Captures also show `messages` in place of `message_echoes`: echoes all the same.",
    ],
    elements: &[Elements::stamped(
        "message_echoes",
        Family::Echo,
        &[
            "message_echoes.audio",
            "message_echoes.button",
            "message_echoes.contacts",
            "message_echoes.document",
            "message_echoes.edit",
            "message_echoes.image",
            "message_echoes.interactive",
            "message_echoes.location",
            "message_echoes.order",
            "message_echoes.reaction",
            "message_echoes.revoke",
            "message_echoes.sticker",
            "message_echoes.template",
            "message_echoes.text",
            "message_echoes.unsupported",
            "message_echoes.video",
        ],
    )],
    ..MANAGEMENT
};

pub(super) const SMB_APP_STATE_SYNC: Field = Field {
    name: "smb_app_state_sync",
    callback_override: Override::Applies,
    meaning: "contacts in the app's address book were added, changed or removed",
    page: page!("webhooks/reference/smb_app_state_sync"),
    elements: &[Elements {
        array: Some("state_sync"),
        time: TimeSource::Member("metadata.timestamp"),
        family: Some(Family::StateSync),
        types: &["smb_app_state_sync.add", "smb_app_state_sync.create", "smb_app_state_sync.remove"],
    }],
    ..MANAGEMENT
};

pub(super) const SMB_MESSAGE_ECHOES: Field = Field {
    name: "smb_message_echoes",
    callback_override: Override::Applies,
    meaning: "messages that the business sent, edited or deleted in the WhatsApp Business app",
    page: page!("webhooks/reference/smb_message_echoes"),
    elements: &[Elements::stamped(
        "message_echoes",
        Family::Echo,
        &[
            "smb_message_echoes.audio",
            "smb_message_echoes.button",
            "smb_message_echoes.contacts",
            "smb_message_echoes.document",
            "smb_message_echoes.edit",
            "smb_message_echoes.image",
            "smb_message_echoes.interactive",
            "smb_message_echoes.location",
            "smb_message_echoes.order",
            "smb_message_echoes.reaction",
            "smb_message_echoes.revoke",
            "smb_message_echoes.sticker",
            "smb_message_echoes.template",
            "smb_message_echoes.text",
            "smb_message_echoes.unsupported",
            "smb_message_echoes.video",
        ],
    )],
    ..MANAGEMENT
};
