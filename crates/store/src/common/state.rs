//! The states of deliveries as both engines keep them: a number, and a reason beside it.

use rules::delivery::{DeliveryState, EndReason};

/// A state as kept.
pub(crate) const fn state_number(state: DeliveryState) -> i16 {
    match state {
        DeliveryState::Owed => 0,
        DeliveryState::Accepted => 1,
        DeliveryState::Dead(_) => 2,
        DeliveryState::Skipped(_) => 3,
    }
}

/// The state with this number. A reason of a newer version reads as given up.
pub(crate) fn state_of(number: i16, reason: Option<&str>) -> DeliveryState {
    let reason = || reason.and_then(|word| word.parse().ok()).unwrap_or(EndReason::GivenUp);
    match number {
        0 => DeliveryState::Owed,
        1 => DeliveryState::Accepted,
        2 => DeliveryState::Dead(reason()),
        _ => DeliveryState::Skipped(reason()),
    }
}
