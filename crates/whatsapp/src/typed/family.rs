//! Which typed value belongs to which event type.

use crate::json::{Json, Tape};
use crate::outline::Outline;
use crate::typed::{
    AccountAlert, AccountReviewUpdate, AccountSettingsUpdate, AccountUpdate, AutomaticEvent, BusinessCapabilityUpdate,
    BusinessUsernameUpdate, Call, CallStatus, Echo, Error, FlowUpdate, GroupEvent, Handover, History, Message,
    PartnerSolution, PaymentConfigurationUpdate, PaymentStatus, PhoneNumberNameUpdate, PhoneNumberQualityUpdate, Raw,
    Security, StandbyEcho, StateSync, Status, TemplateCategoryDetection, TemplateCategoryUpdate,
    TemplateComponentsUpdate, TemplateQualityUpdate, TemplateStatusUpdate, TrackingEvent, Typed, UserAction,
    UserIdUpdate, UserPreference,
};
use crate::types;

/// Declares the families: one list gives the enum of values, their outlines and their readers.
macro_rules! families {
    ($( $(#[doc = $doc:literal])* $type:ident ),* $(,)?) => {
        /// Of which typed value an event is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Family {
            $($type,)*
        }

        impl Family {
            /// What is known of its JSON.
            pub(crate) fn outline(self) -> &'static Outline {
                match self {
                    $(Self::$type => const { &$type::OUTLINE },)*
                }
            }

            fn read<'a>(self, json: Json<'_, 'a>) -> Option<Value<'a>> {
                match self {
                    $(Self::$type => $type::from_json(json).map(|read| Value::$type(Box::new(read))),)*
                }
            }
        }

        /// What an event says.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum Value<'a> {
            $(
                $(#[doc = $doc])*
                $type(Box<$type<'a>>),
            )*
            /// An event of which nothing is published or known, or whose element is no object: its JSON.
            Raw(Raw<'a>),
            /// Bytes that are not JSON.
            Bytes(&'a [u8]),
        }
    };
}

families! {
    /// What people write: `messages.…`, `standby.messages.…`, and media that follow up on history.
    Message,
    /// What the business writes without this app: `message_echoes.…`, `smb_message_echoes.…`.
    Echo,
    /// What became of messages of the business: `messages.status.…`, `standby.status.…`.
    Status,
    /// What became of payments: `messages.payment.…`.
    PaymentStatus,
    /// Clicks: `messages.user_action.…`.
    UserAction,
    /// What went wrong with a number as a whole: `messages.error`, `calls.error`.
    Error,
    /// `history.chunk`, `history.declined`
    History,
    /// `smb_app_state_sync.…`
    StateSync,
    /// `calls.…`
    Call,
    /// `calls.status.…`
    CallStatus,
    /// `messaging_handovers.…`
    Handover,
    /// `standby.message_echoes`
    StandbyEcho,
    /// The four fields on groups.
    GroupEvent,
    /// `user_preferences.…`
    UserPreference,
    /// `user_id_update`
    UserIdUpdate,
    /// `automatic_events.…`
    AutomaticEvent,
    /// `tracking_events.…`
    TrackingEvent,
    /// `account_alerts.…`
    AccountAlert,
    /// `account_review_update.…`
    AccountReviewUpdate,
    /// `account_settings_update.…`
    AccountSettingsUpdate,
    /// `account_update.…`
    AccountUpdate,
    /// `business_capability_update`
    BusinessCapabilityUpdate,
    /// `business_username_updates.…`
    BusinessUsernameUpdate,
    /// `partner_solutions.…`
    PartnerSolution,
    /// `payment_configuration_update.…`
    PaymentConfigurationUpdate,
    /// `phone_number_name_update.…`
    PhoneNumberNameUpdate,
    /// `phone_number_quality_update.…`
    PhoneNumberQualityUpdate,
    /// `security.…`
    Security,
    /// `message_template_components_update`
    TemplateComponentsUpdate,
    /// `message_template_quality_update.…`
    TemplateQualityUpdate,
    /// `message_template_status_update.…`
    TemplateStatusUpdate,
    /// `template_category_update.…`
    TemplateCategoryUpdate,
    /// `template_correct_category_detection`
    TemplateCategoryDetection,
    /// `flows.…`
    FlowUpdate,
}

impl Family {
    /// The family of a type. A new type belongs where its siblings belong.
    pub(crate) fn of_type(event_type: &str) -> Option<Self> {
        types::family(event_type)
    }

    /// Reads what an event says; without a family, or where the element is no object, its JSON.
    pub(crate) fn value<'a>(family: Option<Self>, json: Json<'_, 'a>) -> Value<'a> {
        family.and_then(|family| family.read(json)).unwrap_or(Value::Raw(Raw(json.text())))
    }
}

/// Reads the data of an event of this type, for instance of a stored one. `None` where the text is no JSON.
#[must_use]
pub fn read<'a>(event_type: &str, data: &'a str) -> Option<Value<'a>> {
    let tape = Tape::read(data)?;
    let json = tape.root();
    // Media that follow up on history come from both sides; only those of the business say to whom.
    let is_echo = || json.object().is_some_and(|data| ["to", "to_user_id"].iter().any(|name| data.get(name).is_some()));
    let family = match Family::of_type(event_type) {
        Some(Family::Message) if event_type == "history.media" && is_echo() => Some(Family::Echo),
        family => family,
    };
    Some(Family::value(family, json))
}
