//! What Waypost does: receives, keeps, delivers, and answers for it.
//!
//! ```text
//! receive ─▶ cut ─▶ route ─▶ commit ─▶ 200 ─▶ deliver
//! ```
//!
//! This crate reads no environment, no arguments and no files, and prints nothing: [`Settings`] come in, tasks run until
//! they are told to stop.

pub mod admin;
mod alarm;
mod chance;
pub mod clock;
pub mod cut;
pub mod deliver;
pub mod endpoint;
pub mod endpoints;
pub mod event_json;
mod hand;
pub mod metrics;
mod operator;
pub mod receive;
mod replays;
pub mod routing;
mod running;
pub mod secret;
pub mod settings;
pub mod sign;
mod upkeep;

pub use operator::FIELD as OPERATOR_FIELD;
pub use running::{Parts, Running, StartError, start};
pub use settings::Settings;

/// An error and everything under it, on one line, for the log.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
