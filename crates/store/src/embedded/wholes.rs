//! Notifications that an endpoint is owed as a whole: one delivery, made with the first of their events that is new.

use super::news::NewlyKept;
use crate::record::{EndpointNo, NewNotification};

/// The endpoints to which a new event's delivery is that of its whole notification.
pub(super) fn of<'n>(notification: &'n NewNotification, kept: &NewlyKept) -> &'n [EndpointNo] {
    if kept.is_first { &notification.whole_to } else { &[] }
}

/// Whether an endpoint that a new event names is owed a delivery with it.
pub(super) fn owes(notification: &NewNotification, kept: &NewlyKept, endpoint: EndpointNo) -> bool {
    kept.is_first || !notification.whole_to.contains(&endpoint)
}

/// As the column has it; None for none.
pub(super) fn to_text(endpoints: &[EndpointNo]) -> Option<String> {
    let numbers: Vec<String> = endpoints.iter().map(|endpoint| endpoint.0.to_string()).collect();
    (!numbers.is_empty()).then(|| numbers.join(","))
}

/// From the column.
pub(super) fn from_text(text: Option<&str>) -> Vec<EndpointNo> {
    text.into_iter().flat_map(|text| text.split(',')).filter_map(|number| number.parse().ok().map(EndpointNo)).collect()
}
