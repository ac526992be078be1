//! What goes to the other process and comes back, as JSON. A value that the other cannot read is a broken test, and panics.

use std::ops::Range;
use std::sync::Arc;

use rules::delivery::{DeliveryState, EndReason, FailureClass};
use rules::identity::{EventId, NotificationId};
use rules::lane::Names;
use serde_json::{Map, Value, json};

use crate::record::{
    AttemptRecord, Claim, Claims, Committed, DeliveryNo, EndpointNo, EventOutcome, LaneName, NewConversation, NewEvent,
    NewNotification, NumberEntry, Retention, Settlement,
};
use crate::replay::{ReplayMark, ReplayNo};

/// Something that both processes know.
pub(super) trait Wire: Sized {
    fn to(&self) -> Value;
    fn of(value: &Value) -> Self;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Wire for $number {
            fn to(&self) -> Value {
                json!(*self)
            }

            fn of(value: &Value) -> Self {
                let number = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
                <$number>::try_from(number.unwrap()).unwrap()
            }
        }
    )*};
}
numbers!(i64, u64, u32, u16, u8, usize);

macro_rules! structs {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl Wire for $name {
            fn to(&self) -> Value {
                Value::Object(Map::from_iter([$((stringify!($field).to_owned(), self.$field.to())),*]))
            }

            fn of(value: &Value) -> Self {
                Self { $($field: Wire::of(&value[stringify!($field)])),* }
            }
        }
    )*};
}
structs! {
    NewNotification {
        id, app, scope, received_at_ms, body, signature, secret_index, routes_version, events, numbers, whole_to,
    }
    NewEvent {
        id, key, key_partition, event_type, field, entry_id, waba_id, business_id, phone_number_id, display_phone_number,
        wa_id, user_id, parent_user_id, message_id, lane, occurred_at_seconds, test, problems_json, data_range,
        data_is_json, position, owed_to,
    }
    NewConversation { number, names, previous }
    Names { phone, user_id, parent_user_id }
    NumberEntry { app, display_digits, phone_number_id, waba_id }
    Committed { id, events }
    Claims { claims, next_due_at_ms }
    Claim {
        delivery, fence, endpoint, event, attempts, uncounted, first_attempt_at_ms, stood_still_ms, endpoint_stood_ms, probe,
        late, replay,
    }
    ReplayMark { replay, as_new }
    Settlement { claim, state, due_at_ms, lane_held_until_ms, endpoint_down, endpoint_held_until_ms, attempt }
    AttemptRecord { number, started_at_ms, duration_ms, http_status, failure, error, response_snippet }
    Retention { body_days, metadata_days, key_days, store_bytes_max }
}

macro_rules! wrapped {
    ($($name:ident),*) => {$(
        impl Wire for $name {
            fn to(&self) -> Value {
                self.0.to()
            }

            fn of(value: &Value) -> Self {
                Self(Wire::of(value))
            }
        }
    )*};
}
wrapped!(EndpointNo, DeliveryNo, ReplayNo);

macro_rules! ids {
    ($($name:ident),*) => {$(
        impl Wire for $name {
            fn to(&self) -> Value {
                self.as_bytes().to_vec().to()
            }

            fn of(value: &Value) -> Self {
                Self::from_bytes(Vec::of(value).try_into().unwrap())
            }
        }
    )*};
}
ids!(EventId, NotificationId);

impl Wire for bool {
    fn to(&self) -> Value {
        Value::Bool(*self)
    }

    fn of(value: &Value) -> Self {
        value.as_bool().unwrap()
    }
}

impl Wire for String {
    fn to(&self) -> Value {
        Value::String(self.clone())
    }

    fn of(value: &Value) -> Self {
        value.as_str().unwrap().to_owned()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn to(&self) -> Value {
        self.as_ref().map_or(Value::Null, Wire::to)
    }

    fn of(value: &Value) -> Self {
        (!value.is_null()).then(|| T::of(value))
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn to(&self) -> Value {
        self.iter().map(Wire::to).collect()
    }

    fn of(value: &Value) -> Self {
        value.as_array().unwrap().iter().map(T::of).collect()
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn to(&self) -> Value {
        json!([self.0.to(), self.1.to()])
    }

    fn of(value: &Value) -> Self {
        (A::of(&value[0]), B::of(&value[1]))
    }
}

impl Wire for Arc<[u8]> {
    fn to(&self) -> Value {
        self.to_vec().to()
    }

    fn of(value: &Value) -> Self {
        Vec::of(value).into()
    }
}

impl Wire for Range<usize> {
    fn to(&self) -> Value {
        (self.start, self.end).to()
    }

    fn of(value: &Value) -> Self {
        let (start, end) = Wire::of(value);
        start..end
    }
}

impl Wire for LaneName {
    fn to(&self) -> Value {
        match self {
            Self::Named(name) => name.to(),
            Self::Conversation(conversation) => conversation.to(),
        }
    }

    fn of(value: &Value) -> Self {
        if value.is_string() { Self::Named(Wire::of(value)) } else { Self::Conversation(Wire::of(value)) }
    }
}

impl Wire for EventOutcome {
    fn to(&self) -> Value {
        format!("{self:?}").to()
    }

    fn of(value: &Value) -> Self {
        let all = [Self::New, Self::Duplicate, Self::Conflicting];
        all.into_iter().find(|outcome| outcome.to() == *value).unwrap()
    }
}

impl Wire for FailureClass {
    fn to(&self) -> Value {
        self.as_str().to_owned().to()
    }

    fn of(value: &Value) -> Self {
        value.as_str().unwrap().parse().unwrap()
    }
}

impl Wire for DeliveryState {
    fn to(&self) -> Value {
        let (word, reason) = match self {
            Self::Owed => ("owed", None),
            Self::Accepted => ("accepted", None),
            Self::Dead(reason) => ("dead", Some(reason)),
            Self::Skipped(reason) => ("skipped", Some(reason)),
        };
        (word.to_owned(), reason.map(|reason| reason.as_str().to_owned())).to()
    }

    fn of(value: &Value) -> Self {
        let (word, reason): (String, Option<String>) = Wire::of(value);
        let reason = || reason.as_deref().unwrap().parse::<EndReason>().unwrap();
        match word.as_str() {
            "owed" => Self::Owed,
            "accepted" => Self::Accepted,
            "dead" => Self::Dead(reason()),
            _ => Self::Skipped(reason()),
        }
    }
}
