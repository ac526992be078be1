//! Deliveries: claimed, tried, judged, settled.
//!
//! The dispatcher claims what is due and starts attempts, each a task of its own under a cap; what came of them goes to
//! the settler, which writes in batches. No transaction and no lock is held across a request. Between commit and claim
//! lies only the store: its bell is a shortcut, polling is the truth.

mod answer;
mod attempt;
mod breakers;
mod client;
mod connect;
mod dispatcher;
mod encode;
mod form;
mod guard;
mod link;
mod request;
mod settler;
#[cfg(test)]
mod simulation;
mod timed;
mod turning;
mod verdict;

pub use client::{Client, SendError};
pub use dispatcher::{Sender, run};
pub use guard::{Guard, Refused};
pub use link::Link;
pub use timed::TooSlow;
