//! What Waypost does: receives, keeps, delivers, and answers for it.
//!
//! ```text
//! receive ─▶ cut ─▶ route ─▶ commit ─▶ 200 ─▶ deliver
//! ```
//!
//! This crate reads no environment, no arguments and no files, and prints nothing: [`Settings`] come in, tasks run until
//! they are told to stop.

pub mod endpoint;
pub mod secret;
pub mod settings;
pub mod sign;

pub use settings::Settings;
