//! Calls.

use super::{Elements, Family, Field, MANAGEMENT, Override, page};

pub(super) const CALLS: Field = Field {
    name: "calls",
    callback_override: Override::Applies,
    meaning: "calls of users and to users: offered, answered, ended, recorded",
    page: page!("calling/reference"),
    doubts: &[
        "Errors are events only where no call is in the value; else they explain that call.",
        "How long Meta retries: shorter than for messages, no figure is published.",
    ],
    elements: &[
        Elements::stamped(
            "calls",
            Family::Call,
            &[
                "calls.call_created",
                "calls.call_recording_available",
                "calls.call_transcription_available",
                "calls.connect",
                "calls.terminate",
            ],
        ),
        Elements::stamped(
            "statuses",
            Family::CallStatus,
            &["calls.status.accepted", "calls.status.rejected", "calls.status.ringing"],
        ),
        Elements::timeless("errors", Family::Error, &["calls.error"]),
    ],
    ..MANAGEMENT
};
