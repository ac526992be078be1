//! The values of changes, which hold elements of several kinds and what these share.

use crate::outline::declare::object;
use crate::typed::{
    AutomaticEvent, Call, ConversationContext, Echo, Error, GroupEvent, History, Message, Metadata, Profile,
    StandbyEcho, StateSync, Status, TrackingEvent, UserAction, UserIdUpdate, UserPreference,
};

object! {
    /// The value of `messages`.
    MessagesValue {
        /// `whatsapp`
        messaging_product: always Token;
        /// The business number.
        metadata: always object(Metadata);
        /// People whom the elements name.
        contacts: maybe list(Profile);
        /// What people wrote.
        messages: maybe list(Message);
        /// What became of messages of the business. Payments stand here too: see `PaymentStatus`.
        statuses: maybe list(Status);
        /// Clicks.
        user_actions: maybe list(UserAction);
        /// What went wrong with the number as a whole.
        errors: maybe list(Error);
        /// What was said before this app got the conversation.
        conversation_context: maybe object(ConversationContext);
    }
}

object! {
    /// The value of `message_echoes` and `smb_message_echoes`.
    EchoesValue {
        /// `whatsapp`
        messaging_product: always Token;
        /// The business number.
        metadata: always object(Metadata);
        /// People whom the elements name.
        contacts: maybe list(Profile);
        /// Messages of the business.
        message_echoes: maybe list(Echo);
        /// The same under another name, seen in captures.
        messages: maybe list(Echo);
    }
}

object! {
    /// The value of `smb_app_state_sync`.
    StateSyncValue {
        /// `whatsapp`
        messaging_product: always Token;
        /// The business number.
        metadata: always object(Metadata);
        /// Contacts that changed.
        state_sync: maybe list(StateSync);
    }
}

object! {
    /// The value of `history`.
    HistoryValue {
        /// `whatsapp`
        messaging_product: always Token;
        /// The business number.
        metadata: always object(Metadata);
        /// People whom the elements name.
        contacts: maybe list(Profile);
        /// Chunks of the past.
        history: maybe list(History);
        /// The content of a placeholder, from the user.
        messages: maybe list(Message);
        /// The content of a placeholder, from the business.
        message_echoes: maybe list(Echo);
    }
}

object! {
    /// The value of `calls`.
    CallsValue {
        /// `whatsapp`
        messaging_product: always Token;
        /// The business number.
        metadata: always object(Metadata);
        /// People whom the elements name.
        contacts: maybe list(Profile);
        /// Events of calls.
        calls: maybe list(Call);
        /// How far calls of the business have got: see `CallStatus`.
        statuses: maybe any("elements of their own: see CallStatus");
        /// Why a call failed.
        errors: maybe list(Error);
    }
}

object! {
    /// The value of the four fields on groups.
    GroupsValue {
        /// `whatsapp`
        messaging_product: always Token;
        /// The business number.
        metadata: always object(Metadata);
        /// What happened to groups.
        groups: maybe list(GroupEvent);
    }
}

object! {
    /// The value of `standby`.
    StandbyValue {
        /// `whatsapp`
        messaging_product: always Token;
        /// The business number.
        metadata: always object(Metadata);
        /// What another app received and sent.
        standby: always object(Standby);
    }
}

object! {
    /// What another app received and sent.
    Standby {
        /// People whom the elements name.
        contacts: maybe list(Profile);
        /// What people wrote.
        messages: maybe list(Message);
        /// What the other app sent.
        message_echoes: maybe list(StandbyEcho);
        /// What became of it.
        statuses: maybe list(Status);
    }
}

object! {
    /// The value of `user_preferences`.
    UserPreferencesValue {
        /// `whatsapp`
        messaging_product: always Token;
        /// The business number.
        metadata: always object(Metadata);
        /// People whom the elements name.
        contacts: maybe list(Profile);
        /// What users decided.
        user_preferences: maybe list(UserPreference);
    }
}

object! {
    /// The value of `user_id_update`.
    UserIdUpdateValue {
        /// `whatsapp`
        messaging_product: always Token;
        /// The business number.
        metadata: always object(Metadata);
        /// People whom the elements name.
        contacts: maybe list(Profile);
        /// Changed ids.
        user_id_update: maybe list(UserIdUpdate);
    }
}

object! {
    /// The value of `automatic_events`.
    AutomaticEventsValue {
        /// `whatsapp`
        messaging_product: always Token;
        /// The business number.
        metadata: always object(Metadata);
        /// Leads and purchases.
        automatic_events: maybe list(AutomaticEvent);
    }
}

object! {
    /// The value of `tracking_events`.
    TrackingEventsValue {
        /// `whatsapp`
        messaging_product: always Token;
        /// The business number.
        metadata: always object(Metadata);
        /// Tracked events.
        events: maybe list(TrackingEvent);
    }
}
