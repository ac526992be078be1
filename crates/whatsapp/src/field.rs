//! The webhook fields by what they mean for cutting: which of them have a life of their own.

/// A change's `field`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Messages,
    MessageEchoes,
    SmbMessageEchoes,
    StateSync,
    History,
    Calls,
    Handovers,
    Standby,
    Groups,
    ConsumerProfile,
    UserPreferences,
    UserIdUpdate,
    AutomaticEvents,
    TrackingEvents,
    /// One event per change.
    Management,
    /// A name that no source knows.
    Unknown,
    /// No name at all.
    Missing,
}

impl Field {
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "" => Self::Missing,
            "messages" => Self::Messages,
            "message_echoes" => Self::MessageEchoes,
            "smb_message_echoes" => Self::SmbMessageEchoes,
            "smb_app_state_sync" => Self::StateSync,
            "history" => Self::History,
            "calls" => Self::Calls,
            "messaging_handovers" => Self::Handovers,
            "standby" => Self::Standby,
            "group_lifecycle_update"
            | "group_participants_update"
            | "group_settings_update"
            | "group_status_update" => Self::Groups,
            "consumer_profile" => Self::ConsumerProfile,
            "user_preferences" => Self::UserPreferences,
            "user_id_update" => Self::UserIdUpdate,
            "automatic_events" => Self::AutomaticEvents,
            "tracking_events" => Self::TrackingEvents,
            "account_alerts"
            | "account_review_update"
            | "account_settings_update"
            | "account_update"
            | "business_capability_update"
            | "business_status_update"
            | "business_username_update"
            | "business_username_updates"
            | "campaign_status_update"
            | "flows"
            | "message_template_components_update"
            | "message_template_quality_update"
            | "message_template_status_update"
            | "partner_solutions"
            | "payment_configuration_update"
            | "phone_number_name_update"
            | "phone_number_quality_update"
            | "security"
            | "template_category_update"
            | "template_correct_category_detection"
            | "template_performance_metrics" => Self::Management,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_knows_the_fields_of_the_catalogue() {
        for field in crate::catalogue::fields() {
            for name in field.also.iter().chain([&field.name]) {
                assert!(!matches!(Field::of(name), Field::Unknown | Field::Missing), "{name}");
            }
        }
        assert_eq!(Field::of("telepathy"), Field::Unknown);
    }
}
