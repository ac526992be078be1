//! The members that some source shows at the top of an element, or of a value that is one event: the documentation,
//! samples of the dashboard, captures, and spellings that the readers take besides. Any other is new, and told.
//!
//! Only the top is known here. What lies deeper is passed on unread.

use crate::array::Array;
use crate::json::Object;

/// Unknown members of one element that are told. An element full of them says no more.
const TOLD_MAX: usize = 8;
/// Letters of such a name that are told.
const NAME_CHARS_MAX: usize = 64;

/// `messages[]` and `message_echoes[]`; the content stands in a member that is called as the type.
const MESSAGE: &[&str] = &[
    "from",
    "id",
    "timestamp",
    "type",
    "from_user_id",
    "from_parent_user_id",
    "to",
    "to_user_id",
    "to_parent_user_id",
    "group_id",
    "context",
    "referral",
    "errors",
    "identity",
    "origin",
    "history_context",
    "from_logical_id",
    "message_creation_type",
    // What can be called as the type. A message whose type got lost has one of them all the same.
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "order",
    "button",
    "interactive",
    "system",
    "edit",
    "revoke",
    "unsupported",
    "template",
    "voice",
    "ephemeral",
];

const STATUS: &[&str] = &[
    "id",
    "status",
    "timestamp",
    "recipient_id",
    "recipient_user_id",
    "conversation",
    "pricing",
    "errors",
    "biz_opaque_callback_data",
    "type",
    "recipient_type",
    "recipient_parent_user_id",
    "parent_recipient_user_id",
    "parent_user_id",
    "recipient_identity_key_hash",
    "recipient_participant_id",
    "recipient_participant_user_id",
    "recipient_participant_parent_user_id",
    "participant_recipient_id",
    "participant_recipient_user_id",
    "participant_recipient_parent_user_id",
    "participant_id",
    "participant_user_id",
    "participant_parent_user_id",
    "group_id",
    "template_id",
    "payment",
];

const STANDBY_ECHO: &[&str] =
    &["id", "timestamp", "message", "template", "flow", "to", "to_user_id", "to_parent_user_id", "group_id"];

const CALL: &[&str] = &[
    "id",
    "wacid",
    "event",
    "timestamp",
    "direction",
    "from",
    "from_user_id",
    "from_parent_user_id",
    "to",
    "to_user_id",
    "to_parent_user_id",
    "session",
    "connection",
    "deeplink_payload",
    "cta_payload",
    "biz_opaque_callback_data",
    "status",
    "start_time",
    "end_time",
    "duration",
    "call_recording",
    "call_transcript",
];

const GROUP: &[&str] = &[
    "timestamp",
    "group_id",
    "type",
    "request_id",
    "errors",
    "subject",
    "description",
    "invite_link",
    "join_approval_mode",
    "reason",
    "added_participants",
    "removed_participants",
    "failed_participants",
    "initiated_by",
    "join_request_id",
    "wa_id",
    "user_id",
    "parent_user_id",
    "username",
    "profile_picture",
    "group_subject",
    "group_description",
];

/// What an element of this array can have.
pub(crate) fn of_element(array: Array) -> &'static [&'static str] {
    match array {
        Array::Messages | Array::MessageEchoes | Array::StandbyMessages => MESSAGE,
        Array::Statuses | Array::StandbyStatuses => STATUS,
        Array::StandbyEchoes => STANDBY_ECHO,
        Array::Calls => CALL,
        Array::Groups => GROUP,
        Array::UserActions => {
            &["action_type", "timestamp", "click_id", "marketing_messages_link_click_data", "landing_page_view_data"]
        }
        Array::StateSync => &["type", "action", "contact", "metadata"],
        Array::History => &["metadata", "threads", "errors"],
        Array::UserPreferences => {
            &["wa_id", "user_id", "parent_user_id", "detail", "category", "value", "signup_id", "timestamp"]
        }
        Array::UserIdUpdate => &["wa_id", "user_id", "parent_user_id", "detail", "timestamp"],
        Array::AutomaticEvents => &["id", "event_name", "timestamp", "ctwa_clid", "custom_data"],
        Array::TrackingEvents => &["event_name", "timestamp", "tracking_data"],
        Array::Errors => &["code", "title", "message", "error_data", "details", "href"],
    }
}

