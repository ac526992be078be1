//! Flows.

use crate::outline::declare::{object, words};

words! {
    /// What happened to a Flow.
    tag FlowEvent {
        StatusChange "FLOW_STATUS_CHANGE", ClientErrorRate "CLIENT_ERROR_RATE",
        EndpointErrorRate "ENDPOINT_ERROR_RATE", EndpointLatency "ENDPOINT_LATENCY",
        EndpointAvailability "ENDPOINT_AVAILABILITY", VersionExpiryWarning "FLOW_VERSION_EXPIRY_WARNING",
    }
}

words! {
    /// The state of a Flow.
    FlowStatus {
        Draft "DRAFT", Published "PUBLISHED", Deprecated "DEPRECATED", Blocked "BLOCKED", Throttled "THROTTLED",
    }
}

words! {
    /// Whether a threshold was crossed or left again.
    AlertState { Activated "ACTIVATED", Deactivated "DEACTIVATED" }
}

object! {
    /// A Flow changed its state, or its errors, latency or availability crossed a threshold.
    FlowUpdate {
        /// What happened.
        event: always words(FlowEvent);
        /// The same as an English sentence.
        message: maybe Prose;
        /// The Flow.
        flow_id: always Digits;
        /// The state before; absent when it was made.
        old_status: maybe words(FlowStatus);
        /// The state now.
        new_status: maybe words(FlowStatus);
        /// What to mind, as an English sentence.
        warning: maybe Prose;
        /// Whether the threshold was crossed or left again.
        alert_state: maybe words(AlertState);
        /// Per cent or milliseconds, by event.
        threshold: maybe integer;
        /// Per cent of the requests.
        error_rate: maybe number;
        /// The errors by type.
        errors: maybe list(FlowError);
        /// Milliseconds.
        p50_latency: maybe integer;
        /// Milliseconds.
        p90_latency: maybe integer;
        /// How many requests there were.
        requests_count: maybe integer;
        /// Per cent of the time.
        availability: maybe number;
        /// Why it was blocked: seen in a relay's guide only.
        reason: maybe Prose;
    }
    by "event" {
        "FLOW_STATUS_CHANGE" needs ["new_status"] may ["old_status", "warning", "reason"];
        "CLIENT_ERROR_RATE" needs ["alert_state", "threshold", "error_rate"] may ["errors"];
        "ENDPOINT_ERROR_RATE" needs ["alert_state", "threshold", "error_rate"] may ["errors"];
        "ENDPOINT_LATENCY" needs ["alert_state", "threshold"] may ["p50_latency", "p90_latency", "requests_count"];
        "ENDPOINT_AVAILABILITY" needs ["alert_state", "threshold"] may ["availability"];
        "FLOW_VERSION_EXPIRY_WARNING" needs ["warning"];
    }
}

object! {
    /// The errors of one type.
    FlowError {
        /// The type: an open list.
        error_type: always Token;
        /// Per cent of all errors.
        error_rate: maybe number;
        /// How many.
        error_count: maybe integer;
    }
}
