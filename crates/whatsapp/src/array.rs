//! The arrays of a change's value whose elements are events of their own.

use crate::field::Field;

/// An array of elements, in the order in which we give their events. The order is ours, not the body's: the order of an
/// object's members carries no meaning, and positions must not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Array {
    Messages,
    MessageEchoes,
    Statuses,
    Calls,
    UserActions,
    Groups,
    StateSync,
    History,
    UserPreferences,
    UserIdUpdate,
    AutomaticEvents,
    TrackingEvents,
    StandbyMessages,
    StandbyEchoes,
    StandbyStatuses,
    Errors,
}

impl Array {
    pub(crate) const ALL: [Self; 16] = [
        Self::Messages,
        Self::MessageEchoes,
        Self::Statuses,
        Self::Calls,
        Self::UserActions,
        Self::Groups,
        Self::StateSync,
        Self::History,
        Self::UserPreferences,
        Self::UserIdUpdate,
        Self::AutomaticEvents,
        Self::TrackingEvents,
        Self::StandbyMessages,
        Self::StandbyEchoes,
        Self::StandbyStatuses,
        Self::Errors,
    ];

    /// The member's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Messages | Self::StandbyMessages => "messages",
            Self::MessageEchoes | Self::StandbyEchoes => "message_echoes",
            Self::Statuses | Self::StandbyStatuses => "statuses",
            Self::Calls => "calls",
            Self::UserActions => "user_actions",
            Self::Groups => "groups",
            Self::StateSync => "state_sync",
            Self::History => "history",
            Self::UserPreferences => "user_preferences",
            Self::UserIdUpdate => "user_id_update",
            Self::AutomaticEvents => "automatic_events",
            Self::TrackingEvents => "events",
            Self::Errors => "errors",
        }
    }

    /// The array of this name.
    pub(crate) fn named(name: &str, in_standby: bool) -> Option<Self> {
        Some(match (name, in_standby) {
            ("messages", false) => Self::Messages,
            ("message_echoes", false) => Self::MessageEchoes,
            ("statuses", false) => Self::Statuses,
            ("calls", false) => Self::Calls,
            ("user_actions", false) => Self::UserActions,
            ("groups", false) => Self::Groups,
            ("state_sync", false) => Self::StateSync,
            ("history", false) => Self::History,
            ("user_preferences", false) => Self::UserPreferences,
            ("user_id_update", false) => Self::UserIdUpdate,
            ("automatic_events", false) => Self::AutomaticEvents,
            ("events", false) => Self::TrackingEvents,
            ("messages", true) => Self::StandbyMessages,
            ("message_echoes", true) => Self::StandbyEchoes,
            ("statuses", true) => Self::StandbyStatuses,
            ("errors", false) => Self::Errors,
            _ => return None,
        })
    }

    /// True for arrays that sit one level deeper, under `standby`.
    pub(crate) fn in_standby(self) -> bool {
        matches!(self, Self::StandbyMessages | Self::StandbyEchoes | Self::StandbyStatuses)
    }

    /// The word that an event's type starts with: the field's own name where the array belongs to the field or the field
    /// is new to us, else the name of the field that the array belongs to.
    pub(crate) fn base<'s>(self, field: &Field, sent: &'s str) -> &'s str {
        let home = self.home(field);
        let own_name = *field == Field::Unknown || (*field == Field::Groups && self == Self::Groups);
        if own_name { sent } else { home }
    }

    fn home(self, field: &Field) -> &'static str {
        match self {
            Self::Messages | Self::MessageEchoes if *field == Field::SmbMessageEchoes => "smb_message_echoes",
            Self::Messages if *field == Field::MessageEchoes => "message_echoes",
            Self::Messages | Self::MessageEchoes if *field == Field::History => "history",
            Self::Statuses | Self::Errors if *field == Field::Calls => "calls",
            Self::Messages | Self::Statuses | Self::UserActions | Self::Errors => "messages",
            Self::MessageEchoes => "message_echoes",
            Self::Calls => "calls",
            Self::Groups => "groups",
            Self::StateSync => "smb_app_state_sync",
            Self::History => "history",
            Self::UserPreferences => "user_preferences",
            Self::UserIdUpdate => "user_id_update",
            Self::AutomaticEvents => "automatic_events",
            Self::TrackingEvents => "tracking_events",
            Self::StandbyMessages | Self::StandbyEchoes | Self::StandbyStatuses => "standby",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_array_is_found_by_its_name() {
        for array in Array::ALL {
            assert_eq!(Array::named(array.name(), array.in_standby()), Some(array));
        }
        assert_eq!(Array::named("errors", true), None);
    }
}
