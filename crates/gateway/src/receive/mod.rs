//! The listener that Meta reaches: plain HTTP/1.1, bounded in every direction.
//!
//! The handshake answers from memory. A notification is read under a time limit and a bound on the bytes of all bodies
//! together, verified over its raw bytes, cut, routed and committed; only then comes the 200.

mod answer;
mod apps;
mod body;
mod handshake;
mod listener;
mod notification;
mod refused;

pub use answer::Refusal;
pub use apps::{App, Apps};
pub use listener::{Receiver, serve};
pub use refused::{RefusedBodies, RefusedBody};
