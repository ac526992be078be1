//! What people write to the business, and what becomes of what the business writes.

use super::{Elements, Family, Field, MANAGEMENT, Override, Permission, page};

pub(super) const MESSAGES: Field = Field {
    name: "messages",
    permission: Permission::Messaging,
    callback_override: Override::Applies,
    meaning: "messages of users, statuses of the business's own messages, payments, link clicks, errors of the number",
    page: page!("webhooks/reference/messages"),
    elements: &[
        Elements::stamped(
            "messages",
            Family::Message,
            &[
                "messages.audio",
                "messages.button",
                "messages.contacts",
                "messages.document",
                "messages.edit",
                "messages.ephemeral",
                "messages.image",
                "messages.interactive.button_reply",
                "messages.interactive.call_permission_reply",
                "messages.interactive.list_reply",
                "messages.interactive.nfm_reply",
                "messages.interactive.payment_method",
                "messages.interactive.product",
                "messages.interactive.product_list",
                "messages.location",
                "messages.order",
                "messages.reaction",
                "messages.request_welcome",
                "messages.revoke",
                "messages.sticker",
                "messages.system.customer_changed_number",
                "messages.system.customer_identity_changed",
                "messages.system.user_changed_number",
                "messages.system.user_changed_user_id",
                "messages.text",
                "messages.unknown",
                "messages.unsupported",
                "messages.video",
                "messages.voice",
            ],
        ),
        Elements::stamped(
            "statuses",
            Family::Status,
            &[
                "messages.status.deleted",
                "messages.status.delivered",
                "messages.status.failed",
                "messages.status.played",
                "messages.status.read",
                "messages.status.sent",
                "messages.status.warning",
            ],
        ),
        Elements::stamped(
            "statuses",
            Family::PaymentStatus,
            &["messages.payment.captured", "messages.payment.failed", "messages.payment.pending"],
        ),
        Elements::stamped(
            "user_actions",
            Family::UserAction,
            &["messages.user_action.landing_page_view", "messages.user_action.marketing_messages_link_click"],
        ),
        Elements::timeless("errors", Family::Error, &["messages.error"]),
    ],
    ..MANAGEMENT
};
