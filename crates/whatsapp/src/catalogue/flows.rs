//! Flows.

use super::{Elements, Family, Field, MANAGEMENT, TimeSource};

pub(super) const FLOWS: Field = Field {
    name: "flows",
    meaning: "a Flow changed its state, or its errors, latency or availability crossed a threshold",
    page: Some("https://developers.facebook.com/docs/whatsapp/flows/reference/flowswebhooks"),
    doubts: &["Permission: the Flows page tells partners that they need whatsapp_business_messaging."],
    elements: &[Elements::whole(
        TimeSource::Entry,
        Family::FlowUpdate,
        &[
            "flows.client_error_rate",
            "flows.endpoint_availability",
            "flows.endpoint_error_rate",
            "flows.endpoint_latency",
            "flows.flow_status_change",
            "flows.flow_version_expiry_warning",
        ],
    )],
    ..MANAGEMENT
};