/// What the value of this field can have, where the whole change is one event. `None` where nobody knows.
pub(crate) fn of_value(field: &str) -> Option<&'static [&'static str]> {
    Some(match field {
        "account_alerts" => &[
            "entity_type",
            "entity_id",
            "alert_info",
            "alert_severity",
            "alert_status",
            "alert_type",
            "alert_description",
        ],
        "account_review_update" => &["decision"],
        "account_settings_update" => &["messaging_product", "timestamp", "type", "phone_number_settings"],
        "account_update" => &[
            "event",
            "phone_number",
            "country",
            "waba_info",
            "violation_info",
            "restriction_info",
            "ban_info",
            "auth_international_rate_eligibility",
            "volume_tier_info",
            "disconnection_info",
            "partner_client_certification_info",
            "partner_client_certification_needed_info",
        ],
        "business_capability_update" => &[
            "max_daily_conversation_per_phone",
            "max_daily_conversations_per_business",
            "max_phone_numbers_per_business",
            "max_phone_numbers_per_waba",
        ],
        "business_username_update" | "business_username_updates" => {
            &["display_phone_number", "username", "status", "context"]
        }
        "flows" => &[
            "event",
            "message",
            "flow_id",
            "old_status",
            "new_status",
            "warning",
            "alert_state",
            "threshold",
            "error_rate",
            "errors",
            "p50_latency",
            "p90_latency",
            "requests_count",
            "availability",
            "reason",
        ],
        "messaging_handovers" => {
            &["messaging_product", "recipient", "sender", "type", "timestamp", "control_passed", "control_taken"]
        }
        "partner_solutions" => &["event", "solution_id", "solution_status"],
        "payment_configuration_update" => {
            &["configuration_name", "provider_name", "provider_mid", "status", "created_timestamp", "updated_timestamp"]
        }
        "phone_number_name_update" => {
            &["display_phone_number", "decision", "requested_verified_name", "rejection_reason"]
        }
        "phone_number_quality_update" => {
            &["display_phone_number", "event", "current_limit", "old_limit", "max_daily_conversations_per_business"]
        }
        "security" => &["display_phone_number", "event", "requester"],
        name => return of_template(name),
    })
}

fn of_template(field: &str) -> Option<&'static [&'static str]> {
    Some(match field {
        "message_template_components_update" => &[
            "message_template_id",
            "message_template_name",
            "message_template_language",
            "message_template_element",
            "message_template_title",
            "message_template_footer",
            "message_template_buttons",
        ],
        "message_template_quality_update" => &[
            "message_template_id",
            "message_template_name",
            "message_template_language",
            "previous_quality_score",
            "new_quality_score",
        ],
        "message_template_status_update" => &[
            "message_template_id",
            "message_template_name",
            "message_template_language",
            "message_template_category",
            "event",
            "reason",
            "disable_info",
            "other_info",
            "rejection_info",
        ],
        "template_category_update" => &[
            "message_template_id",
            "message_template_name",
            "message_template_language",
            "correct_category",
            "new_category",
            "previous_category",
            "category_update_timestamp",
            "category_appeal_status",
        ],
        "template_correct_category_detection" => &[
            "message_template_id",
            "message_template_name",
            "message_template_language",
            "category",
            "correct_category",
        ],
        _ => return None,
    })
}

/// The members that are not among the known ones, nor called as what the element says it is.
pub(crate) fn unknown_members(object: &Object<'_>, known: &[&str]) -> Vec<String> {
    let unknown = object.members.iter().filter(|member| !known.contains(&member.name.as_ref()));
    let unknown = unknown.filter(|member| !is_named_by(object, &member.name));
    unknown.take(TOLD_MAX).map(|member| harmless(&member.name)).collect()
}

/// True for `poll` beside `"type":"poll"`, and for `x_data` beside `"action_type":"x"`: of something new the type is told.
fn is_named_by(object: &Object<'_>, name: &str) -> bool {
    let says = |member, word| object.some(member).and_then(|value| value.word()).is_some_and(|said| said == word);
    says("type", name) || name.strip_suffix("_data").is_some_and(|action| says("action_type", action))
}

/// A name is made by the sender: only letters that every real one has, and not too many.
fn harmless(name: &str) -> String {
    let fold = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' };
    name.chars().take(NAME_CHARS_MAX).map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Evidence, fields};

    #[test]
    fn every_value_that_is_one_event_has_known_members_unless_nothing_is_published() {
        for field in fields().iter().filter(|field| field.elements.iter().any(|elements| elements.array.is_none())) {
            assert_eq!(of_value(field.name).is_some(), field.evidence != Evidence::Unpublished, "{}", field.name);
            assert!(field.also.iter().all(|also| of_value(also) == of_value(field.name)), "{}", field.name);
        }
    }
}
